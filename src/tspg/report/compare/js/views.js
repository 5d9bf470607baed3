// What the table of a comparison can show: the genes from one source, with a pair of columns for each target.
import { numbers } from "./data.js";
import { element, number, signed, small } from "./text.js";
import { SURE, bySize, column, gene, q, saved, shown } from "./views.js";

const [IN_ALL, IN_SOME] = [-1, -2];

function foundText(data, row) {
  if (row.of === null || row.of < IN_SOME) return "–";
  if (row.of === IN_SOME) return "some";
  const arrow = data.is_tested ? (row[`d${Math.max(row.of, 0)}`] > 0 ? " ↑" : " ↓") : "";
  return row.of === IN_ALL ? `shared${arrow}` : `only ${data.targets[row.of]}${arrow}`;
}

function rowsOf(data, block) {
  const difference = block.difference?.map(numbers);
  const logs = block.log_q?.map(numbers);
  return data.genes.map((name, i) => {
    const row = { id: i, gene: name, rank: block.order[i], of: block.of[i], is_sure: false, up: false };
    let sum = 0;
    data.targets.forEach((_, t) => {
      row[`d${t}`] = difference ? difference[t][i] : NaN;
      row[`q${t}`] = logs ? logs[t][i] : NaN;
      row[`r${t}`] = block.rank[t][i] || NaN;
      row.is_sure ||= row[`q${t}`] > SURE;
      sum += row[`d${t}`] || 0;
    });
    row.up = sum > 0;
    row.found = foundText(data, row);
    return row;
  });
}

// A group of columns for each target: how far, and how sure; of lists the rank.
function columnsOf(data) {
  const rank = (t) => column("rank", `r${t}`, shown((one) => number(one, 0)), { titleDownload: `rank in ${data.targets[t]}`, sorterParams: { alignEmptyValues: "bottom" } });
  const tested = (t) => [
    column(data.measure, `d${t}`, shown((one) => signed(one)), { ...bySize, minWidth: 80, titleDownload: `difference in ${data.targets[t]}` }),
    column("q", `q${t}`, q, { minWidth: 80, titleDownload: `q in ${data.targets[t]}` }),
    saved(`rank in ${data.targets[t]}`, `r${t}`),
  ];
  return [
    gene,
    ...data.targets.map((target, t) => ({ title: target, headerHozAlign: "right", titleFormatter: (cell) => element("span", {}, cell.getValue()), columns: data.is_tested ? tested(t) : [rank(t)] })),
    { title: "found", field: "found", minWidth: 76, sorter: (a, b, x, y) => y.getData().rank - x.getData().rank },
    saved("order", "rank"),
  ];
}

function comparedView(data, block) {
  const short = (name) => (name.length > 30 ? `${name.slice(0, 29)}…` : name);
  const plot = (a, b) => ({ x: `d${a}`, y: `d${b}`, xTitle: `${data.measure} in ${short(data.targets[a])}`, yTitle: `in ${short(data.targets[b])}` });
  const plots = !data.is_tested ? [] : data.targets.length > 2 ? [plot(0, 1), plot(0, 2)] : [plot(0, 1)];
  return { name: block.source || "all source samples", rows: rowsOf(data, block), columns: columnsOf(data), order: "rank", plots };
}

// The views of the table, and for the panel of a gene its numbers in each target.
export function comparedViews(data) {
  const views = data.views.map((block) => { let made; return { name: block.source || "all source samples", get view() { return (made ??= comparedView(data, block)); } }; });
  const several = views.length > 1;
  const ofTargets = views.flatMap((one) => data.targets.map((target, t) => ({
    name: several ? `${one.name} to ${target}` : target,
    get view() {
      return { rows: one.view.rows, heads: [data.measure, "q", "rank"], values: (row) => [data.is_tested ? signed(row[`d${t}`]) : "–", small(row[`q${t}`]), number(row[`r${t}`], 0)] };
    },
  })));
  const filters = [["all", () => true], ["shared by all", (row) => row.of === IN_ALL], ...data.targets.map((target, t) => [`only in ${target}`, (row) => row.of === t])]
    .map(([name, test]) => ({ name, test }));
  return { views, ofTargets, filters };
}
