// Two heat maps: the leading genes in samples before, moved and of the target; and the paper's view of all genes.
import { bytes, numbers } from "./data.js";
import { element, geneButton, menu } from "./text.js";

const ROW = 12;
const MOST = 60; // samples of a panel

function image(canvas, width, height, colourOf) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    const [red, green, blue] = colourOf(i % width, Math.floor(i / width));
    picture.data.set([red, green, blue, 255], 4 * i);
  }
  context.putImageData(picture, 0, 0);
}

const rgb = (text) => {
  if (text.startsWith("#")) return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  return text.match(/\d+/g).map(Number);
};
const expression = Array.from({ length: 256 }, (_, i) => rgb(libraries.interpolateViridis(i / 255)));
// By the root, so that small changes show.
const change = Array.from({ length: 256 }, (_, i) => rgb(libraries.interpolateRdBu(1 - i / 255)));
const changeOf = (value) => change[Math.round(127.5 + 127.5 * Math.sign(value) * Math.sqrt(Math.min(1, Math.abs(value))))];

// Three panels: samples of the source classes, the same moved, and the target class; one source class or a few of each.
function samplesView(data) {
  const { heat, groups } = data.values;
  const values = bytes(heat.data);
  const nGenes = heat.genes.length;
  const starts = heat.shown.map((_, g) => heat.shown.slice(0, g).reduce((sum, n) => sum + n, 0));
  const sources = groups.filter((group) => group.kind === "source").map((group) => group.name);
  const panels = element("div", { class: "panels" });
  const draw = (choice) => {
    const few = choice === 0 ? Math.max(4, Math.floor(MOST / sources.length)) : MOST;
    panels.replaceChildren(...["source", "moved", "target"].map((kind) => {
      const own = groups.map((group, g) => ({ ...group, g })).filter((group) => group.kind === kind && (kind === "target" || choice === 0 || group.name === sources[choice - 1]));
      const columns = own.flatMap(({ g }) => Array.from({ length: Math.min(heat.shown[g], kind === "target" ? MOST : few) }, (_, i) => starts[g] + i));
      const total = own.reduce((sum, group) => sum + group.n, 0);
      const canvas = element("canvas", { "aria-hidden": "true" });
      if (columns.length) image(canvas, columns.length, nGenes, (column, row) => expression[values[columns[column] * nGenes + row]]);
      canvas.style.height = `${ROW * nGenes}px`;
      const title = { source: "Samples", moved: "The same, moved", target: own[0]?.name ?? data.target }[kind];
      const classes = kind === "target" ? "target class" : (own.length > 3 ? `${own.length} classes` : own.map((group) => group.name).join(" | "));
      return element("div", { class: "panel" }, element("p", {}, element("b", {}, title), ` ${columns.length} of ${total.toLocaleString("en")}`, element("br"), classes), canvas);
    }));
  };
  draw(0);
  const names = element("div", { class: "names" }, ...heat.genes.map((gene) => geneButton(gene)));
  const tools = sources.length > 1 ? [menu("From", ["all source classes", ...sources], draw)] : [];
  return element("div", {}, ...tools, element("div", { class: "heat" }, names, panels));
}

// x, P, x_adv and mu_T of every gene, the most raised on top, as in the paper's figures.
function paperView(data) {
  const { minimum, range } = data.values;
  const target = bytes(data.values.target_mean);
  const holder = element("div", { class: "paper" });
  const draw = (k) => {
    const moves = numbers(data.tests[k].change);
    const mean = numbers(data.tests[k].mean);
    const step = (value) => Math.max(0, Math.min(255, Math.round(255 * value)));
    const scaled = (gene) => (range[gene] ? (mean[gene] - minimum[gene]) / range[gene] : 0);
    const order = Array.from(moves.keys()).sort((a, b) => moves[b] - moves[a]);
    const strips = {
      x: (gene) => expression[step(scaled(gene))], P: (gene) => changeOf(moves[gene]),
      "x_adv": (gene) => expression[step(scaled(gene) + moves[gene])], "mu_T": (gene) => expression[target[gene]],
    };
    holder.replaceChildren(...Object.entries(strips).map(([name, colourOf]) => {
      const canvas = element("canvas", { "aria-hidden": "true" });
      image(canvas, 1, order.length, (_, row) => colourOf(order[row]));
      return element("div", { class: "panel" }, element("p", {}, name), canvas);
    }));
  };
  draw(0);
  const names = data.tests.map((test) => test.source || "all source samples");
  const tools = data.tests.length > 1 ? [menu("From", names, draw)] : [];
  return element("div", {}, ...tools, holder);
}

export function heatPart(data) {
  const part = document.querySelector("#heatmap");
  if (!part || !data.values?.heat) return;
  const views = [["Leading genes", () => samplesView(data)], ["All genes, as in the paper", () => paperView(data)]];
  const holder = part.querySelector(".view");
  const captions = part.querySelectorAll(".caption");
  const buttons = views.map(([title, make], i) => {
    const button = element("button", { type: "button", "aria-pressed": String(i === 0) }, title);
    button.addEventListener("click", () => {
      holder.replaceChildren(make());
      buttons.forEach((one, k) => one.setAttribute("aria-pressed", String(k === i)));
      captions.forEach((one, k) => { one.hidden = k !== i; });
    });
    return button;
  });
  part.querySelector(".tools").replaceChildren(...buttons);
  holder.replaceChildren(views[0][1]());
}
