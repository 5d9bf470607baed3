// The table of all genes with its search, filters, copy and download.
import { answerText, searcher } from "./search.js";
import { grid } from "./tables.js";
import { element, menu } from "./text.js";

function gridOptions(view, isNarrow) {
  return {
    data: view.rows, columns: view.columns.map((one) => (isNarrow && one.cssClass === "wide" ? { ...one, visible: false, download: true, clipboard: true } : one)),
    paginationSize: 10, initialSort: [{ column: "rank", dir: "asc" }], clipboard: "copy", clipboardCopyRowRange: "active", clipboardCopyStyled: false,
    rowFormatterClipboard: false, // or rows that were copied would never be formatted again
    rowFormatter: (row) => {
      row.getElement().setAttribute("data-gene", row.getData().gene);
      row.getElement().classList.add(row.getData().up ? "is-up" : "is-down");
    },
  };
}

/* `views` are what can be shown; `onShown` gets the view and the numbers of the genes that a search found (null: all),
   `onView` the view that was chosen. */
export function genesPart(data, views, { onShown, onView, openGene }) {
  const part = document.querySelector('[data-part="genes"]');
  const search = part.querySelector("input[type=search]");
  const output = part.querySelector("output");
  const look = searcher(data);
  const sure = element("input", { type: "checkbox" });
  let kept = 0;
  let view = null;
  let made = null;
  let later = 0;
  const show = () => {
    const found = look(search.value);
    output.textContent = answerText(found, view.rows);
    if (found.answer) output.dataset.answer = found.answer; else delete output.dataset.answer;
    made.setFilter((row) => (!found.genes || found.genes.has(row.id)) && (!sure.checked || row.is_sure) && (!data.filters || data.filters[kept].test(row)));
    window.clearTimeout(later);
    later = window.setTimeout(() => onShown(view, found.genes), 150); // plots wait until typing rests
  };
  const choose = (i) => {
    view = views[i].view;
    made?.destroy();
    const holder = part.querySelector(".gene-table");
    made = grid(holder, gridOptions(view, holder.clientWidth < 640));
    made.on("tableBuilt", () => {
      made.on("dataSorted", () => made.setPage(1)); // after a filter, too
      show();
    });
    onView(view);
  };
  search.addEventListener("input", show);
  search.addEventListener("keydown", (event) => {
    const { exact } = look(search.value);
    const gene = exact >= 0 ? data.genes[exact] : made.getRows("active")[0]?.getData().gene;
    if (event.key === "Enter" && gene !== undefined) openGene(gene);
  });
  sure.addEventListener("change", show);
  const button = (label, act) => {
    const one = element("button", { type: "button" }, label);
    one.addEventListener("click", () => act(one));
    return one;
  };
  const chooser = menu("Show", views.map((one) => one.name), choose);
  chooser.hidden = views.length < 2;
  const { sources, samples } = data.left_out;
  if (sources || samples) chooser.append(` (the page has no room for ${sources || samples} more; they are in ${sources ? "genes.tsv" : "sample_genes.tsv"})`);
  part.querySelector(".tools").append(
    chooser,
    ...(data.filters ? [menu("Genes", data.filters.map((one) => one.name), (i) => { kept = i; show(); })] : []),
    element("label", {}, sure, " q < 0.05 only"),
    button("Copy", (one) => { made.copyToClipboard("active"); one.textContent = "Copied"; }),
    button("Download TSV", () => made.download("csv", data.file ?? "genes.tsv", { delimiter: "\t" })),
  );
  part.querySelector(".tools").hidden = false;
  choose(0);
  return (sample) => {
    const i = views.findIndex((one) => one.sample === sample);
    if (i < 0 || view === views[i].view) return;
    chooser.querySelector("select").value = String(i);
    choose(i);
  };
}
