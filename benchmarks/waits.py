"""What people wait for: whole commands, in CPU time against a start of the libraries, beside another checkout.

    python benchmarks/waits.py [--before CHECKOUT] [--data DATA] [--only NAME ...] [--rounds 1]

A start is one Python process that imports PyTorch, AnnData, scikit-learn's forest, matplotlib and openTSNE. Every
command is a process of its own; with --before each is run from that checkout as well, in turn. Of the rounds the least
CPU time counts. `--data` holds `normal_tissues/`. A second table has the seconds of each run's phases; what they leave
over of the wall time is loading libraries, reading and checking.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import child
from child import Used

IMPORTS = "import torch, anndata, sklearn.ensemble, matplotlib.pyplot, openTSNE"
START, REFUSED, EXAMPLE, DEMO, AUDIT = (
    "start",
    "a refused command",
    "1,000 x 100, 6 genes",
    "demo",
    "audit --quick, demo",
)
APOPTOSIS = ("CASP3", "BCL10", "CASP8", "FAS", "BAX", "HMOX1")  # among the first genes of `synthetic.py`
LUNG = "810 x 18,154 -> Lung"
REFUSED_CODE = 3
Work = Callable[[], Used]


@dataclass(frozen=True)
class Commands:
    """The commands of one checkout; their results and inputs lie in a folder of their own."""

    folder: Path
    source: Path | None = None  # of tspg; None: the installed one
    data: Path | None = None
    made: list[Path] = field(default_factory=list)  # run folders, the latest last

    def phases(self) -> dict[str, float]:
        """The seconds of each phase of the run that was made last."""
        return json.loads((self.made[-1] / "metrics.json").read_text(encoding="utf-8"))["seconds"]

    def tspg(self, *words: object, code: int = 0) -> Used:
        """One command, which has to end with this code."""
        return child.python("-m", "tspg", *words, source=self.source, code=code)

    def refused(self) -> Used:
        """A file that is not there."""
        how = ("--expression", "nofile.tsv", "--labels", "nofile.tsv", "--target", "A", "--out", self.folder / "no")
        return self.tspg("run", *how, code=REFUSED_CODE)

    def demo(self) -> Used:
        """The embedded example."""
        return self.tspg("demo", "--out", self._new("demo"))

    def audit(self) -> Used:
        """Its quick audit; the demo is made first where it is missing."""
        if not (self.folder / "demo" / "manifest.json").exists():
            self.demo()
        again = self._new("audited")
        shutil.copytree(self.folder / "demo", again)
        return self.tspg("audit", "--run", again, "--quick")

    def example(self) -> Used:
        """1,000 samples of five classes, and a gene set of six of 100 genes."""
        study = self._study(1000, 100, 5)
        genes = self.folder / "six.gmt"
        genes.write_text("SIX\tna\t" + "\t".join(APOPTOSIS) + "\n", encoding="utf-8")
        return self._run(study, "Tissue 02", "--gene-sets", genes, "--gene-set", "SIX")

    def gtex(self, genes: int) -> Used:
        """A study of GTEx's shape."""
        return self._run(self._study(11_688, genes, 53), "Tissue 07")

    def lung(self) -> Used:
        """All genes of normal tissues."""
        if self.data is None:
            raise SystemExit("--data DATA is needed for the normal tissues.")
        study = self.data / "normal_tissues" / "normal_tissues.h5ad"
        return self.tspg(
            *("run", "--expression", study, "--label-column", "organ", "--group-column", "donor"),
            *("--target", "Lung", "--folds", 1, "--out", self._new("lung")),
        )

    def _run(self, study: Path, target: str, *more: object) -> Used:
        how = ("--label-column", "tissue", "--group-column", "donor", "--target", target, "--folds", 1)
        return self.tspg("run", "--expression", study, *how, *more, "--out", self._new("run"))

    def _study(self, samples: int, genes: int, classes: int) -> Path:
        file = self.folder / f"{samples}-{genes}.h5ad"
        return file if file.exists() else child.synthetic_study(file, samples=samples, genes=genes, classes=classes)

    def _new(self, name: str) -> Path:
        shutil.rmtree(self.folder / name, ignore_errors=True)
        self.made.append(self.folder / name)
        return self.folder / name


def works(commands: Commands) -> dict[str, Work]:
    """Every command by its name, the quick ones first."""
    return {
        START: lambda: child.python("-c", IMPORTS),
        REFUSED: commands.refused,
        EXAMPLE: commands.example,
        DEMO: commands.demo,
        AUDIT: commands.audit,
        "11,688 x 158": lambda: commands.gtex(158),
        "11,688 x 4,386": lambda: commands.gtex(4386),
        **({} if commands.data is None else {LUNG: commands.lung}),
    }


def least(found: list[Used]) -> Used:
    """Of several rounds the least of each: a busy neighbour only adds."""
    return Used(*(min(getattr(one, name) for one in found) for name in ("wall", "cpu", "peak_gb")))


def table(found: Mapping[str, Mapping[str, Used]]) -> list[str]:
    """A Markdown table: a line per command, and for each checkout starts, CPU and wall seconds, and memory."""
    checkouts = list(found[START])
    lines = ["| | " + " | ".join(f"{name}: starts | CPU s | wall s | GB" for name in checkouts) + " |"]
    lines.append("|---" * (1 + 4 * len(checkouts)) + "|")
    for work, of_checkout in found.items():
        cells = [
            f"{one.cpu / found[START][name].cpu:.2f} | {one.cpu:.1f} | {one.wall:.1f} | {one.peak_gb:.2f}"
            for name, one in of_checkout.items()
        ]
        lines.append(f"| {work} | " + " | ".join(cells) + " |")
    return lines


def phase_table(found: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A Markdown table: a line per phase and a column for each run."""
    lines = ["| | " + " | ".join(found) + " |", "|---" * (1 + len(found)) + "|"]
    for phase in dict.fromkeys(name for seconds in found.values() for name in seconds):
        cells = (f"{seconds[phase]:.1f}" if phase in seconds else "" for seconds in found.values())
        lines.append(f"| {phase} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Run all in turn and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="CHECKOUT")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of these; a start is always measured")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkouts = {"now": Commands(Path(folder) / "now", None, options.data)}
        if options.before is not None:
            source = options.before.resolve() / "src"
            checkouts = {"before": Commands(Path(folder) / "before", source, options.data), **checkouts}
        for commands in checkouts.values():
            commands.folder.mkdir()
        names = [name for name in works(checkouts["now"]) if name == START or name in (options.only or [name])]
        found: dict[str, dict[str, Used]] = {}
        phases: dict[str, dict[str, float]] = {}
        for name in names:
            rounds = [
                {checkout: works(commands)[name]() for checkout, commands in checkouts.items()}
                for _ in range(max(3, options.rounds) if name == START else options.rounds)
            ]
            found[name] = {checkout: least([one[checkout] for one in rounds]) for checkout in checkouts}
            print(name, found[name], flush=True)
            if name not in (START, REFUSED, AUDIT):
                phases |= {f"{name}, {checkout}": commands.phases() for checkout, commands in checkouts.items()}
    print("\n".join(["", *table(found), "", *phase_table(phases), "", child.machine_line(2)]))


if __name__ == "__main__":
    main()
