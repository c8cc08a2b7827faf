// Who else is at the ticket that is open: said every few seconds, shown beside the thread.
import { onContent } from "./memory.js";
import { _ } from "./words.js";

const EVERY = 10_000; // the gateway forgets after 30 s
const TYPING = 5_000; // ms after the last key
let at = null; // { number, csrf }
let typed = 0;
let said = "";

async function say(doing, where = at) {
  if (!where) return;
  said = doing;
  const body = new URLSearchParams({ csrf: where.csrf, doing });
  const address = `/tickets/${encodeURIComponent(where.number)}/here`;
  try {
    const response = await fetch(address, { method: "POST", body, credentials: "same-origin", keepalive: doing === "gone" });
    if (response.ok && doing !== "gone" && where === at) show(await response.json());
  } catch { /* the connection is gone: so are we, after a while */ }
}

function show({ people = [] }) {
  const place = document.querySelector("[data-here]");
  if (!place) return;
  const others = people.filter((one) => one.login !== document.body.dataset.me);
  const text = others.map((one) => {
    const who = one.name || one.login;
    return one.doing === "typing" ? _("%(who)s is writing", { who }) : _("%(who)s is here", { who });
  }).join(", ");
  place.hidden = !text;
  const words = place.querySelector("span");
  if (words.textContent !== text) words.textContent = text;
}

const now = () => (Date.now() - typed < TYPING ? "typing" : "viewing");

onContent(() => {
  const article = document.querySelector("article[data-ticket][data-csrf]");
  const number = article?.dataset.number ?? null;
  if (number === (at?.number ?? null)) return;
  if (at) say("gone", at);
  at = number ? { number, csrf: article.dataset.csrf } : null;
  if (at && !document.hidden) say(now());
});
setInterval(() => { if (at && !document.hidden) say(now()); }, EVERY);
document.addEventListener("input", (event) => {
  if (!event.target.matches(".composer textarea")) return;
  typed = Date.now();
  if (said !== "typing") say("typing");
});
document.addEventListener("visibilitychange", () => say(document.hidden ? "gone" : now()));
window.addEventListener("pagehide", () => say("gone"));
document.addEventListener("ledgerdesk:presence", (event) => {
  if (event.detail.ticket === document.querySelector("article[data-ticket]")?.dataset.ticket) show(event.detail);
});
