// A page of its own to fill in (a new ticket, an article) that is left before it is sent: its words are there again when one comes back,
// in the same tab, until they are sent or given up. What is written into a thread has drafts of its own (composer.js).
import { onContent } from "./memory.js";
import { _ } from "./words.js";

const SENT = "ledgerdesk.unsent.sent";
const KEPT = "input:not([type=hidden], [type=file], [type=checkbox], [type=radio]), textarea, select";

const nameOf = (form) => `ledgerdesk.${document.body.dataset.me}.unsent.${form.dataset.unsent}`;
const controlsOf = (form) => [...form.querySelectorAll(KEPT)].filter((one) => one.name && !one.readOnly);
const asDrawn = (one) => (one.matches("select") ? ([...one.options].find((option) => option.defaultSelected) ?? one.options[0])?.value : one.defaultValue);

function store(name, value) {
  try {
    if (value === null) sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, value);
  } catch { /* full or off */ }
}
function stored(name) {
  try { return sessionStorage.getItem(name); } catch { return null; }
}

function keepAll(form) {
  const changed = controlsOf(form).filter((one) => one.value !== asDrawn(one)).map((one) => [one.name, one.value]);
  store(nameOf(form), changed.length ? JSON.stringify(Object.fromEntries(changed)) : null);
}

function restore(form) {
  const values = JSON.parse(stored(nameOf(form)) ?? "null");
  if (!values) return;
  const asked = new URLSearchParams(location.search); // what a link chose, it chose now
  const controls = new Map(controlsOf(form).map((one) => [one.name, one]));
  for (const [name, value] of Object.entries(values)) {
    if (asked.has(name)) continue;
    if (controls.has(name)) controls.get(name).value = value;
    else form.querySelector("#topic-kept")?.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  form.querySelector("[data-asks]")?.dispatchEvent(new Event("change", { bubbles: true }));
  const said = document.createElement("p");
  said.className = "notice unsent";
  said.setAttribute("role", "status");
  const words = said.appendChild(document.createElement("span"));
  words.textContent = _("What you had begun to write is here again.");
  const away = said.appendChild(document.createElement("button"));
  away.type = "button";
  away.className = "btn";
  away.dataset.variant = "outline";
  away.dataset.size = "sm";
  away.textContent = _("Begin anew");
  away.addEventListener("click", () => {
    store(nameOf(form), null);
    location.reload();
  });
  form.prepend(said);
}

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.("form[data-unsent]");
    if (form && event.target.matches(KEPT)) keepAll(form);
  });
}
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-unsent]")) store(SENT, nameOf(event.target));
});
document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-give-up]")?.closest("form[data-unsent]");
  if (form) store(nameOf(form), null);
});

onContent(() => {
  if (!document.body.dataset.me) return; // signed out meanwhile: one comes back
  const form = document.querySelector("form[data-unsent]");
  const sent = stored(SENT);
  if (sent && (!form || nameOf(form) !== sent)) { // another page answered: it was taken
    store(sent, null);
    store(SENT, null);
  }
  if (!form || form.dataset.unsentRead) return;
  form.dataset.unsentRead = "1";
  store(SENT, null);
  if ("unsentFresh" in form.dataset) restore(form);
});
