// The frame: theme, menu, dialogs, messages, and what is said when something cannot be loaded.
import { _ } from "./words.js";

const root = document.documentElement;

function switchTheme() {
  const order = ["system", "light", "dark"];
  const next = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
  try {
    if (next === "system") localStorage.removeItem("ledgerdesk.theme");
    else localStorage.setItem("ledgerdesk.theme", next);
  } catch { /* storage is off */ }
  window.dispatchEvent(new Event("ledgerdesk:theme"));
  nameTheme();
}

function nameTheme() {
  for (const place of document.querySelectorAll("[data-theme-name]")) place.textContent = { light: _("light"), dark: _("dark") }[root.dataset.theme] ?? _("system");
}

export function openDialog(dialog) {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.dispatchEvent(new Event("ledgerdesk:opened")); // at once: "toggle" comes after the first keys
  const first = dialog.querySelector("[autofocus], .field-error ~ input, input:not([type=hidden]), select, textarea, button:not([data-close-dialog])");
  first?.focus();
}

export function toast(text, kind = "info", undo = null) {
  const place = document.getElementById("toaster");
  if ([...place.querySelectorAll("h2")].some((said) => said.textContent === text)) return;
  const made = document.createElement("div");
  made.className = "toast";
  made.setAttribute("role", kind === "error" ? "alert" : "status");
  made.dataset.category = kind;
  made.dataset.duration = kind === "error" ? "8000" : "4000";
  const content = made.appendChild(document.createElement("div"));
  content.className = "toast-content";
  const words = content.appendChild(document.createElement("section")).appendChild(document.createElement("h2"));
  words.textContent = text; // what people wrote may be in it
  if (undo) {
    made.dataset.duration = "10000";
    const form = content.appendChild(document.createElement("footer")).appendChild(document.createElement("form"));
    form.method = "post";
    form.action = undo.at;
    form.setAttribute("hx-post", undo.at);
    form.setAttribute("hx-target", "#sheet-body");
    const token = form.appendChild(document.createElement("input"));
    Object.assign(token, { type: "hidden", name: "csrf", value: undo.csrf });
    const button = form.appendChild(document.createElement("button"));
    button.className = "btn";
    button.dataset.variant = "outline";
    button.textContent = _("Undo");
  }
  place.append(made);
  window.htmx?.process(made); // only what is on the page can be made live
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  if (at("[data-theme-switch]")) switchTheme();
  if (at("[data-menu-open]")) { root.classList.add("menu-open"); document.querySelector("#side a")?.focus(); }
  if (at("[data-menu-close]") || at("#side a")) root.classList.remove("menu-open");
  const opener = at("[data-open-dialog]");
  if (opener) openDialog(document.getElementById(opener.dataset.openDialog));
  if (at("[data-close-dialog]")) { // of a form that was opened as a page of its own: back to where one was
    event.preventDefault();
    if (at("dialog")) at("dialog").close(); else history.back();
  }
  const dialog = event.target;
  if (dialog.matches?.("dialog[closedby=any]")) dialog.close();
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") root.classList.remove("menu-open"); });

// -- htmx -----------------------------------------------------------------------------------------------------------------

const sheet = () => document.getElementById("sheet");

let loading = 0;
document.addEventListener("htmx:before:request", () => { loading += 1; root.classList.add("is-loading"); });
document.addEventListener("htmx:finally:request", () => {
  loading = Math.max(0, loading - 1);
  if (!loading) root.classList.remove("is-loading");
});
document.addEventListener("htmx:error", (event) => {
  const reason = event.detail?.error;
  if (reason?.name === "AbortError" && event.detail?.ctx?.request?.signal?.reason !== "timeout") return; // a newer request took its place
  toast(_("The server does not answer just now. What you typed is still here."), "error");
});
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail?.ctx?.target;
  nameTheme();
  if (target?.id === "sheet-body") openDialog(sheet());
  else if (target?.id && sheet()?.open && event.detail.ctx.sourceElement?.closest?.("#sheet")) sheet().close();
});
document.addEventListener("close", (event) => { // a form that was left must not come back with old words
  if (event.target === sheet()) document.getElementById("sheet-body").replaceChildren();
}, true);
document.addEventListener("htmx:before:history:update", (event) => { // a form that was not followed by another page is no place to be
  const { sourceElement, response } = event.detail;
  if (sourceElement?.matches?.("form[method=post]") && !response?.raw?.redirected) event.preventDefault();
});
document.addEventListener("htmx:after:history:push", () => root.classList.remove("menu-open"));

nameTheme();
