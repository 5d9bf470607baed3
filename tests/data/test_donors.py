"""Donors that nobody has named: found where they are, and nothing else taken for them."""

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tspg.data.donors import find_donors

KIDNEY, FLU, TISSUES, COLON = "tcga_kidney", "flu_challenge", "normal_tissues", "tcga_coadread"
CLASS_OF = {KIDNEY: "diagnosis", FLU: "state", TISSUES: "organ", COLON: "subtype"}
PAIRS = [f"p{at // 2}" for at in range(40)]  # of twenty people
TWO = ["tumour", "normal"] * 20


def found(values, column="patient", labels=TWO, ids=None):
    """What is found in one column beside sample names that say nothing."""
    ids = ids or [f"s{at}" for at in range(len(values))]
    return find_donors(pd.DataFrame({column: values}, index=ids), ids, labels)


def counts(one):
    return None if one is None else (one.n_donors, one.n_repeated, one.n_spanning)


@pytest.fixture(scope="module")
def samples_of(shared_data):
    """The sample annotation of a real data set."""
    return lambda name: anndata.read_h5ad(shared_data / name / f"{name}.h5ad", backed="r").obs


@pytest.mark.parametrize(("name", "column"), [(KIDNEY, "patient"), (FLU, "subject"), (TISSUES, "donor")])
def test_donors_of_real_data_are_counted_as_pandas_counts_them(samples_of, name, column):
    obs, label = samples_of(name), CLASS_OF[name]
    one = find_donors(obs, list(obs.index), list(obs[label]))
    by_donor = obs.astype(str).groupby(column)
    assert (one.column, one.rule) == (column, "column")
    assert one.donors == tuple(obs[column])
    assert counts(one) == (len(by_donor), (by_donor.size() > 1).sum(), (by_donor[label].nunique() > 1).sum())


@pytest.mark.parametrize(
    ("name", "column", "rule"), [(KIDNEY, "patient", "tcga_barcode"), (TISSUES, "donor", "gtex_id")]
)
def test_names_of_samples_tell_the_donors_that_the_column_tells(samples_of, name, column, rule):
    obs, label = samples_of(name), CLASS_OF[name]
    one = find_donors(obs.drop(columns=column), list(obs.index), list(obs[label]))
    assert (one.column, one.rule) == (None, rule)
    assert one.donors == tuple(obs[column])
    dotted = [sample.replace("-", ".") for sample in obs.index]  # as R writes them
    assert counts(find_donors(obs[[]], dotted, list(obs[label]))) == counts(one)


def test_a_donor_to_a_sample_is_nothing_to_tell(samples_of):
    obs = samples_of(COLON)
    assert obs["patient"].is_unique
    assert find_donors(obs, list(obs.index), list(obs["subtype"])) is None


@pytest.mark.parametrize("name", CLASS_OF)
def test_no_other_column_of_real_data_is_taken_for_donors(samples_of, name):
    obs = samples_of(name)
    obs = obs.drop(columns=[column for column in ("patient", "donor", "subject") if column in obs])
    plain = [f"s{at}" for at in range(len(obs))]
    for label in obs:
        assert find_donors(obs, plain, list(obs[label].astype(str))) is None


@pytest.mark.parametrize(
    "column",
    [
        *("patient", "Patient ID", "PatientID", "patientid", "SUBJID", "donor_id", "case.id", "CASE", "mouse"),
        *("bcr_patient_barcode", "animalNumber", "Participant", "individual", "person_no", "patient\n"),
    ],
)
def test_columns_named_for_people_are_found(column):
    one = found(PAIRS, column, labels=["a"] * 20 + ["b"] * 20)  # each gives samples of one class
    assert (one.column, counts(one)) == (column, (20, 20, 0))


@pytest.mark.parametrize("column", ["phase", "showcase", "patient_age", "case_control", "mouse_strain", "", "1"])
def test_columns_named_for_something_else_are_not_found_by_name(column):
    assert found(PAIRS, column, labels=["a"] * 20 + ["b"] * 20) is None


@pytest.mark.parametrize(
    ("values", "n_donors"),
    [
        (["yes", "no"] * 20, None),
        ([0, 1] * 20, None),
        ([True, False] * 20, None),
        (["healthy", "mild", "severe", "dead"] * 10, None),
        (["one"] * 40, None),
        (list(range(40)), None),
        (list(range(8)) * 5, 8),  # few, but numbered
        (["anna", "ben"] * 3 + ["eve", "jon"] * 3, 4),  # more than a quarter of the samples
        ([chr(65 + at % 12) for at in range(120)], 12),
    ],
)
def test_values_of_a_column_named_for_people_must_be_people(values, n_donors):
    one = found(values, labels=TWO * 3 if len(values) > 40 else TWO[: len(values)])
    assert (one and one.n_donors) == n_donors


@pytest.mark.parametrize("gap", ["", np.nan, None, "NA", "nan"])
def test_who_is_not_known_is_a_donor_of_their_own(gap):
    one = found([*PAIRS[:38], gap, gap])
    assert counts(one) == (19 + 2, 19, 19)
    assert one.donors[38:] == ("", "")


def test_a_column_of_another_name_must_look_like_pairs_in_every_way():
    assert counts(found(PAIRS, "ID")) == (20, 20, 20)
    assert found(PAIRS, "ID", labels=["a"] * 20 + ["b"] * 20) is None  # never two classes
    assert found([str(at // 2) for at in range(40)], "ID") is None  # numbers
    assert found([float(at // 2) for at in range(40)], "ID") is None
    assert found(PAIRS, "batch") is None
    assert found(PAIRS, "Plate.No") is None
    assert found([f"b{at // 4}" for at in range(36)], "ID", TWO[:36]) is None  # nine could be anything
    assert found(PAIRS[:24] + ["b"] * 40, "ID", TWO + TWO[:24]) is None  # 13 values are fewer than a quarter
    large = [f"b{at // 6}" for at in range(60)] + [f"x{at}" for at in range(20)]
    assert found(large, "ID", TWO * 2) is None  # many values, but the groups are of six
    rarely = ["a", "a"] * 11 + ["a", "b"] * 9  # 9 of 20 groups cross the classes
    assert found(PAIRS, "ID", rarely) is None
    assert found(PAIRS, "ID", ["a", "a"] * 9 + ["a", "b"] * 11).n_spanning == 11


@pytest.mark.parametrize("between", ["_", "-", ".", " "])
def test_names_of_samples_with_one_stem_tell_pairs(between):
    ids = [f"{person}{between}{kind[0]}" for person, kind in zip(PAIRS, TWO, strict=True)]
    one = find_donors(pd.DataFrame(index=ids), ids, TWO)
    assert (one.column, one.rule, one.donors) == (None, "stem", tuple(PAIRS))
    assert counts(one) == (20, 20, 20)


@pytest.mark.parametrize(
    "ids",
    [
        [f"sample_{at}" for at in range(40)],
        [f"{kind}_{at}" for at, kind in enumerate(TWO)],
        [f"plate{at // 8}-{at % 8}" for at in range(40)],
        [f"GSM{at}" for at in range(40)],
        [f"p{at % 20}_{at}" if at < 18 else f"x{at}" for at in range(40)],  # no stem twice
        ["_"] * 40,
        [""] * 40,
    ],
)
def test_other_names_of_samples_tell_nothing(ids):
    assert find_donors(pd.DataFrame(index=ids), ids, TWO) is None


def test_a_few_barcodes_among_other_names_tell_nothing():
    barcodes = [f"TCGA-AB-{at // 2:04d}-{at % 2}1A" for at in range(20)]
    others = [f"s{at}" for at in range(21)]
    both = [*barcodes, *others]
    assert find_donors(pd.DataFrame(index=both), both, ["a"] * 41) is None
    one = find_donors(pd.DataFrame(index=both[:40]), both[:40], ["a"] * 40)
    assert (one.rule, counts(one)) == ("tcga_barcode", (10 + 20, 10, 0))


def test_the_classes_are_not_the_donors():
    classes = [f"c{at // 4}" for at in range(40)]
    assert found(classes, "patient", labels=classes) is None


def test_a_column_goes_before_names_of_samples_and_one_name_may_occur_twice():
    ids = [f"{person}_{kind}" for person, kind in zip(PAIRS, TWO, strict=True)]
    donors = [f"D{at % 10}" for at in range(40)]
    obs = pd.DataFrame(np.array([TWO, ["x"] * 40, donors]).T, index=ids, columns=["kind", "donor", "donor"])
    one = find_donors(obs, ids, TWO)
    assert (one.column, one.donors) == ("donor", tuple(donors))


def test_what_is_said_of_donors_can_be_typed():
    assert found(PAIRS, "patient").option == "--group-column patient"
    assert found(PAIRS, "Patient ID").option == "--group-column 'Patient ID'"
    assert found(PAIRS, "patient\n").place == r"column 'patient\n'"


def test_held_out_samples_of_donors_in_training_are_counted():
    one = found([*PAIRS[:36], "", "", "", ""])
    is_train = np.ones(40, dtype=bool)
    is_train[[0, 2, 3, 37, 39]] = False  # one of p0, both of p1, two that are not known
    assert one.n_seen(is_train) == 1


CELLS = st.sampled_from(["", "a", "b", "c", "p1", "p2", "p3", "p4", "7", "1.5"])


@settings(max_examples=200)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, st.sampled_from("xyz")), min_size=1, max_size=40),
    names=st.tuples(st.sampled_from(["patient", "ID"]), st.text(max_size=8)),
    random=st.randoms(use_true_random=False),
)
def test_order_and_constant_columns_change_nothing(rows, names, random):
    obs = pd.DataFrame([row[:2] for row in rows], dtype=object)
    obs.columns = list(names)
    ids, labels = [f"{row[0]}_{at}" for at, row in enumerate(rows)], [row[2] for row in rows]
    one = find_donors(obs, ids, labels)
    assert find_donors(obs.assign(case_id="same"), ids, labels) == one
    order = random.sample(range(len(rows)), len(rows))
    other = find_donors(obs.iloc[order], [ids[at] for at in order], [labels[at] for at in order])
    assert counts(other) == counts(one)
    if one is not None:
        assert (other.column, other.rule) == (one.column, one.rule)
        assert other.donors == tuple(one.donors[at] for at in order)
        assert 1 <= one.n_repeated <= one.n_donors <= len(rows)
        assert one.n_spanning <= one.n_repeated
