// Lines over time, from figures that the page carries (data-chart). uPlot is fetched only where there is something to draw.
import { onContent } from "./memory.js";
import { _, locale } from "./words.js";

const here = new URL(".", import.meta.url);
let loading = null;

function library() {
  loading ??= new Promise((done, failed) => {
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("uplot.css", here).href });
    const script = Object.assign(document.createElement("script"), { src: new URL("uplot.js", here).href });
    script.addEventListener("load", done);
    script.addEventListener("error", failed);
    document.head.append(sheet, script);
  });
  return loading;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function draw(place) {
  const { times, lines, drills } = JSON.parse(place.dataset.chart);
  const text = colour("--muted-foreground");
  const axis = { stroke: text, grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false }, font: "11px Inter, sans-serif" };
  const days = (times.at(-1) - times[0]) / 86400;
  const format = new Intl.DateTimeFormat(locale, days > 400 ? { month: "short", year: "numeric", timeZone: "UTC" } : { day: "numeric", month: "short", timeZone: "UTC" });
  place.replaceChildren();
  const plot = new window.uPlot({
    width: place.clientWidth, height: 250, padding: [8, 12, 0, 0],
    cursor: { points: { size: 6 }, focus: { prox: 24 } }, focus: { alpha: 0.35 },
    scales: { y: { range: (_plot, low, high) => [Math.min(0, low), high > 0 ? high * 1.08 : 1] } },
    axes: [
      { ...axis, values: (_plot, at) => at.map((t) => format.format(new Date(t * 1000))) },
      { ...axis, size: 52, values: (_plot, at) => at.map((v) => (Number.isInteger(v) ? v.toLocaleString(locale) : "")) },
    ],
    series: [
      { label: _("Day"), value: (_plot, t) => (t ? format.format(new Date(t * 1000)) : "–") },
      ...lines.map((line, i) => ({
        label: line.label, stroke: colour(`--line-${(i % 6) + 1}`), width: 1.75, points: { show: times.length < 32, size: 5 },
        fill: lines.length === 1 ? `${colour("--line-1")}22` : undefined, value: (_plot, v) => (v === null || v === undefined ? "–" : v.toLocaleString(locale)),
      })),
    ],
  }, [times, ...lines.map((line) => line.values)], place);
  place.plot = plot;
  if (drills?.some(Boolean)) { // a figure leads to its tickets; the table has the same ways for the keyboard
    plot.over.style.cursor = "pointer";
    plot.over.addEventListener("click", () => {
      const way = plot.cursor.idx == null ? null : drills[plot.cursor.idx];
      if (way) window.htmx.ajax("GET", way, { target: "#main", swap: "innerHTML", push: "true" });
    });
  }
}

async function drawAll() {
  const places = [...document.querySelectorAll("[data-chart]:not([data-drawn])")];
  if (!places.length) return;
  for (const place of places) place.dataset.drawn = "1";
  await library();
  places.forEach(draw);
}

onContent(drawAll);
const again = () => document.querySelectorAll("[data-chart][data-drawn]").forEach((place) => window.uPlot && draw(place));
window.addEventListener("resize", () => document.querySelectorAll("[data-chart][data-drawn]").forEach((place) => place.plot?.setSize({ width: place.clientWidth, height: 250 })));
window.addEventListener("ledgerdesk:theme", () => requestAnimationFrame(again));
