// What happens shows at once. The stream says that something happened, the page is asked anew, and what changed is put in place:
// regions (data-live) are morphed, so that selection, focus and scroll stay; forms that somebody has begun are left alone.
import { toast } from "./shell.js";
import { writeTimes } from "./times.js";
import { _ } from "./words.js";

const PAUSE = 350; // ms at least between two looks at the page, however much happens
const RETRY = 4000; // ms until a stream that was refused is asked for again
const MOST_AFTER = 8;
const PATIENCE = 5; // looks in a row that wait for what the stream has told of, 2 s each

let seen = [];
let timer = null;
let last = 0;
let busy = false;
let again = false;
let behind = 0; // how many looks in a row have not shown yet what has happened
let source = null;
let ended = false;

const about = () => document.querySelector("#main [data-live-on]")?.dataset.liveOn;
const isTouched = (region) =>
  region.matches(":focus-within") && region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");

async function swap(fresh) {
  for (const region of document.querySelectorAll("[data-live]")) {
    const next = region.id && fresh.getElementById(region.id);
    if (!next || (region.dataset.live === "form" && isTouched(region))) continue;
    writeTimes(next);
    keepOpen(region, next);
    document.dispatchEvent(new CustomEvent("ledgerdesk:drawing", { detail: next })); // what scripts have put there is put there again
    const text = content(next);
    if (shown.get(region.id) === text) continue; // nothing new
    markNew(region, next);
    await window.htmx.swap({ target: region, sourceElement: region, text: next.innerHTML, swap: "innerMorph" });
    shown.set(region.id, text);
  }
  const stale = Boolean(fresh.querySelector("[data-stale]"));
  if (behind) fresh.querySelector("[data-stale]")?.remove(); // said once
  const toasts = fresh.querySelector("[data-toasts]");
  if (toasts?.children.length) document.getElementById("toaster").append(...toasts.children);
  return stale;
}

const shown = new Map();
const content = (region) => region.innerHTML.replace(/name="key" value="[^"]*"/g, "").replace(/<time[^>]*>[^<]*<\/time>/g, (t) => t.match(/datetime="[^"]*"/)?.[0] ?? "");

function keepOpen(old, next) {
  const open = new Set([...old.querySelectorAll("details[open][data-key]")].map((one) => one.dataset.key));
  for (const one of next.querySelectorAll("details[data-key]")) one.open = open.has(one.dataset.key) || one.open;
}

function markNew(old, next) {
  const before = new Map([...old.querySelectorAll("[data-stamp]")].map((one) => [one.id, one.dataset.stamp]));
  if (!before.size && !old.children.length) return;
  for (const one of next.querySelectorAll("[data-stamp]")) if (before.get(one.id) !== one.dataset.stamp) one.classList.add("fresh");
}

async function look() {
  timer = null;
  if (document.querySelector("[data-no-live]")) return; // what could not be shown is not asked for again and again
  if (busy) return void (again = true);
  busy = true;
  again = false;
  const after = seen;
  seen = [];
  const where = location.href;
  try {
    const headers = { "HX-Request": "true", "HX-Target": "main#main", "Ledgerdesk-Live": "1" };
    if (after.length) headers["Ledgerdesk-After"] = after.join(",");
    const response = await fetch(where, { headers, credentials: "same-origin" });
    if (response.headers.get("HX-Redirect")) {
      ended = true;
      source?.close();
      toast(_("Your session has ended. What you typed is still here; sign in again in another tab before you send it."), "error");
    } else if (response.status === 404 && document.querySelector("article[data-ticket]")) { // it has gone where one does not see it
      await window.htmx.ajax("GET", "/queue", { target: "#main", swap: "innerHTML", push: "true" });
    } else if ((response.status === 410 || response.status === 401) && document.querySelector("article[data-guest]")) {
      ended = true; // the link was taken back, or its hour is over
      source?.close();
      toast(_("What you opened is not good any more: open your link again. What you typed is still here."), "error");
    } else if (response.ok && location.href === where) {
      const stale = await swap(new DOMParser().parseFromString(await response.text(), "text/html"));
      behind = stale ? behind + 1 : 0;
      again ||= stale;
      if (stale && behind <= PATIENCE) seen = [...after, ...seen].slice(-MOST_AFTER);
    }
  } catch { /* the connection is gone; EventSource will say when it is back, and that is when we look again */ }
  document.dispatchEvent(new Event("ledgerdesk:looked"));
  last = Date.now();
  busy = false;
  if (again) soon();
}

function soon() {
  timer ??= setTimeout(look, Math.max(40, last + PAUSE - Date.now()));
}

function happened(event) {
  const data = JSON.parse(event.data);
  if (data.version) seen = [...seen, data.version].slice(-MOST_AFTER);
  const on = about();
  if (on === "any" || (on && data.ticket === on)) soon();
  else if (document.querySelector("#nav[data-live]")) countsSoon();
}

let countsTimer = null;
function countsSoon() { // elsewhere, the counts may lag a little
  countsTimer ??= setTimeout(() => { countsTimer = null; soon(); }, 2500);
}

function open() {
  if (document.hidden || ended || !document.body.dataset.stream) return;
  source?.close();
  source = new EventSource(document.body.dataset.stream);
  source.addEventListener("error", () => { // the browser tries again by itself (with the last id), unless it was answered with an error
    if (source?.readyState !== EventSource.CLOSED) return;
    soon();
    setTimeout(open, RETRY);
  });
  source.addEventListener("open", soon); // what happened before the stream was open is on no stream
  source.addEventListener("reset", soon);
  const types = document.body.dataset.streamTypes?.split(" ") ?? [];
  for (const type of types) source.addEventListener(type, happened);
  source.addEventListener("presence", (event) => document.dispatchEvent(new CustomEvent("ledgerdesk:presence", { detail: JSON.parse(event.data) })));
}

document.addEventListener("visibilitychange", () => { // a page nobody looks at holds no connection
  if (document.hidden) { source?.close(); source = null; } else if (!source) open();
});
window.addEventListener("pagehide", () => source?.close());
window.addEventListener("pageshow", (event) => { if (event.persisted) open(); });
document.addEventListener("htmx:after:swap", (event) => { if (event.detail?.ctx?.target?.dataset?.live === undefined) shown.clear(); });
let restored = false; // by the browser's own back and forward: the main part alone, so the menu is asked for
document.addEventListener("htmx:before:history:restore", () => { restored = true; });
document.addEventListener("htmx:after:swap", () => {
  if (restored) document.dispatchEvent(new Event("ledgerdesk:looknow"));
  restored = false;
});
for (const said of ["ledgerdesk:done", "ledgerdesk:looknow"]) {
  document.addEventListener(said, () => { clearTimeout(timer); timer = null; last = 0; soon(); });
}
open();
