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
