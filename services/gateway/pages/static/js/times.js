// Times in the reader's zone and language; clocks that run.
import { onContent } from "./memory.js";
import { _, locale, zone } from "./words.js";

const written = (options) => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
const day = written({ day: "numeric", month: "short" });
const hour = written({ hour: "2-digit", minute: "2-digit" });
const dayOfYear = written({ day: "numeric", month: "short", year: "numeric" });
const long = written({ dateStyle: "full", timeStyle: "medium" });
const thatDay = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }); // 2026-11-25

const year = (at) => thatDay.format(at).slice(0, 4);

export function ago(at, now = Date.now()) {
  const seconds = (now - at) / 1000;
  if (seconds < 60) return _("now");
  if (seconds < 3600) return _("%(n)s min", { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return _("%(n)s h", { n: Math.floor(seconds / 3600) });
  if (seconds < 86400 * 14) return _("%(n)s d", { n: Math.floor(seconds / 86400) });
  return year(at) === year(now) ? day.format(at) : dayOfYear.format(at);
}

function span(seconds) {
  const s = Math.abs(seconds);
  if (s < 3600) return _("%(n)s min", { n: Math.max(1, Math.round(s / 60)) });
  const [large, small, whole, part] = s < 86400 ? [3600, 60, "%(n)s h", "%(n)s min"] : [86400, 3600, "%(n)s d", "%(n)s h"];
  const rest = Math.round((s % large) / small);
  return _(whole, { n: Math.floor(s / large) }) + (rest ? ` ${_(part, { n: rest })}` : "");
}

function write(time) {
  const at = new Date(time.dateTime);
  const kind = time.dataset.as;
  const now = Date.now();
  let text;
  if (kind === "ago") text = ago(at, now);
  else if (kind === "due") {
    const left = (at - now) / 1000;
    text = left < 0 ? _("%(time)s late", { time: span(left) }) : _("in %(time)s", { time: span(left) });
    time.classList.toggle("is-late", left < 0);
    time.classList.toggle("is-soon", left >= 0 && left < 3600);
  } else {
    const sameDay = thatDay.format(at) === thatDay.format(now);
    const sameYear = year(at) === year(now);
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
