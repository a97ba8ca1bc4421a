// The page of a transfer: the stream moves the calendar, the counts and the progress; dialogs open beside the days.
import { readSoon, show } from "./app.js";
import { Calendar, NAMES, node } from "./calendar.js";

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en-US");
const rounded = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const days = (count) => `${number.format(count)} ${count === 1 ? "day" : "days"}`;
const element = at("calendar"), calendar = element && new Calendar(element);

// -- the calendar

const words = (counts) =>
  Object.keys(NAMES).filter((state) => counts[state]).map((state) => `${number.format(counts[state])} ${NAMES[state]}`).join(", ");

function onRange({ detail: range }) {
  const chosen = at("chosen");
  chosen.hidden = at("unchoose").hidden = !range;
  if (!range) return;
  show(at("readout"), `${range.from} to ${range.to}: ${words(range.counts)}`);
  chosen.textContent = `Backfill ${range.days === 1 ? "this day" : `these ${days(range.days)}`}…`;
  chosen.href = `${element.dataset.new}?start=${range.from}&end=${range.to}`;
}

if (calendar) {
  element.addEventListener("day", ({ detail }) => show(at("readout"), `${detail.day}: ${NAMES[detail.state]}`));
  element.addEventListener("range", onRange);
  element.addEventListener("open", ({ detail }) => openDialog(at("drawer"), `${element.dataset.days}/${detail.day}`));
  at("unchoose").addEventListener("click", () => {
    calendar.choose(null);
    element.focus();
  });
}

document.addEventListener("click", (event) => {
  const filter = event.target.closest("[data-only][aria-pressed]");
  if (!filter || !element) return;
  const isOn = filter.getAttribute("aria-pressed") !== "true";
  for (const one of document.querySelectorAll("[data-only][aria-pressed]")) one.setAttribute("aria-pressed", isOn && one === filter);
  if (isOn) element.dataset.only = filter.dataset.only;
  else delete element.dataset.only;
});

// -- dialogs: a link with data-drawer opens there; without a script it is a page of its own

export async function openDialog(dialog, address) {
  dialog.dataset.at = address;
  import("./typed.js"); // not before something can be typed
  const body = dialog.querySelector(".dialog-body");
  body.replaceChildren();
  await htmx.ajax("GET", address, { target: body, swap: "innerHTML" });
  if (!body.childElementCount || dialog.open) return;
  dialog.setAttribute("aria-label", body.querySelector(".dialog-title")?.textContent ?? "");
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-drawer]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openDialog(at(link.dataset.drawer), link.href);
});
for (const dialog of document.querySelectorAll("dialog"))
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

/** What will run is drawn where the form has come in. */
function drawPreviews() {
  for (const one of document.querySelectorAll(".preview:not([data-drawn])")) {
    one.dataset.drawn = "";
    if (one.dataset.states) new Calendar(one);
  }
}
document.addEventListener("htmx:after:swap", drawPreviews);
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-preview]");
  if (!form) return;
  const wanted = new URLSearchParams(new FormData(form));
  wanted.delete("csrf");
  htmx.ajax("GET", `${form.dataset.preview}?${wanted}`, { target: "#new-backfill", swap: "outerMorph" });
});

document.addEventListener("done", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});

// -- the stream: what moves; the parts that the server renders are read again when something else than numbers has changed

const LATER = 2000;
const milestones = new Map();
let shownFailed = at("failed-days")?.textContent, shownEnded = null, isNew = true;

function onCounts(counts) {
  let total = 0;
  for (const state of Object.keys(NAMES)) {
    total += counts[state] ?? 0;
    show(document.querySelector(`[data-count="${CSS.escape(state)}"]`), number.format(counts[state] ?? 0));
  }
  const there = (counts.l ?? 0) + (counts.s ?? 0);
  show(at("share"), total ? rounded.format(Math.floor((1000 * there) / total) / 10) : "0");
  show(at("there"), `${number.format(there)} of ${number.format(total)}`);
  show(at("failed-days"), number.format(counts.f ?? 0));
  if (shownFailed !== number.format(counts.f ?? 0)) readSoon();
  shownFailed = number.format(counts.f ?? 0);
}

function onProgress(backfill) {
  const card = at(`backfill-${backfill.id}`);
  const isActive = ["CREATED", "SCHEDULED", "RUNNING"].includes(backfill.status.replace("+", ""));
  if (isActive ? card?.dataset.status !== backfill.status : card) {
    if (card) card.dataset.status = backfill.status;
    readSoon();
  }
  if (card) announce(backfill);
}

/** A reader of screens hears of quarters and of the first failed day, not of every number. */
function announce(backfill) {
  const quarter = Math.floor(backfill.pct / 25), before = milestones.get(backfill.id);
  milestones.set(backfill.id, { quarter, hasFailed: backfill.failed > 0 });
  if (!before || !element || document.activeElement === element) return;
  if (quarter > before.quarter) show(at("readout"), `Backfill ${backfill.id}: ${25 * quarter} % done.`);
  else if (backfill.failed && !before.hasFailed) show(at("readout"), `Backfill ${backfill.id}: a first day has failed.`);
}

document.addEventListener("told", ({ detail: event }) => {
  if (!["full", "days"].includes(event.name)) return;
  if (event.states && !calendar) return location.reload(); // the first days are here
  if (event.states) calendar.replace(event.start, event.states);
  else if (event.name === "days") calendar?.apply(event.d);
  onCounts(event.c);
  event.b.forEach(onProgress);
  // One that has ended before the stream began is told of by its absence alone.
  for (const card of document.querySelectorAll("#backfills [data-backfill]"))
    if (!event.b.some((one) => String(one.id) === card.dataset.backfill)) readSoon();
  const ended = event.b.reduce((sum, one) => sum + one.done + one.failed, 0);
  if (shownEnded !== null && ended !== shownEnded) readSoon(LATER);
  if (event.name === "full" && !isNew) readSoon(); // the page has been away: its other parts are old too
  if (event.name === "days" && !event.d && !event.b.length) readSoon(); // something else of the transfer, as its schedule
  shownEnded = ended;
  isNew = false;
  measure(event.b);
});

// -- throughput: a point each two seconds, for three minutes

const POINTS = 90, EVERY = 2000;
const series = [[], [], []];
let last = null, doneNow = 0, rowsNow = 0, known = new Map();

function measure(backfills) {
  for (const one of backfills) {
    const before = known.get(one.id);
    if (before) {
      doneNow += Math.max(0, one.done + one.failed - before.ended);
      rowsNow += Math.max(0, one.rows - before.rows);
    }
    known.set(one.id, { ended: one.done + one.failed, rows: one.rows });
  }
  if (backfills.length && at("throughput").hidden) {
    at("throughput").hidden = false;
    last = performance.now();
    setInterval(addPoint, EVERY);
  }
}

function addPoint() {
  if (document.hidden) return;
  const now = performance.now(), minutes = (now - last) / 60_000;
  [Date.now() / 1000, doneNow / minutes, rowsNow / minutes].forEach((value, index) => {
    series[index].push(value);
    if (series[index].length > POINTS) series[index].shift();
  });
  last = now;
  doneNow = rowsNow = 0;
  draw();
}

const short = (value) => (value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : `${value}`);
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const EDGE = { left: 40, right: 44, top: 8, bottom: 22 };

/** The end of an axis: little above what is drawn, and its half is a round number too. */
function ceiling(values) {
  const most = Math.max(...values, 1), power = 10 ** Math.floor(Math.log10(most));
  return power * [1, 2, 3, 4, 6, 8, 10].find((step) => step * power >= most);
}

function draw() {
  const chart = at("chart"), [times, ended, rows] = series;
  if (times.length < 2) return;
  const width = chart.clientWidth - EDGE.left - EDGE.right, height = chart.clientHeight - EDGE.top - EDGE.bottom;
  const x = (index) => EDGE.left + (width * (index + POINTS - times.length)) / (POINTS - 1);
  const y = (share) => EDGE.top + height * (1 - share);
  const most = [ceiling(ended), ceiling(rows)];
  const line = (values, top) => values.map((value, index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(value / top).toFixed(1)}`).join("");
  const label = (text, place, line, anchor) => node("text", { x: place, y: line, "text-anchor": anchor }, text);
  const marks = [0, 0.5, 1].flatMap((share) => [
    node("path", { class: "grid", d: `M${EDGE.left} ${y(share)}h${width}` }),
    label(short(share * most[0]), EDGE.left - 8, y(share) + 4, "end"),
    label(short(share * most[1]), EDGE.left + width + 8, y(share) + 4, "start"),
  ]);
  for (const index of [0, times.length - 1].slice(times.length < POINTS / 3 ? 1 : 0))
    marks.push(label(hour.format(times[index] * 1000), x(index), EDGE.top + height + 17, index ? "end" : "start"));
  const path = line(ended, most[0]);
  chart.replaceChildren(...marks, node("path", { class: "area", d: `${path}V${y(0)}H${x(0)}z` }),
    node("path", { class: "days", d: path }), node("path", { class: "rows", d: line(rows, most[1]) }));
  chart.setAttribute("aria-label", `Throughput of the last three minutes; now ${rounded.format(ended.at(-1))} days and ${number.format(Math.round(rows.at(-1)))} rows a minute`);
}
addEventListener("resize", draw);

// A row that goes with its last failed day must not take the focus with it: the title of its part gets it.
let focused = null, title = null;
document.addEventListener("htmx:before:swap", () => {
  focused = document.activeElement;
  title = focused?.closest("section[aria-labelledby]")?.getAttribute("aria-labelledby");
});
document.addEventListener("htmx:after:swap", () => {
  if (title && !focused.isConnected && at(title)) {
    at(title).tabIndex = -1;
    at(title).focus({ preventScroll: true });
  }
});
