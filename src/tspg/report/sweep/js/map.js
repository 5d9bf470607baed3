// The map of gene sets by target classes: by any measure, sorted by its heads, with one stop of the Tab key.
import { element } from "./text.js";

const ROOM = 14; // targets up to which fields show their numbers unasked
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export const pairName = (data, pair) => `${data.sets[Math.floor(pair / data.targets.length)]} → ${data.targets[pair % data.targets.length]}`;

// A name that can be broken after its underscores.
const breaking = (name) => name.split(/(?<=_)/).flatMap((part) => [part, element("wbr")]);

const containing = (names, input) => {
  const words = input.value.trim().toLowerCase();
  return [...names.keys()].filter((i) => names[i].toLowerCase().includes(words));
};

// What has no number stands last, whichever way.
export function sorted(items, keyOf, turned) {
  const keys = new Map(items.map((item) => [item, keyOf(item)]));
  return [...items].sort((a, b) => {
    const [x, y] = [keys.get(a) ?? null, keys.get(b) ?? null];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return (typeof x === "string" ? x.localeCompare(y) : x - y) * (turned ? -1 : 1);
  });
}

function fieldOf(data, measure, pair) {
  const [css, text, spread] = measure.fields[pair];
  const [sign, words] = text ? [text, ""] : data.states[css];
  const made = element("td", { class: css, "data-pair": pair, tabindex: -1 }, element("b", {}, sign), text ? "" : element("span", {}, ` ${words}`));
  if (spread) made.append(element("small", {}, spread));
  return made;
}

function inWords(data, measure, pair) {
  const [css, text] = measure.fields[pair];
  const seeds = measure.seeds ? data.runs[pair].map(([seed], i) => `seed ${seed} ${measure.seeds[pair][i]}`) : [];
  return `${pairName(data, pair)}: ${measure.title} ${text || data.states[css][1]}${seeds.length ? ` (${seeds.join(", ")})` : ""}`;
}

export function mapPart(data, openPair) {
  const [map, chooser, findSets, findTargets, numbered] = ["map", "measure", "find-sets", "find-targets", "with-numbers"].map((id) => document.getElementById(id));
  const output = document.querySelector("#sets .pointed");
  let measure = data.measures[0];
  let by = "";
  let turned = false;
  const keyOf = (set) => ({
    name: data.sets[set], genes: data.n_genes[set], mean: minus(measure.line_means[set][3]),
  })[by] ?? minus(measure.fields[set * data.targets.length + Number(by)]?.[3]);
  const minus = (good) => (good === null || good === undefined ? null : -good); // the best comes first
  const head = (words, key, css) => {
    const button = element("button", { type: "button", class: "head", "data-by": key, tabindex: -1 }, words);
    const rising = ["name", "genes"].includes(key) !== turned;
    return element("th", { scope: "col", class: css, title: words, "aria-sort": by === key ? (rising ? "ascending" : "descending") : null }, button);
  };
  const draw = () => {
    const columns = containing(data.targets, findTargets);
    let rows = containing(data.sets, findSets);
    if (by) rows = sorted(rows, keyOf, turned);
    map.tHead.replaceChildren(element("tr", {}, head("gene set", "name"), head("genes", "genes", "n"), head("mean", "mean", "n"), ...columns.map((i) => head(data.targets[i], String(i), "target"))));
    map.tBodies[0].replaceChildren(...rows.map((set) => element("tr", {},
      element("th", { scope: "row", title: data.sets[set], tabindex: -1 }, element("span", { class: "clamped" }, ...breaking(data.sets[set]))),
      element("td", { class: "n", tabindex: -1 }, data.n_genes[set]?.toLocaleString("en") ?? "–"), element("td", { class: "n mean", tabindex: -1 }, measure.line_means[set][1]),
      ...columns.map((i) => fieldOf(data, measure, set * data.targets.length + i)))));
    map.tFoot.rows[0].replaceChildren(element("th", { scope: "row", tabindex: -1 }, "mean over gene sets"), element("td"), element("td"), ...columns.map((i) => element("td", { class: "mean", tabindex: -1 }, measure.column_means[i][1])));
    (map.querySelector("td[data-pair]") ?? map.querySelector("button")).tabIndex = 0;
  };
  const choose = () => {
    measure = data.measures.find((one) => one.key === chooser.value);
    document.getElementById("about").replaceChildren(element("b", {}, `${measure.title}.`), ` ${measure.about}`);
    document.getElementById("steps").replaceChildren(...measure.legend.map(([step, text]) => element("span", {}, element("i", { class: `s${step}` }), text)));
    draw();
  };
  const stopAt = (row, column) => {
    const line = map.rows[Math.max(0, Math.min(map.rows.length - 1, row))];
    const cell = line.cells[Math.max(0, Math.min(line.cells.length - 1, column))];
    for (const stop of map.querySelectorAll('[tabindex="0"]')) stop.tabIndex = -1;
    const stop = cell.querySelector("button") ?? cell;
    stop.tabIndex = 0;
    stop.focus();
  };
  chooser.addEventListener("change", choose);
  for (const input of [findSets, findTargets]) input.addEventListener("input", draw);
  numbered.checked = data.targets.length <= ROOM;
  for (const [tool, n] of [[findSets, data.sets.length], [findTargets, data.targets.length], [numbered, data.targets.length]]) tool.parentElement.hidden = n <= ROOM;
  const resize = () => map.classList.toggle("plain", !numbered.checked);
  numbered.addEventListener("change", resize);
  const point = (event) => { const field = event.target.closest("td[data-pair]"); if (field) output.textContent = inWords(data, measure, Number(field.dataset.pair)); };
  map.addEventListener("mouseover", point);
  map.addEventListener("focusin", point);
  map.addEventListener("click", (event) => {
    const key = event.target.closest("button")?.dataset.by;
    const field = event.target.closest("td[data-pair]");
    if (field) { field.focus(); openPair(Number(field.dataset.pair)); }
    if (!key) return;
    turned = by === key && !turned;
    by = key;
    draw();
    map.querySelector(`[data-by="${key}"]`).focus();
  });
  map.addEventListener("keydown", (event) => {
    const cell = event.target.closest("th, td");
    const [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
    if (event.key in MOVES) stopAt(row + MOVES[event.key][0], column + MOVES[event.key][1]);
    else if (event.key === "Home") stopAt(event.ctrlKey ? 0 : row, 0);
    else if (event.key === "End") stopAt(event.ctrlKey ? map.rows.length : row, Infinity);
    else if ((event.key === "Enter" || event.key === " ") && cell.dataset.pair) cell.click();
    else return;
    event.preventDefault();
  });
  resize();
  choose();
}
