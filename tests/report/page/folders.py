"""Run folders in which every number of the page is known, and a page and its block of numbers read back."""

import base64
import gzip
import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.analysis.evaluation.verdict import QUESTIONS
from tspg.analysis.interpretation.class_genes import GENE_COLUMNS
from tspg.analysis.interpretation.enrichment import ORA_COLUMNS, RANKED_COLUMNS
from tspg.analysis.interpretation.samples import SAMPLE_COLUMNS
from tspg.data.demo import demo_gene_sets
from tspg.model.sample_genes import SAMPLE_GENE_COLUMNS
from tspg.report.page.build import write_report
from tspg.utils.files import read_json, write_json, write_table

GENES = sorted(demo_gene_sets()["HALLMARK_HYPOXIA"].genes)[:60]
OTHERS = ["CA9", "EGLN3"]  # of the matrix, outside of the gene set
IDS = {"VEGFA": "ENSG00000112715", "CA9": "ENSG00000107159", "EGLN3": "ENSG00000129521", "TP53": "ENSG00000141510"}
ANSWERS = dict(zip(QUESTIONS, ["pass", "doubtful", "fail", "not tested", "probably", "pass"], strict=True))
HOSTILE = [
    "</script><script>document.title='OWNED'</script>",
    "<img src=x onerror=\"document.title='OWNED'\">",
    "'\"><svg onload=document.title='OWNED'>",
    "{{ 7 * 7 }}{% raw %}",
    "price $5 & </style><style>body{display:none}</style>",
    "javascript:document.title='OWNED'",
    "--><!--",
    "long" * 50,
    "\u57fa\u56e0\u7ec4",
    "\u062c\u064a\u0646",
    "bell\x07and\x1bescape",
    "'quoted' \"twice\"",
]


def full_folder(out: Path, moved: AnnData, make_run: Any, *, named: Sequence[str] = ()) -> Path:
    """A run folder with every table that the page reads, each number another one; `named` samples have genes too."""
    rng = np.random.default_rng(5)
    n, obs = moved.n_obs, moved.obs
    moved.var["minimum"] = rng.uniform(0, 3, moved.n_vars).round(3)
    moved.var["maximum"] = moved.var["minimum"] + rng.uniform(2, 12, moved.n_vars).round(3)
    each = max(1, int(obs["source_class"].value_counts().max()))
    obs["group"] = [f"donor {i % each // 2}" for i in range(n)]  # two samples of each class
    obs["batch"] = [f"batch {i % 5 % 3}" for i in range(n)]
    obs["tissue"] = [f"of {name}" for name in obs["source_class"]]  # the classes under another name
    moved.uns["tspg"]["other_genes"] = OTHERS
    make_run(out, moved)
    tables = {"genes": genes_table(moved, rng), "tsne": map_table(moved, rng), "pca": map_table(moved, rng, 0.41, 0.2)}
    tables["enrichment"], tables["enrichment_ranked"] = enrichment_tables(moved.uns["tspg"]["source_classes"])
    if named:
        tables["sample_genes"], tables["samples"] = sample_tables(moved, named, rng)
    for name, table in tables.items():
        write_table(out / f"{name}.tsv", table)
    metrics = read_json(out / "metrics.json")
    metrics["verdict"] = {
        key: {"answer": answer, "sentence": f"Why {key}.", "numbers": {}} for key, answer in ANSWERS.items()
    }
    metrics["annotations"] = [
        {"category": name, "n_tested": 5, "n_sets": 9, "origin": f"of {name}"} for name in ("Hallmark", "GO BP", "KEGG")
    ]
    metrics["reference"] = {"samples": {name: {"n_donors": 5, "n_components": 2, "n_pairs": 8} for name in named}}
    write_json(out / "metrics.json", metrics)
    return out


def of_perturb(folder: Path) -> Path:
    """The folder as `tspg perturb` leaves one: no training, no test of genes, no evidence."""
    for name in ("genes.tsv", "evidence.tsv", "history.tsv", "model/model.json"):
        (folder / name).unlink()
    metrics = read_json(folder / "metrics.json")
    del metrics["verdict"], metrics["data"]["n_train"], metrics["data"]["n_test"]
    metrics["perturbation"]["hit_rate"] = None
    write_json(folder / "metrics.json", metrics)
    return folder


def genes_table(moved: AnnData, rng: np.random.Generator) -> pd.DataFrame:
    """As `genes.tsv`: rows of a class in an order of their own, one gene that was not tested."""
    parts = []
    for name in [*moved.uns["tspg"]["source_classes"], ""]:
        n = moved.n_vars
        size, width = rng.normal(0, 2, n), rng.uniform(0.1, 1, n)
        t = 4 * size / width
        p_value = 10 ** -(np.abs(t) * rng.uniform(0.2, 1, n))
        table = pd.DataFrame(
            {
                "source_class": name,
                "gene": moved.var_names.astype(str),
                "perturbation": size / 10 + rng.normal(0, 0.02, n),
                "low": size / 10 - 0.1,
                "high": size / 10 + 0.1,
                "mean_source": rng.uniform(2, 9, n),
                "mean_target": rng.uniform(2, 9, n),
                "difference": size,
                "difference_low": size - width,
                "difference_high": size + width,
                "t": t,
                "p_value": p_value,
                "q_value": np.minimum(1, 3 * p_value),
                "stability": rng.uniform(0, 1, n),
            }
        )
        table.loc[2, ["t", "p_value", "q_value", "stability"]] = np.nan
        for way, sign in (("up", -1), ("down", 1)):
            lead = (sign * table["t"]).where(table["t"] * -sign > 0)
            table[f"rank_{way}"] = lead.rank(method="first").astype("Int64")
        table.loc[table["rank_up"] == 2, "difference_low"] = -0.5  # an interval on both sides of zero
        parts.append(table.sample(frac=1, random_state=len(parts)))
    table = pd.concat(parts)
    assert set(GENE_COLUMNS) <= set(table)
    return table


def sample_tables(moved: AnnData, named: Sequence[str], rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `sample_genes.tsv`, most unusual gene first, and `samples.tsv`, in which only named samples have a place."""
    parts, n = [], moved.n_vars
    low, width = moved.var["minimum"].to_numpy(), (moved.var["maximum"] - moved.var["minimum"]).to_numpy()
    for name in named:
        z, expected = rng.normal(0, 3, n), rng.uniform(2, 9, n)
        p = 10 ** -np.abs(z)
        table = pd.DataFrame({"sample": name, "gene": moved.var_names.astype(str), "expected": expected, "z_own": z})
        table = table.assign(value=low + width * moved[name].layers["original"][0], p_own=p, q_own=p, p_target=p * 0.9)
        table = table.assign(low=expected - 2, high=expected + rng.uniform(0.5, 2, n), q_target=p * 0.8, z_target=-z)
        ranks = {f"percentile_{one}": rng.uniform(0, 100, n) for one in ("source", "target")}
        table = table.assign(**ranks, perturbation=moved[name].layers["perturbation"][0])[list(SAMPLE_GENE_COLUMNS)]
        parts.append(table.sort_values("z_own", key=abs, ascending=False))
    obs = moved.obs
    samples = obs.assign(sample=obs.index, moved_as=obs["source_class"], clipped=0.1, p_shift=0.5, normalised="none")
    samples = samples.assign(aligned=0.0, distance=np.nan, typical=2.0, p_value=np.nan, n=np.nan)
    samples.loc[list(named), ["distance", "p_value", "n"]] = 9.0, 0.004, 250
    return pd.concat(parts), samples[list(SAMPLE_COLUMNS)]


def map_table(moved: AnnData, rng: np.random.Generator, *shares: float) -> pd.DataFrame:
    """As `pca.tsv` and `tsne.tsv`: every sample as it is, and those of source classes moved."""
    obs = moved.obs.assign(sample=moved.obs.index)
    is_source = obs["source_class"] != moved.uns["tspg"]["target_class"]
    table = pd.concat([obs.assign(kind="real"), obs[is_source].assign(kind="moved")])
    table = table.assign(x=rng.normal(0, 9, len(table)), y=rng.normal(0, 3, len(table)))
    table = table[["kind", "sample", "x", "y", "source_class", "predicted_before", "predicted_after"]]
    return table.assign(**dict(zip(("x_share", "y_share"), shares, strict=False)))


def enrichment_tables(sources: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As `enrichment.tsv` and `enrichment_ranked.tsv`: a term of both tests, one of each alone, and none that holds."""
    first, last = sources[0], sources[-1]
    best = (4, 18, 30, 900, 50, 1e-9, 1e-7, " ".join(GENES[:4]), "GOBP_BEST_TERM")
    same = (4, 18, 40, 900, 50, 1e-6, 1e-4, " ".join(GENES[:4]), "GOBP_BEST_TERM")
    listed = [
        (first, "", "up", "GO BP", "GOBP_BEST_TERM", *best),
        (first, "", "up", "GO BP", "GOBP_SAME_THING", *same),  # shares its genes
        (last, "", "down", "Own", "my genes", 1, 18, 40, 900, 50, 1e-4, 1e-3, "G9", "my genes"),
        (last, "", "down", "Hallmark", "HALLMARK_BY_CHANCE", 1, 18, 40, 900, 50, 0.4, 0.9, "G9", "HALLMARK_BY_CHANCE"),
    ]
    lead = " ".join(GENES[3:5])
    ranked = [
        (first, "", "GO BP", "GOBP_BEST_TERM", 30, 5.0, 1e-6, 1e-5, "GOBP_BEST_TERM", 1e-3, lead),
        (last, "", "GO BP", "GOBP_BEST_TERM", 30, 5.0, 1e-20, 1e-19, "GOBP_BEST_TERM", 1e-15, lead),  # by this alone
        (last, "", "Hallmark", "HALLMARK_HYPOXIA", 114, -3.4, 7e-4, 3e-3, "HALLMARK_HYPOXIA", 0.01, lead),
        (last, "", "Hallmark", "HALLMARK_TOGETHER", 50, 3.4, 7e-4, 3e-3, "HALLMARK_TOGETHER", 0.06, ""),  # not surely
    ]
    return pd.DataFrame(listed, columns=list(ORA_COLUMNS)), pd.DataFrame(ranked, columns=list(RANKED_COLUMNS))


VOID = {"meta", "img", "br", "link", "base", "input", "source", "embed", "col", "hr", "wbr"}


class Page(HTMLParser):
    """What a browser would make of a page: elements in order, their attributes, all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = self.title = ""
        self.scripts: list[str] = []
        self.feed(html)
        self.close()
        self.text, self.title = (" ".join(one.split()) for one in (self.text, self.title))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" in self.open:
            self.scripts.append(data)
        elif "title" in self.open and "svg" not in self.open:
            self.title += data
        elif "style" not in self.open:
            self.text += data

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def all(self, attribute: str) -> list[str | None]:
        """Every value of an attribute, in order."""
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def page_of(folder: Path) -> Page:
    return Page(html_of(folder))


def html_of(folder: Path) -> str:
    return write_report(folder).read_text(encoding="utf-8")


def block_of(html: str) -> dict[str, Any]:
    """The numbers of a page as its program reads them."""
    found = re.search(r'id="page-data">([^<]+)<', html)
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def numbers(column: dict[str, Any]) -> np.ndarray:
    """A column of 16-bit numbers as the page's program reads it."""
    whole = np.frombuffer(base64.b64decode(column["data"]), "<i2")
    return np.where(whole == -32768, np.nan, whole * column["step"])


def steps(text: str) -> np.ndarray:
    """Values on 256 steps."""
    return np.frombuffer(base64.b64decode(text), np.uint8)


def part_of(html: str, name: str) -> str:
    """A section of a page, by its id."""
    return re.search(rf'<section[^>]* id="{name}".*?\n</section>', html, re.DOTALL)[0]


def text_of(html: str) -> str:
    """The text of a part of a page."""
    return Page(html).text
