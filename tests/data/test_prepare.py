"""The split and the scaler: who is held out, and that nothing of them is looked at."""

import anndata
import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.preprocessing import MinMaxScaler

from tspg.data.matrix import dense
from tspg.data.prepare import Scaler, prepare, split_samples
from tspg.errors import LabelError, ShapeError, UsageError


def alone(class_index):
    """Every sample its own donor."""
    return [f"s{number}" for number in range(len(class_index))]


def counts(class_index, chosen):
    return np.bincount(class_index[chosen], minlength=class_index.max() + 1)


@pytest.mark.parametrize(("size", "held_out"), [(1, 0), (2, 1), (3, 1), (5, 1), (8, 2), (10, 2), (63, 13), (100, 20)])
def test_a_fifth_of_every_class_is_held_out(size, held_out):
    class_index = np.repeat([0, 1], [size, 50])
    is_train = split_samples(class_index, groups=alone(class_index), train_fraction=0.8, seed=0)
    assert counts(class_index, ~is_train).tolist() == [held_out, 10]


@given(
    labels=st.lists(st.integers(0, 4), min_size=2, max_size=80),
    n_donors=st.integers(1, 30),
    seed=st.integers(0, 2**32 - 1),
)
def test_donors_are_never_split_and_no_class_loses_all_training_samples(labels, n_donors, seed):
    _, class_index = np.unique(labels, return_inverse=True)
    donors = [f"d{number}" for number in np.random.default_rng(seed).integers(0, n_donors, len(labels))]
    is_train = split_samples(class_index, groups=donors, train_fraction=0.8, seed=seed)
    sides = pd.DataFrame({"donor": donors, "train": is_train}).groupby("donor")["train"].nunique()
    assert (sides == 1).all()
    assert (counts(class_index, is_train) > 0).all()


def test_donors_with_many_samples_still_leave_a_fifth_of_every_class():
    rng = np.random.default_rng(0)
    donors = rng.integers(0, 100, 300)
    class_index = rng.integers(0, 3, 300)
    is_train = split_samples(class_index, groups=[str(d) for d in donors], train_fraction=0.8, seed=1)
    share = counts(class_index, ~is_train) / counts(class_index, np.ones(300, bool))
    assert np.abs(share - 0.2).max() < 0.05


def chances(size, class_index, donors, n_seeds=150):
    """How often donors of each size are held out."""
    held = np.zeros(len(size))
    for seed in range(n_seeds):
        is_train = split_samples(class_index, groups=donors, train_fraction=0.8, seed=seed)
        first = np.unique(donors, return_index=True)[1]
        held += ~is_train[first]
    return np.array([held[size == k].mean() for k in np.unique(size)]) / n_seeds


def test_a_donor_is_held_out_with_the_same_chance_whatever_its_size():
    rng = np.random.default_rng(3)
    size = np.repeat(np.arange(1, 9), 25)
    donors = np.repeat([f"d{number:03}" for number in range(200)], size)
    found = chances(size, rng.integers(0, 4, len(donors)), donors)
    assert np.abs(found - 0.2).max() < 0.05


def test_a_donor_of_several_classes_is_held_out_as_often_as_others():
    size = np.repeat([1, 3], [120, 20])  # twenty donors give a sample to each class
    donors = np.repeat([f"d{number:03}" for number in range(140)], size)
    class_index = np.concatenate([np.tile([0, 1, 2], 40), np.tile([0, 1, 2], 20)])
    found = chances(size, class_index, donors)
    assert np.abs(found - 0.2).max() < 0.05


def test_the_order_of_the_rows_does_not_change_the_split(planted):
    shuffled = planted.adata[np.random.default_rng(0).permutation(120)].copy()
    for group_column in (None, "donor"):
        splits = [
            dict(zip(dataset.sample_ids, dataset.is_train, strict=True))
            for dataset in (
                prepare(adata, label_column="label", group_column=group_column) for adata in (planted.adata, shuffled)
            )
        ]
        assert splits[0] == splits[1]


def test_a_seed_holds_out_the_same_samples_in_every_version():
    """What 0.1.0 held out: a change of the draw would silently make other numbers of the same command."""
    class_index = np.repeat([0, 1], [10, 5])
    alone_held_out = split_samples(class_index, groups=[f"s{at:02}" for at in range(15)], train_fraction=0.8, seed=0)
    assert list(np.flatnonzero(~alone_held_out)) == [1, 7, 13]
    by_donor = split_samples(class_index, groups=[f"d{at // 3}" for at in range(15)], train_fraction=0.8, seed=3)
    assert list(np.flatnonzero(~by_donor)) == [0, 1, 2]


def test_the_seed_decides_the_split():
    class_index = np.repeat([0, 1], 50)
    first, second, other = (
        split_samples(class_index, groups=alone(class_index), train_fraction=0.8, seed=seed) for seed in (1, 1, 2)
    )
    assert (first == second).all()
    assert (first != other).any()


def test_scaler_agrees_with_scikit_learn_on_the_training_part(planted):
    dataset = prepare(planted.adata, label_column="label")
    expected = MinMaxScaler().fit(planted.adata.X[dataset.is_train]).transform(planted.adata.X)
    np.testing.assert_allclose(dataset.profiles, expected.clip(0, 1), atol=1e-6)
    assert dataset.clipped_cells == ((expected < -1e-6) | (expected > 1 + 1e-6)).sum() > 0


def test_held_out_samples_influence_nothing_but_themselves(planted):
    before = prepare(planted.adata, label_column="label", group_column="donor")
    poisoned = planted.adata.copy()
    poisoned.X[~before.is_train] *= 1e6
    after = prepare(poisoned, label_column="label", group_column="donor")
    np.testing.assert_array_equal(after.is_train, before.is_train)
    np.testing.assert_array_equal(after.scaler.minimum, before.scaler.minimum)
    np.testing.assert_array_equal(after.scaler.maximum, before.scaler.maximum)
    np.testing.assert_array_equal(after.profiles[before.is_train], before.profiles[before.is_train])
    np.testing.assert_array_equal(after.class_mean("target"), before.class_mean("target"))


@pytest.mark.parametrize("kind", [np.asarray, csr_matrix])
def test_a_matrix_still_in_its_file_is_read(tmp_path, kind):
    values = np.arange(12, dtype=np.float32).reshape(4, 3)
    AnnData(kind(values)).write_h5ad(tmp_path / "backed.h5ad")
    backed = anndata.read_h5ad(tmp_path / "backed.h5ad", backed="r")
    np.testing.assert_array_equal(dense(backed), values)


def test_a_constant_gene_is_kept_as_zero_and_returns_to_its_value():
    scaler = Scaler.fit([[1.0, 3.0], [2.0, 3.0]])
    scaled, clipped = scaler.transform([[1.5, 3.0], [3.0, 9.0]])
    np.testing.assert_allclose(scaled, [[0.5, 0.0], [1.0, 0.0]])
    assert clipped == 1  # the 3.0 in gene 0; a constant gene has no range to leave
    np.testing.assert_allclose(scaler.inverse(scaled), [[1.5, 3.0], [2.0, 3.0]])


def test_gene_and_sample_order_are_kept_and_classes_sorted(planted):
    shuffled = planted.adata[::-1, ::-1].copy()
    dataset = prepare(shuffled, label_column="label")
    assert dataset.gene_ids == tuple(shuffled.var_names)
    assert dataset.sample_ids == tuple(shuffled.obs_names)
    assert dataset.classes == ("alpha", "beta", "target")
    assert dataset.source_class.tolist() == shuffled.obs["label"].tolist()


def test_sparse_input_is_prepared_like_dense(planted):
    sparse = planted.adata.copy()
    sparse.X = csr_matrix(sparse.X)
    expected = prepare(planted.adata, label_column="label").profiles
    np.testing.assert_array_equal(prepare(sparse, label_column="label").profiles, expected)


def small(values, labels):
    names = [f"s{number}" for number in range(len(labels))]
    return AnnData(
        np.asarray(values, np.float32), pd.DataFrame({"label": labels}, index=names), pd.DataFrame(index=["A", "B"])
    )


@pytest.mark.parametrize(
    ("adata", "error", "says"),
    [
        (small([[1, 2], [3, 4]], ["x", "x"]), LabelError, "one class only"),
        (small([[1, 2], [3, 4]], ["x", None]), LabelError, "empty for 1 samples: 's1'"),
        (small([[1, np.nan], [3, 4]], ["x", "y"]), ShapeError, "sample 's0', gene 'B'"),
        (small([[1, 2], [np.inf, 4]], ["x", "y"]), ShapeError, "sample 's1', gene 'A'"),
    ],
)
def test_what_cannot_be_prepared_is_refused_by_name(adata, error, says):
    with pytest.raises(error, match=says):
        prepare(adata, label_column="label")


def test_an_unknown_column_or_class_is_answered_with_those_there_are(planted):
    with pytest.raises(LabelError, match=r"'organ'\. There are: label, donor"):
        prepare(planted.adata, label_column="organ")
    with pytest.raises(UsageError, match="alpha, beta, target"):
        prepare(planted.adata, label_column="label").class_mask("gamma")


def test_a_matrix_with_other_genes_is_refused_by_the_scaler():
    with pytest.raises(ShapeError, match="2 genes"):
        Scaler.fit([[1.0, 3.0], [2.0, 3.0]]).transform([[1.0]])
