"""Labels joined to samples: against pandas' merge, planted pairs of names, and what must never matter."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from hypothesis import given, settings
from hypothesis import strategies as st

from tspg.data.expression import read_expression
from tspg.data.joining import annotate
from tspg.data.labels import read_labels_file
from tspg.data.reading import Reading
from tspg.data.sample_names import best_match, nearly_alike
from tspg.errors import ExpressionError, LabelError

GENES = ["TP53", "MYC", "KRAS"]
SAMPLES = [f"P{at:02}" for at in range(12)]
CLASSES = ["liver", "lung", "liver", "brain"] * 3
BARCODES = [f"TCGA-{at % 7:02}-{at:04}-{'11' if at % 3 == 0 else '01'}A-11R-A{at:03}-07" for at in range(12)]


def matrix(folder, samples=SAMPLES, name="m.tsv", *, turned=False):
    values = np.arange(len(samples) * len(GENES), dtype=float).reshape(len(samples), -1) / 8
    table = pd.DataFrame(values, index=samples, columns=GENES)
    path = folder / name
    (table.T if turned else table).to_csv(path, sep="\t", index_label="name")
    return path


def labels(folder, table, name="labels.tsv", **options):
    path = folder / name
    pd.DataFrame(table).to_csv(path, sep="," if name.endswith(".csv") else "\t", index=False, **options)
    return path


def read(folder, table, samples=SAMPLES, **options):
    options = {"label_column": "class", **options}
    return read_expression(matrix(folder, samples), labels=labels(folder, table), **options)


def notes(adata):
    return adata.uns["tspg_input"]["notes"]


# Which column, which rows


def test_a_join_is_what_pandas_merges(tmp_path):
    """Columns in any order, ids in any of them, rows of others between; the reference is `DataFrame.merge`."""
    rng = np.random.default_rng(4)
    known = pd.DataFrame({"uuid": [f"u{at}" for at in range(30)], "age": rng.integers(20, 90, 30).astype(str)})
    known["Sample ID"] = [*SAMPLES, *(f"other{at}" for at in range(18))]
    known["class"] = rng.choice(["a", "b", "c"], 30)
    known = known.sample(frac=1, random_state=5)
    adata = read(tmp_path, known)
    wanted = pd.DataFrame({"Sample ID": SAMPLES}).merge(known, on="Sample ID", how="left").set_index("Sample ID")
    for column in ("class", "age", "uuid"):
        assert adata.obs[column].tolist() == wanted[column].tolist()
    assert adata.uns["tspg_input"]["join"] == {
        "column": "Sample ID",
        "n_samples": 12,
        "n_matched": 12,
        "n_labels": 30,
        "how": "exact",
        "differing": [],
    }
    assert any("found in column 'Sample ID'" in note for note in notes(adata))


def test_never_by_the_name_of_a_column_alone(tmp_path):
    table = {"barcode": SAMPLES, "id": [f"uuid{at}" for at in range(12)], "class": CLASSES}
    assert read(tmp_path, table).obs["class"].tolist() == CLASSES


def test_the_first_of_two_columns_that_match_alike(tmp_path):
    table = {"first": SAMPLES, "second": SAMPLES[::-1], "class": CLASSES}
    assert read(tmp_path, table).obs["class"].tolist() == CLASSES
    assert read(tmp_path, table, sample_column="second").obs["class"].tolist() == CLASSES[::-1]


def test_the_column_with_the_classes_is_never_that_of_the_names(tmp_path):
    table = {"class": SAMPLES[::-1], "sample": SAMPLES}
    assert read(tmp_path, table).obs["class"].tolist() == SAMPLES[::-1]


def test_a_named_column_that_matches_less_than_another_names_that_one(tmp_path):
    table = {"File ID": [f"f{at}" for at in range(12)], "Sample ID": SAMPLES, "class": CLASSES}
    with pytest.raises(LabelError, match=r"12 of them are in column 'Sample ID': use --sample-column 'Sample ID'"):
        read(tmp_path, table, sample_column="File ID")
    with pytest.raises(LabelError, match=r"no column 'Sample'. The columns are 'Sample ID'"):
        read(tmp_path, table, sample_column="Sample")


def test_an_unnamed_first_column_holds_the_names(tmp_path):
    path = labels(tmp_path, {"": SAMPLES, "class": CLASSES}, "r.csv")
    assert read_expression(matrix(tmp_path), labels=path).obs["class"].tolist() == CLASSES


def test_the_index_of_pandas_is_no_name(tmp_path):
    table = pd.DataFrame({"sample": SAMPLES, "class": CLASSES})
    table.to_csv(tmp_path / "index.csv")
    adata = read_expression(matrix(tmp_path), labels=tmp_path / "index.csv", label_column="class")
    assert adata.obs["class"].tolist() == CLASSES


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), n_more=st.integers(0, 8))
def test_order_and_rows_of_others_never_matter(tmp_path_factory, seed, n_more):
    """Others may be empty, repeated, contradict each other, or have blanks around their labels."""
    folder, draw = tmp_path_factory.mktemp("labels"), random.Random(seed)
    table = pd.DataFrame({"id": SAMPLES, "class": CLASSES, "age": [str(at) for at in range(12)]})
    more = [{"id": f"x{draw.randrange(3)}", "class": draw.choice(["", "NA", "liver ", "a"]), "age": ""}] * n_more
    more += [{"id": "x1", "class": "b", "age": ""}] if n_more else []
    whole = pd.concat([table, pd.DataFrame(more)]).sample(frac=1, random_state=seed)
    whole = whole[draw.sample(list(whole.columns), 3)]
    plain, shuffled = (labels(folder, one, name) for one, name in ((table, "a.tsv"), (whole, "b.tsv")))
    reading = Reading(Path("m"), label_column="class")
    joined = [
        annotate("m", SAMPLES, read_labels_file(path), reading, pd.DataFrame(index=SAMPLES)).obs
        for path in (plain, shuffled)
    ]
    pd.testing.assert_frame_equal(joined[0], joined[1][joined[0].columns])


# Repeated and contradicting lines


def test_lines_that_say_the_same_are_one_also_where_other_columns_differ(tmp_path):
    """Lanes of a sample sheet; what differs is kept in mind for users of that column."""
    rows = [(sample, lane, label) for sample, label in zip(SAMPLES, CLASSES, strict=True) for lane in ("L1", "L2")]
    adata = read(tmp_path, pd.DataFrame(rows, columns=["sample", "lane", "class"]))
    assert adata.obs["class"].tolist() == CLASSES
    assert set(adata.obs["lane"]) == {"L1"}
    assert adata.uns["tspg_input"]["join"]["differing"] == ["lane"]
    assert notes(adata) == []


def test_an_empty_cell_contradicts_nothing(tmp_path):
    table = {"sample": [*SAMPLES, *SAMPLES], "class": ["NA"] * 12 + CLASSES}
    assert read(tmp_path, table).obs["class"].tolist() == CLASSES


def test_contradicting_lines_are_named(tmp_path):
    table = {"sample": [*SAMPLES, "P03"], "class": [*CLASSES, "lung"]}
    with pytest.raises(LabelError, match=r"labels.tsv, lines 5 and 14: sample 'P03' is 'brain' and 'lung'"):
        read(tmp_path, table)


# Cells that say nothing


@pytest.mark.parametrize(
    "cell",
    ["", "NA", "na", "nan", "NaN", "None", "null", "NULL", "N/A", "n/a", "-666", "[Not Available]", "[not done]"],
)
def test_what_programs_write_for_nothing_is_no_class(tmp_path, cell):
    table = {"sample": SAMPLES, "class": [cell, *CLASSES[1:]]}
    with pytest.raises(LabelError, match=r"1 of 12 samples have no label: 'P00' .*'class'.*--allow-unlabelled"):
        read(tmp_path, table)
    adata = read(tmp_path, table, allow_unlabelled=True)
    assert adata.obs["class"].tolist() == ["", *CLASSES[1:]]
    assert any("1 of 12 samples have no label: 'P00'" in note for note in notes(adata))


@pytest.mark.parametrize("cell", ["none", "Other", "0", "-1", "Nan tumour", "not treated"])
def test_what_may_be_a_class_is_one(tmp_path, cell):
    adata = read(tmp_path, {"sample": SAMPLES, "class": [cell, *CLASSES[1:]]})
    assert adata.obs["class"].tolist() == [cell, *CLASSES[1:]]


@pytest.mark.parametrize("cell", ["Unknown", "unknown", "Undetermined", "not reported", "Not Applicable", "[Unknown]"])
def test_a_class_of_the_unknown_is_one_with_a_word(tmp_path, cell):
    table = {"sample": SAMPLES, "class": [cell, cell, *CLASSES[2:]]}
    (note,) = notes(read(tmp_path, table))
    assert note.startswith(f"2 samples are of class '{cell}'")


def test_the_same_holds_for_tables_within_the_matrix_file(tmp_path):
    obs = pd.DataFrame({"organ": ["nan", "-666", None, "Lung"] * 3}, index=SAMPLES)
    path = tmp_path / "m.h5ad"
    AnnData(np.ones((12, 3), np.float32), obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(path)
    with pytest.raises(LabelError, match="9 of 12 samples have no label"):
        read_expression(path, label_column="organ")
    adata = read_expression(path, label_column="organ", allow_unlabelled=True)
    assert adata.obs["organ"].tolist() == ["", "", "", "Lung"] * 3


def test_no_label_at_all_is_refused_whatever_is_allowed(tmp_path):
    with pytest.raises(LabelError, match="12 of 12 samples have no label"):
        read(tmp_path, {"sample": SAMPLES, "class": [""] * 12}, allow_unlabelled=True)
    with pytest.raises(LabelError, match="neither in the rows nor in the columns"):
        read(tmp_path, {"sample": [f"x{at}" for at in range(12)], "class": CLASSES}, allow_unlabelled=True)


def test_few_labelled_samples_are_counted_not_denied(tmp_path):
    samples = [f"P{at:02}" for at in range(40)]
    table = {"sample": ["P00", "elsewhere"], "class": ["liver", "lung"]}
    with pytest.raises(LabelError, match=r"39 of 40 samples have no label.*39 not in labels.tsv.*--allow-unlabelled"):
        read(tmp_path, table, samples)
    assert read(tmp_path, table, samples, allow_unlabelled=True).obs["class"].tolist() == ["liver", *[""] * 39]


# The header


@pytest.mark.parametrize("header", ["SampleID\tClass", "Run\tsource", "my samples\twhat they are"])
def test_a_header_of_any_words_is_seen(tmp_path, header):
    body = "".join(f"{sample}\t{label}\n" for sample, label in zip(SAMPLES, CLASSES, strict=True))
    (tmp_path / "h.tsv").write_text(f"{header}\n{body}")
    adata = read_expression(matrix(tmp_path), labels=tmp_path / "h.tsv")
    assert adata.obs[header.split("\t")[1]].tolist() == CLASSES


def test_a_first_line_of_another_sample_is_no_header(tmp_path):
    body = "".join(f"{sample}\t{label}\n" for sample, label in zip(SAMPLES, CLASSES, strict=True))
    (tmp_path / "h.tsv").write_text(f"elsewhere\tlung\n{body}")
    adata = read_expression(matrix(tmp_path), labels=tmp_path / "h.tsv")
    assert adata.obs["label"].tolist() == CLASSES


def test_a_table_without_header_takes_the_name_that_is_asked_for(tmp_path):
    path = labels(tmp_path, {"sample": SAMPLES, "class": CLASSES}, header=False)
    adata = read_expression(matrix(tmp_path), labels=path, label_column="tissue")
    assert adata.obs["tissue"].tolist() == CLASSES


def test_three_columns_need_a_header(tmp_path):
    path = labels(tmp_path, {"sample": SAMPLES, "class": CLASSES, "age": CLASSES}, header=False)
    with pytest.raises(LabelError, match=r"line 1: 'P00' is a sample of the matrix.*--label-column"):
        read_expression(matrix(tmp_path), labels=path)


# Names that are not written alike


def plant(change, names=SAMPLES):
    return [change(name) for name in names]


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        (SAMPLES, plant(str.lower), "capital letters and blanks"),
        (SAMPLES, plant(lambda name: f" {name}"), "capital letters and blanks"),
        (plant(lambda name: f"a.{name}"), plant(lambda name: f"A-{name}"), "the signs"),
        (plant(lambda name: f"X{name[1:]}.a"), plant(lambda name: f"{name[1:]}-a"), "R's X"),
        (plant(lambda name: f"/data/x/{name}.sorted.bam"), SAMPLES, "folders"),
        (plant(lambda name: f"runs/{name}/{name}_counts.txt"), SAMPLES, "folders"),
        (SAMPLES, plant(lambda name: f"{name}ReadsPerGene.out.tab"), "folders"),
        (plant(lambda name: f"{name}_S1_L001"), SAMPLES, "in common"),
        (SAMPLES, plant(lambda name: f"study7_{name}"), "in common"),
        (BARCODES, plant(lambda name: name[:16], BARCODES), "beginning"),
        (BARCODES, plant(lambda name: name[:15], BARCODES), "beginning"),
        (BARCODES, plant(lambda name: name[:12], BARCODES), "beginning"),
        (plant(lambda name: name[:12], BARCODES), BARCODES, "beginning"),
        (
            plant(lambda name: name[:16].replace("-", "."), BARCODES),
            plant(lambda name: name[:15], BARCODES),
            "in common",
        ),
    ],
)
def test_one_rule_that_makes_all_names_the_same_is_followed_and_told(tmp_path, ours, theirs, says):
    order = random.Random(3).sample(range(12), 12)
    table = {"sample": [theirs[at] for at in order], "class": [CLASSES[at] for at in order]}
    adata = read(tmp_path, table, ours)
    assert adata.obs["class"].tolist() == CLASSES
    assert adata.obs_names.tolist() == ours
    (note,) = notes(adata)
    assert says in note
    assert f"{ours[0]!r} is {theirs[0]!r} there" in note
    assert adata.uns["tspg_input"]["join"]["how"] in note


def test_tumour_and_normal_of_a_patient_are_not_told_apart_by_the_patient(tmp_path):
    ours = [f"TCGA-AA-{at:04}-{kind}A" for at in range(6) for kind in ("01", "11")]
    table = {"patient": [f"TCGA-AA-{at:04}" for at in range(6)], "class": CLASSES[:6]}
    for allowed in (False, True):
        with pytest.raises(LabelError, match=r"'TCGA-AA-0000-01A' and 'TCGA-AA-0000-11A' both match 'TCGA-AA-0000'"):
            read(tmp_path, table, ours, allow_unlabelled=allowed)
    sheet = {"patient": [name[:12] for name in ours], "sample": [name[:15] for name in ours], "class": CLASSES}
    assert read(tmp_path, sheet, ours).obs["class"].tolist() == CLASSES


def test_another_sample_of_the_same_patient_is_nobody(tmp_path):
    """A normal sample's line says nothing of the tumour: names are never cut on both sides."""
    ours = [f"TCGA-AA-{at:04}-01A" for at in range(12)]
    table = {"sample": [name.replace("-01A", "-11A") for name in ours], "class": CLASSES}
    with pytest.raises(LabelError, match="neither in the rows nor in the columns"):
        read(tmp_path, table, ours)
    table["sample"][:10] = ours[:10]
    with pytest.raises(LabelError, match=r"2 of 12 samples have no label: 'TCGA-AA-0010-01A'"):
        read(tmp_path, table, ours)


def test_lines_of_one_patient_that_disagree_are_refused(tmp_path):
    ours = [f"TCGA-AA-{at:04}" for at in range(12)]
    table = {
        "sample": [f"{name}-{kind}A" for name in ours for kind in ("01", "11")],
        "class": ["tumour", "normal"] * 12,
    }
    with pytest.raises(LabelError, match=r"lines 2 and 3: sample 'TCGA-AA-0000' is 'tumour' and 'normal'"):
        read(tmp_path, table, ours)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (["A_1", "A.1", "b"], ["a-1", "x", "y"]),
        (["0", "1", "2"], ["S0", "S1", "S2"]),  # running numbers are no names
        (["S001", "S002"], ["1", "2"]),
        (["P10_T.bam", "P20_T.bam"], ["P1", "P2"]),
        (["CD4_sorted", "CD8_sorted"], ["CD4_unsorted", "CD8_unsorted"]),
        (["A_R1", "B_R1"], ["A_R2", "B_R2"]),
        (["donor1", "donor2"], ["dono", "don"]),
    ],
)
def test_names_that_only_seem_alike_are_not_taken_for_each_other(ours, theirs):
    assert best_match(ours, dict.fromkeys(theirs)).partners == {}


def test_a_rule_that_leaves_some_unmatched_is_none_where_others_match_as_they_are():
    assert best_match(["s0", "s1", "s2", "s3"], dict.fromkeys(["s0", "s1", "S2"])).partners.keys() == {"s0", "s1"}
    assert nearly_alike(["s2", "s3"], dict.fromkeys(["s0", "s1", "S2"])) == [("s2", "S2")]


def test_names_as_they_are_come_first():
    match = best_match(["s1", "S1"], dict.fromkeys(["S1", "s1"]))
    assert match.partners == {"s1": ("s1",), "S1": ("S1",)}
    assert not match.how


def test_running_numbers_on_both_sides_are_a_warning(tmp_path):
    ours = [str(at) for at in range(12)]
    adata = read(tmp_path, {"": ours, "class": CLASSES}, ours)
    assert any("only numbers" in note for note in notes(adata))


# What the matrix file itself says


def test_columns_of_the_matrix_file_stay_and_the_labels_file_has_the_say(tmp_path):
    obs = pd.DataFrame({"class": ["x"] * 12, "donor": [f"d{at}" for at in range(12)]}, index=SAMPLES)
    path = tmp_path / "m.h5ad"
    AnnData(np.ones((12, 3), np.float32), obs=obs, var=pd.DataFrame(index=GENES)).write_h5ad(path)
    adata = read_expression(path, labels=labels(tmp_path, {"sample": SAMPLES, "class": CLASSES}))
    assert adata.obs["class"].tolist() == CLASSES
    assert adata.obs["donor"].tolist() == obs["donor"].tolist()
    assert any("column 'class' is in both files and differs" in note for note in notes(adata))


def test_columns_of_text_describe_samples_or_genes(tmp_path):
    path = tmp_path / "m.tsv"
    path.write_text("sample\ttissue\tTP53\tMYC\n" + "".join(f"{s}\torgan {s}\t1.5\t2\n" for s in SAMPLES))
    assert read_expression(path).obs["tissue"].tolist() == [f"organ {sample}" for sample in SAMPLES]
    path.write_text(
        "gene\tabout\t"
        + "\t".join(SAMPLES)
        + "\n"
        + "".join(f"{g}\tof {g}\t" + "\t".join("123456789012") + "\n" for g in GENES)
    )
    adata = read_expression(path, labels=labels(tmp_path, {"sample": SAMPLES, "class": CLASSES}), genes=["MYC", "TP53"])
    assert adata.var["about"].tolist() == ["of TP53", "of MYC"]


# Labels without names


def write_cls(folder, first, names, given):
    path = folder / "p.cls"
    path.write_text(f"{first}\n# {names}\n{given}\n")
    return path


def test_a_cls_file_is_joined_by_order_and_says_so(tmp_path):
    numbers = " ".join(str(["liver", "lung", "brain"].index(name)) for name in CLASSES)
    for written in (numbers, " ".join(CLASSES)):
        adata = read_expression(matrix(tmp_path), labels=write_cls(tmp_path, "12 3 1", "liver lung brain", written))
        assert adata.obs["label"].tolist() == CLASSES
        assert any("joined by order, the first ('liver') to 'P00'" in note for note in notes(adata))


@pytest.mark.parametrize(
    ("first", "names", "given", "says"),
    [
        ("11 3 1", "liver lung brain", " ".join(CLASSES[:11]), "labels of 11 samples, but m.tsv has 12"),
        ("12 3 1", "liver lung brain", " ".join(CLASSES[:11]), "line 1 says 12 samples, but there are 11"),
        ("12 2 1", "liver lung", " ".join(CLASSES), "line 1 says 2 classes, but there are 3"),
        ("12 2 1", "a b c", "0 1 " * 6, "3 names for 2 classes"),
        ("12 2 1", "a b", "1 0 " * 6, "unsure which number is which"),
    ],
)
def test_a_cls_file_that_does_not_fit(tmp_path, first, names, given, says):
    with pytest.raises(LabelError, match=says):
        read_expression(matrix(tmp_path), labels=write_cls(tmp_path, first, names, given))


def test_a_series_matrix_labels_the_matrix_beside_it(tmp_path):
    lines = ['!Series_title\t"x"', "!Sample_title\t" + "\t".join(f'"{s}"' for s in SAMPLES)]
    lines += ["!Sample_geo_accession\t" + "\t".join(f'"GSM{at}"' for at in range(12))]
    lines += ["!Sample_characteristics_ch1\t" + "\t".join(f'"tissue: {name}"' for name in CLASSES)]
    lines += ["!series_matrix_table_begin", '"ID_REF"\t' + "\t".join(f'"GSM{at}"' for at in range(12))]
    (tmp_path / "GSE1.txt").write_text("\n".join([*lines, "!series_matrix_table_end", ""]))
    for samples in (SAMPLES, [f"GSM{at}" for at in range(12)]):
        adata = read_expression(matrix(tmp_path, samples), labels=tmp_path / "GSE1.txt", label_column="tissue")
        assert adata.obs["tissue"].tolist() == CLASSES


def test_running_numbers_that_match_nothing_are_told_as_lost_names(tmp_path):
    path = tmp_path / "m.h5ad"
    AnnData(np.ones((12, 3), np.float32), var=pd.DataFrame(index=GENES)).write_h5ad(path)
    with pytest.raises(LabelError, match="only numbers its samples"):
        read_expression(path, labels=labels(tmp_path, {"sample": SAMPLES, "class": CLASSES}), allow_unlabelled=True)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([f"{at:03}" for at in range(1, 13)], [f"{at}" for at in range(1, 13)]),
        ([f"{at:02}" for at in range(1, 13)], [f"{at}" for at in range(1, 13)]),  # 10, 11 and 12 are alike
        ([f"{at}" for at in range(1, 13)], [f"{at}.0" for at in range(1, 13)]),
        ([f"S{at:03}" for at in range(1, 13)], [f"S{at}" for at in range(1, 13)]),
        ([f"S{at:03}" for at in range(1, 13)], [f"s-{at:03}" for at in range(1, 13)]),
        ([f"..aln.S{at:03}_S{at}_L001_R1_001.sorted.bam" for at in range(1, 13)], [f"S{at:03}" for at in range(1, 13)]),
        ([f"S{at:03}" for at in range(1, 13)], [f"run{at % 5}_S{at:03}_lane{at % 2}" for at in range(1, 13)]),
    ],
)
def test_zeros_signs_and_what_stands_around_names_are_a_warning(tmp_path, ours, theirs):
    order = np.random.default_rng(0).permutation(12)
    table = {"name": [theirs[at] for at in order], "class": [CLASSES[at] for at in order], "order": range(50, 62)}
    adata = read(tmp_path, table, ours)
    assert adata.obs["class"].tolist() == CLASSES
    assert any("samples were matched to labels.tsv" in note for note in notes(adata))
    with pytest.raises(ExpressionError, match="--strict: samples were matched"):
        read(tmp_path, table, ours, strict=True)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (["S1", "S01", "S2"], ["S001", "S002", "S003"]),  # two of ours
        (["S1", "S2", "S3"], ["S01", "S001", "S02", "S03"]),  # two of theirs
        (["x_A1_B1", "y_A2_B2", "z_A3_B3"], ["A1", "B1", "A2"]),  # two parts of one
        (["x_A1_B1", "y_A2_B1", "z_A2_B3"], ["A1", "A2", "B3"]),  # a part of two
        (["x_A1_1", "y_A2_2", "z_A3_3"], ["1", "2", "3"]),  # numbers alone
    ],
)
def test_names_that_fit_several_are_matched_by_no_loose_rule(ours, theirs):
    assert not best_match(ours, dict.fromkeys(theirs)).partners


def test_two_columns_with_the_samples_names_and_other_classes_are_a_warning(tmp_path):
    numbers = list(map(str, range(1, 13)))
    table = {"row": numbers[::-1], "sample": numbers, "class": CLASSES}
    said = "column 'sample' holds the same names and gives"
    adata = read(tmp_path, table, numbers)
    assert any(said in note and "--sample-column 'sample'" in note for note in notes(adata))
    adata = read(tmp_path, table, numbers, sample_column="sample")
    assert adata.obs["class"].tolist() == CLASSES
    assert not any(said in note for note in notes(adata))
    same = read(tmp_path, {**table, "row": numbers}, numbers)
    assert not any(said in note for note in notes(same))


def test_labels_are_joined_by_a_column_of_the_matrix_file_that_holds_their_names(tmp_path):
    order = np.random.default_rng(1).permutation(12)
    table = {"id": [SAMPLES[at] for at in order], "class": [CLASSES[at] for at in order]}
    numbers = list(map(str, range(12)))
    obs = pd.DataFrame({"batch": ["1", "2"] * 6, "sample_id": SAMPLES}, index=numbers)
    AnnData(np.arange(36.0).reshape(12, 3) / 8, obs, pd.DataFrame(index=GENES)).write_h5ad(tmp_path / "m.h5ad")
    adata = read_expression(tmp_path / "m.h5ad", labels=labels(tmp_path, table), label_column="class")
    assert adata.obs["class"].tolist() == CLASSES
    assert adata.obs_names.tolist() == numbers
    assert any("joined by column 'sample_id' of m.h5ad" in note for note in notes(adata))
    with pytest.raises(LabelError, match=r"have no label|not among"):  # one name less
        read_expression(
            tmp_path / "m.h5ad",
            labels=labels(tmp_path, {name: cells[1:] for name, cells in table.items()}),
            label_column="class",
        )
