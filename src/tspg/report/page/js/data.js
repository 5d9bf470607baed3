// The data block of the page: JSON, compressed, with columns of numbers in base64.
const NOTHING = -32768;

export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export async function readData() {
  const packed = bytes(document.getElementById("page-data").textContent.trim());
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// A column of 16-bit numbers with the size of a step; NaN where there is no number.
export function numbers(column) {
  if (!column) return null;
  const whole = new Int16Array(bytes(column.data).buffer);
  return Float64Array.from(whole, (n) => (n === NOTHING ? NaN : n * column.step));
}

// The ids of a gene for links and search: its symbol and its Ensembl ids, whichever the matrix has.
export function namesOf(gene, alias) {
  const isId = /^ENSG\d{11}/.test(gene);
  const ids = isId ? [gene.split(".")[0]] : (alias || []).map((n) => `ENSG${String(n).padStart(11, "0")}`);
  return { symbol: isId ? alias : gene, ids };
}

// Every name of every gene in capital letters, and its number.
export function indexOf({ genes, aliases }) {
  const index = new Map();
  genes.forEach((gene, i) => {
    const { symbol, ids } = namesOf(gene, aliases[i]);
    for (const name of [symbol, ...ids, gene]) if (name) index.set(name.toUpperCase(), i);
  });
  return index;
}

// The values of one gene in every class: quantiles and single samples, in the units of the matrix.
export function valuesOf(values, gene) {
  const place = values.kept ? values.kept.indexOf(gene) : gene;
  if (place < 0) return null;
  const nGenes = values.kept ? values.kept.length : values.minimum.length;
  values.quantileBytes ??= bytes(values.quantiles);
  values.cellBytes ??= bytes(values.cells);
  const unit = (byte) => values.minimum[gene] + (byte / 255) * values.range[gene];
  let first = 0;
  return values.groups.map((group, g) => {
    const start = (g * nGenes + place) * values.levels.length;
    const quantiles = values.levels.map((_, k) => unit(values.quantileBytes[start + k]));
    const samples = group.samples.map((name, i) => ({ name, value: unit(values.cellBytes[(first + i) * nGenes + place]) }));
    first += group.samples.length;
    return { ...group, quantiles, samples, median: quantiles[(quantiles.length - 1) / 2] };
  });
}
