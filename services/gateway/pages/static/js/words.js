// What the scripts say, in the page's language: the page carries its messages. Where there is none, the English one is said.
const place = document.getElementById("messages");
const messages = place ? JSON.parse(place.textContent) : {};
export const language = document.documentElement.lang || "en";

/** How the reader's language writes numbers and dates: as his own browser does where it is of that language. */
export const locale = navigator.languages.find((one) => one.split("-")[0] === language.split("-")[0]) ?? language;
/** Whose time is shown: the one that was chosen, else the browser's own. */
export const zone = document.documentElement.dataset.timeZone || Intl.DateTimeFormat().resolvedOptions().timeZone;

const plural = new Intl.PluralRules(language);
const put = (text, values) => text.replace(/%\((\w+)\)s/g, (found, name) => String(values[name]));

/** The message, with `values` in the place of its %(name)s. */
export function _(message, values = {}) {
  const said = messages[message];
  return put(typeof said === "string" ? said : message, values);
}

/** The message for so many; %(num)s is how many. */
export function ngettext(one, many, count) {
  const forms = messages[one];
  const said = typeof forms === "object" ? forms[plural.select(count)] ?? forms.other : count === 1 ? one : many;
  return put(said, { num: count.toLocaleString(locale) });
}
