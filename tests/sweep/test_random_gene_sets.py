"""A gene set beside random ones: what is special to it is found, and what is not is not."""

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

import tspg
from tspg.audit.random_gene_sets import adjusted
from tspg.data.genesets import GeneSet
from tspg.data.prepare import prepare
from tspg.experiment.settings import make_task
from tspg.sweep import random_gene_sets as module
from tspg.sweep.random_gene_sets import against_random_sets

N_RANDOM = 19


def compared(values, own):
    """The row of one gene set, given by the positions of its genes; half of the samples are the target."""
    names = [f"g{number}" for number in range(values.shape[1])]
    obs = pd.DataFrame({"label": np.repeat(["source", "target"], len(values) // 2)})
    obs.index = pd.Index([f"s{number}" for number in range(len(values))])
    adata = AnnData(values.astype(np.float32), obs=obs, var=pd.DataFrame(index=names))
    gene_set = GeneSet("own", tuple(names[at] for at in own))
    task = make_task(adata, "target", label_column="label", gene_set=gene_set, annotations=(), threads=1)
    (row,) = against_random_sets([task], adata, n=N_RANDOM).to_dict("records")
    return row


def test_genes_that_alone_carry_the_transition_do_better_than_random_ones():
    rng = np.random.default_rng(1)
    n_genes = 8000  # so many that some hundreds vary as much as the planted ones do
    values = rng.normal(0.0, 1.0, (80, n_genes)) * rng.uniform(1.0, 2.6, n_genes)
    values[:, :10] = rng.normal(0.0, 1.0, (80, 10))
    values[40:, :10] += 3.0
    row = compared(values + rng.normal(8.0, 3.0, n_genes), range(10))
    assert row["energy_ratio"] < 0.2 < row["random_energy_ratio"]
    assert row["energy_p_value"] <= 0.1


def test_a_gene_set_that_is_itself_random_is_seldom_special_however_few_genes_there_are():
    rng = np.random.default_rng(5)
    p_values = []
    for _ in range(40):
        values = rng.normal(8.0, 1.0, (60, 60)) + rng.normal(0.0, 0.5, (60, 1))
        values[30:] += rng.normal(0.0, 0.6, 60)
        p_values.append(compared(values, sorted(rng.choice(60, 16, replace=False)))["energy_p_value"])
    assert np.mean(np.array(p_values) <= 1 / (1 + N_RANDOM)) < 0.15  # .05 expected; without its own genes it was .4


def test_the_gene_sets_own_energy_ratio_is_that_of_the_linear_map_in_a_runs_evidence(planted):
    gene_set = GeneSet("own", tuple(planted.adata.var_names[:14]))
    options = {"label_column": "label", "gene_set": gene_set, "annotations": (), "threads": 1}
    row = against_random_sets([make_task(planted.adata, "target", **options)], planted.adata, n=1).iloc[0]
    run = tspg.run(planted.adata, target_class="target", method="linear_map", target_epochs=1, folds=1, **options)
    evidence = run.evidence.set_index(["method", "measure"])["value"]
    assert row["energy_ratio"] == pytest.approx(evidence["linear_map", "energy_ratio"], rel=1e-5)


def test_random_genes_are_matched_by_the_training_samples_alone(planted, monkeypatch):
    seen, draws = [], module.matched_draws
    monkeypatch.setattr(module, "matched_draws", lambda *given: seen.extend(given[:2]) or draws(*given))
    gene_set = GeneSet("own", tuple(planted.adata.var_names[:14]))
    task = make_task(planted.adata, "target", label_column="label", gene_set=gene_set, annotations=(), threads=1)
    against_random_sets([task], planted.adata, n=1)
    training = planted.adata.X[prepare(planted.adata, label_column="label").is_train].astype(np.float64)
    np.testing.assert_allclose(seen[0], training.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(seen[1], training.var(axis=0), rtol=1e-4, atol=1e-6)


def test_a_batch_is_taken_out_of_all_genes_too(planted):
    batch = np.array(["one", "two"] * 60)
    values = np.asarray(planted.adata.X) + np.where(batch == "two", 5.0, 0.0)[:, None].astype(np.float32)
    dataset = prepare(planted.adata, label_column="label")
    cleaned = adjusted(dataset, values, batch, column="batch")
    assert abs(values[batch == "two"].mean() - values[batch == "one"].mean()) > 4.5
    assert abs(cleaned[batch == "two"].mean() - cleaned[batch == "one"].mean()) < 0.2
