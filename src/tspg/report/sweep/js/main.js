// The page of a sweep can be read without this program; it adds measures, sorting, search and panels.
import { readData } from "./data.js";
import { mapPart } from "./map.js";
import { chipsLead } from "./panel.js";
import { pairPanel, sweepGenePanel } from "./panels.js";
import { gridOf } from "./tables.js";

async function start() {
  const data = await readData();
  const openGene = sweepGenePanel(data);
  for (const table of document.querySelectorAll("table.sorted")) gridOf(table, table.parentElement.previousElementSibling);
  mapPart(data, pairPanel(data));
  document.addEventListener("click", (event) => {
    const shown = event.target.closest?.("[data-gene]");
    if (shown && shown.dataset.panel === undefined) openGene(shown.dataset.gene);
  });
  for (const part of document.querySelectorAll("#sets .tools, #sets .caption span")) part.hidden = false;
  document.body.dataset.ready = "yes";
}

chipsLead();
start();
