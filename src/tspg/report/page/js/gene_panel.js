// The panel of one gene: its values in every class as they are, moved, and in the target, and its numbers.
import { valuesOf } from "./data.js";
import { geneLinks, panelOf } from "./panel.js";
import { color, element, number } from "./text.js";

const BAND = 22;
const WIDTH = 430;
const KINDS = { source: "", moved: ", moved", target: ", target class" };

// `shownSample` gives the name of the sample that the page shows now, or empty.
export function genePanel(data, views, shownSample = () => "") {
  const number_of = new Map(data.genes.map((gene, i) => [gene, i]));
  const open = panelOf("gene");
  return (gene) => {
    const i = number_of.get(gene);
    if (i === undefined) return;
    open(gene, geneLinks(gene, data.aliases[i]), ...strips(data, i, shownSample()), ...tests(data, views, i), ...memberships(data, i)).dataset.gene = gene;
  };
}

function strips(data, i, sample) {
  const groups = data.values && valuesOf(data.values, i);
  if (!groups) {
    if (!data.values) return data.values === null ? [element("p", {}, "The folder holds no values of samples.")] : [];
    const names = data.values.groups.filter((group) => group.kind !== "moved").map((group) => group.name);
    return [element("p", {}, `The page has no room for the values of this gene (${names.join(", ")}); perturbations.h5ad has them.`)];
  }
  const all = groups.flatMap((group) => [...group.quantiles, ...group.samples.map((one) => one.value)]);
  const scale = libraries.scaleLinear([Math.min(...all), Math.max(...all)], [8, WIDTH - 8]);
  const height = groups.length * 2 * BAND + 44;
  const svg = libraries.select(element("div", { class: "strips" })).append("svg").attr("viewBox", `0 0 ${WIDTH} ${height}`)
    .attr("role", "img").attr("aria-label", `Values in each class; medians ${groups.map((one) => `${one.name}${KINDS[one.kind]} ${number(one.median)}`).join(", ")}`);
  const middle = groups.map((_, g) => g * 2 * BAND + BAND * 1.45);
  const target = groups.length - 1;
  const lines = svg.append("g").attr("class", "pairs");
  for (const [g, source, own] of data.values.pairs) {
    lines.append("line").attr("x1", scale(groups[g].samples[source].value)).attr("y1", middle[g])
      .attr("x2", scale(groups[target].samples[own].value)).attr("y2", middle[target]);
  }
  groups.forEach((group, g) => strip(svg, group, middle[g], scale, sample));
  svg.append("g").attr("transform", `translate(0,${height - 38})`).call(libraries.axisBottom(scale).ticks(5));
  svg.append("text").attr("class", "title").attr("x", WIDTH / 2).attr("y", height - 4).text(data.measure === "difference" ? "input units" : "log2 expression");
  const shown = groups.some((group) => group.samples.length && group.samples.length < group.n);
  const caption = `Box: middle half; line: median${groups[0].quantiles.length === 5 ? "; whiskers: 90% of samples" : ""}. ${shown ? "Dots: some samples, drawn at random. " : ""}${data.values.pairs.length ? "Thin lines join samples of one person. " : ""}${sample ? `Large dot: ${sample}.` : ""}`;
  return [svg.node().parentNode, element("p", { class: "caption" }, caption)];
}

function strip(svg, group, middle, scale, sample) {
  const colour = color({ source: "soft", moved: "accent", target: "ink" }[group.kind]);
  const shown = group.samples.length;
  svg.append("text").attr("class", "class-name").attr("x", 4).attr("y", middle - BAND * 0.62)
    .text(`${group.name}${KINDS[group.kind]} · median ${number(group.median)} · n = ${group.n.toLocaleString("en")}${shown && shown < group.n ? ` (${shown} drawn)` : ""}`);
  const at = group.quantiles.map(scale);
  const last = at.length - 1;
  const box = at.length === 5 ? [at[1], at[3]] : [at[0], at[last]];
  const mark = (name, set) => { const made = svg.append(name).attr("stroke", colour); for (const key in set) made.attr(key, set[key]); };
  if (at.length === 5) mark("line", { x1: at[0], x2: at[4], y1: middle, y2: middle });
  if (at.length > 1) mark("rect", { x: box[0], width: Math.max(1, box[1] - box[0]), y: middle - 6, height: 12, fill: colour, "fill-opacity": 0.2 });
  group.samples.forEach((one, k) => {
    svg.append("circle").attr("cx", scale(one.value)).attr("cy", middle + ((k % 5) - 2) * 2)
      .attr("r", one.name === sample ? 4.5 : 1.9).attr("fill", colour).attr("fill-opacity", one.name === sample ? 1 : 0.6)
      .append("title").text(`${one.name}: ${number(one.value)}`);
  });
  mark("line", { x1: scale(group.median), x2: scale(group.median), y1: middle - 8, y2: middle + 8, "stroke-width": 2.5 });
}

// The gene's numbers in every view: from each source class, and in single samples.
function tests(data, views, i) {
  const cells = (first, texts, tag) => element("tr", {}, element("th", { scope: tag === "th" ? "col" : "row" }, first), ...texts.map((one) => element(tag, tag === "th" ? { scope: "col" } : {}, one)));
  const tableOf = (some, head) => {
    if (!some.length) return [];
    const rows = some.map((one) => cells(one.name, one.view.values(one.view.rows[i]), "td"));
    return [element("div", { class: "scroll", tabindex: "0" }, element("table", {}, element("thead", {}, cells(head, some[0].view.heads, "th")), element("tbody", {}, ...rows)))];
  };
  const left = data.left_out.sources ? [element("p", { class: "caption" }, `${data.left_out.sources} more source classes are in genes.tsv.`)] : [];
  return [...tableOf(views.filter((one) => !one.sample), data.head ?? "from"), ...left, ...tableOf(views.filter((one) => one.sample), "sample")];
}

function memberships(data, i) {
  const names = data.gene_sets.filter(([, members]) => members.includes(i)).map(([name]) => name);
  return [element("p", {}, names.length ? `Hallmark gene sets: ${names.join(", ")}.` : "In no Hallmark gene set.")];
}
