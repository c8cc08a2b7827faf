// Single keys. What has a key says so itself (data-hotkey, -label, -group), so the list under "?" is never out of date.
// They do nothing while somebody types, with Ctrl or Alt, or above a dialog; and they can be switched off.
import { keep, onContent, recall } from "./memory.js";
import { _ } from "./words.js";

const isOn = () => recall("keys", true);
const typing = (element) => element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
const visible = (element) => { // what is folded into a menu can be reached by its key all the same
  const place = element.closest("details.menu") ?? element;
  return place.checkVisibility?.({ visibilityProperty: true }) ?? true;
};
const shown = (key) => key.replace("mod+k", "Ctrl K").replace("Enter", "↵");

/** Keys that move through a list: list.js says what they do. */
export const moves = new Map();

function target(key) {
  for (const element of document.querySelectorAll(`[data-hotkey="${CSS.escape(key)}"]`)) if (visible(element)) return element;
  return null;
}

function press(element) {
  if (element.matches("input, textarea, select")) { element.focus(); element.select?.(); } else element.click();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    return press(document.querySelector("[data-hotkey='mod+k']") ?? document.body);
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (event.key === "Escape" && typing(event.target) && !event.target.closest("dialog")) return event.target.blur();
  if (typing(event.target) || document.querySelector("dialog[open]") || !isOn()) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary, input")) return; // the browser's own
  const element = target(event.key);
  const move = moves.get(event.key);
  if (!element && !move) return;
  if (move && move.run() !== false) return event.preventDefault();
  if (element) { event.preventDefault(); press(element); }
});

function list() {
  const groups = new Map();
  const add = (group, key, label) => {
    if (!groups.has(group)) groups.set(group, new Map());
    groups.get(group).set(key, label);
  };
  for (const [key, { label, group, when }] of moves) if (when()) add(group, key, label);
  for (const element of document.querySelectorAll("[data-hotkey]")) {
    if (visible(element)) add(element.dataset.hotkeyGroup || _("This page"), element.dataset.hotkey, element.dataset.hotkeyLabel);
  }
  add(_("Writing"), "Ctrl ↵", _("Send"));
  const place = document.querySelector("[data-keys-list]");
  const made = document.createElement("div");
  made.className = "keys-list";
  for (const [name, keys] of groups) {
    const group = made.appendChild(document.createElement("div"));
    group.appendChild(document.createElement("h3")).textContent = name;
    const items = group.appendChild(document.createElement("ul"));
    for (const [key, label] of keys) {
      const item = items.appendChild(document.createElement("li"));
      item.appendChild(document.createElement("span")).textContent = label;
      const cap = item.appendChild(document.createElement("kbd"));
      cap.className = "kbd";
      cap.textContent = shown(key);
    }
  }
  place.replaceChildren(made);
}

document.addEventListener("click", (event) => { if (event.target.closest("[data-open-dialog=keys]")) list(); }, true);
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-keys-switch]")) { keep("keys", event.target.checked); show(); }
});

function show() {
  document.documentElement.classList.toggle("keys-off", !isOn());
  for (const box of document.querySelectorAll("[data-keys-switch]")) box.checked = isOn();
}
onContent(show);
