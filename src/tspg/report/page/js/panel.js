// A panel at the side of the page; it closes by its button and by Escape, and the focus goes back.
import { namesOf } from "./data.js";
import { element } from "./text.js";

export function panelOf(name) {
  const panel = document.querySelector(`[data-panel="${name}"]`);
  let opener = null;
  const close = () => { panel.hidden = true; opener?.focus?.(); };
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden) close(); });
  return (title, ...content) => {
    if (panel.hidden) opener = document.activeElement;
    for (const other of document.querySelectorAll("[data-panel]")) other.hidden = true;
    const heading = element("h2", { tabindex: "-1" }, title);
    const shut = element("button", { type: "button", class: "close", "aria-label": "Close" }, "×");
    shut.addEventListener("click", close);
    panel.replaceChildren(shut, heading, ...content);
    panel.hidden = false;
    panel.scrollTop = 0;
    heading.focus();
    return panel;
  };
}

// Pages of databases about a gene; nothing is loaded until a click.
export function geneLinks(gene, alias) {
  const { symbol, ids } = namesOf(gene, alias);
  const page = (name, address) => element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, name);
  const found = [];
  if (symbol) {
    const name = encodeURIComponent(symbol);
    found.push(page("NCBI Gene", `https://www.ncbi.nlm.nih.gov/gene/?term=${name}[sym]+AND+human[orgn]`), page("GeneCards", `https://www.genecards.org/cgi-bin/carddisp.pl?gene=${name}`));
  }
  if (ids.length) found.push(page(`Ensembl ${ids[0]}`, `https://www.ensembl.org/Homo_sapiens/Gene/Summary?g=${ids[0]}`));
  const line = element("p", { class: "links" });
  found.forEach((link) => line.append(link, " "));
  return line;
}

// A chip leads to its reason, which opens.
export function chipsLead() {
  for (const link of document.querySelectorAll("a[data-chip]")) {
    link.addEventListener("click", () => { document.querySelector(link.getAttribute("href")).closest("details").open = true; });
  }
}
