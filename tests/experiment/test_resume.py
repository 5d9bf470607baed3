"""A stopped run goes on for its own question alone; how it is computed may change, and is told."""

import pytest
import torch

from tests.options import nested
from tspg.errors import UsageError
from tspg.experiment.resume import open_checkpoints
from tspg.experiment.task import make_task


def asked(adata, *, threads=1):
    named = {"label_column": "label", "group_column": "donor"}
    return make_task(adata, "target", **nested(annotations=(), threads=threads, **named))


@pytest.fixture
def out(planted, tmp_path):
    _, checkpoints = open_checkpoints(asked(planted.adata), tmp_path)
    checkpoints.keep("target model", 1, {"f": torch.nn.Linear(2, 1)})
    return tmp_path


def test_the_same_question_goes_on_without_a_word(planted, out):
    task, _ = open_checkpoints(asked(planted.adata.copy()), out)
    assert task.details["notes"] == asked(planted.adata).details["notes"]


@pytest.mark.parametrize("change", ["value", "label", "donor", "sample", "gene", "order"])
def test_other_data_are_another_question(change, planted, out):
    adata = planted.adata.copy()
    if change == "value":
        adata.X[3, 3] += 1e-3
    elif change in ("label", "donor"):
        adata.obs[change] = [*adata.obs[change].astype(str)[1:], "beta" if change == "label" else "another"]
    elif change == "sample":
        adata.obs_names = [*adata.obs_names[1:], "another"]
    elif change == "gene":
        adata.var_names = [*adata.var_names[1:], "another"]
    else:
        adata = adata[::-1].copy()
    with pytest.raises(UsageError, match=r"\(expression and labels was"):
        open_checkpoints(asked(adata), out)


def test_other_threads_go_on_and_are_told(planted, out):
    task, _ = open_checkpoints(asked(planted.adata, threads=2), out)
    assert "threads was 1, is 2" in task.details["notes"][-1]
