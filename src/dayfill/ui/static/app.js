// What every page does in the browser: theme, clock times in the reader's zone, short words about what was done.
// Pages work without it; they are then in UTC and reload where they would move.

const root = document.documentElement;

export function toast(text, kind = "") {
  const place = document.getElementById("toasts");
  if (!place || !text) return;
  const made = document.createElement("div");
  made.className = "toast";
  if (kind) made.dataset.kind = kind;
  made.textContent = text;
  place.append(made);
}

// state: "live" or "lost". since: a Date, when it was last heard of.
function live(state, since) {
  const dot = document.getElementById("live");
  if (!dot) return;
  const text = state === "live" ? "live" : `reconnecting, as it was at ${clock.format(since)}`;
  dot.hidden = false;
  document.body.classList.toggle("is-old", state === "lost");
  if (dot.dataset.state === state && dot.textContent === text) return;
  dot.dataset.state = state;
  dot.textContent = text;
  dot.title = state === "live" ? "What you see is as it is now" : "The server does not answer; what you see is as it was then.";
}

/** What stops this page, in one sentence that stays, and the way on. */
function notice(text, word = "", address = "") {
  if (document.getElementById("notice")?.dataset.text === text) return;
  document.getElementById("notice")?.remove();
  const made = Object.assign(document.createElement("p"), { id: "notice", className: "message", role: "alert" });
  made.dataset.text = text;
  made.append(text);
  if (word) made.append(" ", Object.assign(document.createElement("a"), { href: address, textContent: word }));
  document.getElementById("main").prepend(made);
}
const signedOut = () =>
  notice("Your session has ended: nothing more is read or done here.", "Sign in, and come back", `/sign-in?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`);
// Loaded again, the page says that what it shows has been deleted.
const isGone = () => location.reload();

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
// Swedish writes 2024-06-15 12:06, as data dates are written; the zone is the reader's.
const moment = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });

export function localise(within = document) {
  for (const element of within.querySelectorAll("time[data-clock]")) {
    const at = new Date(element.dateTime);
    if (!Number.isNaN(at.getTime())) element.textContent = moment.format(at);
    delete element.dataset.clock;
  }
}

function widths(within = document) {
  // A width that comes from a number is set here: style attributes are forbidden to pages.
  for (const element of within.querySelectorAll("[data-share]")) element.style.flexGrow = element.dataset.share;
}

export function refresh(within = document) {
  localise(within);
  widths(within);
}

function turnTheme() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `dayfill-theme=${root.dataset.theme}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  root.dispatchEvent(new CustomEvent("theme", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-switch]")) turnTheme();
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  const copier = event.target.closest("[data-copy]");
  if (copier) navigator.clipboard.writeText(copier.dataset.copy).then(() => toast("Copied."));
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  if (event.target.matches("select")) openChosen();
});
/** The fields of what is chosen are there, those of the others are not. */
export function openChosen() {
  for (const fields of document.querySelectorAll("[data-of]")) {
    const isChosen = fields.dataset.choice.split(" ").includes(document.getElementById(fields.dataset.of).value);
    if (fields.hidden === isChosen) fields.open = isChosen;
    fields.hidden = !isChosen;
  }
}
// Every number is named before the click: how many transfers are marked.
function countMarked() {
  const bulk = document.getElementById("bulk"), count = document.querySelectorAll('[form="bulk"]:checked').length;
  if (!bulk) return;
  bulk.querySelector("[data-marked]").textContent = count ? `${count} marked:` : "Mark transfers to act on several at once.";
  bulk.classList.toggle("has-none", !count);
}
document.addEventListener("change", countMarked);
countMarked();
// A form that leads to another page is sent only if the server answers: else what was typed would be gone with this one.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.dataset.sending) return;
  event.preventDefault();
  try {
    await fetch(document.querySelector('link[rel="stylesheet"]').href, { method: "HEAD", cache: "no-store" });
  } catch {
    return toast("The server does not answer. Nothing was done; try again.", "bad");
  }
  form.dataset.sending = "1";
  form.requestSubmit(event.submitter);
  delete form.dataset.sending;
});
document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("[data-search]");
    event.preventDefault();
    if (search) search.focus();
    else if (document.querySelector('.top a[href="/transfers"]')) location.href = "/transfers#search";
  }
});
// A word goes by itself, or by a click; one that tells of a fault stays longer.
const toasts = document.getElementById("toasts");
new MutationObserver((changes) => {
  for (const made of changes.flatMap((change) => [...change.addedNodes]))
    setTimeout(() => made.remove(), made.dataset?.kind === "bad" ? 20_000 : 6_000);
}).observe(toasts, { childList: true });
toasts.addEventListener("click", (event) => event.target.closest(".toast")?.remove());

// What a form has done: the server says it in a header. A page that shows it stays, any other gives way to one that does.
document.addEventListener("done", ({ detail }) => {
  if (!moving && !parts) location.href = `${detail.path}?toast=${encodeURIComponent(detail.text)}`;
  else toast(detail.text);
  readSoon(0);
});
// A question to a source or a destination takes its time: that it was asked is said where its answer will be. What is typed
// meanwhile is not overwritten by that answer, which would be about something else.
document.addEventListener("htmx:before:request", ({ target }) => {
  if (target.dataset?.answer) show(document.querySelector(target.dataset.answer), "Asked; the answer takes some seconds.");
});
document.addEventListener("input", ({ target }) => {
  const asking = target.closest("fieldset")?.querySelector("[data-answer].htmx-request");
  if (!asking) return;
  asking.dispatchEvent(new Event("htmx:abort"));
  show(document.querySelector(asking.dataset.answer), "Changed before the answer came: ask again.");
});
document.addEventListener("htmx:error", () => toast("The server does not answer. Nothing was done; try again.", "bad"));

// -- parts that the server renders: read again when something has changed, but not so often that it is busy with it; a
// server that is busy anyway is asked again all the same, or what somebody did would not be seen

const SOON = 1000, REST = 20, LONGEST_REST = 4000;
const moving = document.querySelector("[data-live]"), parts = document.querySelector("[data-parts]");
let due = Infinity, timer = 0, ended = -Infinity, took = 0, isReading = false, isOld = false;

export function readSoon(after = SOON) {
  isOld = isReading; // what is on its way may have been read before the change
  const at = Math.max(performance.now(), ended + Math.max(after, Math.min(REST * took, LONGEST_REST)));
  if (isReading || !(moving || parts) || at >= due) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(async () => {
    const begun = performance.now();
    isReading = true;
    if (!document.hidden) await read();
    isReading = false;
    due = Infinity;
    ended = performance.now();
    took = ended - begun;
    if (isOld) readSoon();
  }, at - performance.now());
}

async function read() {
  if (moving?.contains(document.activeElement) && document.activeElement.matches("select, input:not([type=checkbox])")) return;
  try {
    const answer = await fetch(parts?.dataset.parts ?? location.href, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
    if (answer.status === 401) return signedOut();
    if (answer.status === 404) return isGone();
    if (answer.ok) await put(await answer.text());
  } catch {
    // The server does not answer: the stream says so, and all is read again when it is back.
  }
}

async function put(text) {
  if (!moving) return htmx.swap({ text, target: document.body, sourceElement: document.body, swap: "none" });
  if (text === moving.was) return;
  moving.was = text;
  await htmx.swap({ text, target: moving, sourceElement: moving, swap: "innerMorph" });
  refresh(moving);
  const title = moving.querySelector("[data-page-title]");
  if (title) document.title = title.dataset.pageTitle;
}

// -- the stream: numbers of backfills on any page; a page with more to move listens to the event "told"

const number = new Intl.NumberFormat("en-US");
const rounded = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
export const show = (node, text) => {
  if (node && node.textContent !== text) node.textContent = text;
};
const isActive = (one) => ["CREATED", "SCHEDULED", "RUNNING"].includes(one.status.replace("+", ""));
let backfills = [];

/** A backfill as the stream tells it, in each place that shows it. */
function progress(one) {
  for (const card of document.querySelectorAll(`[data-backfill="${one.id}"]`)) {
    const part = (name, text) => show(card.querySelector(`[data-is="${name}"]`), text);
    for (const name of ["done", "failed", "running", "queued", "rows"]) part(name, number.format(one[name]));
    part("pct", rounded.format(one.pct));
    part("eta", isActive(one) && card.dataset.waits || one.eta);
    part("rate", one.rate && isActive(one) && !one.status.endsWith("+") ? ` at ${one.rate < 10 ? one.rate : number.format(Math.round(one.rate))} days/min` : "");
    const bar = card.querySelector(".progress"), pieces = [one.done, one.failed, one.running, one.queued];
    [...bar.children].forEach((piece, index) => (piece.style.flexGrow = pieces[index]));
    bar.setAttribute("aria-valuenow", one.pct);
    bar.setAttribute("aria-valuetext", `${one.pct} %: ${one.done} loaded, ${one.failed} failed, ${one.running + one.queued} left`);
  }
}

/** The percent stands first in the title: a row of tabs is then a row of progress bars. */
function entitle(told) {
  const only = document.querySelector("[data-titled]")?.dataset.titled;
  const active = told.filter((one) => isActive(one) && (!only || String(one.id) === only));
  const sum = (count) => active.reduce((all, one) => all + count(one), 0);
  const percent = active.length ? `${Math.floor((100 * sum((one) => one.done + one.failed)) / sum((one) => one.total))}% · ` : "";
  document.title = percent + document.title.replace(/^[\d.]+% · /, "");
}

const topics = document.body.dataset.topics?.split(" ") ?? [], own = topics.find((topic) => topic !== "team");
let heard = new Date();
function hear({ data: told }) {
  if (told.name === "ended") return signedOut();
  if (told.name === "lost") {
    if (told.status === 503) notice("Too many pages of yours are open at once for this one to be live. Close some, then load it again.", "Load it again", location.href);
    if (told.status === 429) notice("Too many requests have come from your address. This page goes on by itself when there may be more.");
    return live("lost", heard);
  }
  document.getElementById("notice")?.remove();
  heard = new Date();
  live("live", heard);
  if (told.name === "gone") return isGone();
  if (told.name === "team") {
    const badge = document.getElementById("badge"), count = told.b.filter(isActive).length;
    if (badge) badge.hidden = !count;
    show(badge, String(count));
    if (moving && !own) readSoon(); // a page that hears of one transfer knows better
  }
  if (told.b && (told.name !== "team" || !own)) {
    backfills = told.b;
    backfills.forEach(progress);
    entitle(backfills);
  }
  document.dispatchEvent(new CustomEvent("told", { detail: told }));
}

async function listen() {
  let post;
  if (typeof SharedWorker === "function") {
    const { port } = new SharedWorker(new URL("stream.js", import.meta.url), { type: "module" });
    port.onmessage = hear;
    post = (message) => port.postMessage(message);
  } else {
    const { Stream } = await import("./stream.js");
    const stream = new Stream(), page = { post: (data) => hear({ data }) };
    post = (wanted) => (wanted ? stream.show(page, wanted) : stream.leave(page));
  }
  const turn = () => {
    heard = new Date();
    post(document.hidden ? [] : topics);
  };
  turn();
  document.addEventListener("visibilitychange", turn);
  addEventListener("pagehide", () => post(null));
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  // It beats each second: what has not been heard of for two is old, whether or not the connection says that it is lost.
  setInterval(() => document.hidden || Date.now() - heard < 2000 || live("lost", heard), 500);
}
if (topics.length) listen();
// What the server has rendered does not know the time left: it comes with the stream.
document.addEventListener("htmx:after:swap", () => {
  refresh();
  backfills.forEach(progress);
});

// On a phone the pages and the tabs are wider than the screen: the one that is open is in sight, and a part of the next.
for (const open of document.querySelectorAll(".top nav [aria-current], .tabs [aria-current]")) {
  const row = open.parentElement;
  row.scrollLeft = open.getBoundingClientRect().right + 40 - row.getBoundingClientRect().right;
}

if (location.hash === "#search") document.querySelector("[data-search]")?.focus();

const address = new URL(location.href);
if (address.searchParams.has("toast")) {
  toast(address.searchParams.get("toast"));
  address.searchParams.delete("toast");
  history.replaceState(history.state, "", address);
}
// Where something can be typed, or was when the session ended.
if (document.querySelector("main :is(input:not([type=hidden]), select, textarea)") || sessionStorage.getItem("dayfill-typed")) import("./typed.js");
refresh();
document.querySelector("form[data-at-once]")?.requestSubmit();
