"""The answer of a run in typed values: what the first screen of its page and its last lines in the terminal say."""

from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd

from tspg.analysis.evaluation.thresholds import NOT_TESTED, SELECTED_OFTEN
from tspg.analysis.interpretation.class_genes import ALL_SOURCES, SURE, leading_genes
from tspg.report.page.meaning import RANKS, Term, terms_of
from tspg.report.page.single_samples import SampleView, single_samples
from tspg.report.read import RunFiles
from tspg.utils.text import counted, listed

NAMED = 6  # genes of a list
OUTSIDE = 0.05  # share of values outside of a 95% interval
NAMED_CLASSES, LONGEST_SOURCES = 12, 40  # classes, letters
MORE_NAMED = 20  # genes of a list on a page that runs no program
CHIPS = {  # the six questions of the verdict as the page names them
    "realistic": "Realistic",
    "individual": "Individual",
    "beats_mean_shift": "Better than simple",
    "generalises": "Generalises",
    "stable_genes": "Stable genes",
    "controls_clean": "Controls clean",
}
LOG2_FOLD_CHANGE, DIFFERENCE = "log2 fold change", "difference"


@dataclass(frozen=True)
class GeneBar:
    """A gene of a list: its size with an interval, and how sure it is; not a number where nothing is known."""

    gene: str
    size: float
    low: float = nan
    high: float = nan
    q_value: float = nan
    is_sure: bool = False  # q below .05 or, against the target, outside of the interval
    stability: float = nan  # share of draws of donors in which it is among the first 20 of its direction
    is_stable: bool = False  # found again by an audit

    @property
    def leads_often(self) -> bool:
        """Whether it is among the first 20 in most draws of donors."""
        return bool(self.stability >= SELECTED_OFTEN)


@dataclass(frozen=True)
class GeneList:
    """Up to six genes under a title; `measure` says what their sizes are."""

    title: str
    measure: str
    genes: list[GeneBar]


@dataclass(frozen=True)
class Chip:
    """One of the six questions of trust, with its answer and the sentence that says why."""

    key: str
    title: str
    answer: str
    sentence: str


@dataclass(frozen=True)
class Answer:
    """What was asked, and what came out; for one sample where `sample` names it."""

    sample: str
    question: str
    sentence: str
    lists: list[GeneList]
    terms: list[Term]  # all; the first screen shows three
    chips: list[Chip]
    counts: list[str]  # such as 459 samples; last, the source classes

    @property
    def first_terms(self) -> list[Term]:
        """The three terms of the first screen; of one sample those that are unusual in it, not those of its move."""
        return [term for term in self.terms if not self.sample or term.found_by == RANKS][:3]

    @property
    def has_intervals(self) -> bool:
        """Whether any gene has an interval."""
        return any(gene.low == gene.low for genes in self.lists for gene in genes.genes)

    @property
    def has_stability(self) -> bool:
        """Whether it is known how often genes lead in draws of donors."""
        return any(gene.stability == gene.stability for genes in self.lists for gene in genes.genes)

    @property
    def has_stable(self) -> bool:
        """Whether an audit found any gene again."""
        return any(gene.is_stable for genes in self.lists for gene in genes.genes)

    @property
    def widest(self) -> dict[str, float]:
        """The largest size by measure, so that bars of one measure can be compared."""
        found: dict[str, float] = {}
        for genes in self.lists:
            ends = [end for gene in genes.genes for end in (gene.size, gene.low, gene.high) if np.isfinite(end)]
            found[genes.measure] = max([found.get(genes.measure, 0.0), *map(abs, ends)])
        return found


def answers_of(run: RunFiles) -> list[Answer]:
    """The answer of a run, or one for every named sample of `tspg perturb`."""
    views = single_samples(run)
    if run.tables["genes"].empty and views:
        return [_of_sample(run, view) for view in views]
    return [_of_class(run)]


def difference_title(run: RunFiles) -> str:
    """What the difference of two class means is called in the units of the matrix."""
    return LOG2_FOLD_CHANGE if run.metric("data.is_log") else DIFFERENCE


def gene_lists(run: RunFiles, k: int) -> list[GeneList]:
    """The first `k` genes higher and lower in the target class; those that are moved most where no test was made."""
    genes = run.tables["genes"]
    pooled = genes[genes["source_class"] == ALL_SOURCES] if len(genes) else genes
    lists = [
        GeneList(f"{'Higher' if way == 'up' else 'Lower'} in {run.target}", difference_title(run), rows)
        for way in ("up", "down")
        if (rows := _leading(run, pooled, way, k))
    ]
    return lists or _by_change(run, k)


def _of_class(run: RunFiles) -> Answer:
    genes = run.tables["genes"]
    pooled = genes[genes["source_class"] == ALL_SOURCES] if len(genes) else genes
    sources = run.sources
    source = listed(sources) if sources else "new samples"
    if len(sources) > 1 and len(source) > LONGEST_SOURCES:
        source = f"{len(sources)} classes"
    question = f"From {source} to {run.target}: which genes change?"
    lists, terms = gene_lists(run, NAMED), terms_of(run)
    return Answer("", question, _sentence(run, pooled), lists, terms, chips(run), _counts(run))


def _sentence(run: RunFiles, pooled: pd.DataFrame) -> str:
    """How many genes differ, and which way."""
    if pooled.empty:
        return "Which genes differ was not tested here: the genes by the change that the model makes."
    n_tested = int(pooled["p_value"].notna().sum())
    if not n_tested:
        return "Too few donors to test which genes differ: the genes by the change that the model makes."
    sure = pooled[pooled["q_value"] < SURE]
    higher = int((sure["difference"] > 0).sum())
    return (
        f"{len(sure):,} of {counted(n_tested, 'gene')} differ: {higher:,} higher and {len(sure) - higher:,} lower in "
        f"{run.target} (q < {SURE})."
    )


def _leading(run: RunFiles, pooled: pd.DataFrame, way: str, k: int) -> list[GeneBar]:
    if pooled.empty:
        return []
    stable = stable_genes(run)
    return [
        GeneBar(
            str(row["gene"]),
            float(row["difference"]),
            float(row.get("difference_low", nan)),
            float(row.get("difference_high", nan)),
            float(row["q_value"]),
            bool(row["q_value"] < SURE),
            float(row["stability"]),
            str(row["gene"]) in stable[way],
        )
        for row in leading_genes(pooled, k=k, direction=way).to_dict("records")
    ]


def stable_genes(run: RunFiles, source_class: str = ALL_SOURCES) -> dict[str, set[str]]:
    """The genes that an audit found again in fits with samples drawn anew, by direction; none without an audit.

    Those of one source class, or of any.
    """
    table = run.tables["stable_genes"]
    if table.empty:
        return {"up": set(), "down": set()}
    is_of = (table["source_class"] == source_class) | (source_class == ALL_SOURCES)
    rows = table[(table["stable"] == "yes") & is_of]
    return {way: set(rows.loc[rows["direction"] == way, "gene"].astype(str)) for way in ("up", "down")}


def _by_change(run: RunFiles, k: int) -> list[GeneList]:
    """The genes that are moved most over all lists, where no test was made."""
    top = run.tables["top_genes"]
    if top.empty:
        return []
    change = top.groupby(["direction", "gene"])["perturbation"].mean()
    lists = []
    for way, title in (("up", "Raised most"), ("down", "Lowered most")):
        if way in change.index:
            strongest = change[way].sort_values(key=abs, ascending=False, kind="stable").head(k)
            bars = [GeneBar(str(gene), float(size)) for gene, size in strongest.items()]
            lists.append(GeneList(title, "change, scaled 0 to 1", bars))
    return lists


def _of_sample(run: RunFiles, view: SampleView) -> Answer:
    name = str(view.row["sample"])
    own = [
        GeneBar(str(row["gene"]), row["z_own"], q_value=row["q_own"], is_sure=row["q_own"] < SURE) for row in view.own
    ]
    against = [
        GeneBar(
            str(row["gene"]),
            row["value"] - row["expected"],
            row["value"] - row["high"],
            row["value"] - row["low"],
            row["q_target"],
            row["value"] < row["low"] or row["value"] > row["high"],
        )
        for row in view.against
    ]
    first = "Most unusual, none sure" if view.n_unusual == 0 else f"Most unusual for {view.own_class}"
    lists = [
        GeneList(first, "standard deviations", own[:NAMED]),
        GeneList(f"Against {run.target}", difference_title(run), against[:NAMED]),
    ]
    return Answer(
        name,
        f"{name}: which genes stand out?",
        _sentence_of_sample(run, view),
        [genes for genes in lists if genes.genes] or _by_change(run, NAMED),
        terms_of(run, name),
        chips(run),
        _counts(run),
    )


def _sentence_of_sample(run: RunFiles, view: SampleView) -> str:
    """How many genes are unusual for the sample's own class, and how many lie outside of what the target expects."""
    own = "Which genes are unusual for its class was not answered"
    if view.n_unusual is not None:
        genes = counted(view.n_unusual, "gene") if view.n_unusual else "No gene"
        own = f"{genes} unusual for {view.own_class} (q < {SURE})"
    by_chance = f"chance: {OUTSIDE * view.n_known:,.0f}"
    against = f"; {view.n_outside:,} of {view.n_known:,} differ from what is expected in {run.target} ({by_chance})"
    return f"{own}{against if view.n_known else ''}."


def chips(run: RunFiles) -> list[Chip]:
    """The six questions of trust; not tested where the folder holds no answer."""
    missing = {"answer": NOT_TESTED, "sentence": "Not measured here."}
    return [
        Chip(key, title, str((found := run.verdict.get(key, missing))["answer"]), str(found["sentence"]))
        for key, title in CHIPS.items()
    ]


def _counts(run: RunFiles) -> list[str]:
    n_samples = run.metric("data.n_samples") or len(run.obs)
    n_genes, n_classes = run.metric("data.n_genes"), run.n_classes
    counts = [counted(int(n_samples), "sample")]
    counts += [counted(int(n_genes), "gene")] if n_genes else []
    counts += [f"{n_classes:,} classes"] if n_classes else []
    named = [*run.sources[:NAMED_CLASSES], *(["others"] if len(run.sources) > NAMED_CLASSES else [])]
    return [*counts, f"from {listed(named)}"] if len(named) > 1 else counts
