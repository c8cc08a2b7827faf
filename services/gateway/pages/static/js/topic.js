// What a topic asks for, as things are chosen: the server says which fields there are; those that stay are not touched, whoever types in them.
let asking = null;

document.addEventListener("change", async (event) => {
  const form = event.target.closest?.("form[data-topic-form]");
  if (!form || !event.target.matches("[data-asks]")) return;
  asking?.abort();
  const mine = asking = new AbortController();
  const sent = new FormData(form);
  sent.delete("files"); // they stay where they are, and are sent once
  sent.set("do", "next");
  try {
    const headers = { "HX-Request": "true" };
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(sent), headers, signal: mine.signal });
    if (answer.ok) put(form, new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* off line, or asked anew: the form asks for what is missing when it is sent */ }
});

function put(form, page) {
  const place = form.querySelector("#topic-fields");
  const wanted = page.querySelector("#topic-fields");
  if (!place || !wanted) return;
  const there = new Map([...place.children].map((one) => [one.dataset.field, one]));
  const next = [...wanted.children];
  const keys = new Set(next.map((one) => one.dataset.field));
  for (const [key, one] of there) if (!keys.has(key)) one.remove();
  let last = null;
  for (const one of next) {
    const here = there.get(one.dataset.field) ?? document.adoptNode(one);
    if (here === one) last ? last.after(one) : place.prepend(one);
    last = here;
  }
  form.querySelector("#topic-kept").replaceChildren(...page.querySelector("#topic-kept").children);
}
