// The composer: who reads it is chosen first; what is typed is kept per ticket and audience until it is sent.
import { keep, onContent, recall } from "./memory.js";
import { toast } from "./shell.js";
import { _, zone } from "./words.js";

const timers = new WeakMap();
const wordsOf = (form) => form.querySelector("textarea"); // the first one: others ask for fields

function restore(place) {
  for (const form of place.querySelectorAll("form[data-draft]")) {
    const field = wordsOf(form);
    if (!field || form.dataset.draftRead) continue;
    form.dataset.draftRead = "1";
    const draft = recall(`draft.${form.dataset.draft}`, "");
    if (!draft || field.value || taken(form, draft)) continue;
    field.value = draft;
    const choice = form.matches(".reply, .note") && form.closest(".composer")?.querySelector(`#to-${form.matches(".reply") ? "reply" : "note"}`);
    if (choice && !form.closest(".composer").querySelector("input[name=audience]:checked")) choice.checked = true;
    const said = form.querySelector("[data-draft-said]");
    if (said) said.textContent = _("Draft kept");
  }
}

// A page may be left, or show what was sent, before the command's own answer is there: then its draft is none any more.
const plain = (text) => text.replace(/\s+/g, " ").trim();
const forget = (form) => { for (const name of ["draft", "sent"]) keep(`${name}.${form.dataset.draft}`, null); };

function taken(form, draft) {
  if (recall(`sent.${form.dataset.draft}`) !== draft) return false;
  const mine = [...document.querySelectorAll(".card-entry[data-mine] > .words")];
  if (!mine.some((one) => plain(one.textContent) === plain(draft))) return false;
  forget(form);
  return true;
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-draft]");
  const field = form && wordsOf(form);
  if (!field) return;
  for (const name of ["draft", "sent"]) keep(`${name}.${form.dataset.draft}`, field.value);
});
document.addEventListener("htmx:response:error", (event) => { // refused: the words are a draft again; where nothing was heard, they may have been taken
  const form = event.detail?.ctx?.sourceElement?.closest?.("form[data-draft]");
  if (form) keep(`sent.${form.dataset.draft}`, null);
});
document.addEventListener("ledgerdesk:looked", () => {
  for (const form of document.querySelectorAll("form[data-draft]:not([data-sent])")) {
    const field = wordsOf(form);
    if (field?.value && taken(form, field.value)) field.value = "";
  }
});

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-draft]");
  if (!form || event.target !== wordsOf(form)) return;
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => {
    keep(`draft.${form.dataset.draft}`, event.target.value);
    const said = form.querySelector("[data-draft-said]");
    if (said) said.textContent = event.target.value ? _("Draft kept") : "";
  }, 250));
});

document.addEventListener("change", (event) => { // chosen by mouse, key or touch: write at once
  if (event.target.matches("input[name=audience]")) document.querySelector(`#body-${event.target.value}`)?.focus();
});
document.addEventListener("click", (event) => {
  const tab = event.target.closest(".composer .tab");
  if (tab) requestAnimationFrame(() => document.getElementById(`body-${tab.htmlFor.slice(3)}`)?.focus());
  if (event.target.closest("[data-fold-composer]")) fold();
  const given = event.target.closest("form[data-draft] [data-close-dialog]")?.form; // given up, and not just out of the way
  if (given) { clearTimeout(timers.get(given)); forget(given); }
  const opener = event.target.closest("[data-canned]");
  for (const list of document.querySelectorAll(".canned-list")) {
    list.hidden = opener?.getAttribute("aria-controls") === list.id ? !list.hidden : true;
    list.parentElement.querySelector("[data-canned]").setAttribute("aria-expanded", String(!list.hidden));
  }
  const text = event.target.closest("[data-insert]");
  if (text) insert(text.closest("form").querySelector("textarea"), text.dataset.insert);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && event.target.matches(".composer textarea")) fold(); });

function insert(field, text) {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

function fold() {
  for (const choice of document.querySelectorAll(".composer input[name=audience]")) choice.checked = false;
}

/** What a command was taken with is no draft any more. */
document.addEventListener("ledgerdesk:done", (event) => {
  const { said, undo, csrf } = event.detail ?? {};
  if (said) toast(said, "success", undo ? { at: undo, csrf } : null);
  for (const form of document.querySelectorAll("form[data-draft][data-sent]")) {
    clearTimeout(timers.get(form));
    forget(form);
    form.reset();
    for (const field of form.querySelectorAll("textarea")) field.value = "";
    form.querySelector("input[name=key]").value = crypto.randomUUID(); // the next words are another command
    const note = form.querySelector("[data-draft-said]");
    if (note) note.textContent = "";
  }
  fold();
  document.activeElement?.blur?.();
  document.getElementById("sheet")?.close();
});

/** How many minutes UTC is ahead of the zone whose time is shown. */
function minutesBehind(at) {
  const there = new Date(`${at.toLocaleString("sv-SE", { timeZone: zone }).replace(" ", "T")}Z`);
  return Math.round((at - there) / 60_000);
}

onContent((place) => {
  restore(place);
  const offset = minutesBehind(new Date());
  for (const field of place.querySelectorAll("input[data-offset]")) field.value = String(offset);
  for (const name of place.querySelectorAll("[data-zone]")) name.textContent = zone;
});
