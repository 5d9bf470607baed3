"""A small finished run to be audited."""

import functools
import shutil
from dataclasses import replace

import numpy as np
import pytest

import tspg
from tspg.audit.context import read_context
from tspg.audit.plan import Plan
from tspg.report.save import save_run


@pytest.fixture(scope="session")
def audited_run(planted, tmp_path_factory):
    """The planted classes moved to `target` by preset `transport`, with a batch column that means nothing."""
    adata = planted.adata.copy()
    adata.obs["batch"] = np.where(np.arange(adata.n_obs) % 2 == 0, "even", "odd")
    adata.obs["mirror"] = ["x" if name == "target" else "y" for name in adata.obs["label"]]
    out = tmp_path_factory.mktemp("audited") / "run"
    found = tspg.run(
        adata,
        label_column="label",
        group_column="donor",
        target_class="target",
        training=tspg.Training(preset="transport", target_epochs=12, folds=1, threads=1),
        annotations=(),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])  # no test here looks at them
        save_run(found, out)
    return out


@pytest.fixture
def audited_folder(audited_run, tmp_path):
    """A copy of it to write into."""
    return shutil.copytree(audited_run, tmp_path / "run")


@pytest.fixture(scope="session")
def context(audited_run):
    return read_context(audited_run)


@pytest.fixture(scope="session")
def small():
    """A plan that takes seconds."""
    plan = Plan.of(quick=True, technical=None, reading={})
    return replace(plan, permutations=2, splits=2, gene_sets=20, seeds=3, bootstraps=2)


@pytest.fixture(scope="session")
def outcome_of(context, small):
    """What a control finds in the sound run; each is carried out once for all tests."""
    return functools.cache(lambda control, **changes: control(context, replace(small, **changes)))


@pytest.fixture(scope="session")
def split_context(context):
    """The same run without donors and with half of the samples held out, so that the target can be split."""
    return replace(context, dataset=replace(context.dataset, groups=None, is_train=np.arange(120) % 2 == 0))
