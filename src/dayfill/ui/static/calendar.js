// The calendar of a transfer: each year one SVG with one path per state, whatever the number of days.
// Days are counted from the vector's first day; dates are plain data dates and never pass through a time zone.

const CELL = 11, PITCH = 14, LEFT = 26, TOP = 15, DAY = 86_400_000;
const STATES = "lsfrq.";
/** Words for the states, in the order of the legend. */
export const NAMES = { l: "loaded", s: "stale", f: "failed", r: "running", q: "queued", ".": "missing" };
const CLASSES = { l: "d-l", s: "d-s", f: "d-f", r: "d-r", q: "d-q", ".": "d-m" };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SVG = "http://www.w3.org/2000/svg";
const NARROW = 640;

const round = (x, y) =>
  `M${x + 2} ${y}h7a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2h-7a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2z`;
const SHAPES = {
  l: round,
  s: (x, y) => `M${x + 1} ${y}h5l5 5v5a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1z`,
  f: (x, y) => `${round(x, y)}M${x + 3.6} ${y + 2.4}l1.9 1.9 1.9-1.9 1.2 1.2-1.9 1.9 1.9 1.9-1.2 1.2-1.9-1.9-1.9 1.9-1.2-1.2 1.9-1.9-1.9-1.9z`,
  r: (x, y) => `M${x + 5.5} ${y - 1}l6.5 6.5-6.5 6.5-6.5-6.5z`,
  q: (x, y) => `M${x + 3} ${y + 3}h5v5h-5z`,
  ".": (x, y) => `M${x + 2} ${y + 0.5}h7a1.5 1.5 0 0 1 1.5 1.5v7a1.5 1.5 0 0 1-1.5 1.5h-7a1.5 1.5 0 0 1-1.5-1.5v-7a1.5 1.5 0 0 1 1.5-1.5z`,
};

/** The shape of a state at the origin, for keys beside the calendar. */
export const keyPath = (state) => SHAPES[state](0, 0);

/** Days since 1970 of an ISO date, and back. */
export const number = (iso) => Date.UTC(+iso.slice(0, 4), +iso.slice(5, 7) - 1, +iso.slice(8, 10)) / DAY;
export const iso = (day) => new Date(day * DAY).toISOString().slice(0, 10);
const yearNumber = (day) => new Date(day * DAY).getUTCFullYear();
/** An SVG element. */
export const node = (name, attributes = {}, ...children) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

/** One year: its head with a bar of what it holds, and its drawing, made only while it is open. */
class Year {
  constructor(calendar, year) {
    this.calendar = calendar;
    this.year = year;
    this.from = Date.UTC(year, 0, 1) / DAY;
    this.to = Date.UTC(year, 11, 31) / DAY;
    this.offset = (new Date(this.from * DAY).getUTCDay() + 6) % 7;
    this.head = document.createElement("button");
    this.head.type = "button";
    this.head.className = "year-head";
    this.title = document.createElement("b");
    this.title.textContent = year;
    this.bar = document.createElement("span");
    this.bar.className = "bar";
    this.sum = document.createElement("span");
    this.sum.className = "right dim live-number";
    this.head.append(this.title, this.bar, this.sum);
    this.body = document.createElement("div");
    this.body.id = `year-${year}`;
    this.head.setAttribute("aria-controls", this.body.id);
    this.head.addEventListener("click", () => this.toggle(!this.isOpen));
    this.element = document.createElement("div");
    this.element.className = "year";
    this.element.append(this.head, this.body);
    this.toggle(false);
  }

  toggle(isOpen) {
    this.isOpen = isOpen;
    this.head.setAttribute("aria-expanded", isOpen);
    this.body.hidden = !isOpen;
    if (isOpen) this.layOut();
    else this.body.replaceChildren();
  }

  /** Where a day stands, in units of the drawing. */
  place(day) {
    const week = Math.floor((day - this.from + this.offset) / 7);
    const block = Math.floor(week / this.calendar.columns);
    const weekday = (day - this.from + this.offset) % 7;
    return [LEFT + (week % this.calendar.columns) * PITCH, TOP + block * (7 * PITCH + 20) + weekday * PITCH];
  }

  /** The day at a point of the drawing, or null. */
  at(x, y) {
    const block = Math.floor((y - TOP) / (7 * PITCH + 20));
    const row = Math.floor((y - TOP - block * (7 * PITCH + 20)) / PITCH), column = Math.floor((x - LEFT) / PITCH);
    if (row < 0 || row > 6 || column < 0 || column >= this.calendar.columns || block < 0) return null;
    const day = this.from - this.offset + (block * this.calendar.columns + column) * 7 + row;
    return day >= this.from && day <= this.to && this.calendar.has(day) ? day : null;
  }

  layOut() {
    // No more than up to the newest day: half a year that is not there yet would stand empty on a phone.
    const week = Math.floor((Math.min(this.to, this.calendar.end) - this.from + this.offset) / 7);
    const blocks = Math.floor(week / this.calendar.columns) + 1;
    // The ring around a day of the last row or column is not cut off.
    const width = LEFT + this.calendar.columns * PITCH + 2, height = TOP + blocks * (7 * PITCH + 20) - 19;
    this.svg = node("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    for (let block = 0; block < blocks; block++)
      for (const [row, name] of [[0, "Mon"], [2, "Wed"], [4, "Fri"]])
        this.svg.append(node("text", { x: 0, y: TOP + block * (7 * PITCH + 20) + row * PITCH + 9 }, name));
    MONTHS.forEach((name, month) => {
      const first = Date.UTC(this.year, month, 1) / DAY, [x, y] = this.place(first);
      if (first > this.calendar.end) return;
      const top = TOP + Math.floor((y - TOP) / (7 * PITCH + 20)) * (7 * PITCH + 20) - 5;
      // A month that starts in the last column of a block would be cut off: its name ends at the edge.
      const edge = x > LEFT + (this.calendar.columns - 2) * PITCH;
      this.svg.append(node("text", edge ? { x: x + CELL, y: top, "text-anchor": "end" } : { x, y: top }, name));
    });
    this.paths = Object.fromEntries([...STATES].map((state) => [state, node("path", { class: CLASSES[state] })]));
    this.chosen = node("path", { class: "chosen" });
    this.cursor = node("rect", { class: "cursor", width: CELL + 4, height: CELL + 4, rx: 4, visibility: "hidden" });
    this.svg.append(this.chosen, ...Object.values(this.paths), this.cursor);
    this.body.replaceChildren(this.svg);
    this.draw();
  }

  draw() {
    const drawn = Object.fromEntries([...STATES].map((state) => [state, []]));
    const counts = {}, first = Math.max(this.from, this.calendar.start), last = Math.min(this.to, this.calendar.end);
    const runs = [];
    for (let day = first; day <= last; day++) {
      const state = this.calendar.states[day - this.calendar.start];
      counts[state] = (counts[state] ?? 0) + 1;
      if (this.isOpen) drawn[state].push(SHAPES[state](...this.place(day)));
      if (runs.at(-1)?.[0] === state) runs.at(-1)[1]++;
      else runs.push([state, 1]);
    }
    if (this.isOpen) for (const state of STATES) this.paths[state].setAttribute("d", drawn[state].join(""));
    this.summarise(counts, last - first + 1, runs);
    if (this.isOpen) this.mark();
  }

  summarise(counts, total, runs) {
    // In the order of the dates; a year that changes from day to day falls back to one piece per state.
    const pieces = runs.length <= 16 ? runs : [...STATES].map((state) => [state, counts[state] ?? 0]);
    this.bar.replaceChildren(...pieces.filter(([, days]) => days).map(([state, days]) => {
      const piece = document.createElement("i");
      piece.className = state === "." ? "m" : state;
      piece.style.flexGrow = days;
      return piece;
    }));
    const failed = counts.f ?? 0, share = (((counts.l ?? 0) + (counts.s ?? 0)) * 100) / total;
    this.sum.textContent = `${Math.floor(10 * share) / 10} %`;
    if (failed) {
      const bad = document.createElement("span");
      bad.className = "bad";
      bad.textContent = `${failed} failed`;
      this.sum.append(" · ", bad);
    }
    this.running = counts.r ?? 0;
  }

  /** Draw the chosen range and the cursor. */
  mark() {
    const { range, day } = this.calendar;
    let path = "";
    if (range) for (let at = Math.max(range[0], this.from); at <= Math.min(range[1], this.to); at++) {
      const [x, y] = this.place(at);
      path += `M${x - 1.5} ${y - 1.5}h14v14h-14z`;
    }
    this.chosen.setAttribute("d", path);
    const isHere = day !== null && day >= this.from && day <= this.to && this.calendar.showsCursor;
    this.cursor.setAttribute("visibility", isHere ? "visible" : "hidden");
    if (isHere) {
      const [x, y] = this.place(day);
      this.cursor.setAttribute("x", x - 2);
      this.cursor.setAttribute("y", y - 2);
    }
  }
}

/**
 * The calendar of the element: data-start is the first day, data-states one character a day.
 * Events: "day" {day, state}, "range" {from, to, days, counts} or null, "open" {day}; all days are ISO dates.
 */
export class Calendar {
  constructor(element) {
    this.element = element;
    this.day = this.anchor = this.range = this.pressed = null;
    this.showsCursor = this.isDragging = false;
    this.dirty = new Set();
    this.years = [];
    this.columns = this.fitting();
    this.replace(element.dataset.start, element.dataset.states);
    element.addEventListener("keydown", (event) => this.onKey(event));
    element.addEventListener("focus", () => this.onFocus());
    element.addEventListener("blur", () => this.showCursor(false));
    element.addEventListener("pointermove", (event) => this.onMove(event));
    element.addEventListener("pointerdown", (event) => this.onPress(event));
    element.addEventListener("click", (event) => this.onClick(event));
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (this.isDragging = false));
    new ResizeObserver(() => this.onResize()).observe(element);
  }

  /** Weeks beside each other: half a year where there is little room, or where no more is to be shown. */
  fitting() {
    const { start, states } = this.element.dataset, last = number(start) + states.length - 1;
    const isHalf = this.element.matches(".preview") && start.slice(0, 4) === iso(last).slice(0, 4) && iso(last).slice(5) < "07";
    return this.element.clientWidth < NARROW || isHalf ? 27 : 54;
  }

  /** Show these days instead; years that are open stay so, and so does what is chosen. */
  replace(start, states) {
    const first = number(start);
    if (first === this.start && states.length === this.states.length) return this.update(states);
    const open = new Set(this.years.filter((year) => year.isOpen).map((year) => year.year));
    this.start = first;
    this.states = [...states];
    this.end = first + states.length - 1;
    this.years = [];
    for (let year = yearNumber(this.end); year >= yearNumber(first); year--) this.years.push(new Year(this, year));
    this.years.forEach((year) => year.draw());
    const newest = this.columns < 54 ? 1 : 3;
    this.years.forEach((year, index) => {
      if (open.size ? open.has(year.year) : index < newest || (index < 4 && year.running)) year.toggle(true);
    });
    this.element.replaceChildren(...this.years.map((year) => year.element));
  }

  update(states) {
    for (let index = 0; index < states.length; index++) this.set(index, states[index]);
    this.drawSoon();
  }

  /** Move days: tokens of the index in hex and the state, split by blanks, as events carry them; shift: of our first day. */
  apply(tokens, shift = 0) {
    if (tokens) for (const token of tokens.split(" ")) this.set(parseInt(token.slice(0, -1), 16) - shift, token.at(-1));
    this.drawSoon();
  }

  set(index, state) {
    if (this.states[index] === state || !(index >= 0 && index < this.states.length)) return;
    this.states[index] = state;
    this.dirty.add(this.yearOf(this.start + index));
  }

  /** A year that has changed is drawn once per frame, however many of its days have moved. */
  drawSoon() {
    if (!this.dirty.size || this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.dirty.forEach((year) => year.draw());
      this.dirty.clear();
    });
  }

  has(day) {
    return day >= this.start && day <= this.end;
  }

  stateOf(day) {
    return this.states[day - this.start];
  }

  yearOf(day) {
    return this.years.find((year) => day >= year.from && day <= year.to);
  }

  onResize() {
    const columns = this.fitting();
    if (columns === this.columns) return;
    this.columns = columns;
    this.years.filter((year) => year.isOpen).forEach((year) => year.layOut());
  }

  onFocus() {
    this.day ??= this.end;
    if (!this.pressed) this.showCursor(true);
    this.tell(this.day);
  }

  showCursor(shows) {
    this.showsCursor = shows;
    this.mark();
  }

  mark() {
    this.years.filter((year) => year.isOpen).forEach((year) => year.mark());
  }

  say(name, detail) {
    this.element.dispatchEvent(new CustomEvent(name, { detail }));
  }

  tell(day) {
    if (!this.range) this.say("day", { day: iso(day), state: this.stateOf(day) });
  }

  /** Move to a day; extending, the days from where that began are chosen. */
  go(day, isExtending = false) {
    if (isExtending) this.anchor ??= this.day;
    this.day = Math.max(this.start, Math.min(this.end, day));
    this.choose(isExtending ? [this.anchor, this.day] : null);
    const year = this.yearOf(this.day);
    if (!year.isOpen) year.toggle(true);
    this.mark();
    this.tell(this.day);
  }

  /** Choose the days between these two, or none. */
  choose(ends) {
    this.range = ends && [Math.min(...ends), Math.max(...ends)];
    if (!ends) this.anchor = null;
    this.say("range", this.range && this.summary());
    this.mark();
  }

  summary() {
    const [from, to] = this.range;
    return { from: iso(from), to: iso(to), days: to - from + 1, counts: this.counts(from, to) };
  }

  /** How many of these days are in each state. */
  counts(from = this.start, to = this.end) {
    const counts = {};
    for (let day = from; day <= to; day++) counts[this.stateOf(day)] = (counts[this.stateOf(day)] ?? 0) + 1;
    return counts;
  }

  onKey(event) {
    if (event.target !== this.element || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -7, ArrowRight: 7, PageUp: -30, PageDown: 30 }[event.key];
    const year = this.yearOf(this.day);
    if (step) this.go(this.day + step, event.shiftKey);
    else if (event.key === "Home") this.go(year.from, event.shiftKey);
    else if (event.key === "End") this.go(year.to, event.shiftKey);
    else if (event.key === "n" || event.key === "p") this.goToFailed(event.key === "n" ? 1 : -1);
    else if (event.key === "Enter") this.say("open", { day: iso(this.day) });
    else if (event.key === "Escape" && this.range) this.choose(null);
    else return;
    this.showCursor(true);
    event.preventDefault();
  }

  goToFailed(direction) {
    for (let day = this.day + direction; this.has(day); day += direction)
      if (this.stateOf(day) === "f") return this.go(day);
  }

  /** The day under a pointer, or null. A finger's events stay with the drawing where it came down: look anew. */
  dayUnder(event) {
    const svg = document.elementFromPoint(event.clientX, event.clientY)?.closest("svg");
    const year = svg && this.years.find((one) => one.svg === svg);
    if (!year) return null;
    const box = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / box.width;
    return year.at((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
  }

  onPress(event) {
    const day = event.button === 0 ? this.dayUnder(event) : null;
    this.pressed = day;
    if (day === null) return;
    const isExtending = event.shiftKey && this.day !== null;
    this.isDragging = true;
    if (isExtending) return this.go(day, true);
    this.day = day;
    this.choose(null);
    this.anchor = day;
    this.showCursor(false);
  }

  onMove(event) {
    const day = this.dayUnder(event);
    if (day === null) return;
    if (!this.isDragging || !event.buttons) this.tell(day);
    else if (day !== this.day) this.go(day, true);
  }

  onClick(event) {
    const day = this.dayUnder(event);
    if (day !== null && day === this.pressed && !this.range) this.say("open", { day: iso(day) });
    this.pressed = null;
  }
}
