// A ticket's thread: what is new since one looked last, and the way to it.
import { keep, onContent, recall } from "./memory.js";
import { ngettext } from "./words.js";

const MOST = 400; // tickets of which a browser remembers how far they were read

function remember(ticket, at) {
  const seen = recall("seen", {});
  if (seen[ticket] && seen[ticket] >= at) return;
  delete seen[ticket];
  const rest = Object.entries(seen).slice(-MOST);
  keep("seen", { ...Object.fromEntries(rest), [ticket]: at });
}

/** The line above the first unread, in what is shown or is about to be. */
function mark(place, first, count) {
  const card = place.querySelector(`#${CSS.escape(first)}`);
  if (!card) return null;
  const line = document.createElement("li");
  line.id = "unread-line"; // so that a live look finds it again
  line.className = "unread-line";
  line.textContent = ngettext("%(num)s new", "%(num)s new", count);
  card.before(line);
  return line;
}

function newest(article) {
  const all = [...article.querySelectorAll(".card-entry[data-at]")].map((one) => one.dataset.at);
  return all.sort().at(-1);
}

function arrive(place) {
  const article = place.querySelector("article[data-ticket]");
  if (!article || article.dataset.arrived) return;
  article.dataset.arrived = "1";
  const before = recall("seen", {})[article.dataset.ticket];
  const unread = before ? [...article.querySelectorAll(".card-entry[data-at]:not([data-mine])")].filter((one) => one.dataset.at > before) : [];
  const thread = article.querySelector("[data-thread]");
  if (unread.length) {
    article.dataset.firstUnread = unread[0].id;
    article.dataset.unread = String(unread.length);
    const line = mark(article, unread[0].id, unread.length);
    const button = article.querySelector("[data-unread]");
    if (button) {
      button.hidden = false;
      button.querySelector("span").textContent = ngettext("%(num)s unread", "%(num)s unread", unread.length);
    }
    if (thread) line.scrollIntoView({ block: "center" });
  } else if (before && thread) thread.scrollTop = thread.scrollHeight;
  const last = newest(article);
  if (last) remember(article.dataset.ticket, last);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unread]");
  if (button) {
    document.getElementById(button.closest("article").dataset.firstUnread)?.scrollIntoView({ block: "center" });
    button.hidden = true;
  }
  const menu = event.target.closest("details.menu, details.filter-box");
  for (const open of document.querySelectorAll("details.menu[open], details.filter-box[open]")) {
    if (open !== menu || event.target.closest(".menu-item, .overview a")) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const open = document.querySelector("details.menu[open], details.filter-box[open]");
  if (open) { open.open = false; open.querySelector("summary").focus(); }
});

onContent(arrive);
document.addEventListener("ledgerdesk:drawing", (event) => {
  const { firstUnread, unread } = document.querySelector("article[data-first-unread]")?.dataset ?? {};
  if (firstUnread) mark(event.detail, firstUnread, Number(unread));
});
document.addEventListener("ledgerdesk:looked", () => { // live: what came while one reads is read
  const article = document.querySelector("article[data-ticket]");
  const last = article && newest(article);
  if (last && !document.hidden) remember(article.dataset.ticket, last);
});
