// One click is one command, and words survive.
import { _ } from "./words.js";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) { // a second click: the form's key would make it one command anyway
    event.preventDefault();
    return event.stopImmediatePropagation();
  }
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
}, true);

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
}

const releaseAll = () => document.querySelectorAll("form[data-sent]").forEach(release);
window.addEventListener("pageshow", releaseAll); // also when the browser brings the page back from its memory
document.addEventListener("htmx:finally:request", (event) => { // that form alone: what else is asked for meanwhile ends at other times
  const form = event.detail?.ctx?.sourceElement?.closest?.("form");
  if (form) release(form);
});

// Rows of an entry: another one, as the last was drawn.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-row]");
  if (!button) return;
  const last = [...button.closest(".rows").querySelectorAll("fieldset.row")].at(-1);
  const row = last.cloneNode(true);
  for (const one of row.querySelectorAll("input, select, textarea")) {
    one.name = one.name.replace(/\.(\d+)\./, (_whole, place) => `.${Number(place) + 1}.`);
    one.removeAttribute("aria-invalid");
    if (one.matches("select")) for (const option of one.options) option.selected = option.defaultSelected;
    else if (one.matches("[type=checkbox]")) one.checked = one.defaultChecked;
    else one.value = one.defaultValue;
  }
  for (const said of row.querySelectorAll(".field-error")) said.remove();
  const legend = row.querySelector("legend");
  legend.textContent = legend.textContent.replace(/\d+$/, (place) => Number(place) + 1);
  last.after(row);
  row.querySelector("input, select, textarea").focus();
});

// Filters act at once.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-at-once]");
  if (form && event.target.matches("select, input[type=checkbox], input[type=radio], input[type=date], input[type=range]")) form.requestSubmit();
});

// Ctrl+Enter sends what is being written.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
    event.preventDefault();
    event.target.form?.requestSubmit(event.target.form.querySelector("[data-send]") || undefined);
  }
});

for (const name of ["click"]) {
  document.addEventListener(name, async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard?.writeText(button.dataset.copy);
    button.setAttribute("aria-label", _("Copied"));
  });
}
