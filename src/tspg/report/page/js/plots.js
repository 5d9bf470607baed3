// The plots of all genes beside the table, linked with it: what a search finds stands out, a click opens the gene.
import { scatter } from "./scatter.js";
import { color, number } from "./text.js";

const NAMED = 8;

export function genePlots(openGene) {
  const figures = Array.from(document.querySelectorAll("#genes figure"));
  const output = document.querySelector("#genes .pointed");
  return (view, chosen) => {
    const labelled = view.rows.filter((row) => (chosen ? chosen.has(row.id) : row.rank > 0)).sort((a, b) => a.rank - b.rank).slice(0, NAMED).map((row) => row.id);
    const [grey, up, down] = ["grey", "up", "down"].map(color);
    figures.forEach((figure, k) => {
      const plot = view.plots[k];
      figure.hidden = !plot;
      if (!plot) return;
      const points = view.rows.map((row) => ({
        x: row[plot.x], y: Math.min(row[plot.y], 300), colour: !row.is_sure ? grey : row.up ? up : down, name: row.gene, gene: row.gene,
        faded: chosen !== null && !chosen.has(row.id),
      }));
      scatter(figure.querySelector(".plot"), points, {
        labelled, xTitle: plot.xTitle, yTitle: plot.yTitle, lines: plot.line ? [plot.line] : [], label: `${plot.yTitle} against ${plot.xTitle}, ${points.length} genes`,
        onPoint: (point) => { output.textContent = point ? `${point.name}: ${plot.xTitle} ${number(point.x)}, ${plot.yTitle} ${number(point.y)}` : ""; },
        onPick: (point) => openGene(point.gene),
      });
    });
  };
}
