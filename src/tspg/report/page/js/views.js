// What the table of genes can show: a source class against the target, or one sample; each with rows, columns and plots.
import { namesOf, numbers } from "./data.js";
import { geneButton, number, percent, signed, small } from "./text.js";

export const SURE = -Math.log10(0.05);
const TEST_KEYS = ["difference", "low", "high", "log_q", "log_p", "change", "stability", "mean"];
const SAMPLE_KEYS = ["value", "expected", "low", "high", "z_own", "z_target", "percentile_source", "percentile_target", "perturbation", "log_q_own", "log_q_target"];

const unpacked = (block, keys) => Object.fromEntries(keys.map((key) => [key, numbers(block[key])]));
const at = (columns, i) => Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, values ? values[i] : NaN]));
const ensembl = (data, i) => namesOf(data.genes[i], data.aliases[i]).ids.join(" ");

const plain = (one) => (Number.isFinite(one) ? Number(one.toPrecision(5)) : "");
const power = (log) => (Number.isFinite(log) ? Number((10 ** -log).toPrecision(3)) : "");
export const shown = (show, saved = plain) => ({ formatter: (cell) => show(cell.getValue(), cell.getData()), accessorDownload: saved, accessorClipboard: saved });
export const column = (title, field, how, more = {}) => ({ title, field, ...how, hozAlign: "right", headerHozAlign: "right", sorter: "number", minWidth: 62, ...more });
export const saved = (title, field, how = {}) => ({ title, field, visible: false, sorter: "number", download: true, clipboard: true, ...how });
export const q = shown(small, power);
export const gene = { title: "gene", field: "gene", formatter: (cell) => geneButton(cell.getValue()), minWidth: 92, sorter: "string", headerSortStartingDir: "asc" };
const wide = { cssClass: "wide" }; // left out on a narrow screen

function classView(data, test) {
  const columns = unpacked(test, TEST_KEYS);
  const stable = new Set(test.stable);
  const rows = data.genes.map((name, i) => ({ id: i, gene: name, ids: ensembl(data, i), rank: test.rank[i], up: test.up[i] === 1, stable: stable.has(i), ...at(columns, i) }));
  rows.forEach((row) => { row.is_sure = row.log_q > SURE; });
  const isTested = rows.some((row) => Number.isFinite(row.log_q));
  const change = { x: "difference", y: "change", xTitle: data.measure, yTitle: "change P (scaled)" };
  return {
    name: test.source || "all source samples", rows,
    columns: [
      gene,
      column(data.measure, "difference", shown((one) => signed(one)), { minWidth: 84 }),
      column("95% interval", "low", { ...shown((one, row) => (Number.isFinite(one) ? `${number(row.low)} to ${number(row.high)}` : "–")) }, { ...wide, minWidth: 112, titleDownload: "low", titleClipboard: "low" }),
      saved("high", "high"),
      column("q", "log_q", q, { minWidth: 80 }),
      saved("p", "log_p", q),
      column("change P", "change", shown((one) => signed(one)), wide),
      column("stability", "stability", shown((share, row) => percent(share) + (row.stable ? " ★" : "")), { ...wide, minWidth: 74 }),
      column("rank", "rank", shown((rank, row) => (rank ? `${rank.toLocaleString("en")} ${row.up ? "↑" : "↓"}` : "–")), { sorter: (a, b) => (a || Infinity) - (b || Infinity) || 0 }),
      saved("Ensembl", "ids"),
    ],
    plots: isTested ? [{ x: "difference", y: "log_q", xTitle: data.measure, yTitle: "−log10 q", line: SURE }, change] : [change],
    values: (row) => [signed(row.difference), Number.isFinite(row.low) ? `${number(row.low)} to ${number(row.high)}` : "–", small(row.log_q), signed(row.change), percent(row.stability), row.rank ? `${row.rank} ${row.up ? "↑" : "↓"}` : "–"],
    heads: [data.measure, "95% interval", "q", "change P", "stability", "rank"],
  };
}

function sampleView(data, sample) {
  const columns = unpacked(sample, SAMPLE_KEYS);
  const rows = data.genes.map((name, i) => ({ id: i, gene: name, ids: ensembl(data, i), ...at(columns, i) }));
  rows.forEach((row) => {
    row.distance = row.value - row.expected;
    if (data.values) {
      const { minimum, range } = data.values;
      const scaled = range[row.id] ? Math.min(1, Math.max(0, (row.value - minimum[row.id]) / range[row.id])) : 0;
      row.moved = minimum[row.id] + (scaled + row.perturbation) * range[row.id]; // what is outside of the range was clipped
    }
    row.up = row.z_own > 0;
    row.is_sure = row.log_q_own > SURE;
  });
  const size = (row) => Math.abs(row.z_own || 0);
  [...rows].sort((a, b) => size(b) - size(a)).forEach((row, k) => { row.rank = k + 1; });
  const less = `value less expected in ${data.target}`;
  return {
    name: sample.sample, sample: sample.sample, rows,
    columns: [
      gene,
      saved("rank", "rank"),
      column("value", "value", shown((one) => number(one))),
      column("moved", "moved", shown((one) => number(one)), wide),
      column("z, given the rest", "z_own", shown((one) => signed(one, 1))),
      column("q", "log_q_own", q, { minWidth: 80 }),
      column("percentile in own class", "percentile_source", shown((one) => number(one, 0)), wide),
      column(`expected in ${data.target}`, "expected", shown((one, row) => `${number(one, 1)} (${number(row.low, 1)} to ${number(row.high, 1)})`), { ...wide, minWidth: 140 }),
      saved("low", "low"),
      saved("high", "high"),
      column("value less expected", "distance", shown((one) => signed(one))),
      column("change P", "perturbation", shown((one) => signed(one)), wide),
      saved("Ensembl", "ids"),
    ],
    plots: [{ x: "distance", y: "z_own", xTitle: less, yTitle: "z, given the rest of the profile" }, { x: "distance", y: "perturbation", xTitle: less, yTitle: "change P (scaled)" }],
    values: (row) => [number(row.value), signed(row.z_own, 1), small(row.log_q_own), number(row.expected), signed(row.distance), signed(row.perturbation)],
    heads: ["value", "z", "q", `expected in ${data.target}`, "less expected", "change P"],
  };
}

// Tests first, then samples; each is made when it is first shown.
export function viewsOf(data) {
  const late = (make, block, name) => { let made; return { name, sample: block.sample, get view() { return (made ??= make(data, block)); } }; };
  return [
    ...data.tests.map((test) => late(classView, test, test.source || "all source samples")),
    ...data.samples.map((sample) => late(sampleView, sample, `sample ${sample.sample}`)),
  ];
}
