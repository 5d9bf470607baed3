"use strict";
// Everything on the page can be read without this program; it adds choosing, searching, sorting and pointing.
const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

// One source class or sample at a time; "everything" shows all.
for (const chooser of all("select.chooser")) {
  chooser.closest(".control").hidden = false;
  const groups = all(`[data-group="${chooser.dataset.for}"]`);
  const choose = () => {
    for (const group of groups) {
      const chosen = chooser.value === "all" || group.dataset.case === chooser.value;
      group.hidden = !chosen;
      if (group.tagName === "DETAILS" && chooser.value !== "all") group.open = chosen;
    }
  };
  chooser.addEventListener("change", choose);
  choose();
}

// Only rows with the words typed, in every table of the section.
for (const search of all("input.search")) {
  search.closest(".control").hidden = false;
  const section = search.closest("section");
  const found = search.closest(".control").querySelector("output");
  search.addEventListener("input", () => {
    const words = search.value.trim().toLowerCase();
    let count = 0;
    for (const row of all("table.searchable tbody tr", section)) {
      row.hidden = words !== "" && !row.textContent.toLowerCase().includes(words);
      if (!row.hidden && words) count += 1;
    }
    if (words) for (const details of all("details", section)) details.open = true;
    found.textContent = words ? `${count} rows` : "";
  });
}

// A click on a column's head, or Enter on it, sorts by that column; another one turns the order round.
for (const table of all("table.sortable")) {
  all("thead th", table).forEach((head, column) => {
    const sort = () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const number = (text) => parseFloat(text.replace("\u2212", "-").replace(/,/g, ""));
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        const [n, m] = [number(x), number(y)];
        const difference = Number.isNaN(n) || Number.isNaN(m) ? x.localeCompare(y) : n - m;
        return rising ? difference : -difference;
      };
      for (const body of table.tBodies) body.append(...Array.from(body.rows).sort(order));
    };
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.addEventListener("click", sort);
  });
}

// The map: the sample under the pointer is named, and a class chosen in the key stands out.
for (const figure of all("figure.map")) {
  const output = figure.querySelector("output");
  for (const point of all("[data-sample]", figure)) {
    const tell = () => { output.textContent = point.querySelector("title").textContent; };
    point.addEventListener("mouseenter", tell);
  }
  for (const button of all("button[data-class]", figure)) {
    button.addEventListener("click", () => {
      const chosen = button.getAttribute("aria-pressed") !== "true";
      for (const other of all("button[data-class]", figure)) other.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-pressed", String(chosen));
      for (const point of all("[data-sample]", figure)) {
        point.classList.toggle("faded", chosen && point.dataset.class !== button.dataset.class);
      }
    });
  }
}
