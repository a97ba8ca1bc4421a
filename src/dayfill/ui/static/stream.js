// One live stream for all pages of a browser, which allows a server but six connections: a shared worker holds it, and
// asks for what the visible pages show. Where there is no shared worker each page holds one of its own.

const SILENCE = 10_000, SOONEST = 500, LATEST = 5_000;
const ENDED = [401, 403]; // the session: pages look for themselves

/** page: {post(message)} with the topics that it shows. */
export class Stream {
  constructor() {
    this.pages = new Map(); // page → Set of topics
    this.seen = new Map(); // topic → id of its last event
    this.asked = "";
    this.delay = SOONEST;
  }

  /** A page shows these topics; none while it is hidden. It is told all of each, as it may know less than others do. */
  show(page, topics) {
    const before = this.pages.get(page) ?? new Set();
    for (const topic of topics) if (!before.has(topic)) this.seen.delete(topic);
    const isNew = topics.some((topic) => !before.has(topic));
    this.pages.set(page, new Set(topics));
    if (isNew || this.wanted().join() !== this.asked) this.soon(0);
  }

  leave(page) {
    this.show(page, []);
    this.pages.delete(page);
  }

  wanted() {
    return [...new Set([...this.pages.values()].flatMap((topics) => [...topics]))].sort();
  }

  tell(topic, message) {
    for (const [page, topics] of this.pages) if (topic ? topics.has(topic) : topics.size) page.post(message);
  }

  soon(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), delay);
  }

  async open() {
    this.stop?.abort();
    const topics = this.wanted(), stop = (this.stop = new AbortController());
    this.asked = topics.join();
    for (const topic of this.seen.keys()) if (!topics.includes(topic)) this.seen.delete(topic);
    if (!topics.length) return;
    const names = topics.map((topic) => (this.seen.has(topic) ? `${topic}.${this.seen.get(topic)}` : topic));
    let status = 0;
    try {
      this.listen(stop);
      const answer = await fetch(`/events/${names.join(",")}`, { signal: stop.signal, redirect: "manual", headers: { Accept: "text/event-stream" } });
      status = answer.type === "opaqueredirect" ? 401 : answer.status;
      if (status === 200) await this.read(answer.body, stop);
    } catch {
      // Aborted, or the server does not answer.
    }
    clearTimeout(stop.silence);
    if (stop !== this.stop) return;
    this.tell(null, { name: ENDED.includes(status) ? "ended" : "lost", status });
    this.soon(this.delay * (0.75 + Math.random() / 2));
    this.delay = Math.min(this.delay * 2, LATEST);
  }

  /** A connection can die without a word: the stream beats each second. */
  listen(stop) {
    clearTimeout(stop.silence);
    stop.silence = setTimeout(() => stop.abort(), SILENCE);
  }

  async read(body, stop) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done || stop.signal.aborted) return;
      this.listen(stop);
      this.delay = SOONEST;
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events) this.hear(Object.fromEntries(event.split("\n").map((line) => /^(\w+): ?(.*)$/.exec(line)?.slice(1) ?? [])));
    }
  }

  hear({ id, event, data }) {
    const told = JSON.parse(data ?? "{}");
    const topic = event === "beat" ? null : event === "team" ? "team" : String(told.t);
    if (id) this.seen.set(topic, id);
    this.tell(topic, { name: event, ...told });
    if (event === "gone") for (const topics of this.pages.values()) topics.delete(topic);
  }
}

if (typeof SharedWorkerGlobalScope !== "undefined") {
  const stream = new Stream();
  addEventListener("connect", ({ ports: [port] }) => {
    const page = { post: (message) => port.postMessage(message) };
    port.onmessage = ({ data }) => (data ? stream.show(page, data) : stream.leave(page));
    port.onclose = () => stream.leave(page); // a tab that crashed says nothing
  });
}
