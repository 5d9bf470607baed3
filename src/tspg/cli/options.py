"""The options that commands share, in groups: a line of each for the terminal, more for the page of commands."""

import argparse
from pathlib import Path
from typing import Any

from tspg.model.config import ALIGN, DEVICES, ENRICHMENT, METHODS, NORMALISE, PRESETS, Training
from tspg.utils.options import DRAWN_AS, DUPLICATES, FIGURES, TRANSFORMS

Parser = argparse.ArgumentParser
DEFAULT = "(default: %(default)s)"


def add(group: Any, flag: str, says: str, metavar: str | None = None, *, long: str = "", **how: Any) -> None:
    """An option: what `--help` says of it, and, where that is not all, what the page of commands says instead."""
    known = {} if metavar is None else {"metavar": metavar}
    group.add_argument(flag, help=says, **known, **how).long = long or says


def add_switch(group: Any, flag: str, says: str, *, long: str = "") -> None:
    """An option without a value."""
    add(group, flag, says, long=long, action="store_true")


def add_path(group: Any, flag: str, says: str, metavar: str = "FILE", **how: Any) -> None:
    """An option that names a file or folder."""
    add(group, flag, says, metavar, type=Path, **how)


def add_list(group: Any, flag: str, says: str, metavar: str, **how: Any) -> None:
    """An option that takes several values, and may be given several times."""
    add(group, flag, says, metavar, nargs="+", action="extend", **{"default": [], **how})


def add_matrix(group: Any) -> None:
    """The file with the profiles, and where their classes stand."""
    add_path(
        group,
        "--expression",
        "matrix as text, GCT, Excel, H5AD, Parquet, ...",
        required=True,
        long="matrix as text, GCT, Excel, H5AD, Parquet, Feather or NPY; or files of one sample: their folder or table",
    )
    add_path(
        group,
        "--labels",
        "class of each sample: two columns, or a table",
        long="samples and classes: two columns without a header, or a table and --label-column",
    )
    add(
        group,
        "--label-column",
        "column with the class, in that table or in H5AD obs",
        "NAME",
        long="column with the class: of the labels table, or of the H5AD file's obs",
    )


def add_reading(parser: Parser, *, of_model: bool = False) -> None:
    """How files are read; a trained model knows more of that by itself."""
    group = parser.add_argument_group("how files are read")
    add(
        group,
        "--sample-column",
        "column of --labels with the samples' names",
        "NAME",
        long="column of the labels table with the samples' names (default: the one that most samples are found in)",
    )
    add(
        group,
        "--layer",
        "layer of the H5AD file, or raw (default: X)",
        "NAME",
        long="layer of the H5AD file with the values, or raw (default: X)",
    )
    add(
        group,
        "--value",
        "column with the values, in files of one sample each",
        "COLUMN",
        long="column with the values, in files that hold several numbers for each gene of one sample",
    )
    if not of_model:
        add_switch(group, "--transpose", "the file has genes in rows")
        add(
            group,
            "--transform",
            f"log2: log2(x + 1) first; none: as it is; auto: as it is if on a log scale, else refused {DEFAULT}",
            "HOW",
            choices=TRANSFORMS,
            default=TRANSFORMS[0],
            long="log2: log2(x + 1) of linear values, counts first scaled to counts per million; none: take values as "
            f"they are; auto: take those on a log scale, refuse linear ones {DEFAULT}",
        )
    otherwise = "as for the model" if of_model else "error"
    add(
        group,
        "--duplicates",
        f"a gene that occurs twice: {', '.join(DUPLICATES)} (default: {otherwise})",
        "HOW",
        choices=DUPLICATES,
        long=f"what to do about genes that occur several times (default: {otherwise})",
    )
    add_switch(
        group,
        "--allow-unlabelled",
        "leave out samples without a class, do not stop",
        long="leave samples without a label out instead of stopping",
    )
    add_switch(
        group,
        "--strict",
        "refuse files where there is anything to warn of",
        long="refuse files where there is any warning about them",
    )
    add(group, "--max-memory", "refuse files that need more than this", "GB", type=float)


def add_study(parser: Parser) -> None:
    """Which samples and genes."""
    group = parser.add_argument_group("samples and genes")
    add_list(
        group,
        "--source",
        "classes to move (default: all but the target)",
        "CLASS",
        dest="source_classes",
        default=None,
        long="classes to move (default: all but the target; without it preset paper trains G on all classes, as Eq. 1)",
    )
    add(
        group,
        "--group-column",
        "column with the donor: kept together in the split",
        "NAME",
        long="column with the donor or patient; one donor's samples stay together",
    )
    add(
        group,
        "--split-column",
        "column with train or test (default: a drawn split)",
        "NAME",
        long="column with `train` or `test` for each sample (default: a drawn split)",
    )
    add(
        group,
        "--adjust",
        "column with a batch, to adjust every gene for",
        "COLUMN",
        dest="adjust_column",
        long="column with a batch or platform to adjust every gene for (refused if it goes with the class)",
    )
    add_list(group, "--gene-sets", "files of gene sets; --gene-set says which to use", "FILE", type=Path)
    add(group, "--gene-set", "gene set to use, or all: the union of the files", "NAME")
    add_list(group, "--samples", "samples whose own genes to list and draw", "ID")


def add_second_cohort(parser: Parser) -> None:
    """Other people on whom what was learned is judged once more."""
    group = parser.add_argument_group("a second cohort, on which the result is tested")
    add_path(
        group,
        "--test-expression",
        "its matrix, in the same units",
        long="a second cohort, in the same units: nothing is learned from it, but the evidence is taken on it as well",
    )
    add_path(group, "--test-labels", "its samples and classes, as --labels")
    add_remedies(group, "what becomes of the second cohort first, as of new profiles: ")


def add_remedies(group: Any, of: str = "") -> None:
    """What is done to profiles of another pipeline before a model moves them."""
    add(
        group,
        "--normalise",
        f"quantile, if of another pipeline {DEFAULT}",
        "HOW",
        choices=NORMALISE,
        default="none",
        long=f"{of}quantile: give profiles of another pipeline the training samples' distribution of values, by ranks "
        "among all genes (default: none; it harms profiles of the same pipeline)",
    )
    add(
        group,
        "--align",
        f"cohort: take out its mean difference {DEFAULT}",
        "HOW",
        choices=ALIGN,
        default="none",
        long=f"{of}cohort: take out the mean difference of the samples from the training samples of their classes, "
        "gene by gene, if it is more than chance; five samples or more with known classes (default: none; real "
        "differences go with it)",
    )


def add_learning(parser: Parser) -> None:
    """How the answer is learned, and judged."""
    group = parser.add_argument_group("how it is learned and judged")
    presets = f"{' or '.join(PRESETS)} {DEFAULT}"
    add(
        group,
        "--preset",
        presets,
        "NAME",
        choices=list(PRESETS),
        default=Training.preset,
        long=f"named settings {DEFAULT}",
    )
    add(
        group,
        "--method",
        f"{', '.join(METHODS)} {DEFAULT}",
        "NAME",
        choices=METHODS,
        default=Training.method,
        long=f"the generator, or a method in closed form {DEFAULT}",
    )
    length = group.add_mutually_exclusive_group()
    add(length, "--epochs", "epochs of the generator, with preset paper", "N", type=int)
    add(length, "--steps", "training steps of the generator, instead of epochs", "N", type=int)
    add(group, "--target-epochs", "epochs of the classifier", "N", type=int)
    add(
        group,
        "--folds",
        "further fits for the evidence (default: 5 if samples are few, else 1)",
        "K",
        type=int,
        long="take the evidence from K further fits that hold every sample out once (default: 5 where the one 80/20 "
        "split would hold out fewer than 30 target samples and that costs little, else 1: that split)",
    )
    add(group, "--seed", f"same seed, same result {DEFAULT}", "N", type=int, default=0)


def add_annotations(group: Any) -> None:
    """What the genes are looked up in, and by which test."""
    add_list(
        group,
        "--annotations",
        "gene sets to look the genes up in (default: Hallmark, Reactome, WikiPathways, GO)",
        "FILE",
        long="gene sets to look the genes up in, each file a category; NAME=FILE.gmt names it, and the word default "
        "stands for those that tspg carries (default: Hallmark, Reactome, WikiPathways, GO)",
    )
    add(
        group,
        "--enrichment",
        f"top genes (ora), all genes (ranked), or both {DEFAULT}",
        "HOW",
        choices=ENRICHMENT,
        default=Training.enrichment,
        long=f"test the top genes (ora), the ranks of all genes (ranked), or both {DEFAULT}",
    )


def add_xlsx(group: Any) -> None:
    """The tables as one file."""
    add_switch(group, "--xlsx", "write the tables as one Excel file too")


def add_figures(group: Any) -> None:
    """The formats of the figures."""
    says = f"{', '.join(FIGURES)} (default: {' '.join(DRAWN_AS)})"
    how = {"nargs": "+", "choices": FIGURES, "default": DRAWN_AS}
    add(group, "--figures", f"formats: {says}", "FORMAT", long=f"formats of the figures: {says}", **how)


def add_machine(parser: Parser) -> None:
    """What the work is done on."""
    group = parser.add_argument_group("the machine")
    add(group, "--threads", f"processor threads {DEFAULT}", "N", type=int, default=Training.threads)
    devices = f"where to train: {', '.join(DEVICES)} {DEFAULT}"
    add(group, "--device", devices, "NAME", choices=DEVICES, default=Training.device)
    add_switch(group, "--timings", "say at the end where the time went")
    add_switch(
        group,
        "--resume",
        "go on with a run that was stopped, or begin it",
        long="go on with a run that was stopped, or begin it; the result is the same",
    )
