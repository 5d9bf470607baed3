"""Every command of `tspg` and its options. Knows only settings, so that help and completion are instant."""

import argparse
from pathlib import Path
from typing import Any

from tspg._version import __version__
from tspg.model.config import ALIGN, DEVICES, ENRICHMENT, METHODS, NORMALISE, PRESETS, Training
from tspg.utils.options import DUPLICATES, TRANSFORMS

SHELLS = ("bash", "zsh")  # that `tspg completion` writes for

Parser = argparse.ArgumentParser


def build_parser() -> Parser:
    """Every command and option of `tspg`."""
    parser = Parser(
        prog="tspg",
        description="Move RNA-seq profiles to the state of another class and see which genes it takes.",
    )
    parser.add_argument("--version", action="version", version=f"tspg {__version__}", help="print the version")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (_demo, _inspect, _run, _perturb, _audit, _enrich, _compare, _report, _sweep, _completion):
        add(commands)
    return parser


def _command(commands: Any, name: str, does: str) -> Parser:
    """A command, which the module of its name in `tspg.cli.commands` carries out."""
    parser: Parser = commands.add_parser(name, help=does, description=does, allow_abbrev=False)
    parser.set_defaults(command=name)
    return parser


def _demo(commands: Any) -> None:
    parser = _command(
        commands, "demo", "Colorectal tumours moved to the microsatellite-instable state, on embedded data."
    )
    _add_path(parser, "--out", "folder for the results (default: %(default)s)", "DIR", default=Path("tspg-demo"))
    parser.add_argument("--quick", action="store_true", help="the same path with few steps, for a smoke test")


def _inspect(commands: Any) -> None:
    parser = _command(commands, "inspect", "What is in my files, and how long will a run take?")
    _add_matrix(parser)
    _add_list(parser, "--gene-sets", "gene sets to match: GMT, GMX, GRP, or JSON of MSigDB", "FILE", type=Path)
    parser.add_argument("--json", action="store_true", help="the same as one JSON object, for other programs")


def _run(commands: Any) -> None:
    parser = _command(commands, "run", "Train on a labelled matrix and move every profile to the target class.")
    _add_matrix(parser)
    parser.add_argument(
        "--target", dest="target_class", required=True, metavar="CLASS", help="class to move profiles to"
    )
    _add_path(parser, "--out", "new folder for the results", "DIR", required=True)
    _add_study(parser)
    _add_second_cohort(parser)
    _add_learning(parser)
    _add_list(parser, "--samples", "samples whose own genes to list and draw", "ID")
    _add_annotations(parser)
    _add_xlsx(parser)
    _add_machine(parser)
    parser.add_argument("--timings", action="store_true", help="say at the end where the time went")
    parser.add_argument(
        "--resume", action="store_true", help="go on with a run that was stopped, or begin it; the result is the same"
    )


def _perturb(commands: Any) -> None:
    parser = _command(commands, "perturb", "Move new profiles with a trained model; one profile is enough.")
    _add_path(parser, "--model", "folder of a finished `tspg run`", "RUN_DIR", required=True)
    _add_path(parser, "--out", "new folder for the results", "DIR", required=True)
    _add_matrix(parser, of_model=True)
    parser.add_argument(
        "--new-class",
        metavar="NAME",
        help="all samples are of this one class, which the model was not trained on: with five or more they are moved "
        "by a map made of themselves (in labels, an unknown class says the same)",
    )
    _add_remedies(parser)
    _add_path(
        parser,
        "--reference",
        "the training matrix once more, for --normalise quantile where genes are missing",
    )
    _add_list(parser, "--samples", "samples whose own genes to list and draw (default: all, up to the first 20)", "ID")
    _add_annotations(parser)
    _add_xlsx(parser)


def _audit(commands: Any) -> None:
    parser = _command(commands, "audit", "Put a finished run to the test: controls to pass, genes that come back.")
    _add_path(parser, "--run", "folder of a finished run", "DIR", required=True)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and shorter training")
    parser.add_argument(
        "--technical",
        metavar="COLUMN",
        help="sample column that is not biology, such as a batch, to be tried as the target",
    )


def _enrich(commands: Any) -> None:
    parser = _command(
        commands, "enrich", "Which annotated gene sets do the moved genes, or those of a list, belong to?"
    )
    given = parser.add_mutually_exclusive_group(required=True)
    _add_path(given, "--run", "folder of a finished run", "DIR")
    _add_path(given, "--genes", "genes of interest, one a line; with --background")
    _add_path(parser, "--background", "every gene that could have been among --genes")
    _add_path(parser, "--out", "new folder for the tables", "DIR", required=True)
    _add_annotations(parser)


def _compare(commands: Any) -> None:
    parser = _command(commands, "compare", "Which genes do several targets share, and which does one alone need?")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR", help="finished runs to different targets")
    _add_path(parser, "--out", "new folder for page, tables and figures", "DIR", required=True)


def _report(commands: Any) -> None:
    parser = _command(commands, "report", "Draw the figures and the report of a finished run again.")
    _add_path(parser, "--run", "folder of a finished run", "DIR", required=True)


def _sweep(commands: Any) -> None:
    parser = _command(
        commands, "sweep", "A whole study: gene sets x target classes x seeds, on this machine or a cluster."
    )
    _add_path(parser, "--config", "the sweep file; see docs/sweep.md", "FILE.toml")
    _add_path(parser, "--out", "folder for the study; goes on in it", "DIR", required=True)
    parser.add_argument("--cores", type=int, metavar="N", help="processor cores to use (default: all)")
    _add_path(parser, "--profile", "Snakemake profile, such as one for a cluster", "DIR")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="say what would be done, and what it will take")
    instead.add_argument("--list", action="store_true", help="print the table of runs with the command of each")
    instead.add_argument(
        "--job", metavar="ID", help="do one job of a planned sweep (what Snakemake calls), or `tables`"
    )


def _completion(commands: Any) -> None:
    parser = _command(commands, "completion", "Print what makes a shell complete commands, options and files.")
    parser.add_argument("shell", choices=SHELLS, help='bash: add `eval "$(tspg completion bash)"` to ~/.bashrc')


def _add_matrix(parser: Parser, *, of_model: bool = False) -> None:
    """Which file holds the profiles, and how to read it; a trained model knows more of that by itself."""
    _add_path(
        parser,
        "--expression",
        "matrix as text, GCT, Excel, H5AD, Parquet, Feather or NPY; or files of one sample: their folder or table",
        required=True,
    )
    _add_path(parser, "--labels", "samples and classes: two columns without a header, or a table and --label-column")
    parser.add_argument(
        "--label-column", metavar="NAME", help="column with the class: of the labels table, or of the H5AD file's obs"
    )
    parser.add_argument(
        "--sample-column",
        metavar="NAME",
        help="column of the labels table with the samples' names (default: the one that most samples are found in)",
    )
    parser.add_argument("--layer", metavar="NAME", help="layer of the H5AD file with the values, or raw (default: X)")
    parser.add_argument(
        "--value",
        metavar="COLUMN",
        help="column with the values, in files that hold several numbers for each gene of one sample",
    )
    parser.add_argument(
        "--allow-unlabelled", action="store_true", help="leave samples without a label out instead of stopping"
    )
    parser.add_argument("--max-memory", type=float, metavar="GB", help="refuse files that need more than this")
    otherwise = "as for the model" if of_model else "error"
    parser.add_argument(
        "--duplicates",
        choices=DUPLICATES,
        help=f"what to do about genes that occur several times (default: {otherwise})",
    )
    parser.add_argument("--strict", action="store_true", help="refuse files where there is any warning about them")
    if not of_model:
        parser.add_argument("--transpose", action="store_true", help="the file has genes in rows")
        parser.add_argument(
            "--transform",
            choices=TRANSFORMS,
            default=TRANSFORMS[0],
            help="log2: log2(x + 1) of linear values, counts first scaled to counts per million; none: take values as "
            "they are; auto: take those on a log scale, refuse linear ones (default: %(default)s)",
        )


def _add_study(parser: Parser) -> None:
    """Which samples and genes."""
    _add_list(
        parser,
        "--source",
        "classes to move (default: all but the target; without it preset paper trains G on all classes, as Eq. 1)",
        "CLASS",
        dest="source_classes",
        default=None,
    )
    parser.add_argument(
        "--group-column", metavar="NAME", help="column with the donor or patient; one donor's samples stay together"
    )
    parser.add_argument(
        "--split-column", metavar="NAME", help="column with `train` or `test` for each sample (default: a drawn split)"
    )
    parser.add_argument(
        "--adjust",
        dest="adjust_column",
        metavar="COLUMN",
        help="column with a batch or platform to adjust every gene for (refused if it goes with the class)",
    )
    _add_list(parser, "--gene-sets", "gene-set collections; --gene-set says which to use", "FILE.gmt", type=Path)
    parser.add_argument("--gene-set", metavar="NAME", help="gene set to use, or `all` for the union of the collections")


def _add_second_cohort(parser: Parser) -> None:
    """Other people on whom what was learned is judged once more."""
    says = "a second cohort, in the same units: nothing is learned from it, but the evidence is taken on it as well"
    _add_path(parser, "--test-expression", says)
    _add_path(parser, "--test-labels", "its samples and classes, as --labels")
    _add_remedies(parser, "what becomes of the second cohort first, as of new profiles: ")


def _add_remedies(parser: Parser, of: str = "") -> None:
    """What is done to profiles of another pipeline before a model moves them."""
    parser.add_argument(
        "--normalise",
        choices=NORMALISE,
        default="none",
        help=f"{of}quantile: give profiles of another pipeline the training samples' distribution of values, by ranks "
        "among all genes (default: %(default)s; it harms profiles of the same pipeline)",
    )
    parser.add_argument(
        "--align",
        choices=ALIGN,
        default="none",
        help=f"{of}cohort: take out the mean difference of the samples from the training samples of their classes, "
        "gene by gene, if it is more than chance; five samples or more with known classes (default: %(default)s; real "
        "differences go with it)",
    )


def _add_learning(parser: Parser) -> None:
    """How the answer is learned, and judged."""
    parser.add_argument(
        "--preset", choices=list(PRESETS), default=Training.preset, help="named settings (default: %(default)s)"
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default=Training.method,
        help="the generator, or a method in closed form (default: %(default)s)",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, metavar="N", help="epochs to train the generator for")
    length.add_argument("--steps", type=int, metavar="N", help="training steps of the generator, instead of epochs")
    parser.add_argument("--target-epochs", type=int, metavar="N", help="epochs to train the target model for")
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="take the evidence from K further fits that hold every sample out once (default: 5 where the one 80/20 "
        "split would hold out fewer than 30 target samples and that costs little, else 1: that split)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="same seed, same result (default: %(default)s)"
    )


def _add_machine(parser: Parser) -> None:
    """What the work is done on."""
    parser.add_argument(
        "--threads",
        type=int,
        default=Training.threads,
        metavar="N",
        help="processor threads (default: %(default)s)",
    )
    parser.add_argument(
        "--device", choices=DEVICES, default=Training.device, help="where to train (default: %(default)s)"
    )


def _add_annotations(parser: Parser) -> None:
    _add_list(
        parser,
        "--annotations",
        "gene sets to look the genes up in, each file a category (default: Hallmark, Reactome, WikiPathways, GO)",
        "FILE.gmt|NAME=FILE.gmt|default",
    )
    parser.add_argument(
        "--enrichment",
        choices=ENRICHMENT,
        default=Training.enrichment,
        help="test the top genes (ora), the ranks of all genes (ranked), or both (default: %(default)s)",
    )


def _add_xlsx(parser: Parser) -> None:
    parser.add_argument("--xlsx", action="store_true", help="write the tables as one Excel file too")


def _add_path(parser: Any, flag: str, says: str, metavar: str = "FILE", **more: Any) -> None:
    parser.add_argument(flag, type=Path, metavar=metavar, help=says, **more)


def _add_list(parser: Parser, flag: str, says: str, metavar: str, **more: Any) -> None:
    """An option that takes several values, and may be given several times."""
    parser.add_argument(flag, nargs="+", action="extend", metavar=metavar, help=says, **{"default": [], **more})
