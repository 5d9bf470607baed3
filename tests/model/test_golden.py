"""The losses of a short training of preset `paper`, as they were when they were written down.

Bytes are promised within one release, machine and number of threads; across those the history holds to 1e-4. A new
file is due only where a change of the losses, the schedule or the random numbers is meant:

    python tests/model/test_golden.py
"""

import sys
from pathlib import Path

import pandas as pd

from tspg.data.prepare import prepare
from tspg.model.config import PaperConfig, TargetModelConfig
from tspg.model.device import fixed_threads
from tspg.model.target_state import TargetState
from tspg.model.training import train_generator, train_target_model

FILE = Path(__file__).with_name("golden_history.tsv")
SIZES = {"down_units": (32, 16), "residual_blocks": 1, "up_units": (32,), "batch_size": 32}


def history_of(adata):
    dataset = prepare(adata, label_column="label", group_column="donor", seed=3)
    f = train_target_model(dataset, TargetModelConfig(hidden_units=(16,), epochs=20, batch_size=32), seed=1)
    config = PaperConfig(**SIZES, epochs=8, discriminator_units=(16,))
    state = TargetState.estimate(dataset.profiles[dataset.class_mask("target") & dataset.is_train])
    _, _, history = train_generator(dataset, f, state, config, target_class="target", seed=1)
    return history.drop(columns="seconds")


def test_the_history_is_as_it_was(planted):
    stored = pd.read_csv(FILE, sep="\t")
    with fixed_threads(1):
        found = history_of(planted.adata)
    pd.testing.assert_frame_equal(found[stored.columns], stored, rtol=1e-4, check_dtype=False)
    assert stored["total_loss"].iloc[-1] < stored["total_loss"].iloc[0]


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parents[1]))
    from conftest import make_planted

    with fixed_threads(1):
        history_of(make_planted().adata).to_csv(FILE, sep="\t", index=False)
