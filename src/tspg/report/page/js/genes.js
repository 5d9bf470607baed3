// The table of all genes with its search, filters, copy and download.
import { answerText, searcher } from "./search.js";
import { grid } from "./tables.js";
import { element, menu } from "./text.js";

const gridOptions = (view) => ({
  data: view.rows, columns: view.columns,
  initialSort: [{ column: view.order, dir: view.order === "rank" ? "asc" : "desc" }], clipboard: "copy", clipboardCopyRowRange: "active", clipboardCopyStyled: false,
  rowFormatter: (row) => {
    row.getElement().setAttribute("data-gene", row.getData().gene);
    row.getElement().classList.toggle("is-up", row.getData().up);
  },
});

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
  const show = () => {
    const found = look(search.value);
    const chosen = new Set(found.containing);
    output.textContent = answerText(found, search.value, found.exact >= 0 ? view.rows[found.exact].rank : 0, view.rows.length);
    if (found.answer) output.dataset.answer = found.answer; else delete output.dataset.answer;
    made.setFilter((row) => (!found.answer || chosen.has(row.id)) && (!sure.checked || row.is_sure) && (!data.filters || data.filters[kept].test(row)));
    onShown(view, found.answer ? chosen : null);
  };
  const choose = (i) => {
    view = views[i].view;
    made?.destroy();
    made = grid(part.querySelector(".gene-table"), gridOptions(view));
    made.on("tableBuilt", show);
    onView(view);
  };
  search.addEventListener("input", show);
  search.addEventListener("keydown", (event) => {
    const first = made.getRows("active")[0];
    if (event.key === "Enter" && first) openGene(first.getData().gene);
  });
  sure.addEventListener("change", show);
  const button = (label, act) => {
    const one = element("button", { type: "button" }, label);
    one.addEventListener("click", () => act(one));
    return one;
  };
  const chooser = menu("Show", views.map((one) => one.name), choose);
  chooser.hidden = views.length < 2;
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
