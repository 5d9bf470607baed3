"""Eight processes start in one folder at the same moment: one has it, the others are told so."""

import multiprocessing
import tempfile
import time
from collections import Counter
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tspg.errors import TspgError
from tspg.utils.lock import MANIFEST, new_folder

STARTERS, TIMES = 8, 50


def main(*, seconds: float) -> list[tuple[str, str, bool]]:
    """Start them fifty times, or for about so long."""
    ends, fork = time.monotonic() + seconds, multiprocessing.get_context("fork")
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(TIMES):
            if time.monotonic() > ends:
                break
            together, out = fork.Barrier(STARTERS), Path(scratch) / f"run-{number}"
            starters = [fork.Process(target=_start, args=(out, together)) for _ in range(STARTERS)]
            for starter in starters:
                starter.start()
            for starter in starters:
                starter.join()
            codes = sorted(starter.exitcode for starter in starters)
            outcomes[f"{codes.count(0)} has it, {codes.count(6)} are refused with 6"] += 1
    wanted = f"1 has it, {STARTERS - 1} are refused with 6"
    figure = "; ".join(f"{times} times: {outcome}" for outcome, times in outcomes.most_common())
    return [(f"{STARTERS} starters in one folder", figure, outcomes == {wanted: TIMES})]


def _start(out: Path, together: Barrier) -> None:
    together.wait()
    try:
        with new_folder(out):
            time.sleep(0.3)
            (out / MANIFEST).write_text("{}", encoding="utf-8")
    except TspgError as error:
        raise SystemExit(error.exit_code) from error
