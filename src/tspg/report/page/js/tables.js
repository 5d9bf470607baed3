// Tables that are sorted by their heads, searched and paged. Those of the page stand whole without this program, and in print.
import { element } from "./text.js";

const ROWS = 12; // of a page
const heading = (cell) => element("button", { type: "button", class: "head" }, cell.getValue());

// Of a grid's roles Tabulator gets three wrong: its footer, rows lie in what takes the focus, and groups of columns.
function setRoles(holder) {
  const rows = holder.querySelector(".tabulator-tableholder");
  rows.setAttribute("role", "rowgroup");
  rows.firstElementChild.setAttribute("role", "presentation");
  const footer = holder.querySelector(".tabulator-footer");
  if (footer) {
    footer.setAttribute("role", "rowgroup");
    footer.firstElementChild.setAttribute("role", "row");
    for (const part of footer.firstElementChild.children) part.setAttribute("role", "gridcell");
  }
  for (const group of holder.querySelectorAll(".tabulator-col-group")) {
    group.setAttribute("role", "presentation");
    for (const name of ["aria-sort", "aria-title"]) group.removeAttribute(name);
    const title = group.querySelector(".tabulator-col-title").textContent;
    for (const one of group.querySelectorAll(".tabulator-col")) one.setAttribute("aria-label", `${title}, ${one.textContent}`);
  }
}

export function grid(holder, options) {
  const { Tabulator, ...modules } = libraries.tables;
  Tabulator.registerModule(Object.values(modules));
  holder.replaceChildren();
  const made = new Tabulator(holder, {
    layout: "fitColumns", pagination: options.data.length > ROWS, paginationSize: ROWS, paginationCounter: "rows", paginationButtonCount: 3,
    columnDefaults: { headerSortStartingDir: "desc", titleFormatter: heading }, ...options,
  });
  made.on("tableBuilt", () => setRoles(holder));
  return made;
}

// A number is the cell's `data-value`, since its text may be rounded or "<0.1%"; what has none comes last either way.
const valueOf = (cell, isNumber) => (isNumber ? (cell.dataset.value ? Number(cell.dataset.value) : null) : cell.textContent.trim());

/* A table of the page as one that is sorted, searched by the input in `tools` and paged; a cell shows what it showed. */
export function gridOf(table, tools) {
  const heads = Array.from(table.tHead.rows[0].cells);
  const isNumber = heads.map((head) => head.classList.contains("n"));
  const rows = Array.from(table.tBodies[0].rows, (row) => ({
    row, text: row.textContent.toLowerCase(), ...Object.fromEntries(Array.from(row.cells, (cell, k) => [`c${k}`, valueOf(cell, isNumber[k])])),
  }));
  const columns = heads.map((head, k) => ({
    title: head.textContent, field: `c${k}`, minWidth: isNumber[k] ? 78 : 120, widthGrow: isNumber[k] ? 1 : 3, headerSortStartingDir: isNumber[k] ? "desc" : "asc",
    ...(isNumber[k] ? { sorter: "number", sorterParams: { alignEmptyValues: "bottom" }, hozAlign: "right", headerHozAlign: "right" } : { sorter: "string" }),
    formatter: (cell) => { const made = element("div", { title: cell.getData().row.cells[k].textContent }); made.append(...Array.from(cell.getData().row.cells[k].cloneNode(true).childNodes)); return made; },
  }));
  const holder = element("div", { class: "words" });
  table.classList.add("printed");
  table.after(holder);
  const made = grid(holder, { data: rows, columns, rowFormatter: (row) => { const { gene } = row.getData().row.dataset; if (gene) row.getElement().dataset.gene = gene; } });
  table.closest("details")?.addEventListener("toggle", () => made.redraw(true));
  const search = tools?.querySelector("input[type=search]");
  if (!search) return made;
  tools.hidden = false;
  search.addEventListener("input", () => { const words = search.value.trim().toLowerCase(); made.setFilter((row) => row.text.includes(words)); });
  return made;
}
