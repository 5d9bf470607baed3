"""Runs with networks as wide as the paper's are killed at random moments and resumed, until 200 kills are counted."""

import random
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from tests.soak.study import ALONE, Study
from tests.trust.crashes import fingerprints

KILLS = 200
OFTEN = (  # a state every quarter of a second, so that a kill soon after a start has something to interrupt
    "import tspg.model.checkpoints as kept; kept.SECONDS_BETWEEN = 0.25; kept.SHARE_OF_TIME = 1.0; "
)
STOPPED_WITHIN = 10.0  # seconds from SIGTERM or SIGINT to the end


def main(*, seconds: float) -> list[tuple[str, str, bool]]:
    """Kill, resume, compare, and stop politely, for about so long."""
    with tempfile.TemporaryDirectory() as scratch:
        study, rng = Study.make(Path(scratch)), random.Random(0)
        return [*_killed(study, rng, seconds), _stopped(study, rng)]


def _killed(study: Study, rng: random.Random, seconds: float) -> list[tuple[str, str, bool]]:
    ends, kills, runs, wrong = time.monotonic() + seconds, 0, 0, []
    lasts = _seconds_of_a_run(study)
    while kills < KILLS and time.monotonic() < ends:
        out, code = study.folder / f"run-{runs}", None
        while code is None:
            code = _run_for(study, out, rng.uniform(1.5, lasts) if kills < KILLS else None)
            kills += code is None
        runs += 1
        if code != 0 or fingerprints(out) != study.whole:
            wrong.append(out.name)
        shutil.rmtree(out)
    figure = f"{kills} kills over {runs} runs, {len(wrong)} of them other than in one go"
    return [("SIGKILL at a random moment, then `--resume`", figure, kills >= KILLS and not wrong)]


def _seconds_of_a_run(study: Study) -> float:
    started = time.monotonic()
    _run_for(study, study.folder / "timed", None)
    return time.monotonic() - started


def _run_for(study: Study, out: Path, seconds: float | None) -> int | None:
    """The exit code of a run, or None if it was killed after so many seconds."""
    with _started(study.command(out, "--resume", before=OFTEN)) as process:
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return None


def _started(command: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ALONE,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - there are no threads here
    )


def _hear_interrupts() -> None:
    """What `nohup` takes away."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _stopped(study: Study, rng: random.Random) -> tuple[str, str, bool]:
    """Interrupted while it trains, a run keeps its state soon and ends as in one go."""
    slowest, wrong, stops = 0.0, 0, 0
    for number, code in [(signal.SIGTERM, 143), (signal.SIGINT, 130)] * 3:
        out = study.folder / f"stopped-{stops}"
        with _started(study.command(out)) as process:
            while not (out / "checkpoints").is_dir() and process.poll() is None:
                time.sleep(0.05)
            time.sleep(rng.uniform(0, 2))
            asked = time.monotonic()
            process.send_signal(number)
            ended = process.wait()
        slowest, stops = max(slowest, time.monotonic() - asked), stops + 1
        wrong += ended != code or _run_for(study, out, None) != 0 or fingerprints(out) != study.whole
    figure = f"{stops} stops, the slowest after {slowest:.1f} s, {wrong} of them other than in one go"
    return "SIGTERM and SIGINT while G learns, then `--resume`", figure, not wrong and slowest < STOPPED_WITHIN
