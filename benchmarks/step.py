"""CPU time of one training step, naive and ours, and how near to the floor of its matrix products it comes.

    python benchmarks/step.py [--genes 100 1000 4386] [--rounds 10] [--steps 10] [--bfloat16] [--compile]

One thread, batch 128, 53 classes; the draw of r_t and the reading of every loss are part of a step. The
contenders run in turn, round after round. The floor is the time of the very same products alone, in the
same rounds: a share of 100% would mean that a step does nothing else. `--compile` needs a C++ compiler.
"""

import argparse
import copy
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import floor
import machine
import naive
import numpy as np
import ours
import torch
from timing import Measure, Times, each, interleaved
from torch import Tensor

BATCH = 128
COMPILING_CALLS = 3  # the first compiles; D is compiled again once it is frozen
FLOOR = "products of paper"
DRAWS = ("only the draw: Cholesky", "only the draw: low rank")
HEADER = "| genes | step | CPU ms, least | median | naive diag / it | GFLOP | GFLOP/s | share of the floor |"

Step = Callable[[], object]


def batches(case: ours.Case) -> Iterator[Tensor]:
    """Random batches of training profiles, for ever."""
    rng, profiles = np.random.default_rng(0), case.training
    while True:
        yield profiles[torch.from_numpy(rng.permutation(len(profiles))[:BATCH])]


def naive_step(case: ours.Case, covariance: str) -> Step:
    """A step as in `naive.py`, with its draw."""
    torch.manual_seed(0)
    dataset = case.dataset
    f = naive.target_model(len(dataset.gene_ids), len(dataset.classes)).requires_grad_(False)
    game = naive.Game.start(len(dataset.gene_ids), f, dataset.index_of(case.target_class))
    draw, x = naive.target_sampler(case.target, covariance), batches(case)

    def step() -> None:
        batch = next(x)
        naive.naive_step(game, batch, batch, draw(len(batch)))

    return step


def paper_step(case: ours.Case, game: ours.GAN | None = None) -> Step:
    """A step of preset `paper`, with its exact draw; of fresh G and D if none are given."""
    game = game or ours.players(case)
    draw, x = ours.low_rank_draw(case.target), batches(case)

    def step() -> None:
        batch = next(x)
        ours.paper_losses(game, batch, batch, draw(len(batch)))

    return step


def in_bfloat16(step: Step) -> Step:
    """The same step with matrix products in bfloat16."""

    def autocast_step() -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            step()

    return autocast_step


def compiled_step(case: ours.Case) -> Step:
    """A step of preset `paper` whose networks torch.compile made, in bfloat16; the calls that compile are done here.

    Not the step as a whole: D's backward pass would free what G's needs, once both are one graph.
    """
    own = replace(case, f=copy.deepcopy(case.f))  # compiled in place
    game = ours.players(own)
    for network in (game.generator, game.discriminator, game.target_model):
        network.compile()
    step = in_bfloat16(paper_step(own, game))
    started = time.perf_counter()
    for _ in range(COMPILING_CALLS):
        step()
    genes = len(case.dataset.gene_ids)
    print(f"compiling at {genes:,} genes took {time.perf_counter() - started:.0f} s of wall time", flush=True)
    return step


def draws(case: ours.Case) -> dict[str, naive.Sampler]:
    """The draw of r_t by itself, in both exact ways."""
    return {DRAWS[0]: naive.target_sampler(case.target, "exact"), DRAWS[1]: ours.low_rank_draw(case.target)}


def needed(case: ours.Case) -> floor.Products:
    """The products that a step of preset `paper` cannot do without."""
    genes, classes = len(case.dataset.gene_ids), len(case.dataset.classes)
    f, g, d = floor.f_widths(genes, classes), floor.g_widths(genes), floor.d_widths(genes)
    return floor.paper_products(BATCH, f, g, d, target_samples=len(case.target))


def contenders(case: ours.Case, options: argparse.Namespace) -> dict[str, Measure]:
    """All that is measured at one number of genes."""
    steps = {"naive diag": naive_step(case, "diag"), "naive exact": naive_step(case, "exact")}
    steps["paper"] = paper_step(case)
    if options.bfloat16:
        steps["naive diag, bfloat16"] = in_bfloat16(naive_step(case, "diag"))
        steps["paper, bfloat16"] = in_bfloat16(paper_step(case))
    if options.compile:
        steps["paper, networks compiled, bfloat16"] = compiled_step(case)
    measures = {name: each(step, options.steps) for name, step in steps.items()}
    for name, draw in draws(case).items():
        measures[name] = each(partial(draw, BATCH), options.steps)
    measures[FLOOR] = each(floor.runner(needed(case)), options.steps)
    return measures


def rows(case: ours.Case, found: dict[str, Times]) -> Iterator[str]:
    """The lines of the table for one number of genes."""
    flop = floor.total_flop(needed(case))
    genes, naive_least = len(case.dataset.gene_ids), found["naive diag"].least
    for name, times in found.items():
        cells = [f"{genes:,}", name, f"{times.least * 1e3:.1f}", f"{times.middle * 1e3:.1f}"]
        cells.append("" if name in DRAWS else f"{naive_least / times.least:.2f}")
        if name in ("paper", FLOOR):
            cells += [f"{flop / 1e9:.2f}", f"{flop / times.least / 1e9:.0f}", f"{found[FLOOR].least / times.least:.0%}"]
        yield "| " + " | ".join(cells + [""] * (HEADER.count("|") - 1 - len(cells))) + " |"


def main() -> None:
    """Measure every number of genes and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--genes", type=int, nargs="+", default=[100, 1000, 4386])
    parser.add_argument("--classes", type=int, default=53)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=10, help="steps a round")
    parser.add_argument("--bfloat16", action="store_true", help="both steps under bfloat16 autocast as well")
    parser.add_argument("--compile", action="store_true", help="torch.compile as well: one to three minutes a size")
    options = parser.parse_args()
    machine.pin_threads()
    lines = [HEADER, "|" + "---|" * (HEADER.count("|") - 1)]
    for n_genes in options.genes:
        case = ours.make_case(n_genes, n_samples=options.samples, n_classes=options.classes)
        print(f"{n_genes:,} genes: r_t is drawn from {len(case.target)} target samples", flush=True)
        lines += rows(case, interleaved(contenders(case, options), options.rounds))
    print("\n".join(["", *lines, "", machine.line()]))


if __name__ == "__main__":
    main()
