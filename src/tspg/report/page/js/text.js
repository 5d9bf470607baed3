// Numbers and elements as the page shows them.
const MINUS = "\u2212";

export const number = (value, digits = 2) =>
  Number.isFinite(value) ? value.toFixed(digits).replace("-", MINUS) : "–";

export const signed = (value, digits = 2) => (value > 0 ? "+" : "") + number(value, digits);

export const percent = (share) => (Number.isFinite(share) ? `${Math.round(100 * share)}%` : "–");

// A q-value from its -log10.
export function small(log) {
  if (!Number.isFinite(log)) return "–";
  if (log >= 299.9) return `<1e${MINUS}300`;
  if (log < 3) return (10 ** -log).toPrecision(2);
  const power = Math.floor(log);
  const digit = 10 ** (power + 1 - log);
  return `${digit >= 9.95 ? "1.0" : digit.toFixed(1)}e${MINUS}${digit >= 9.95 ? power : power + 1}`;
}

// An element with attributes and children; names of the data go in as text only.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export const geneButton = (gene) => element("button", { type: "button", class: "gene", "data-gene": gene }, gene);

// A menu of names; each option's value is its number.
export function menu(label, names, onChange) {
  const select = element("select", {}, ...names.map((name, i) => element("option", { value: i }, name)));
  select.addEventListener("change", () => onChange(Number(select.value)));
  return element("label", {}, `${label} `, select);
}

export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
