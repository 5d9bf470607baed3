"""A file read once for several gene sets gives each what reading it for that set alone gives."""

import json

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from tspg.data.expression import read_expression, read_once
from tspg.data.genesets import GeneSet
from tspg.data.matrix import other_genes
from tspg.data.reading import Reading
from tspg.errors import GeneSetError

GENES = ["A", "B", "ENSG00000141510.12", "C", "D", "E"]
SELECTIONS = [["D", "B", "ABSENT"], None, GeneSet("BY SYMBOL", ("TP53", "A")), ["E"]]


@pytest.fixture(params=["rows.tsv", "columns.tsv", "matrix.gct", "matrix.h5ad"])
def file(request, tmp_path):
    values = np.random.default_rng(3).poisson(40, (7, 6)).astype(float)
    samples = [f"s{number}" for number in range(7)]
    table = pd.DataFrame(values, index=samples, columns=GENES)
    path = tmp_path / request.param
    if path.suffix == ".h5ad":
        AnnData(X=values.astype(np.float32), obs=pd.DataFrame(index=samples), var=pd.DataFrame(index=GENES)).write_h5ad(
            path
        )
    elif path.suffix == ".gct":
        turned = table.T.rename_axis("NAME").reset_index()
        turned.insert(1, "Description", "x")
        path.write_text(f"#1.2\n6\t7\n{turned.to_csv(sep=chr(9), index=False)}")
    else:
        (table.T if "columns" in path.name else table).to_csv(path, sep="\t", index_label="name")
    return path


@pytest.mark.parametrize("transform", ["none", "log2"])
def test_every_selection_is_what_reading_it_alone_gives(file, transform):
    options = {"transform": transform, "transpose": file.name == "columns.tsv"}
    whole = read_once(Reading(file, **options), SELECTIONS)
    for genes in (*SELECTIONS, *SELECTIONS):  # twice: taking one out changes nothing for the next
        found, alone = whole.select(genes), read_expression(file, genes=genes, **options)
        np.testing.assert_array_equal(found.X, alone.X)
        assert list(found.var_names) == list(alone.var_names)
        assert list(found.obs_names) == list(alone.obs_names)
        assert json.dumps(found.uns["tspg_input"]) == json.dumps(alone.uns["tspg_input"])
        everything = whole.select(None).var_names
        others = [name for name in everything if name not in found.var_names]
        assert other_genes(found, found) == others
    assert list(whole.select(SELECTIONS[2]).var_names) == ["A", "ENSG00000141510.12"]


def test_a_selection_without_genes_in_the_file_is_refused_by_its_name_when_it_is_asked_for(file):
    nowhere = GeneSet("NOWHERE", ("X", "Y"))
    reading = Reading(file, transform="none", transpose=file.name == "columns.tsv")
    whole = read_once(reading, [["A"], nowhere])
    assert list(whole.select(["A"]).var_names) == ["A"]
    with pytest.raises(GeneSetError, match="0 of 2 genes of NOWHERE"):
        whole.select(nowhere)
