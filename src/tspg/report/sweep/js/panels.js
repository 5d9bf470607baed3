// One gene set and target in full, and one gene in all of them.
import { pairName } from "./map.js";
import { geneLinks, panelOf } from "./panel.js";
import { element, geneButton } from "./text.js";

const WAYS = ["raised", "lowered"];

const address = (path) => path.split("/").map(encodeURIComponent).join("/"); // no name can become another scheme
const cells = (tag, some, from) => some.map((one, k) => element(tag, { class: k >= from ? "n" : null, ...(tag === "th" ? { scope: "col" } : {}) }, one));
const tableOf = (heads, lines, from = 1) => element("div", { class: "scroll", tabindex: "0" }, element("table", {},
  element("thead", {}, element("tr", {}, ...cells("th", heads, from))), element("tbody", {}, ...lines.map((line) => element("tr", {}, ...cells("td", line, from))))));

function runsInFull(data, pair) {
  if (!data.runs[pair].length) return [element("p", {}, "No run was planned.")];
  const lines = data.runs[pair].map(([seed, ending, path, isPage]) => {
    const line = element("li", {}, `seed ${seed}: ${ending} `);
    if (path) line.append(isPage ? element("a", { href: address(path) }, "page of the run") : element("code", {}, path));
    return line;
  });
  return [element("h3", {}, "Runs"), element("ul", {}, ...lines)];
}

function numbersInFull(data, pair) {
  const shown = data.measures.filter((one) => one.seeds && one.fields[pair][1]);
  if (!shown.length) return [];
  const seeds = data.runs[pair].map(([seed]) => `seed ${seed}`);
  const compared = shown.find((one) => one.compared.length)?.compared.map(([title]) => title) ?? [];
  const lines = shown.map((one) => {
    const others = compared.map((title) => one.compared.find(([other]) => other === title)?.[1][pair] ?? "");
    return [one.title, one.fields[pair][1], ...(seeds.length > 1 ? one.seeds[pair] : []), ...others];
  });
  return [tableOf(["measure", seeds.length > 1 ? "mean" : seeds[0], ...(seeds.length > 1 ? seeds : []), ...compared], lines)];
}

function genesInFull(data, pair) {
  if (!data.stable[pair]) return [element("p", {}, "Which genes come back: not available.")];
  const [sentence, ...lists] = data.stable[pair];
  const tables = lists.map((genes, k) => tableOf([WAYS[k], "mean change", "seeds"], genes.map(([i, ...texts]) => [geneButton(data.genes[i]), ...texts])));
  return [element("p", {}, sentence), ...tables];
}

export function pairPanel(data) {
  const open = panelOf("pair");
  return (pair) => {
    const genes = data.n_genes[Math.floor(pair / data.targets.length)];
    open(pairName(data, pair), element("p", {}, genes === null ? "" : `${genes.toLocaleString("en")} genes`), ...runsInFull(data, pair), ...numbersInFull(data, pair),
      element("h3", {}, "Beside random genes"), element("p", {}, data.random[pair] || "Not tested."), element("h3", {}, "Genes that lead"), ...genesInFull(data, pair));
  };
}

export function sweepGenePanel(data) {
  const open = panelOf("gene");
  return (gene) => {
    const i = data.genes.indexOf(gene);
    if (i < 0) return;
    const lines = data.stable.flatMap((found, pair) => (found ?? []).slice(1).flatMap((genes, k) =>
      genes.filter(([other]) => other === i).map(([, ...texts]) => [pairName(data, pair), WAYS[k], ...texts])));
    const where = lines.length ? tableOf(["gene set and target", "way", "mean change", "seeds"], lines, 2) : element("p", {}, "Among the first ten of no gene set and target, averaged over seeds; stability.tsv and gene_frequency.tsv have all lists.");
    open(gene, geneLinks(gene, data.aliases[i]), where).dataset.gene = gene;
  };
}
