// What the pages do beyond what they do without it: local times, one click is one command, and what happens shows at once.
"use strict";

const PAUSE = 1500; // ms at least between two looks at the page, however much happens
const RETRY = 5000; // ms until a stream that was refused is asked for again
const MOST_AFTER = 8;
const TYPES = [
  "created", "message_received", "assigned", "unassigned", "transferred", "referred", "rule_applied", "started", "noted",
  "replied", "prioritised", "held", "resumed", "resolved", "closed", "reopened", "escalated", "acknowledged",
];

function localTimes(root) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone === "UTC" || !zone) return;
  const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const long = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = (time.hasAttribute("data-short") ? short : long).format(new Date(time.dateTime));
  }
}

// -- forms -------------------------------------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault(); // a second click: the form's key would make it one command anyway
  form.dataset.sent = "1";
  for (const button of form.querySelectorAll("button")) button.setAttribute("aria-busy", "true");
});

window.addEventListener("pageshow", () => { // also when the browser brings the page back from its memory
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-busy");
  }
});

function isTouched(region) {
  if (region.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
  if (region.querySelector("form[data-sent], .problem")) return true;
  for (const field of region.querySelectorAll("textarea, input:not([type=hidden])")) {
    if (field.value !== field.defaultValue) return true;
  }
  for (const select of region.querySelectorAll("select")) {
    const first = [...select.options].find((option) => option.defaultSelected) || select.options[0];
    if (first && select.value !== first.value) return true;
  }
  return false;
}

// -- the live page -----------------------------------------------------------------------------------------------------

const key = (element) => element.dataset.key || element.closest("[data-key]")?.dataset.key;

function keepOpen(old, fresh) {
  const open = new Set([...old.querySelectorAll("details[open]")].map(key));
  for (const details of fresh.querySelectorAll("details")) if (open.has(key(details))) details.open = true;
}

function markNew(old, fresh) {
  const before = new Map([...old.querySelectorAll("[data-key]")].map((e) => [e.dataset.key, e.dataset.stamp]));
  for (const element of fresh.querySelectorAll("li[data-key], tr[data-key]")) {
    const known = before.has(element.dataset.key) && before.get(element.dataset.key) === element.dataset.stamp;
    if (!known) element.classList.add("fresh");
  }
}

const shown = new Map();
const content = (region) => region.innerHTML.replace(/name="key" value="[^"]*"/g, ""); // each look brings new keys

function remember() {
  for (const region of document.querySelectorAll("[data-live]")) shown.set(region.id, content(region));
}

function swap(page) {
  for (const region of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(region.id);
    if (!fresh || (region.dataset.live === "form" && isTouched(region))) continue;
    localTimes(fresh);
    const text = content(fresh);
    if (shown.get(region.id) === text) continue; // nothing new: selection and focus stay
    shown.set(region.id, text);
    keepOpen(region, fresh);
    markNew(region, fresh);
    const focused = region.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    region.replaceChildren(...fresh.childNodes);
    if (focused) region.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  const stale = page.querySelector("#notices [data-stale]");
  document.querySelector("#notices [data-stale]")?.remove();
  if (stale) document.getElementById("notices").append(stale);
  return Boolean(stale);
}

function notice(text) {
  const place = document.getElementById("notices");
  if (place.querySelector("[data-said]")) return;
  const element = document.createElement("p");
  element.className = "notice";
  element.dataset.said = "";
  element.textContent = text;
  place.append(element);
}

function follow(body) {
  const about = body.dataset.liveOn;
  let seen = [];
  let timer = null;
  let last = 0;
  let busy = false;
  let again = false;
  let source = null;
  let ended = false;

  async function look() {
    timer = null;
    if (busy) return void (again = true);
    busy = true;
    again = false;
    const after = seen;
    seen = [];
    try {
      const headers = after.length ? { "Ledgerdesk-After": after.join(",") } : {};
      const response = await fetch(body.dataset.liveUrl || location.href, { headers, credentials: "same-origin" });
      if (response.redirected && new URL(response.url).pathname === "/sign-in") {
        ended = true;
        source?.close();
        notice("Your session has ended. What you typed is still here; sign in again in another tab before you send it.");
      } else if (response.ok) {
        if (swap(new DOMParser().parseFromString(await response.text(), "text/html"))) again = true;
      }
    } catch { /* the connection is gone; EventSource will say when it is back, and that is when we look again */ }
    last = Date.now();
    busy = false;
    if (again) soon();
  }

  function soon() {
    timer ??= setTimeout(look, Math.max(100, last + PAUSE - Date.now()));
  }

  function happened(event) {
    const data = JSON.parse(event.data);
    if (about !== "any" && data.ticket !== about) return;
    if (data.version) seen = [...seen, data.version].slice(-MOST_AFTER);
    soon();
  }

  function open() {
    if (document.hidden || ended) return;
    source?.close();
    source = new EventSource(body.dataset.stream);
    source.addEventListener("error", () => { // the browser tries again by itself, unless it was answered with an error
      if (source?.readyState !== EventSource.CLOSED) return;
      soon();
      setTimeout(open, RETRY);
    });
    source.addEventListener("open", soon); // what happened before the stream was open is on no stream
    source.addEventListener("reset", soon);
    for (const type of TYPES) source.addEventListener(type, happened);
  }

  document.addEventListener("visibilitychange", () => { // a page nobody looks at holds no connection
    if (document.hidden) { source?.close(); source = null; } else if (!source) open();
  });
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) open(); });
  open();
}

localTimes(document);
remember();
if (document.body.dataset.liveOn && document.body.dataset.stream) follow(document.body);
