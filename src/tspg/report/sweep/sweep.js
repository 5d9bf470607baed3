// The map of a sweep: which measure it shows, in which order, and one gene set and target in full.
const sweep = JSON.parse(document.getElementById("numbers").textContent);
const byId = (id) => document.getElementById(id);
const [map, details, panel] = ["map", "details", "cell"].map(byId);
const chooser = byId("measure");
const ROOM_FOR_NUMBERS = 14; // targets up to which fields show their numbers unasked
const nTargets = sweep.targets.length;

// A pair is a gene set and a target, numbered line by line; its runs stand in the order of the table of runs.
const runsOf = Array.from({ length: sweep.sets.length * nTargets }, () => []);
sweep.runs.set.forEach((set, run) => runsOf[set * nTargets + sweep.runs.target[run]].push(run));
const statusOf = (run) => sweep.endings[sweep.runs.ending[run]][0];
const endingOf = (run) => sweep.endings[sweep.runs.ending[run]].filter(Boolean).join(": "); // status and reason
const seedOf = (run) => sweep.seeds[sweep.runs.seed[run]];
const nameOf = (pair) => `${sweep.sets[Math.floor(pair / nTargets)]} → ${sweep.targets[pair % nTargets]}`;

// Numbers as the rest of the page writes them.
const decimals = (value, digits) => {
  const [whole, ...rest] = value.toFixed(digits).split(".");
  const text = [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
  return (/[1-9]/.test(text) ? text : text.replace("-", "")).replace("-", "\u2212");
};
const percent = (value) => {
  const near = (value >= 0.995 && value < 1) || (value > 0 && value < 0.005);
  if (!near) return `${(100 * value).toFixed(0)}%`;
  if (value >= 0.0005 && value < 0.9995) return `${(100 * value).toFixed(1)}%`;
  return value > 0.5 ? ">99.9%" : "<0.1%";
};
const chance = (value) => String(Number(value.toPrecision(2)));
const textOf = (measure, value) => {
  if (measure.form === "answer") return sweep.signs[value];
  if (measure.form === "chance") return chance(value);
  return measure.form === "share" ? percent(value) : decimals(value, Number(measure.form));
};

// How good a value is, from -1 to 1, and its step of the colour scale.
const goodness = (measure, value) => {
  const knots = measure.good;
  const above = knots.findIndex(([x]) => value <= x);
  if (above <= 0) return knots[above === 0 ? 0 : knots.length - 1][1];
  const [[x, from], [y, to]] = [knots[above - 1], knots[above]];
  return from + (to - from) * (value - x) / (y - x);
};
const shade = (measure, value) => `s${Math.floor((goodness(measure, value) + 1) / 2 * (sweep.colours - 1) + 0.5)}`;

const known = (value) => value !== null && value !== undefined;
const mean = (values) => values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
const valuesOf = (measure, pair) =>
  (measure.of_pairs ? [measure.of_pairs[pair]] : runsOf[pair].map((run) => measure.of_runs[run])).filter(known);
// Answers of several seeds: one sign if they agree, else how many of each.
const pairText = (measure, values) => {
  if (measure.form !== "answer") return textOf(measure, mean(values));
  const signs = Object.keys(sweep.signs).map(Number).sort((a, b) => b - a).filter((answer) => values.includes(answer));
  const count = (answer) => values.filter((value) => value === answer).length;
  return signs.length === 1 ? sweep.signs[signs[0]] : signs.map((answer) => `${count(answer)}${sweep.signs[answer]}`).join(" ");
};
// A line's or column's mean over the fields shown; of answers the share that passes, surely or probably.
const summary = (measure, pairs) => {
  const values = pairs.map((pair) => means[pair]).filter(known);
  if (!values.length) return "";
  if (measure.form !== "answer") return textOf(measure, mean(values));
  const answers = pairs.flatMap((pair) => valuesOf(measure, pair));
  return percent(answers.filter((answer) => answer > 0).length / answers.length);
};
const stateOf = (pair) => {
  const statuses = new Set(runsOf[pair].map(statusOf));
  if (statuses.has("done")) return "missing";
  const status = ["failed", "skipped", "not run"].find((one) => statuses.has(one));
  return status ? status.replace(" ", "-") : "none";
};

const element = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== false) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

const order = { rows: "", rowsTurned: false, columns: "", columnsTurned: false };
let measure = sweep.measures[0];
let means = [];
let opened = null;

const pairsOfSet = (set, columns) => columns.map((target) => set * nTargets + target);
const pairsOfTarget = (target, rows) => rows.map((set) => set * nTargets + target);
const meanOf = (pairs) => mean(pairs.map((pair) => means[pair]).filter(known));

// Numbers sort by how good they are, the best first, and what has none stands last whichever way.
const sorted = (items, keyOf, turned) => {
  const keys = new Map(items.map((item) => [item, keyOf(item)]));
  const compare = (a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (!known(x) || !known(y)) return Number(known(y)) - Number(known(x));
    const difference = typeof x === "string" ? x.localeCompare(y) : x - y;
    return turned ? -difference : difference;
  };
  return [...items].sort(compare);
};
const badness = (value) => known(value) ? -goodness(measure, value) : null;
const keysOfRows = (columns) => ({
  name: (set) => sweep.sets[set],
  genes: (set) => sweep.n_genes[set],
  mean: (set) => badness(meanOf(pairsOfSet(set, columns))),
});
const found = (names, input) => {
  const words = input.value.trim().toLowerCase();
  return [...names.keys()].filter((number) => names[number].toLowerCase().includes(words));
};

// Everything of the map is made anew; only text is put in, never markup.
const draw = () => {
  const focused = map.contains(document.activeElement) ? document.activeElement.dataset.stop : null;
  let columns = found(sweep.targets, byId("find-targets"));
  let rows = found(sweep.sets, byId("find-sets"));
  if (order.columns) {
    columns = sorted(columns, (target) => badness(meanOf(pairsOfTarget(target, rows))), order.columnsTurned);
  }
  if (order.rows) {
    const ofTarget = (set) => badness(means[set * nTargets + Number(order.rows)]);
    rows = sorted(rows, keysOfRows(columns)[order.rows] ?? ofTarget, order.rowsTurned);
  }
  const head = element("tr", {},
    sortHead("gene set", "name"), sortHead("genes", "genes", "n"), sortHead("mean", "mean", "n"),
    ...columns.map((target) => sortHead(sweep.targets[target], String(target), "target")));
  map.tHead.replaceChildren(head);
  map.tBodies[0].replaceChildren(...rows.map((set) => lineOf(set, columns)));
  const turn = element("button", { type: "button", "data-columns": "mean", "data-stop": "columns", tabindex: -1 },
    "mean over gene sets");
  const sort = order.columns ? order.columnsTurned ? "ascending" : "descending" : false;
  const foot = element("th", { scope: "row", "aria-sort": sort }, turn);
  map.tFoot.replaceChildren(element("tr", {}, foot, element("td"), element("td"),
    ...columns.map((target) => element("td", { tabindex: -1 }, summary(measure, pairsOfTarget(target, rows))))));
  byId("shown").textContent = rows.length < sweep.sets.length || columns.length < nTargets
    ? `${rows.length} of ${sweep.sets.length} gene sets, ${columns.length} of ${nTargets} targets` : "";
  const stops = all("[data-stop]", map);
  const first = map.querySelector("td[data-pair]") ?? stops[0];
  const next = stops.find((stop) => stop.dataset.stop === focused) ?? first;
  next.tabIndex = 0;
  if (focused !== null) next.focus({ preventScroll: true });
};
const sortHead = (words, by, css = "") => {
  const button = element("button", { type: "button", "data-rows": by, "data-stop": `head ${by}`, tabindex: -1 }, words);
  const rising = ["name", "genes"].includes(by) !== order.rowsTurned; // of the others the best comes first
  const sort = order.rows === by ? rising ? "ascending" : "descending" : false;
  return element("th", { scope: "col", class: css, title: words, "aria-sort": sort }, button);
};
const lineOf = (set, columns) => {
  const name = sweep.sets[set];
  const genes = sweep.n_genes[set];
  const pairs = pairsOfSet(set, columns);
  return element("tr", {},
    element("th", { scope: "row", title: name, tabindex: -1 }, name),
    element("td", { tabindex: -1 }, known(genes) ? decimals(genes, 0) : "–"),
    element("td", { class: "mean", tabindex: -1 }, summary(measure, pairs)),
    ...pairs.map(fieldOf));
};
const fieldOf = (pair) => {
  const values = valuesOf(measure, pair);
  const current = pair === opened && "true";
  const attributes = { "data-pair": pair, "data-stop": `pair ${pair}`, tabindex: -1, "aria-current": current };
  if (!values.length) {
    const state = stateOf(pair);
    const [sign, words] = sweep.states[state];
    return element("td", { ...attributes, class: state }, sign, element("span", {}, ` ${words}`));
  }
  const part = runsOf[pair].some((run) => statusOf(run) !== "done") ? " part" : "";
  const css = shade(measure, mean(values)) + part;
  const field = element("td", { ...attributes, class: css }, element("span", {}, pairText(measure, values)));
  if (values.length > 1 && measure.form !== "answer" && !map.classList.contains("many")) {
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => textOf(measure, value));
    field.append(element("small", {}, `${low} to ${high}`));
  }
  return field;
};

// What a field says in full, for the pointer and the keyboard.
const inWords = (pair) => {
  const values = valuesOf(measure, pair);
  const head = `${nameOf(pair)}: ${measure.title} ${values.length ? pairText(measure, values) : sweep.states[stateOf(pair)][1]}`;
  if (measure.of_pairs) return head;
  const seeds = runsOf[pair].map((run) => {
    const value = measure.of_runs[run];
    const without = statusOf(run) === "done" ? sweep.states.missing[1] : endingOf(run);
    return `seed ${seedOf(run)} ${known(value) ? textOf(measure, value) : without}`;
  });
  return seeds.length ? `${head} (${seeds.join(", ")})` : head;
};
const showDetails = (event) => {
  const field = event.target.closest("td[data-pair]");
  if (!field) return;
  details.textContent = inWords(Number(field.dataset.pair));
  field.title = details.textContent;
};
map.addEventListener("mouseover", showDetails);
map.addEventListener("focusin", showDetails);

const choose = () => {
  measure = sweep.measures.find((one) => one.key === chooser.value);
  means = runsOf.map((_, pair) => mean(valuesOf(measure, pair)));
  const compared = measure.compared.map(([name, values]) => `${name} ${textOf(measure, mean(values.filter(known)))}`);
  byId("about").replaceChildren(element("b", {}, measure.title), measure.best ? ` (best: ${measure.best})` : "",
    `. ${measure.words} ${compared.length ? `Beside it, on average: ${compared.join(" and ")}.` : ""}`);
  const inWhole = ["share", "answer"].includes(measure.form); // round numbers need no zeros behind them
  const mark = (value) => inWhole ? textOf(measure, value) : String(value).replace("-", "\u2212");
  const marks = measure.good.map(([value]) => [value, mark(value)]);
  const steps = marks.flatMap(([value, text], number) =>
    number && measure.form !== "answer" ? [[(marks[number - 1][0] + value) / 2, ""], [value, text]] : [[value, text]]);
  const step = ([value, text]) => element("span", {}, element("i", { class: shade(measure, value) }), text);
  byId("steps").replaceChildren(...steps.map(step));
  draw();
};
chooser.addEventListener("change", choose);
for (const id of ["find-sets", "find-targets"]) byId(id).addEventListener("input", draw);
const numbered = byId("with-numbers");
const resize = () => map.classList.toggle("few-pixels", !numbered.checked);
numbered.checked = nTargets <= ROOM_FOR_NUMBERS;
numbered.addEventListener("change", resize);

map.addEventListener("click", (event) => {
  const { rows, columns } = event.target.closest("button")?.dataset ?? {};
  if (rows) {
    order.rowsTurned = order.rows === rows && !order.rowsTurned;
    order.rows = rows;
  } else if (columns) {
    order.columnsTurned = order.columns === columns && !order.columnsTurned;
    order.columns = columns;
  }
  if (rows || columns) draw();
  const field = event.target.closest("td[data-pair]");
  if (field) open(Number(field.dataset.pair));
});

// One stop of the Tab key; from there arrow keys, Home and End.
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const stopAt = (row, column) => {
  const line = map.rows[Math.max(0, Math.min(map.rows.length - 1, row))];
  const cell = line.cells[Math.max(0, Math.min(line.cells.length - 1, column))];
  for (const stop of all('[tabindex="0"]', map)) stop.tabIndex = -1;
  const stop = cell.querySelector("button") ?? cell;
  stop.tabIndex = 0;
  stop.focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
};
map.addEventListener("keydown", (event) => {
  const cell = event.target.closest("th, td");
  const [row, column] = [cell.parentElement.rowIndex, cell.cellIndex];
  if (event.key in MOVES) stopAt(row + MOVES[event.key][0], column + MOVES[event.key][1]);
  else if (event.key === "Home") stopAt(event.ctrlKey ? 0 : row, 0);
  else if (event.key === "End") stopAt(event.ctrlKey ? map.rows.length : row, Infinity);
  else if ((event.key === "Enter" || event.key === " ") && cell.dataset.pair) {
    open(Number(cell.dataset.pair));
    panel.querySelector("h2").focus();
  } else return;
  event.preventDefault();
});

// One gene set and target in full.
const address = (path) => path.split("/").map(encodeURIComponent).join("/"); // no name can become another scheme
const tableOf = (heads, lines) => element("table", { class: "plain" },
  element("thead", {}, element("tr", {},
    ...heads.map((words, number) => element("th", { scope: "col", class: number ? "n" : "" }, words)))),
  element("tbody", {}, ...lines));
const runsInFull = (pair) => {
  const [start, ends, reports] = sweep.paths[pair];
  return element("ul", {}, ...runsOf[pair].map((run, number) => {
    const line = element("li", {}, `seed ${seedOf(run)}: ${endingOf(run)} `);
    const path = start + ends[number];
    if (reports[number]) line.append(element("a", { href: address(path) }, "report"));
    else if (path) line.append(element("code", {}, path));
    return line;
  }));
};
const numbersInFull = (pair) => {
  const runs = runsOf[pair].filter((run) => statusOf(run) === "done");
  const compared = sweep.measures.find((one) => one.compared.length)?.compared.map(([name]) => name) ?? [];
  const lines = sweep.measures.filter((one) => one.of_runs && valuesOf(one, pair).length).map((one) => {
    const values = valuesOf(one, pair);
    const cell = (value, css = "n") => element("td", { class: css }, known(value) ? textOf(one, value) : "–");
    const others = compared.map((name) => {
      const found = one.compared.find(([other]) => other === name);
      return found ? cell(found[1][pair]) : element("td");
    });
    return element("tr", {}, element("th", { scope: "row" }, one.title),
      element("td", { class: `n shade ${shade(one, mean(values))}` }, pairText(one, values)),
      ...(runs.length > 1 ? runs.map((run) => cell(one.of_runs[run])) : []), ...others);
  });
  const seeds = runs.length > 1 ? runs.map((run) => `seed ${seedOf(run)}`) : [];
  if (!lines.length) return [];
  const own = runs.length > 1 ? "mean" : `seed ${seedOf(runs[0])}`;
  return [element("div", { class: "scroll" }, tableOf(["", own, ...seeds, ...compared], lines))];
};
const randomInFull = (pair) => {
  const numbers = sweep.random[pair];
  if (!numbers) return element("p", {}, "Beside random gene sets: not tested.");
  const [n, energy, randomEnergy, p, hits, randomHits, pHits] = numbers;
  const say = (value, write) => known(value) ? write(value) : "not available";
  const ratio = (value) => decimals(value, 3);
  return element("p", {}, `Beside ${n} random gene sets of as many genes, moved by the map in closed form: `
    + `energy ratio ${say(energy, ratio)} against ${say(randomEnergy, ratio)} (median), p ${say(p, chance)}; `
    + `hit rate ${say(hits, percent)} against ${say(randomHits, percent)}, p ${say(pHits, chance)}.`);
};
const genesInFull = (pair) => {
  if (!sweep.stable[pair]) return [element("p", {}, "Which genes come back: not available.")];
  const [nSeeds, [phi, low, high], ...lists] = sweep.stable[pair];
  const interval = known(low) && known(high) ? ` (95% interval ${decimals(low, 2)} to ${decimals(high, 2)})` : "";
  const words = known(phi)
    ? `Stability of the top genes over ${nSeeds} seeds: phi ${decimals(phi, 2)}${interval}; 1 the same genes, 0 as by chance.`
    : "Whether the same genes come first with another seed cannot be said.";
  const tables = ["up", "down"].map((way, number) => {
    const flat = lists[number];
    const lines = [];
    for (let i = 0; i < flat.length; i += 3) {
      lines.push(element("tr", {}, element("td", { class: "gene" }, sweep.genes[flat[i]]),
        element("td", { class: `n ${way}` }, decimals(flat[i + 1], 2)), element("td", { class: "n" }, percent(flat[i + 2]))));
    }
    const table = tableOf([`turned ${way}`, "mean P", "seeds"], lines);
    table.className = "genes";
    return table;
  });
  return [element("p", {}, words), element("div", { class: "pair" }, ...tables)];
};
const close = () => {
  const field = map.querySelector("td[aria-current]");
  field?.removeAttribute("aria-current");
  [opened, panel.hidden] = [null, true];
  document.body.classList.remove("beside");
  field?.focus();
};
const open = (pair) => {
  map.querySelector("td[aria-current]")?.removeAttribute("aria-current");
  map.querySelector(`td[data-pair="${pair}"]`)?.setAttribute("aria-current", "true");
  opened = pair;
  const genes = sweep.n_genes[Math.floor(pair / nTargets)];
  const button = element("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
  button.addEventListener("click", close);
  const planned = runsOf[pair].length
    ? [element("h3", {}, "Runs"), runsInFull(pair), ...numbersInFull(pair)] : [element("p", {}, "No run was planned.")];
  panel.replaceChildren(element("h2", { tabindex: -1 }, nameOf(pair)), button,
    element("p", {}, known(genes) ? `${decimals(genes, 0)} genes` : ""), ...planned,
    element("h3", {}, "Random gene sets"), randomInFull(pair), element("h3", {}, "Genes"), ...genesInFull(pair));
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add("beside");
};
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden) close(); });

for (const control of all(".atlas .control")) control.hidden = false;
map.setAttribute("role", "grid");
resize();
choose();
