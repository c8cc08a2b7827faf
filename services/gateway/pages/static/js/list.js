// Lists of tickets: a cursor for the keys, a selection for bulk moves, and the mark of the ticket that is open.
import { moves } from "./keys.js";
import { onContent } from "./memory.js";
import { _ } from "./words.js";

const rows = () => [...document.querySelectorAll("[data-rows] > .ticket-row")];
const current = () => document.querySelector(".ticket-row.is-cursor") ?? document.querySelector(".ticket-row[aria-current]");
const picked = () => [...document.querySelectorAll(".pick:checked")].map((box) => box.value);
const hasList = () => Boolean(document.querySelector("[data-rows]"));
const isSplit = () => Boolean(document.querySelector("#pane > article"));

let cursor = null; // a row's id: the rows themselves are made anew when something happens

function go(step) {
  const all = rows();
  if (!all.length) return false;
  const at = all.indexOf(current());
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))];
  cursor = next.id;
  all.forEach((row) => row.classList.toggle("is-cursor", row === next));
  next.scrollIntoView({ block: "nearest" });
  const way = next.querySelector(".subject");
  way.focus({ preventScroll: true }); // Enter opens this one, wherever the focus was
  if (isSplit()) way.click();
  return true;
}

moves.set("j", { label: _("Next ticket"), group: _("Lists"), when: hasList, run: () => go(1) });
moves.set("k", { label: _("Previous ticket"), group: _("Lists"), when: hasList, run: () => go(-1) });
moves.set("o", { label: _("Open the ticket"), group: _("Lists"), when: hasList, run: () => current()?.querySelector(".subject").click() ?? false });
moves.set("Enter", { label: _("Open the ticket"), group: _("Lists"), when: () => false, run: () => (current() ? void current().querySelector(".subject").click() : false) });
moves.set("x", { label: _("Select the ticket"), group: _("Lists"), when: hasList, run: () => {
  const row = current() ?? (go(0), current());
  const box = row?.querySelector(".pick");
  if (!box) return false;
  box.checked = !box.checked;
  count();
} });

function count() {
  const chosen = picked().length;
  const bar = document.getElementById("bulk");
  if (!bar) return;
  bar.hidden = chosen === 0;
  bar.querySelector("[data-selected]").textContent = String(chosen);
  document.querySelector(".list")?.classList.toggle("is-selecting", chosen > 0);
}

let lastBox = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest(".pick");
  if (box) {
    if (event.shiftKey && lastBox?.isConnected) { // from the last one to this one
      const all = [...document.querySelectorAll(".pick")];
      const [a, b] = [all.indexOf(lastBox), all.indexOf(box)].sort((x, y) => x - y);
      for (const one of all.slice(a, b + 1)) one.checked = box.checked;
    }
    lastBox = box;
    count();
  }
  if (event.target.closest("[data-select-none]")) {
    for (const one of document.querySelectorAll(".pick:checked")) one.checked = false;
    count();
  }
  const bulk = event.target.closest("[data-bulk]");
  if (bulk) {
    const query = new URLSearchParams(picked().map((number) => ["tickets", number]));
    window.htmx.ajax("GET", `/bulk/${bulk.dataset.bulk || "choose"}?${query}`, {
      target: "#sheet-body", swap: "innerHTML", headers: { "HX-Target": "div#sheet-body" }, // htmx says where a link's answer goes, not where this one does
    });
  }
});
document.addEventListener("ledgerdesk:done", () => {
  for (const one of document.querySelectorAll(".pick:checked")) one.checked = false;
  count();
});

/** The open ticket is marked in its list. */
function mark() {
  const number = document.querySelector("article[data-number]")?.dataset.number;
  for (const row of document.querySelectorAll(".ticket-row")) {
    if (row.dataset.number === number) { row.setAttribute("aria-current", "true"); row.classList.add("is-cursor"); row.scrollIntoView({ block: "nearest" }); }
    else { row.removeAttribute("aria-current"); row.classList.toggle("is-cursor", !number && row.id === cursor); }
  }
}

let kept = [], filtering = false;
document.addEventListener("htmx:before:swap", (event) => {
  kept = picked();
  // The answer of a search may come when its reader has gone on to the filters: they stay open.
  filtering = Boolean(event.detail?.ctx?.sourceElement?.closest?.("form.find") && document.querySelector("details.filter-box[open]"));
});
onContent(() => {
  const filters = filtering && document.querySelector("details.filter-box");
  if (filters) filters.open = true;
  filtering = false;
  for (const box of document.querySelectorAll(".pick")) if (kept.includes(box.value)) box.checked = true;
  kept = [];
  mark();
  count();
});
