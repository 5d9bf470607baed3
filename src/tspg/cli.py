"""The command line: options to configuration to one library call. Only this module prints or knows exit codes."""

import argparse
import importlib
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

import tspg
from tspg.config import DEFAULT_PRESET, DUPLICATES, ENRICHMENT, METHODS, PRESETS, ExperimentConfig
from tspg.errors import ResourceError, TspgError
from tspg.machine import is_out_of_memory

INTERRUPTED = {signal.SIGINT: 130, signal.SIGTERM: 143}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one `tspg` command and give its exit code; every foreseen error is one line on stderr."""
    options = build_parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, handlers=[_log_to_terminal()])
    logging.getLogger("tspg").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _stop)
    try:
        for line in carry_out(options):
            print(printable(line, but="\t"))
    except TspgError as error:
        for line in getattr(error, "lines", ()):
            print(printable(line, but="\t"))
        kept = _kept(options) if isinstance(error, ResourceError) else ""
        print(f"tspg: error: {printable(f'{error} Then, {kept}' if kept else str(error))}", file=sys.stderr)
        return error.exit_code
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        print(
            "tspg: error: not enough memory. Use fewer genes (--gene-sets) or a larger machine; "
            "`tspg inspect` tells what to expect.",
            file=sys.stderr,
        )
        return 4
    except KeyboardInterrupt as stopped:
        print(f"tspg: interrupted; {_kept(options) or 'nothing half-written is left behind.'}", file=sys.stderr)
        return stopped.args[0] if stopped.args else INTERRUPTED[signal.SIGINT]
    return 0


def _kept(options: argparse.Namespace) -> str:
    """Where the training of a run that was stopped goes on; empty if there is none."""
    from tspg.claim import CHECKPOINTS  # by now it was loaded anyway

    if options.command != "run" or not (options.out / CHECKPOINTS).is_dir():
        return ""
    return f"the same command with --resume goes on with the training, which is kept in {options.out}."


def _stop(signum: int, _frame: object) -> None:
    raise KeyboardInterrupt(INTERRUPTED[signal.Signals(signum)])


def printable(text: str, *, but: str = "") -> str:
    """Text in which control characters are spelled out, so that no name can steer the terminal; `but` some stay."""
    if text.isprintable():
        return text
    kept = frozenset(but)
    return "".join(one if one.isprintable() or one in kept else repr(one)[1:-1] for one in text)


class _PrintableLines(logging.Formatter):
    """Log lines in which no name can steer the terminal; a traceback keeps its lines."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), but="\n\t")

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))


def _log_to_terminal() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(_PrintableLines("tspg: %(message)s"))
    return handler


class ProgressBars:
    """Shows each training phase as a bar with the time left."""

    def __init__(self) -> None:
        self._bars: dict[str, tqdm[Any]] = {}

    def __call__(self, phase: str, done: int, total: int, numbers: Mapping[str, float]) -> None:
        """Take one epoch's report."""
        bar = self._bars.get(phase)
        if bar is None:
            bar = self._bars[phase] = self._new(phase, done, total, numbers)
        if phase == "sweep":
            bar.set_description_str(f"{numbers['runs']:,.0f} of {numbers['of']:,.0f} runs", refresh=False)
        else:
            shown = {name: numbers[name] for name in ("step", "loss", "total_loss", "hit_rate") if name in numbers}
            bar.set_postfix(shown, refresh=False)
        bar.update(done - bar.n)
        if done == total:
            self._bars.pop(phase).close()

    def close(self) -> None:
        """End the lines of bars that did not come to their end."""
        while self._bars:
            self._bars.popitem()[1].close()

    @staticmethod
    def _new(phase: str, done: int, total: int, numbers: Mapping[str, float]) -> "tqdm[Any]":
        if phase == "sweep":  # counts expected seconds, since runs differ; what was done before says nothing of speed
            line = "{desc} |{bar}| {percentage:.0f}%, {elapsed} gone, {remaining} left"
            return tqdm(total=total, initial=done, smoothing=0, bar_format=line, file=sys.stderr)
        unit = "epoch" if numbers.get("epoch", done) == done else "step"
        title, unit = (phase, "control") if phase.startswith("audit") else (f"training {phase}", unit)
        return tqdm(total=total, initial=done, desc=title, unit=unit, file=sys.stderr)  # time counts from here on


def build_parser() -> argparse.ArgumentParser:
    """Every command and option of `tspg`."""
    parser = argparse.ArgumentParser(
        prog="tspg",
        description="Move RNA-seq profiles to the state of another class and see which genes it takes.",
    )
    parser.add_argument("--version", action="version", version=f"tspg {tspg.__version__}")
    found = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(found)
    _add_inspect(found)
    _add_run(found)
    _add_perturb(found)
    _add_audit(found)
    _add_enrich(found)
    _add_compare(found)
    _add_report(found)
    _add_sweep(found)
    return parser


def _command(found: Any, name: str, does: str) -> argparse.ArgumentParser:
    """A sub-command that the function of its name in `tspg.commands` carries out."""
    parser: argparse.ArgumentParser = found.add_parser(name, help=does, description=does, allow_abbrev=False)
    parser.set_defaults(command=name)
    return parser


def carry_out(options: argparse.Namespace) -> list[str]:
    """Do what the options ask for; the libraries are only imported now, so that help is instant."""
    command = getattr(importlib.import_module("tspg.commands"), options.command)
    bars = ProgressBars()
    try:
        lines: list[str] = command(options, report=bars)
    finally:
        bars.close()
    return lines


def _add_demo(found: Any) -> None:
    parser = _command(found, "demo", "Colorectal tumours moved to the microsatellite-instable state, on embedded data.")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("tspg-demo"),
        metavar="DIR",
        help="folder for the results (default: %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="the same path with few steps, for a smoke test")


def _add_inspect(found: Any) -> None:
    parser = _command(found, "inspect", "What is in my files, and how long will a run take?")
    _add_data_options(parser)
    parser.add_argument(
        "--gene-sets",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE.gmt",
        help="gene-set collections to match",
    )


def _add_run(found: Any) -> None:
    parser = _command(found, "run", "Train on a labelled matrix and move every profile to the target class.")
    _add_data_options(parser)
    parser.add_argument("--target", required=True, metavar="CLASS", help="class to move profiles to")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder for the results")
    parser.add_argument(
        "--source",
        nargs="+",
        action="extend",
        metavar="CLASS",
        help="classes to move (default: all but the target; without it preset paper trains G on all classes, as Eq. 1)",
    )
    parser.add_argument(
        "--group-column",
        metavar="NAME",
        help="column with the donor or patient; one donor's samples stay together",
    )
    parser.add_argument(
        "--adjust",
        metavar="COLUMN",
        help="column with a batch or platform to adjust every gene for (refused if it goes with the class)",
    )
    parser.add_argument(
        "--gene-sets",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE.gmt",
        help="gene-set collections",
    )
    parser.add_argument("--gene-set", metavar="NAME", help="gene set to use, or `all` for the union of the collections")
    parser.add_argument(
        "--preset", choices=list(PRESETS), default=DEFAULT_PRESET, help="named settings (default: %(default)s)"
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="generator",
        help="the generator, or a method in closed form (default: %(default)s)",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, metavar="N", help="epochs to train the generator for")
    length.add_argument("--steps", type=int, metavar="N", help="training steps of the generator, instead of epochs")
    parser.add_argument("--target-epochs", type=int, metavar="N", help="epochs to train the target model for")
    parser.add_argument(
        "--samples",
        nargs="+",
        action="extend",
        default=[],
        metavar="ID",
        help="samples whose own genes to list and draw",
    )
    _add_annotation_options(parser)
    _add_xlsx(parser)
    parser.add_argument(
        "--folds",
        type=int,
        default=1,
        metavar="K",
        help="take the evidence from K further fits that hold every sample out once (default: the one 80/20 split)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="same seed, same result (default: %(default)s)"
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=ExperimentConfig.threads,
        metavar="N",
        help="processor threads (default: %(default)s)",
    )
    parser.add_argument(
        "--device",
        choices=["auto", "cpu", "cuda"],
        default="auto",
        help="where to train (default: %(default)s)",
    )
    parser.add_argument("--timings", action="store_true", help="say at the end where the time went")
    parser.add_argument(
        "--resume", action="store_true", help="go on with a run that was stopped, or begin it; the result is the same"
    )


def _add_perturb(found: Any) -> None:
    parser = _command(found, "perturb", "Move new profiles with a trained model; one profile is enough.")
    parser.add_argument("--model", type=Path, required=True, metavar="RUN_DIR", help="folder of a finished `tspg run`")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder for the results")
    _add_data_options(parser, turned=False)
    _add_annotation_options(parser)
    _add_xlsx(parser)


def _add_audit(found: Any) -> None:
    parser = _command(found, "audit", "Put a finished run to the test: controls to pass, genes that come back.")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of a finished run")
    parser.add_argument("--quick", action="store_true", help="fewer repeats and shorter training")
    parser.add_argument(
        "--technical",
        metavar="COLUMN",
        help="sample column that is not biology, such as a batch, to be tried as the target",
    )


def _add_enrich(found: Any) -> None:
    parser = _command(found, "enrich", "Which annotated gene sets do the moved genes, or those of a list, belong to?")
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--run", type=Path, metavar="DIR", help="folder of a finished run")
    given.add_argument("--genes", type=Path, metavar="FILE", help="genes of interest, one a line; with --background")
    parser.add_argument("--background", type=Path, metavar="FILE", help="every gene that could have been among --genes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder for the tables")
    _add_annotation_options(parser)


def _add_compare(found: Any) -> None:
    parser = _command(found, "compare", "Which genes do several targets share, and which does one alone need?")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN_DIR", help="finished runs to different targets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="new folder for table and figure")


def _add_report(found: Any) -> None:
    parser = _command(found, "report", "Draw the figures and the report of a finished run again.")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of a finished run")


def _add_sweep(found: Any) -> None:
    parser = _command(
        found, "sweep", "A whole study: gene sets x target classes x seeds, on this machine or a cluster."
    )
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help="the sweep file; see docs/sweep.md")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the study; goes on in it")
    parser.add_argument("--cores", type=int, metavar="N", help="processor cores to use (default: all)")
    parser.add_argument("--profile", type=Path, metavar="DIR", help="Snakemake profile, such as one for a cluster")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="say what would be done, and what it will take")
    instead.add_argument("--list", action="store_true", help="print the table of runs with the command of each")
    instead.add_argument(
        "--job", metavar="ID", help="do one job of a planned sweep (what Snakemake calls), or `tables`"
    )


def _add_xlsx(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--xlsx", action="store_true", help="write the tables as one Excel file too")


def _add_annotation_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--annotations",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE.gmt|NAME=FILE.gmt|default",
        help="gene sets to look the genes up in, each file a category (default: Hallmark, Reactome, WikiPathways, GO)",
    )
    parser.add_argument(
        "--enrichment",
        choices=ENRICHMENT,
        default="both",
        help="test the top genes (ora), the ranks of all genes (ranked), or both (default: %(default)s)",
    )


def _add_data_options(parser: argparse.ArgumentParser, *, turned: bool = True) -> None:
    parser.add_argument(
        "--expression",
        type=Path,
        required=True,
        metavar="FILE",
        help="expression matrix: TSV, CSV, GCT, NPY, H5AD or Parquet, .gz too",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="sample and class, tab-separated; or a table with header and --label-column",
    )
    parser.add_argument(
        "--label-column",
        metavar="NAME",
        help="column with the class: of the labels table, or of the H5AD file's obs",
    )
    parser.add_argument(
        "--allow-unlabelled", action="store_true", help="leave samples without a label out instead of stopping"
    )
    parser.add_argument("--max-memory", type=float, metavar="GB", help="refuse files that need more than this")
    parser.add_argument(
        "--duplicates",
        choices=DUPLICATES,
        help="what to do about genes that occur several times (default: "
        + ("error" if turned else "as for the model")
        + ")",
    )
    parser.add_argument(
        "--strict", action="store_true", help="refuse files for any doubt about them that would be told as a note"
    )
    if turned:
        parser.add_argument("--transpose", action="store_true", help="the file has genes in rows")
        parser.add_argument(
            "--transform",
            choices=["none", "log2"],
            default="none",
            help="log2: log2(x + 1), counts first scaled to counts per million (default: %(default)s)",
        )


if __name__ == "__main__":
    sys.exit(main())
