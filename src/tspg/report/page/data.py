"""The numbers of a page as one compact block: its own program draws tables, plots and panels from them.

Every number is in a file of the run folder as well: `genes.tsv`, `sample_genes.tsv`, `tsne.tsv`, `pca.tsv`, and
`perturbations.h5ad` for the values of single samples, which are coarse here (256 steps from the lowest to the highest
value in training).
"""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from tspg.analysis.interpretation.class_genes import ALL_SOURCES
from tspg.data.demo import demo_gene_sets
from tspg.data.identifiers import symbol_table
from tspg.report.page.answer import difference_title, stable_genes
from tspg.report.page.map import map_of
from tspg.report.page.values import values_of
from tspg.report.read import RunFiles

TEST_BYTES, SAMPLE_BYTES = 900_000, 2_600_000  # of raw numbers; the page is about as large, packed
_BYTES_A_TEST, _BYTES_A_SAMPLE_GENE = 14, 16  # for each gene
_NOTHING = -32768  # stands for "not a number" among whole numbers of 16 bits
_SAMPLE_COLUMNS = (
    *("value", "expected", "low", "high", "z_own", "z_target", "percentile_source", "percentile_target"),
    "perturbation",
)

Block = dict[str, Any]


def packed(block: Mapping[str, Any]) -> str:
    """The block as text for the page: JSON, compressed, in base64. The same block gives the same text."""
    text = json.dumps(block, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # Level 9 takes five times as long and saves half a per cent.
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def data_of(run: RunFiles) -> Block:
    """Everything that the page's program needs; parts that the folder does not hold are None or empty."""
    genes, tests, samples = run.tables["genes"], _tests(run), _samples(run)
    names = _names(genes, run.tables["sample_genes"])
    values = values_of(run, names)
    names = names or (values or {}).get("genes", [])
    return {
        "target": run.target,
        "measure": difference_title(run),
        "genes": names,
        "aliases": aliases_of(names),
        "others": others_of(run),
        "tests": tests,
        "samples": samples,
        "values": values,
        "gene_sets": gene_sets_of(names),
        "map": map_of(run),
        "left_out": _left_out(run, tests, samples),
    }


def column(values: Any) -> Block:
    """Numbers as whole numbers of 16 bits and the size of one step."""
    numbers = np.asarray(values, dtype=np.float64)
    finite = np.isfinite(numbers)
    step = float(np.abs(numbers[finite]).max()) / 32767 if finite.any() else 0.0
    whole = np.full(len(numbers), _NOTHING, dtype="<i2")
    whole[finite] = np.round(numbers[finite] / step) if step else 0
    return {"step": step, "data": base64.b64encode(whole.tobytes()).decode()}


def logs(values: Any) -> Block:
    """The -log10 of p- or q-values, which may be too small for a plain number of few digits."""
    return column(-np.log10(np.maximum(np.asarray(values, dtype=np.float64), 1e-300)))


def _names(genes: pd.DataFrame, of_samples: pd.DataFrame) -> list[str]:
    if len(genes):
        return [str(name) for name in genes.loc[genes["source_class"] == ALL_SOURCES, "gene"]]
    return [str(name) for name in of_samples["gene"].unique()] if len(of_samples) else []


def _tests(run: RunFiles) -> list[Block]:
    """The tests of all source samples together, then of as many source classes as there is room for."""
    genes = run.tables["genes"]
    if genes.empty:
        return []
    names = [ALL_SOURCES, *(name for name in genes["source_class"].unique() if name != ALL_SOURCES)]
    if len(names) == 2:
        names = names[1:]  # one source class, and all together are the same
    pooled = genes[genes["source_class"] == ALL_SOURCES]
    most = max(1, TEST_BYTES // (_BYTES_A_TEST * max(1, len(pooled))))
    blocks = []
    for name in names[:most]:
        stable = stable_genes(run, str(name))
        own = genes[genes["source_class"] == name]
        order = pooled["gene"].map(pd.Series(np.arange(len(own)), index=own["gene"])).to_numpy()
        own = own.iloc[order]
        is_up = own["rank_up"].notna()
        audited = [str(gene) in stable["up" if up else "down"] for gene, up in zip(own["gene"], is_up, strict=True)]
        rank = own["rank_up"].fillna(own["rank_down"]).fillna(0).to_numpy(np.int64)
        blocks.append(
            {
                "source": str(name),
                "difference": column(own["difference"]),
                "low": column(own["difference_low"]) if "difference_low" in own else None,
                "high": column(own["difference_high"]) if "difference_high" in own else None,
                "log_q": logs(own["q_value"]),
                "log_p": logs(own["p_value"]),
                "change": column(own["perturbation"]),
                "mean": column(own["mean_source"]),
                "stability": column(own["stability"]),
                "rank": [int(n) for n in rank],
                "up": [int(up) for up in is_up],
                "stable": [i for i, found in enumerate(audited) if found],
            }
        )
    return blocks


def _samples(run: RunFiles) -> list[Block]:
    """The genes of single samples, as many samples as there is room for."""
    table = run.tables["sample_genes"]
    if table.empty:
        return []
    names = list(table["sample"].unique())
    n_genes = int((table["sample"] == names[0]).sum())
    most = max(1, SAMPLE_BYTES // (_BYTES_A_SAMPLE_GENE * n_genes))
    blocks, order = [], _names(run.tables["genes"], table)
    for name in names[:most]:
        own = table[table["sample"] == name].set_index("gene").loc[order]
        blocks.append(
            {
                "sample": str(name),
                **{key: column(own[key]) for key in _SAMPLE_COLUMNS},
                "log_q_own": logs(own["q_own"]),
                "log_q_target": logs(own["q_target"]),
            }
        )
    return blocks


def _left_out(run: RunFiles, tests: Sequence[Block], samples: Sequence[Block]) -> Block:
    """How many source classes and samples of the tables had no room."""
    genes, of_samples = run.tables["genes"], run.tables["sample_genes"]
    n_classes = genes["source_class"].nunique() if len(genes) else 0
    n_samples = of_samples["sample"].nunique() if len(of_samples) else 0
    return {"sources": max(0, n_classes - max(len(tests), 1) - (n_classes == 2)), "samples": n_samples - len(samples)}


def aliases_of(names: Sequence[str]) -> list[list[int] | str]:
    """The numbers of a symbol's Ensembl ids, or the symbol of an Ensembl id."""
    table = symbol_table()
    found: list[list[int] | str] = []
    for name in names:
        bare = name.split(".")[0]
        if name.startswith("ENSG"):
            found.append(table.symbol_of.get(bare, ""))
        else:
            found.append([int(one[4:]) for one in table.ids_of.get(name, ())])
    return found


def others_of(run: RunFiles) -> Block:
    """The genes of the matrix that are outside of the gene set."""
    names = [str(name) for name in run.facts.get("other_genes", ())]
    return {"genes": names, "aliases": aliases_of(names)}


def gene_sets_of(names: Sequence[str]) -> list[list[Any]]:
    """The Hallmark sets, each with its genes by their number."""
    number = {name: i for i, name in enumerate(names)}
    if names and names[0].startswith("ENSG"):
        number = {str(alias): i for i, alias in enumerate(aliases_of(names)) if alias}
    sets = ((name, [number[gene] for gene in one.genes if gene in number]) for name, one in demo_gene_sets().items())
    return [[name, members] for name, members in sets if members]
