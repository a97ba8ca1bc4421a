// The pages with a calendar, of a transfer and of a backfill: the stream moves the days, the counts and the progress;
// dialogs open beside the days.
import { readSoon, show } from "./app.js";
import { Calendar, NAMES, node, number as numberOf } from "./calendar.js";

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en-US");
const rounded = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const days = (count) => `${number.format(count)} ${count === 1 ? "day" : "days"}`;
const element = at("calendar"), calendar = element && new Calendar(element), isTransfer = at("figures") !== null;

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

let first = null; // the day that the stream counts from

/** Move the days that are shown: all of the transfer, or those of a backfill's range. */
function move({ name, start, states, d: moved }) {
  if (states) {
    first = numberOf(start);
    if (element.dataset.range) calendar.update(cut(states));
    else calendar.replace(start, states);
  } else if (name === "days" && first !== null) calendar.apply(moved, calendar.start - first);
  else return;
  const counts = calendar.counts();
  for (const state of Object.keys(NAMES))
    show(document.querySelector(`[data-count="${CSS.escape(state)}"]`), number.format(counts[state] ?? 0));
}

const cut = (states) => calendar.states.map((_, index) => states[calendar.start - first + index] ?? ".");

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

/** What will run is drawn where the form has come in, and again where it has changed. */
const previews = new WeakMap();
function drawPreviews() {
  for (const one of document.querySelectorAll(".preview")) {
    const drawn = previews.get(one);
    if (drawn) drawn.replace(one.dataset.start, one.dataset.states);
    else if (one.dataset.states) previews.set(one, new Calendar(one));
  }
}
drawPreviews(); // of a form that is a page of its own
document.addEventListener("htmx:after:swap", drawPreviews);

/** What the form, as it is filled in, would do. */
function previewed(form) {
  const wanted = new URLSearchParams(new FormData(form));
  wanted.delete("csrf");
  return `${form.dataset.preview}?${wanted}`;
}
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-preview]");
  if (form) htmx.ajax("GET", previewed(form), { target: "#new-backfill", swap: "outerMorph" });
});

// What an open dialog says must not grow old beside a page that moves: it is read again, unless somebody is typing.
const AGAIN = 1000;
let again = 0;
function readDialogSoon({ name, d: moved }) {
  const dialog = document.querySelector("dialog[open]"), shown = dialog?.querySelector("[data-again]:not(:has([role='alert']))");
  const day = shown?.dataset.again && numberOf(shown.dataset.again) - first; // a day's drawer is read when that day has moved
  const isMeant = !day || name === "full" || moved?.split(" ").some((token) => parseInt(token.slice(0, -1), 16) === day);
  if (shown && isMeant) again ||= setTimeout(() => readDialog(dialog, shown).finally(() => (again = 0)), AGAIN);
}

async function readDialog(dialog, shown) {
  if (!dialog.open || !shown.isConnected || shown.contains(document.activeElement) && document.activeElement.matches("[type=date]")) return;
  const form = shown.querySelector("form[data-preview]");
  const answer = await fetch(form ? previewed(form) : dialog.dataset.at, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
  if (answer.ok && shown.isConnected) await htmx.swap({ text: await answer.text(), target: shown, sourceElement: shown, swap: "outerMorph" });
}

document.addEventListener("done", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});

// -- the stream: what moves; the parts that the server renders are read again when something else than numbers has changed

const LATER = 2000;
const milestones = new Map();
let shownFailed = at("failed-days")?.textContent, shownEnded = null, isNew = true;

function onCounts(counts) {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const there = (counts.l ?? 0) + (counts.s ?? 0);
  show(at("share"), total ? rounded.format(Math.floor((1000 * there) / total) / 10) : "0");
  show(at("there"), `${number.format(there)} of ${number.format(total)}`);
  show(at("failed-days"), number.format(counts.f ?? 0));
  if (shownFailed !== number.format(counts.f ?? 0)) readSoon();
  shownFailed = number.format(counts.f ?? 0);
}

const isAtWork = (status) => ["CREATED", "SCHEDULED", "RUNNING"].includes(status.replace("+", ""));

function onProgress(backfill) {
  const card = at(`backfill-${backfill.id}`);
  if (isAtWork(backfill.status) ? card?.dataset.status !== backfill.status : card) {
    if (card) card.dataset.status = backfill.status;
    readSoon();
  }
  if (card && backfill.held !== "waits" in card.dataset) readSoon(LATER); // what it waits for, or no longer
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
  readDialogSoon(event);
  if (calendar) move(event);
  else if (event.states) return location.reload(); // the first days are here
  if (isTransfer) onCounts(event.c);
  const shown = isTransfer ? event.b : event.b.filter((one) => at(`backfill-${one.id}`));
  shown.forEach(onProgress);
  // One that has ended before the stream began is told of by its absence alone.
  for (const card of document.querySelectorAll("[data-backfill][data-status]"))
    if (isAtWork(card.dataset.status) && !shown.some((one) => String(one.id) === card.dataset.backfill)) readSoon();
  const ended = shown.reduce((sum, one) => sum + one.done + one.failed, 0);
  if (shownEnded !== null && ended !== shownEnded) readSoon(LATER);
  if (event.name === "full" && !isNew) readSoon(); // the page has been away: its other parts are old too
  if (event.name === "days" && !event.d && !event.b.length) readSoon(); // something else of the transfer, as its schedule
  shownEnded = ended;
  isNew = false;
  if (isTransfer) measure(shown);
});

// -- throughput: a point each two seconds, for three minutes; who comes in the middle sees those that were before

const POINTS = 90, EVERY = 2000;
const series = [[], [], []];
let last = null, doneNow = 0, rowsNow = 0, known = new Map();

function measure(backfills) {
  if (!known.size) last = performance.now();
  for (const one of backfills) {
    const before = known.get(one.id);
    if (before) {
      doneNow += Math.max(0, one.done + one.failed - before.ended);
      rowsNow += Math.max(0, one.rows - before.rows);
    }
    known.set(one.id, { ended: one.done + one.failed, rows: one.rows });
  }
  if (backfills.length) showChart();
}

function showChart() {
  if (!at("throughput").hidden) return;
  at("throughput").hidden = false;
  setInterval(addPoint, EVERY);
}

function push(time, ended, rows, minutes) {
  [time, ended / minutes, rows / minutes].forEach((value, index) => {
    series[index].push(value);
    if (series[index].length > POINTS) series[index].shift();
  });
}

function addPoint() {
  if (document.hidden || !known.size) return;
  const now = performance.now();
  push(Date.now() / 1000, doneNow, rowsNow, (now - last) / 60_000);
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

const lately = at("throughput")?.dataset.lately?.split(",").slice(0, -1) ?? [];
lately.forEach((step, index) => {
  const [ended, rows] = step.split(" ").map(Number);
  push(Date.now() / 1000 - ((lately.length - 1 - index) * EVERY) / 1000, ended, rows, EVERY / 60_000);
});
if (lately.length) {
  showChart();
  draw();
}

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
