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

// live: "live", "lost" or "" (this page has nothing that moves). since: a Date, when it was last heard of.
export function live(state, since = null) {
  const dot = document.getElementById("live");
  if (!dot) return;
  dot.hidden = !state;
  dot.dataset.state = state;
  document.body.classList.toggle("is-old", state === "lost");
  const at = since ? ` since ${clock.format(since)}` : "";
  dot.textContent = state === "lost" ? `reconnecting, as it was${since ? ` at ${clock.format(since)}` : ""}` : "live";
  dot.title = state === "live" ? `What you see is as it is now${at}` : "The server does not answer; numbers are old.";
}

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
});
// A form that leads to another page is sent only if the server answers: else what was typed would be gone with this one.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.dataset.sending) return;
  event.preventDefault();
  try {
    await fetch(document.querySelector('link[rel="icon"]').href, { method: "HEAD", cache: "no-store" });
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
document.addEventListener("htmx:after:swap", () => refresh());
// A word goes by itself, or by a click; one that tells of a fault stays longer.
const toasts = document.getElementById("toasts");
new MutationObserver((changes) => {
  for (const made of changes.flatMap((change) => [...change.addedNodes]))
    setTimeout(() => made.remove(), made.dataset?.kind === "bad" ? 20_000 : 6_000);
}).observe(toasts, { childList: true });
toasts.addEventListener("click", (event) => event.target.closest(".toast")?.remove());

// What a form has done, where its page stays: the server says it in a header.
document.addEventListener("done", (event) => {
  toast(event.detail.text);
  if (moving) reread();
});
document.addEventListener("htmx:error", () => toast("The server does not answer. Nothing was done; try again.", "bad"));

// The moving part of a page that has no stream: read again every few seconds, while somebody looks.
const moving = document.querySelector("[data-refresh]");
let heard = new Date();
async function reread() {
  if (document.hidden || moving.contains(document.activeElement) && document.activeElement.matches("input, select")) return;
  try {
    const answer = await fetch(location.href, { headers: { "HX-Request": "true", "HX-Current-URL": location.href } });
    if (answer.headers.has("HX-Redirect")) location.href = answer.headers.get("HX-Redirect");
    if (!answer.ok) throw new Error(answer.statusText);
    const text = await answer.text();
    if (text !== moving.was) {
      moving.was = text;
      await htmx.swap({ text, target: moving, sourceElement: moving, swap: "innerMorph" });
      refresh(moving);
      const title = moving.querySelector("[data-page-title]");
      if (title) document.title = title.dataset.pageTitle;
    }
    heard = new Date();
    live("live", heard);
  } catch {
    live("lost", heard);
  }
}
if (moving) {
  live("live", heard);
  const again = () => setTimeout(() => reread().finally(again), Number(moving.dataset.refresh) * 1000);
  again();
  document.addEventListener("visibilitychange", () => document.hidden || reread());
}

if (location.hash === "#search") document.querySelector("[data-search]")?.focus();

const address = new URL(location.href);
if (address.searchParams.has("toast")) {
  toast(address.searchParams.get("toast"));
  address.searchParams.delete("toast");
  history.replaceState(history.state, "", address);
}
refresh();
document.querySelector("form[data-at-once]")?.requestSubmit();
