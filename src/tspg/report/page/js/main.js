// Everything on the page can be read without this program; it adds search, sorting, plots and panels.
import { readData } from "./data.js";
import { genePanel } from "./gene_panel.js";
import { genesPart } from "./genes.js";
import { heatPart } from "./heatmap.js";
import { mapPart } from "./map.js";
import { chipsLead } from "./panel.js";
import { genePlots } from "./plots.js";
import { viewsOf } from "./views.js";

// Of what is there for each named sample, that of one.
function showSample(name) {
  const parts = Array.from(document.querySelectorAll("[data-sample]"));
  if (!parts.some((part) => part.dataset.sample === name)) return;
  for (const part of parts) part.hidden = part.dataset.sample !== name;
  for (const select of document.querySelectorAll("select.sample")) select.value = name;
}

async function start() {
  const data = await readData();
  const views = viewsOf(data);
  let sample = "";
  const openGene = genePanel(data, views, () => sample);
  document.addEventListener("click", (event) => {
    const shown = event.target.closest?.("[data-gene]");
    if (shown && !shown.closest('[data-panel="gene"]')) openGene(shown.dataset.gene);
  });
  let choose = () => {};
  const mark = mapPart(data, (name) => choose(name));
  const draw = genePlots(openGene);
  let again = () => {};
  if (views.length) {
    choose = genesPart(data, views, {
      openGene,
      onShown: (view, chosen) => { again = () => draw(view, chosen); again(); },
      onView: (view) => { sample = view.sample ?? ""; mark(sample); showSample(sample); },
    });
    window.addEventListener("resize", () => again());
  }
  for (const select of document.querySelectorAll("select.sample")) {
    select.addEventListener("change", () => { const name = select.value; showSample(name); choose(name); });
  }
  heatPart(data);
  document.body.dataset.ready = "yes";
}

// Tables wider than their place are scrolled by keyboard, too.
for (const table of document.querySelectorAll(".scroll")) table.tabIndex = 0;
chipsLead();
start();
