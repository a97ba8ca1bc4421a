// What was typed stays. When the session ends this tab keeps it until its page is there again after signing in, secrets
// apart; when the server refuses a form, the first field that is wrong has the focus.
import { openChosen, toast } from "./app.js";

const KEPT = "dayfill-typed", FORMS = ":is(main, dialog[open]) form[method=post][action]";
const address = new URL(location.href), here = location.pathname + address.search;
const entrance = document.querySelector('form[action="/sign-in"]');
const forms = () => [...document.querySelectorAll(FORMS)];
const isTyped = ({ name, type }) => name && !["hidden", "password", "file", "submit"].includes(type);

const typed = () =>
  forms().flatMap((form) =>
    [...form.elements].filter(isTyped).map(({ name, value, checked, type }) => ({ action: form.getAttribute("action"), name, value, checked, type })));

function typeAgain(fields) {
  for (const { action, name, value, checked, type } of fields)
    for (const field of forms().filter((form) => form.getAttribute("action") === action).flatMap((form) => [...form.elements])) {
      if (field.name !== name || field.type !== type) continue;
      if (["checkbox", "radio"].includes(type)) field.checked = field.value === value ? checked : field.checked;
      else field.value = value;
      if (value && value !== field.defaultValue) field.closest("details")?.setAttribute("open", "");
    }
  openChosen();
  toast("Here is what you had typed. Nothing was done with it yet; passwords are to be typed again.");
}

/** The dialog that was open is open again, and shows what its form as it was typed would do. */
async function openAgain({ id, at }, fields) {
  const dialog = document.getElementById(id), { openDialog } = await import("./transfer.js");
  await openDialog(dialog, at);
  typeAgain(fields);
  dialog.querySelector("form[data-preview]")?.dispatchEvent(new Event("change", { bubbles: true }));
}

const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
if (entrance && kept && (kept.ended ||= address.searchParams.has("ended"))) {
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
  entrance.elements.next.value = kept.at;
} else {
  sessionStorage.removeItem(KEPT);
  if (kept?.ended && kept.at === here) kept.dialog ? openAgain(kept.dialog, kept.fields) : typeAgain(kept.fields);
}
addEventListener("pagehide", () => {
  const fields = entrance ? [] : typed(), open = document.querySelector("dialog[open][data-at]");
  const dialog = open && { id: open.id, at: open.dataset.at };
  if (fields.length) sessionStorage.setItem(KEPT, JSON.stringify({ at: here, dialog, fields }));
});
document.addEventListener("htmx:after:swap", () => document.querySelector('main [aria-invalid="true"]')?.focus());
