// The command palette: what the page offers (data-palette), where one can go, and tickets by their words.
import { _ } from "./words.js";

const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("[role=listbox]");
let options = [];
let chosen = 0;
let asked = 0;

function commands() {
  const found = [];
  for (const element of document.querySelectorAll("[data-palette]")) {
    if (!element.isConnected || element.closest("dialog") || !element.dataset.palette) continue;
    found.push({
      group: element.dataset.paletteGroup || element.dataset.hotkeyGroup || _("Do"), label: element.dataset.palette,
      icon: element.querySelector(".icon"), key: element.dataset.hotkey, run: () => element.click(),
    });
  }
  const order = [_("This ticket"), _("Selected tickets"), _("Everywhere"), _("Go to")];
  const rank = (one) => (order.indexOf(one.group) + 1 || 99);
  return found.sort((a, b) => rank(a) - rank(b));
}

const matches = (label, words) => words.every((word) => label.toLowerCase().includes(word));

async function tickets(text) {
  const mine = (asked += 1);
  const response = await fetch(`/find?q=${encodeURIComponent(text)}`, { credentials: "same-origin" });
  if (!response.ok || mine !== asked) return null;
  const { items } = await response.json();
  return items.map((one) => ({
    group: _("Tickets"), label: `${one.number}  ${one.subject}`, status: one.status, said: one.said,
    run: () => window.htmx.ajax("GET", `/tickets/${encodeURIComponent(one.number)}`, { target: "#main", swap: "innerHTML", push: "true" }),
  }));
}

function draw() {
  list.replaceChildren();
  let group = "";
  options.forEach((one, index) => {
    if (one.group !== group) {
      group = one.group;
      const head = list.appendChild(document.createElement("div"));
      head.className = "group";
      head.setAttribute("role", "presentation");
      head.textContent = group;
    }
    const item = list.appendChild(document.createElement("div"));
    item.id = `palette-${index}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(index === chosen));
    if (one.icon) item.append(one.icon.cloneNode(true));
    const what = item.appendChild(document.createElement("span"));
    what.className = "what";
    what.textContent = one.label;
    if (one.status) {
      const badge = item.appendChild(document.createElement("span"));
      badge.className = `badge status-${one.status}`;
      badge.textContent = one.said;
    }
    if (one.key && one.key.length === 1) {
      const cap = item.appendChild(document.createElement("kbd"));
      cap.className = "kbd";
      cap.textContent = one.key;
    }
    item.addEventListener("click", () => run(index));
  });
  if (!options.length) {
    const none = list.appendChild(document.createElement("div"));
    none.className = "empty";
    none.textContent = _("Nothing of that name.");
  }
  input.setAttribute("aria-activedescendant", options.length ? `palette-${chosen}` : "");
}

function choose(index) {
  list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  chosen = (index + options.length) % Math.max(1, options.length);
  const item = document.getElementById(`palette-${chosen}`);
  item?.setAttribute("aria-selected", "true");
  item?.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", item ? item.id : "");
}

function run(index) {
  dialog.close();
  options[index]?.run();
}

async function look() {
  const text = input.value.trim();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  options = commands().filter((one) => matches(one.label, words));
  chosen = 0;
  draw();
  if (text.length < 2) return;
  const found = await tickets(text).catch(() => null);
  if (found && input.value.trim() === text && found.length) {
    options = [...options, ...found];
    draw();
  }
}

if (dialog) {
  dialog.addEventListener("ledgerdesk:opened", () => { input.value = ""; look(); });
  input.addEventListener("input", look);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); choose(chosen + step); }
    if (event.key === "Enter") { event.preventDefault(); run(chosen); }
  });
}
