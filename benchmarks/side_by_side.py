"""Does it pay to train the generators of several targets in the same steps? It decides `SIDE_BY_SIDE` in `tspg.model`.

    python benchmarks/side_by_side.py [--targets 8] [--genes 158] [--steps 20] [--rounds 5] [--device cpu|cuda]

One after the other and side by side in turn, on a synthetic study; the least seconds of the rounds.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from machine import line
from synthetic import gtex_like

import tspg
from tspg.config import PRESETS
from tspg.model.anchor import Anchor
from tspg.model.device import fixed_threads
from tspg.model.training import train_target_model
from tspg.model.transport import train_residuals


def main() -> None:
    """Print the seconds of both ways and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=8)
    parser.add_argument("--genes", type=int, default=158)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    options = parser.parse_args()
    prepared = tspg.prepare(gtex_like(2000, options.genes, 20), label_column="tissue", group_column="donor")
    f_settings, settings = PRESETS["transport"]
    settings = replace(settings, steps=options.steps)
    anchors = {name: Anchor.estimate(prepared, name) for name in prepared.classes[: options.targets]}
    with fixed_threads(1):
        f = train_target_model(prepared, f_settings, device=options.device)

        def one_by_one() -> None:
            for name, anchor in anchors.items():
                train_residuals(prepared, f, {name: anchor}, settings, device=options.device)

        def together() -> None:
            train_residuals(prepared, f, anchors, settings, device=options.device)

        found = least_seconds({"one by one": one_by_one, "side by side": together}, options.rounds)
    for name, seconds in found.items():
        print(f"{name}: {seconds:.2f} s for {options.targets} targets, {options.steps} steps")
    print(f"one by one / side by side: {found['one by one'] / found['side by side']:.2f}\n{line()}")


def least_seconds(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The least wall seconds of each way, taken in turn."""
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            found[name] = min(found[name], time.perf_counter() - started)
    return found


if __name__ == "__main__":
    main()
