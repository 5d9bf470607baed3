// The page of a comparison can be read without this program; it adds all genes, search, filters, plots and panels.
import { readData } from "./data.js";
import { genePanel } from "./gene_panel.js";
import { genesPart } from "./genes.js";
import { chipsLead } from "./panel.js";
import { genePlots } from "./plots.js";
import { comparedViews } from "./views.js";

async function start() {
  const packed = await readData();
  const { views, ofTargets, filters } = comparedViews(packed);
  const data = { ...packed, filters, file: "compare_genes.tsv", head: "to" };
  const openGene = genePanel(data, ofTargets);
  const draw = genePlots(openGene);
  let again = () => {};
  document.addEventListener("click", (event) => {
    const shown = event.target.closest?.("[data-gene]");
    if (shown && shown.dataset.panel === undefined) openGene(shown.dataset.gene);
  });
  genesPart(data, views, { openGene, onShown: (view, chosen) => { again = () => draw(view, chosen); again(); }, onView: () => {} });
  window.addEventListener("resize", () => again());
  document.body.dataset.ready = "yes";
}

chipsLead();
start();
