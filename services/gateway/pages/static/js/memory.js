// What a browser keeps for its owner. Each person of a shared browser has his own; where storage is off, nothing is kept.
const prefix = () => `ledgerdesk.${document.body.dataset.me || "nobody"}.`;

export function recall(name, otherwise = null) {
  try {
    const text = localStorage.getItem(prefix() + name);
    return text === null ? otherwise : JSON.parse(text);
  } catch { return otherwise; }
}

export function keep(name, value) {
  try {
    if (value === null || value === "") localStorage.removeItem(prefix() + name);
    else localStorage.setItem(prefix() + name, JSON.stringify(value));
  } catch { /* full or off */ }
}

export const whenReady = (run) => (document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", run) : run());

/** Call with everything that comes onto the page: at once with all of it, then with what htmx puts in place. */
export function onContent(run) {
  whenReady(() => run(document));
  document.addEventListener("htmx:after:swap", () => run(document));
}
