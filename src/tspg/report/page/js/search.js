// The search for a gene has three answers: it is listed, it is outside the gene set, or it is not in the matrix.
import { indexOf } from "./data.js";

const bare = (text) => text.trim().toUpperCase().replace(/^(ENSG\d{11})\.\d+$/, "$1");

// `found`: numbers of the genes to show; `answer` is that of one name, or of the first that is listed among several.
export function searcher(data) {
  const listed = indexOf(data);
  const others = indexOf(data.others);
  const capitals = data.genes.map((gene) => gene.toUpperCase());
  const one = (name) => {
    const exact = listed.get(bare(name)) ?? -1;
    return { name, exact, answer: exact >= 0 ? "listed" : others.has(bare(name)) ? "not-in-set" : "not-in-matrix" };
  };
  return (text) => {
    const whole = one(text.trim()); // a name may hold spaces
    const names = whole.answer === "not-in-matrix" ? text.split(/[\s,;]+/).filter(Boolean).map(one) : [whole];
    if (!names.length) return { answer: "", names, genes: null };
    const exact = names.filter((name) => name.exact >= 0).map((name) => name.exact);
    const wanted = bare(names[0].name);
    const containing = names.length === 1 && !exact.length ? capitals.flatMap((name, i) => (name.includes(wanted) ? [i] : [])) : [];
    return { answer: exact.length ? "listed" : names[0].answer, names, genes: new Set([...exact, ...containing]) };
  };
}

const many = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

export function answerText({ answer, names, genes }, rows) {
  if (names.length > 1) {
    const those = (kind) => names.filter((one) => one.answer === kind).map((one) => one.name);
    const parts = [[`${those("listed").length} of ${names.length} listed`, true], [`not in the gene set: ${those("not-in-set").join(", ")}`, those("not-in-set").length], [`not in the matrix: ${those("not-in-matrix").join(", ")}`, those("not-in-matrix").length]];
    return `${parts.filter(([, isThere]) => isThere).map(([words]) => words).join("; ")}.`;
  }
  if (!answer) return "";
  const { name, exact } = names[0];
  if (answer === "listed") {
    const row = rows[exact];
    const way = row.z_own === undefined ? (row.up ? " of the genes that are higher" : " of the genes that are lower") : ` of ${rows.length.toLocaleString("en")}`;
    return `${name} is listed${row.rank ? `: rank ${row.rank.toLocaleString("en")}${way}` : ""}, among ${many(rows.length, "gene")}.`;
  }
  const rest = genes.size ? ` It is part of ${many(genes.size, "name")}.` : "";
  return answer === "not-in-set" ? `${name} is in the matrix but not in the gene set of this run.${rest}` : `No gene of the matrix is named ${name}.${rest}`;
}
