"""A guard against getting slower, of three minutes: our code against a reference, as ratios of CPU time.

    python benchmarks/quick.py            # or: just bench-quick
    python benchmarks/quick.py --store    # keep what is measured now as what to expect

Each ratio (ours / reference) is made in turn with one thread, whole commands against a start of the libraries, so
that a busy machine moves both. It is compared with `stored_ratios.json`; one that is more than 25% worse, and still is
when it is measured again, ends the program with exit code 1.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import machine
import naive
import numpy as np
import ours
import pandas as pd
import step
from anndata import AnnData
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from timing import Measure, each, interleaved
from waits import AUDIT, DEMO, EXAMPLE, REFUSED, START, Commands, Work, works

import tspg
from tspg.analysis.evaluation.classifiers import LinearClassifier
from tspg.analysis.evaluation.distances import pairwise
from tspg.report.figures.save import save_figure

STORED = Path(__file__).parent / "stored_ratios.json"
WORSE = 1.25
ROUNDS = 5


class Pair(NamedTuple):
    """Our way of doing something, and another one."""

    ours: Measure
    reference: Measure
    is_whole: bool = False  # a command of seconds: once is enough, and nothing has to warm up

    def ratio(self, rounds: int) -> float:
        """CPU time of ours as a share of the reference's, minimum against minimum."""
        contenders = {"ours": self.ours, "reference": self.reference}
        found = interleaved(contenders, 1, warm_up=0) if self.is_whole else interleaved(contenders, rounds)
        return found["ours"].least / found["reference"].least


def steps(genes: int = 1000, samples: int = 1500) -> Pair:
    """A training step of preset `paper` against the naive one."""
    case = ours.make_case(genes, n_samples=samples)
    return Pair(each(step.paper_step(case), 5), each(step.naive_step(case, "diag"), 5))


def draws(genes: int = 1000, samples: int = 100, batch: int = 128) -> Pair:
    """128 target states drawn by the samples themselves, against a dense multivariate normal."""
    target = ours.random_profiles(samples, genes)
    low_rank, dense = ours.low_rank_draw(target), naive.target_sampler(target, "exact")
    return Pair(each(lambda: low_rank(batch), 20), each(lambda: dense(batch), 5))


def classifiers(samples: int = 150, genes: int = 2000) -> Pair:
    """The linear classifier where genes are more than samples, against scikit-learn on all genes."""
    profiles = ours.random_profiles(samples, genes).numpy()
    names = np.asarray([f"class {number % 3}" for number in range(samples)], dtype=object)
    profiles[names == "class 0", : genes // 20] += 0.1
    plain = LogisticRegression(C=1.0, max_iter=5000)
    return Pair(
        each(lambda: LinearClassifier.fit(profiles, names)), each(lambda: plain.fit(profiles, names.astype(str)))
    )


def distances(samples: int = 700, genes: int = 1000) -> Pair:
    """All distances among profiles, against SciPy's."""
    profiles = ours.random_profiles(samples, genes).numpy()
    return Pair(each(lambda: pairwise(profiles)), each(lambda: cdist(profiles, profiles)))


def reading(folder: Path, samples: int = 400, genes: int = 2000) -> Pair:
    """A text matrix, checked and read, against pandas' C reader."""
    file = folder / "expression.tsv"
    values = ours.random_profiles(samples, genes).numpy() * 10
    names = [f"S{number}" for number in range(samples)], [f"G{number}" for number in range(genes)]
    pd.DataFrame(values, *names).to_csv(file, sep="\t", float_format="%.4g", index_label="sample")
    types = dict.fromkeys(names[1], "float32")
    plain = each(lambda: pd.read_csv(file, sep="\t", index_col=0, dtype=types))
    return Pair(each(lambda: tspg.read_expression(file)), plain)


def heat_maps(folder: Path, samples: int = 80, genes: int = 500) -> Pair:
    """A heat map of four classes drawn and saved, against bare strips without a word on them."""
    moved = _perturbations(samples, genes)
    matrix = np.asarray(moved.X)

    def bare() -> None:
        figure = Figure(figsize=(10, 6))
        for axes in figure.subplots(1, 16):
            axes.imshow(matrix[:1].T, aspect="auto")
            axes.set_axis_off()
        save_figure(figure, folder, "bare")

    return Pair(each(lambda: save_figure(tspg.plot_heatmap(moved), folder, "heatmap")), each(bare))


def _perturbations(samples: int, genes: int) -> AnnData:
    """What `plot_heatmap` asks of moved profiles."""
    before, after = (ours.random_profiles(samples, genes, seed=seed).numpy() for seed in (0, 1))
    classes = [f"class {number % 4}" for number in range(samples)]
    moved = AnnData(after, obs=pd.DataFrame({"source_class": classes}, index=[f"S{n}" for n in range(samples)]))
    moved.layers["original"], moved.layers["perturbation"] = before, after - before
    moved.var["target_mean"] = after.mean(axis=0)
    moved.uns["tspg"] = {"target_class": "target", "source_classes": sorted(set(classes))}
    return moved


def whole(folder: Path) -> dict[str, Pair]:
    """Whole commands, against a start of the libraries."""
    of_all = works(Commands(folder))
    start = _cpu(of_all[START])
    return {
        f"{name} / start": Pair(_cpu(of_all[name]), start, is_whole=True) for name in (REFUSED, EXAMPLE, DEMO, AUDIT)
    }


def _cpu(work: Work) -> Measure:
    return lambda: work().cpu


def pairs(folder: Path) -> dict[str, Pair]:
    """Everything that is guarded."""
    return {
        "paper step / naive step": steps(),
        "low-rank draw / Cholesky draw": draws(),
        "LinearClassifier / scikit-learn": classifiers(),
        "pairwise / cdist": distances(),
        "read_expression / pandas": reading(folder),
        "heat map / bare strips": heat_maps(folder),
        **whole(folder),
    }


def verdict(found: Mapping[str, float], stored: Mapping[str, float]) -> dict[str, str]:
    """`slower`, `faster`, `as before` or `new` for each ratio."""

    def word(name: str) -> str:
        if name not in stored:
            return "new"
        change = found[name] / stored[name]
        return "slower" if change > WORSE else "faster" if change < 1 / WORSE else "as before"

    return {name: word(name) for name in found}


def lines(found: Mapping[str, float], stored: Mapping[str, float]) -> list[str]:
    """One line for each ratio: what it is, what it was, and what to call it."""
    words = verdict(found, stored)
    before = {name: f"{stored[name]:7.3f}" if name in stored else "      -" for name in found}
    return [f"{words[name]:10} {ratio:7.3f}  stored {before[name]}  {name}" for name, ratio in found.items()]


def measure_again(
    found: Mapping[str, float], stored: Mapping[str, float], again: Callable[[str], float]
) -> dict[str, float]:
    """The ratios, with those that look slower measured once more: the better of both counts."""
    words = verdict(found, stored)
    return {name: min(ratio, again(name)) if words[name] == "slower" else ratio for name, ratio in found.items()}


def store(found: Mapping[str, float]) -> None:
    """Keep the ratios with the machine, date and commit they come from."""
    rounded = {name: round(ratio, 4) for name, ratio in found.items()}
    STORED.write_text(json.dumps({"ratios": rounded, **machine.description()}, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Measure, compare with what is stored, and say what got slower."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", action="store_true", help="keep these ratios as what to expect")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    machine.pin_threads()
    known = json.loads(STORED.read_text(encoding="utf-8")) if STORED.is_file() and not options.store else {"ratios": {}}
    stored = known["ratios"]
    with tempfile.TemporaryDirectory() as folder:
        guarded = pairs(Path(folder))
        found = {name: pair.ratio(options.rounds) for name, pair in guarded.items()}
        found = measure_again(found, stored, lambda name: guarded[name].ratio(2 * options.rounds))
    print("\n".join(lines(found, stored)))
    if options.store:
        store(found)
    elif stored and known["processor"] != machine.cpu_model():
        print(f"The stored ratios come from another processor ({known['processor']}): store them anew to trust this.")
    slower = [name for name, word in verdict(found, stored).items() if word == "slower"]
    if slower:
        print(f"Slower than stored on {known['date']} ({known['commit']}): {'; '.join(slower)}.")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
