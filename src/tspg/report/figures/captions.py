"""What stands below each figure in a paper: what it shows, of how many, and what was left out."""

from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd
from anndata import AnnData

from tspg.analysis.interpretation.class_genes import ALL_SOURCES, SURE
from tspg.analysis.interpretation.perturbations import target_class_of
from tspg.report.figures import difference, gene_heatmap, heatmap, overlap, path, volcano
from tspg.report.figures.embedding import MOST_REAL, Map, source_rows
from tspg.report.figures.history import layout_of
from tspg.utils.text import counted, listed, percent

_PAPER = "Columns are x (before), P (the change, x_adv less x), x_adv (moved) and mu_T (mean of the target class)."
_COLOURS = (
    "Expression is scaled from 0, a gene's lowest value in training, to 1, its highest; P is coloured by its root, so "
    "that small changes show. In each panel genes are ordered by P, the most raised one on top; those at both ends are "
    "named."
)


def named(name: object) -> str:
    """A name on one line, with what cannot be printed written out."""
    letters = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))
    return "".join(letters) or "class unknown"


def of_map(perturbations: AnnData, found: Map) -> str:
    """Of a t-SNE, or of principal components."""
    source, target = perturbations.obs["source_class"], target_class_of(perturbations)
    every, moved = Counter(source), Counter(source.iloc[found.chosen.moved_rows])
    real = Counter(source.iloc[found.chosen.real_rows])
    if found.shares is None:
        kind = "t-SNE, which real and moved samples made together (from their first 50 principal components). "
        kind += "Distances between groups and sizes of groups mean little."
    else:
        shares = listed([percent(share) for share in found.shares])
        kind = f"First two principal components of the real samples ({shares} of their variance), and moved samples "
        kind += "placed on them."
    shown = [name for name in (*found.chosen.classes, target) if real[name]]
    drawn = listed([f"{named(name)} {_part(real[name], every[name])}" for name in shown])
    n_moved = len(found.chosen.moved_rows)
    sentences = [
        kind,
        f"Filled: {counted(len(found.real), 'real sample')} ({drawn}; of a class {MOST_REAL} at most, by chance).",
        f"Hollow: {_part(n_moved, len(source_rows(perturbations)))} samples moved to {named(target)}.",
    ]
    others = [name for name in sorted(set(source.iloc[source_rows(perturbations)])) if name not in found.chosen.classes]
    if others:
        n_others = sum(moved[name] for name in others)
        sentences.append(f"Not on the map: real samples of {_names(others)}; grey stars: {n_others} of them, moved.")
    if not real[target]:
        sentences.append(f"No real sample of {named(target)} is here to compare with.")
    return " ".join(sentences)


def of_volcano(perturbations: AnnData, genes: pd.DataFrame, *, is_log: bool) -> str:
    """Of the volcano plot of all sources."""
    own, tested = genes[genes["source_class"] == ALL_SOURCES], volcano.tested_genes(genes, ALL_SOURCES)
    sure = tested[tested["q_value"] < SURE]
    n_up, target = int((sure["difference"] > 0).sum()), named(target_class_of(perturbations))
    across = "log2 fold change" if is_log else "difference of the means, in the units of the matrix"
    sentences = [
        f"Every point is one of {len(tested):,} genes: across, the {across}, {target} less all source samples; "
        f"upwards, -log10 of q (moderated t, Benjamini-Hochberg). {_people(perturbations)}",
        f"Above the dashed line (q = {SURE}) {n_up:,} genes are higher and {len(sure) - n_up:,} lower in {target}.",
        f"The {volcano.NAMED} that lead in either direction, by t, are named.",
    ]
    if len(own) > len(tested):
        sentences.append(f"{counted(len(own) - len(tested), 'gene')} could not be tested: left out.")
    return " ".join(sentences)


def of_difference(perturbations: AnnData) -> str:
    """Of P against the difference of class means."""
    n_genes, target = perturbations.n_vars, named(target_class_of(perturbations))
    return (
        f"Every point is one of {n_genes:,} genes: across, the difference of the class means, {target} less all source "
        "samples; upwards, P, the mean change by the model; both scaled, of the training samples. On the line both are "
        f"the same. The {difference.NAMED} genes that lead in either direction, by the moderated t, are named."
    )


def of_gene_heatmap(perturbations: AnnData, genes: pd.DataFrame, *, seed: int) -> str:
    """Of the leading genes in single samples."""
    groups = gene_heatmap.groups_of(perturbations, seed=seed)
    own = genes[genes["source_class"] == ALL_SOURCES]
    n_leading = min(gene_heatmap.MOST_GENES, int(own[["rank_up", "rank_down"]].notna().sum().sum()))
    sentences = [
        f"The {n_leading} genes that lead by the moderated t, half of them higher and half lower in "
        f"{named(target_class_of(perturbations))}. Colours: standard deviations from the gene's mean over the real "
        f"samples (those of the sources and of the target counted alike), cut at {gene_heatmap.REACH:g}.",
        *(f"{named(one.title)}: {_part(len(one.rows), one.n)} samples." for one in groups),
        "Samples that are not all shown were drawn by chance; the moved ones are the same people in the same order.",
    ]
    classes = Counter(perturbations.obs["source_class"].iloc[groups[0].rows]) if groups else {}
    if len(classes) > 1:
        parts = [f"{named(name)} ({n})" for name, n in sorted(classes.items())]
        sentences.append(f"White lines part the source classes, from left to right {listed(parts)}.")
        every = set(perturbations.obs["source_class"].iloc[source_rows(perturbations)])
        if left_out := sorted(every - set(classes)):
            sentences.append(f"No sample is shown of {_names(left_out)}.")
    return " ".join(sentences)


def of_heatmap(perturbations: AnnData, sample: str | None = None) -> str:
    """Of the paper's heat map, of classes or of one sample."""
    n_genes, target = perturbations.n_vars, named(target_class_of(perturbations))
    if sample is not None:
        return f"Sample {named(sample)} moved to {target}, {n_genes:,} genes. {_PAPER} {_COLOURS}"
    shown = heatmap.default_classes(perturbations)
    every = [name for name in map(str, perturbations.uns["tspg"]["source_classes"]) if name not in shown]
    left_out = sorted(set(every) & set(perturbations.obs["source_class"]))
    first = _part(min(heatmap.MOST_SAMPLES, perturbations.n_obs), perturbations.n_obs)
    what = "Means of the source classes" if shown else f"The first {first} samples"
    text = f"{what}, moved to {target}, {n_genes:,} genes. {_PAPER} {_COLOURS}"
    return f"{text} Left out, as the smallest: {_names(left_out)}." if left_out else text


def of_f_accuracy(perturbations: AnnData) -> str:
    """Of who is called the target."""
    n_held_out = int((perturbations.obs["split"] == "test").sum())
    text = (
        f"Share of each class that the classifier calls {named(target_class_of(perturbations))}, before and moved, "
        "with the 95% interval of the latter (Clopper-Pearson; several samples of one donor count as fewer). "
    )
    parts = [f"held-out samples (n = {n_held_out:,}), from which nothing was learned"] if n_held_out else []
    parts.append(f"all samples (n = {perturbations.n_obs:,})")
    text += f"Here: {listed(parts)}. "
    return f"{text}A high share alone does not make a sample like the target: a classifier is convinced by much less."


def of_path(table: pd.DataFrame, target: str) -> str:
    """Of the way from before to moved."""
    cases = table[["source_class", "sample"]].drop_duplicates()
    n = counted(min(len(cases), path.MOST_PANELS), "case")
    text = (
        f"What holds if only the part a of the change P is added, for {n} (source classes, of each up to 20 samples, "
        f"and named samples): the share that the classifier and a logistic regression call {named(target)}, and the "
        "energy distance left to real samples of it, as a share of that at a = 0. Dots: from there on at least half "
        "are called so."
    )
    left_out = [one["sample"] or one["source_class"] for one in cases[path.MOST_PANELS :].to_dict("records")]
    return f"{text} Left out: {_names(left_out)}; path.tsv has them." if left_out else text


def of_history(history: pd.DataFrame) -> str:
    """Of the training."""
    layout = layout_of(history)
    meanings = "; ".join(f"{title} ({meaning})" for title, meaning in layout.losses.values())
    return (
        f"Training of the generator over {counted(len(history), layout.clock)}: {meanings}; the terms with their "
        "weights, of which the largest is in charge; and the hit rate (held-out source samples that the classifier "
        "calls the target)."
    )


def of_overlap(lists: Mapping[str, Mapping[str, Iterable[str]]], what: str) -> str:
    """Of the genes that lists share."""
    sentences = [
        f"How many genes each combination of {what} shares. A column is a combination (filled dots), its bar the "
        "number of genes that are in the top lists of exactly these."
    ]
    for way, every in lists.items():
        word, drawn = {"up": "Raised", "down": "Lowered"}.get(way, way), overlap.largest(every)
        found, shown = overlap.combinations_of(drawn), overlap.drawn_of(drawn)
        n_genes = len(frozenset().union(*drawn.values()))
        sentences.append(f"{word}: {n_genes:,} genes in {len(drawn)} lists.")
        if len(shown) < len(found):
            sentences.append(f"{len(shown)} of its {len(found)} combinations are shown, the largest.")
        if left_out := [name for name in every if name not in drawn]:
            sentences.append(f"Left out, as the shortest lists: {_names(left_out)}.")
    return " ".join(sentences)


def _part(n: int, of: int) -> str:
    return f"{n:,}" if n == of else f"{n:,} of {of:,}"


def _names(names: Iterable[str]) -> str:
    return listed([named(name) for name in names])


def _people(perturbations: AnnData) -> str:
    n_target = int((perturbations.obs["source_class"] == target_class_of(perturbations)).sum())
    n_source = len(source_rows(perturbations))
    return f"n = {n_source:,} source samples and {n_target:,} of {named(target_class_of(perturbations))}."
