// Times in the reader's zone and language; clocks that run.
import { onContent } from "./memory.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const long = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export function ago(at, now = Date.now()) {
  const seconds = (now - at) / 1000;
  if (seconds < 60) return "now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  if (seconds < 86400 * 14) return `${Math.floor(seconds / 86400)} d`;
  return at.getFullYear() === new Date(now).getFullYear() ? day.format(at) : dayOfYear.format(at);
}

function span(seconds) {
  const s = Math.abs(seconds);
  if (s < 3600) return `${Math.max(1, Math.round(s / 60))} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.round((s % 3600) / 60)} min`.replace(" 0 min", "");
  return `${Math.floor(s / 86400)} d ${Math.round((s % 86400) / 3600)} h`.replace(" 0 h", "");
}

function write(time) {
  const at = new Date(time.dateTime);
  const kind = time.dataset.as;
  const now = Date.now();
  let text;
  if (kind === "ago") text = ago(at, now);
  else if (kind === "due") {
    const left = (at - now) / 1000;
    text = left < 0 ? `${span(left)} late` : `in ${span(left)}`;
    time.classList.toggle("is-late", left < 0);
    time.classList.toggle("is-soon", left >= 0 && left < 3600);
  } else {
    const sameDay = at.toDateString() === new Date(now).toDateString();
    const sameYear = at.getFullYear() === new Date(now).getFullYear();
    text = sameDay ? hour.format(at) : `${(sameYear ? day : dayOfYear).format(at)}, ${hour.format(at)}`;
  }
  if (time.textContent !== text) time.textContent = text;
  time.title = `${long.format(at)} (${zone})`;
}

export function writeTimes(place = document) {
  for (const time of place.querySelectorAll("time[datetime]")) write(time);
}

onContent(writeTimes);
setInterval(() => { if (!document.hidden) writeTimes(); }, 20_000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) writeTimes(); });
