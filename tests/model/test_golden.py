"""The losses of a short training of each preset, as they were when they were written down.

Bytes are promised within one release, machine and number of threads; across those the history holds to 1e-4. A new
file is due only where a change of the losses, the schedule or the random numbers is meant:

    python tests/model/test_golden.py
"""

import sys
from pathlib import Path

import pandas as pd
import pytest

from tspg.config import PaperConfig, TargetModelConfig, TransportConfig
from tspg.data.prepare import prepare
from tspg.model.anchor import Anchor
from tspg.model.device import fixed_threads
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator, train_target_model
from tspg.model.transport import train_residuals

FILE = Path(__file__).with_name("golden_history.tsv")
SIZES = {"down_units": (32, 16), "residual_blocks": 1, "up_units": (32,), "batch_size": 32}


def history_of(preset, adata):
    prepared = prepare(adata, label_column="label", group_column="donor", seed=3)
    f = train_target_model(prepared, TargetModelConfig(hidden_units=(16,), epochs=20, batch_size=32), seed=1)
    if preset == "paper":
        config = PaperConfig(**SIZES, epochs=8, discriminator_units=(16,))
        state = TargetState.estimate(prepared.profiles[prepared.in_class("target") & prepared.is_train])
        _, _, history = train_generator(prepared, f, state, config, target_class="target", seed=1)
    else:
        anchors = {"target": Anchor.estimate(prepared, "target")}
        _, history = train_residuals(prepared, f, anchors, TransportConfig(**SIZES, steps=40), seed=1)["target"]
    return history.drop(columns="seconds").assign(preset=preset)


@pytest.mark.parametrize("preset", ["paper", "transport"])
def test_the_history_is_as_it_was(preset, planted):
    stored = pd.read_csv(FILE, sep="\t")
    stored = stored[stored["preset"] == preset].dropna(axis=1).reset_index(drop=True)
    with fixed_threads(1):
        found = history_of(preset, planted.adata)
    pd.testing.assert_frame_equal(found[stored.columns], stored, rtol=1e-4, check_dtype=False)
    assert stored["total_loss"].iloc[-1] < stored["total_loss"].iloc[0]


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parents[1]))
    from conftest import make_planted

    with fixed_threads(1):
        parts = [history_of(preset, make_planted().adata) for preset in ("paper", "transport")]
    pd.concat(parts).to_csv(FILE, sep="\t", index=False)
