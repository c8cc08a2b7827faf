// Files: chosen several times over, dropped on a form, pasted into it. They stand in the form's own file input, so it is sent as without scripts.
import { onContent } from "./memory.js";
import { _, locale } from "./words.js";

const inputOf = (form) => form?.querySelector("[data-attach] input[type=file]");
const chosen = new WeakMap();
const tenth = (n) => n.toLocaleString(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const size = (n) => (n < 1000 ? `${n} B` : n < 1e6 ? `${tenth(n / 1e3)} kB` : `${tenth(n / 1e6)} MB`);

function put(input, files) {
  const all = new DataTransfer();
  for (const file of files) all.items.add(file);
  input.files = all.files;
  chosen.set(input, [...files]);
  const list = input.closest("[data-attach]").querySelector(".chosen");
  list.hidden = !files.length;
  list.replaceChildren(...files.map((file) => {
    const item = document.createElement("li");
    const said = document.createElement("span");
    said.textContent = `${file.name} (${size(file.size)})`;
    const away = document.createElement("button");
    away.type = "button";
    away.className = "btn ghost";
    away.dataset.size = "sm";
    away.textContent = _("Remove");
    away.setAttribute("aria-label", _("Remove %(name)s", { name: file.name }));
    away.addEventListener("click", () => { put(input, chosen.get(input).filter((one) => one !== file)); input.focus(); });
    item.append(said, away);
    return item;
  }));
}

const add = (input, files) => put(input, [...(chosen.get(input) ?? []), ...files]);

// An article's text shows its images by their names: what is dropped or pasted gets one that is free, and is put where one writes.
const SHOWN = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif" };
function named(input, file) {
  const of = (name) => [...input.form.querySelectorAll(`[name=${name}]`)].map((one) => one.value);
  const names = [...(chosen.get(input) ?? []).map((one) => one.name), ...of("keep"), ...of("uploads").map((line) => line.slice(line.indexOf(" ") + 1))];
  const taken = new Set(names.map((name) => name.toLowerCase()));
  const stem = file.name.replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_ -]/gu, "").trim().slice(0, 60) || "image";
  for (let n = 1; ; n += 1) {
    const name = `${stem}${n > 1 ? `-${n}` : ""}.${SHOWN[file.type]}`;
    if (!taken.has(name.toLowerCase())) return new File([file], name, { type: file.type });
  }
}
function bring(input, files) {
  const field = input.closest("[data-attach-shows]") && input.form.querySelector("textarea");
  for (const file of files) {
    const shown = field && file.type in SHOWN ? named(input, file) : file;
    add(input, [shown]);
    if (shown !== file) {
      field.setRangeText(`![${_("What it shows")}](<attachment:${shown.name}>)`, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-attach] input[type=file]")) add(event.target, [...event.target.files]);
});
document.addEventListener("reset", (event) => {
  const input = inputOf(event.target);
  if (input) put(input, []);
});
document.addEventListener("paste", (event) => {
  const input = inputOf(event.target.closest?.("form"));
  if (!input || !event.clipboardData?.files.length) return;
  bring(input, event.clipboardData.files);
  if (!event.clipboardData.types.includes("text/plain")) event.preventDefault();
});
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault(); // beside a form, too: a browser would leave the page for the file
    const form = event.target.closest?.("form");
    for (const other of document.querySelectorAll("form.dropping")) other.classList.remove("dropping");
    if (!inputOf(form)) return;
    if (kind === "drop") bring(inputOf(form), event.dataTransfer.files);
    else form.classList.add("dropping");
  });
}
onContent((place) => { // a live look has drawn the form anew, or the browser remembers its files
  for (const input of place.querySelectorAll("[data-attach] input[type=file]")) {
    const drawn = input.closest("[data-attach]").querySelectorAll(".chosen li").length;
    if (input.files.length !== drawn) put(input, [...input.files]);
  }
});
