// The search for a gene has three answers: it is listed, it is outside the gene set, or it is not in the matrix.
import { indexOf } from "./data.js";

const bare = (text) => text.trim().toUpperCase().replace(/^(ENSG\d{11})\.\d+$/, "$1");

export function searcher(data) {
  const listed = indexOf(data);
  const others = indexOf(data.others);
  const capitals = data.genes.map((gene) => gene.toUpperCase());
  return (text) => {
    const wanted = bare(text);
    if (!wanted) return { answer: "", exact: -1, containing: [] };
    const exact = listed.get(wanted) ?? -1;
    const containing = exact >= 0 ? [exact] : [];
    capitals.forEach((name, i) => { if (i !== exact && name.includes(wanted)) containing.push(i); });
    const answer = exact >= 0 ? "listed" : others.has(wanted) ? "not-in-set" : "not-in-matrix";
    return { answer, exact, containing };
  };
}

export function answerText(found, text, rank, nGenes) {
  const name = text.trim();
  const partly = found.containing.length - (found.exact >= 0 ? 1 : 0);
  const more = found.exact >= 0 ? "more " : "";
  const rest = partly ? ` ${partly.toLocaleString("en")} ${more}${partly === 1 ? "name contains" : "names contain"} it.` : "";
  if (found.answer === "listed") {
    return `${name} is listed${rank ? `: rank ${rank.toLocaleString("en")} of ${nGenes.toLocaleString("en")}` : ""}.${rest}`;
  }
  if (found.answer === "not-in-set") return `${name} is in the matrix but not in the gene set of this run.${rest}`;
  return found.answer ? `No gene of the matrix is named ${name}.${rest}` : "";
}
