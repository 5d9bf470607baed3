"""What `tspg inspect` notes about files before an hour of work."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import tspg

GENES = ["TP53", "MYC", "ALB", "CDH1", "ENSG00000112715.27", "KRAS", "EGFR", "VHL", "PTEN", "BRAF"]
SAMPLES = ["MET", "CAT", *(f"patient-{number}" for number in range(8))]  # some people are called like genes


@pytest.mark.parametrize(("rows", "noted"), [(GENES, True), (SAMPLES, False)], ids=["genes", "samples"])
def test_genes_in_the_place_of_samples_are_noted(rows, noted, monkeypatch):
    monkeypatch.setattr("tspg.inspection._expected", lambda *_: {})  # seconds of training, which is not asked here
    values = np.random.default_rng(0).random((10, 12)).astype(np.float32)
    found = tspg.inspect_data(AnnData(values, obs=pd.DataFrame(index=rows)))
    assert any("names of genes" in note for note in found.notes) is noted


def inspected(obs, monkeypatch, **options):
    monkeypatch.setattr("tspg.inspection._expected", lambda *_: {})
    values = np.random.default_rng(0).random((len(obs), 12)).astype(np.float32)
    return tspg.inspect_data(AnnData(values, obs=obs), **options)


def test_donors_that_were_not_asked_for_are_told_with_what_to_do(monkeypatch):
    rows = [f"s{number}" for number in range(40)]
    obs = pd.DataFrame({"patient": [f"p{number // 2}" for number in range(38)] + ["p38", "p39"]}, index=rows)
    obs["kind"] = ["tumour", "normal"] * 17 + ["normal"] * 6
    found = inspected(obs, monkeypatch, label_column="kind")
    assert (found.donors.n_donors, found.donors.n_repeated, found.donors.n_spanning) == (21, 19, 17)
    told = "21 in column 'patient', 19 with several samples, 17 across classes: add --group-column patient"
    assert f"Donors      {told}" in found.lines()
    without = inspected(obs, monkeypatch).lines()  # no classes are named
    assert "Donors      21 in column 'patient', 19 with several samples: add --group-column patient" in without


def test_donors_in_names_of_samples_need_a_column(monkeypatch):
    rows = [f"TCGA-AB-{number // 2:04d}-{number % 2}1A" for number in range(40)]
    found = inspected(pd.DataFrame({"kind": ["tumour", "normal"] * 20}, index=rows), monkeypatch, label_column="kind")
    assert found.lines()[5] == (
        "Donors      20 by the first 12 characters of TCGA barcodes, 20 with several samples, 20 across classes: "
        "a column with them is needed: --group-column NAME"
    )


def test_without_donors_there_is_no_line_of_them(monkeypatch):
    found = inspected(pd.DataFrame({"kind": ["a", "b"] * 20}, index=[f"s{at}" for at in range(40)]), monkeypatch)
    assert found.donors is None
    assert not any(line.startswith("Donors") for line in found.lines())
