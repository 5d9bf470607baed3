"""Every command of `tspg` and its options. Knows only settings, so that help and completion are instant."""

import argparse
from pathlib import Path
from typing import Any

from tspg._version import __version__
from tspg.cli.options import (
    Parser,
    add,
    add_annotations,
    add_figures,
    add_learning,
    add_list,
    add_machine,
    add_matrix,
    add_path,
    add_reading,
    add_remedies,
    add_second_cohort,
    add_study,
    add_switch,
    add_xlsx,
)

SHELLS = ("bash", "zsh")  # that `tspg completion` writes for
COLUMN, COLUMN_OF_COMMANDS = 26, 16  # where the words on them begin


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help in which options and their words stand in two columns, the same in every group."""

    def __init__(self, prog: str, column: int = COLUMN) -> None:
        super().__init__(prog, max_help_position=column)
        self._action_max_length = column

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        if action.nargs == argparse.ONE_OR_MORE:
            return f"{action.metavar} ..."
        return super()._format_args(action, default_metavar)


def build_parser() -> Parser:
    """Every command and option of `tspg`."""
    parser = Parser(
        prog="tspg",
        usage="tspg COMMAND [options]",
        formatter_class=lambda prog: _Help(prog, COLUMN_OF_COMMANDS),
        add_help=False,
        description="Move RNA-seq profiles to another class, and see which genes that takes.\n\n"
        "  tspg demo             see it at work\n"
        "  tspg COMMAND --help   what a command takes, with an example",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", prog="tspg")
    for add_command in (_demo, _inspect, _run, _perturb, _audit, _enrich, _compare, _report, _sweep, _completion):
        add_command(commands)
    parser.add_argument("--version", action="version", version=f"tspg {__version__}", help="print the version")
    _add_help(parser)
    return parser


def _command(commands: Any, name: str, does: str, takes: str, example: str) -> Parser:
    """A command, which the module of its name in `tspg.cli.commands` carries out."""
    parser: Parser = commands.add_parser(
        name,
        help=does,
        usage=" ".join(one for one in ("%(prog)s", takes, "[options]") if one),
        description=f"{does}\n\n  {example}",
        allow_abbrev=False,
        add_help=False,
        formatter_class=_Help,
    )
    parser.set_defaults(command=name)
    _add_help(parser)
    return parser


def _add_help(parser: Parser) -> None:
    """The option that everybody knows; it needs no line of its own."""
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)


def _demo(commands: Any) -> None:
    parser = _command(commands, "demo", "See it at work on 459 colorectal tumours.", "", "tspg demo --out demo")
    add_path(parser, "--out", "folder for the results (default: %(default)s)", "DIR", default=Path("tspg-demo"))
    add_switch(parser, "--quick", "the same with little training, as a smoke test")


def _inspect(commands: Any) -> None:
    parser = _command(
        commands,
        "inspect",
        "What is in my files, and how long will a run take?",
        "--expression FILE",
        "tspg inspect --expression matrix.tsv --labels labels.tsv",
    )
    group = parser.add_argument_group("what to look at")
    add_matrix(group)
    add_list(group, "--gene-sets", "gene sets to match: GMT, GMX, GRP, JSON of MSigDB", "FILE", type=Path)
    add_switch(group, "--json", "the same as one JSON object, for other programs")
    add_reading(parser)


def _run(commands: Any) -> None:
    parser = _command(
        commands,
        "run",
        "Learn from labelled samples to move every profile to a target.",
        "--expression FILE --target CLASS --out DIR",
        "tspg run --expression matrix.tsv --labels labels.tsv --target KIRC --out kirc",
    )
    group = parser.add_argument_group("what must be given (the classes by --labels, --label-column or both)")
    add_matrix(group)
    add(group, "--target", "class to move profiles to", "CLASS", dest="target_class", required=True)
    add_path(group, "--out", "new folder for the results", "DIR", required=True)
    add_study(parser)
    add_reading(parser)
    add_second_cohort(parser)
    add_learning(parser)
    group = parser.add_argument_group("what is written")
    add_annotations(group)
    add_xlsx(group)
    add_figures(group)
    add_machine(parser)


def _perturb(commands: Any) -> None:
    parser = _command(
        commands,
        "perturb",
        "Move new profiles with a trained model; one profile is enough.",
        "--model RUN_DIR --expression FILE --out DIR",
        "tspg perturb --model kirc --expression patient.tsv --out patient",
    )
    group = parser.add_argument_group("what to move")
    add_path(group, "--model", "folder of a finished run", "RUN_DIR", required=True)
    add_path(group, "--out", "new folder for the results", "DIR", required=True)
    add_matrix(group)
    add(
        group,
        "--new-class",
        "all samples are of this class, new to the model",
        "NAME",
        long="all samples are of this one class, which the model was not trained on: with five or more they are moved "
        "by a map made of themselves (in labels, an unknown class says the same)",
    )
    add_reading(parser, of_model=True)
    group = parser.add_argument_group("profiles of another pipeline or platform")
    add_remedies(group)
    add_path(
        group,
        "--reference",
        "the training matrix once more, where genes are missing",
        long="the training matrix once more, for --normalise quantile where genes are missing",
    )
    group = parser.add_argument_group("what is written")
    add_list(
        group,
        "--samples",
        "samples whose own genes to list and draw",
        "ID",
        long="samples whose own genes to list and draw (default: all, up to the first 20)",
    )
    add_annotations(group)
    add_xlsx(group)
    add_figures(group)


def _audit(commands: Any) -> None:
    parser = _command(
        commands,
        "audit",
        "Put a run to the test: controls to pass, genes that come back.",
        "--run DIR",
        "tspg audit --run kirc",
    )
    add_path(parser, "--run", "folder of a finished run", "DIR", required=True)
    add_switch(parser, "--quick", "fewer repeats and shorter training")
    add(
        parser,
        "--technical",
        "column that is not biology, such as a batch",
        "COLUMN",
        long="sample column that is not biology, such as a batch, to be tried as the target",
    )


def _enrich(commands: Any) -> None:
    parser = _command(
        commands,
        "enrich",
        "Which gene sets do the genes of a run or of a list belong to?",
        "(--run DIR | --genes FILE) --out DIR",
        "tspg enrich --run kirc --annotations pathways.gmt --out pathways",
    )
    given = parser.add_mutually_exclusive_group(required=True)
    add_path(given, "--run", "folder of a finished run", "DIR")
    add_path(given, "--genes", "genes of interest, one a line; with --background")
    add_path(parser, "--background", "every gene that could have been among --genes")
    add_path(parser, "--out", "new folder for the tables", "DIR", required=True)
    add_annotations(parser)


def _compare(commands: Any) -> None:
    parser = _command(
        commands,
        "compare",
        "Which genes do targets share, and which does one alone need?",
        "RUN_DIR RUN_DIR ... --out DIR",
        "tspg compare kirc kirp kich --out three",
    )
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR", help="finished runs to different targets")
    add_path(parser, "--out", "new folder for page, tables and figures", "DIR", required=True)
    add_figures(parser)


def _report(commands: Any) -> None:
    parser = _command(
        commands,
        "report",
        "Draw the figures and the report of a finished run again.",
        "--run DIR",
        "tspg report --run kirc",
    )
    add_path(parser, "--run", "folder of a finished run", "DIR", required=True)
    add_figures(parser)


def _sweep(commands: Any) -> None:
    parser = _command(
        commands,
        "sweep",
        "A whole study: gene sets x targets x seeds, also on a cluster.",
        "--config FILE.toml --out DIR",
        "tspg sweep --config study.toml --out study",
    )
    add_path(parser, "--config", "the sweep file: docs/sweep.md", "FILE.toml")
    add_path(parser, "--out", "folder for the study; goes on in it", "DIR", required=True)
    add(parser, "--cores", "processor cores to use (default: all)", "N", type=int)
    add_path(parser, "--profile", "Snakemake profile, such as one for a cluster", "DIR")
    instead = parser.add_mutually_exclusive_group()
    add_switch(instead, "--dry-run", "say what would be done, and what it will take")
    add_switch(instead, "--list", "print the table of runs, each with its command")
    add(
        instead,
        "--job",
        "do one job of a sweep, or tables: for Snakemake",
        "ID",
        long="do one job of a planned sweep (what Snakemake calls), or `tables`",
    )


def _completion(commands: Any) -> None:
    parser = _command(
        commands,
        "completion",
        "Let a shell complete commands, options and files.",
        "SHELL",
        'eval "$(tspg completion bash)"',
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash or zsh; for good: into ~/.bashrc")
