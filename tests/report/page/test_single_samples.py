"""What page and terminal show of genes: those of a class, and those of single samples."""

import numpy as np
import pandas as pd
import pytest

import tspg
from tests.options import nested
from tests.report.page.folders import page_of
from tspg.cli.main import main
from tspg.report.page.genes import agreement_with_difference
from tspg.report.read import read_run
from tspg.utils.files import read_table

HOW = {"label_column": "label", "target_class": "target", "method": "mean_shift", "target_epochs": 2, "folds": 1}


@pytest.fixture(scope="module")
def odd(planted):
    """The planted classes, in which sample s0 of alpha has gene G30 ten higher and G31 ten lower."""
    adata = planted.adata.copy()
    adata.X[0, 30:32] += np.float32([10, -10])
    return adata


@pytest.fixture(scope="module")
def folder(odd, tmp_path_factory):
    run = tspg.run(odd, **nested(group_column="donor", samples=["s0", "s79"], annotations=[], threads=1, **HOW))
    out = tmp_path_factory.mktemp("samples") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.report.save.write_figures", lambda *_, **__: None)
        tspg.save_run(run, out)
    return out


def test_what_is_unusual_comes_first_with_its_sign(folder):
    genes = read_table(folder / "sample_genes.tsv")
    own = genes[genes["sample"] == "s0"]
    assert own["gene"][:2].tolist() == ["G30", "G31"] or own["gene"][:2].tolist() == ["G31", "G30"]
    assert (own["q_own"][:2] < 0.001).all()
    assert own.set_index("gene")["z_own"][["G30", "G31"]].gt(0).tolist() == [True, False]
    assert not (own["q_own"][2:] < 0.05).any()


def test_a_sample_that_was_trained_on_is_compared_with_the_others(planted):
    """Its own value widens the spread that it is compared with; without its donor that is the spread of the others."""
    split = tspg.run(planted.adata, **nested(group_column="donor", annotations=[], threads=1, **HOW)).model.split
    name = next(name for name in planted.adata.obs_names[:40] if split[name] == "train")
    odd = planted.adata.copy()
    row = odd.obs_names.get_loc(name)
    odd.X[row, 30] += 10
    run = tspg.run(odd, **nested(group_column="donor", samples=[name], annotations=[], threads=1, **HOW))
    own = run.tables["sample_genes"].set_index("gene")
    seen = run.model.sample_genes(odd[[name]], label_column="label").set_index("gene")
    assert own.loc["G30", "z_own"] > 1.5 * seen.loc["G30", "z_own"]
    assert own.index[0] == "G30"
    others = (odd.obs["donor"] != odd.obs["donor"].iloc[row]).to_numpy()
    known = others & np.array([split[name] == "train" for name in odd.obs_names])
    target = odd.X[known & (odd.obs["label"] == "target").to_numpy()]
    np.testing.assert_allclose(own.loc[odd.var_names, "expected"], target.mean(axis=0), rtol=1e-5)


def test_what_the_page_says_of_a_sample_follows_from_its_table(folder):
    text = page_of(folder).text
    genes = read_table(folder / "sample_genes.tsv")
    own = genes[(genes["sample"] == "s0") & genes["low"].notna()]
    outside = int(((own["value"] < own["low"]) | (own["value"] > own["high"])).sum())
    assert "2 genes are unusual (q < 0.05) for alpha" in text
    assert "No gene is unusual (q < 0.05) for beta" in text
    assert "fewer than 8 people gave samples of both classes" in text
    assert f" {outside} of {len(own)} genes lie outside of their interval" in text


def test_where_p_differs_the_page_says_so(folder):
    run = read_run(folder)
    assert "as a list it adds nothing" in agreement_with_difference(run)
    run.metrics["genes"]["agreement_with_difference"] = 0.6
    assert "in part differently" in agreement_with_difference(run)
    run.metrics["genes"]["agreement_with_difference"] = None
    assert agreement_with_difference(run) == ""


def perturbing(adata, folder, tmp_path):
    """The command line that moves new profiles, which are written to a file first."""
    adata.to_df().to_csv(tmp_path / "new.tsv", sep="\t", index_label="sample")
    files = {"--model": folder, "--expression": tmp_path / "new.tsv", "--out": tmp_path / "out"}
    return ["perturb", *(str(word) for pair in files.items() for word in pair)]


@pytest.mark.parametrize(("wanted", "listed"), [([], 3), (["s44", "s2"], 2)])
def test_perturb_lists_those_named_or_the_first_few(folder, odd, tmp_path, capsys, monkeypatch, wanted, listed):
    monkeypatch.setattr("tspg.report.save.write_figures", lambda *_, **__: None)
    monkeypatch.setattr("tspg.cli.commands.perturb.MOST_SINGLE_SAMPLES", 3)
    words = perturbing(odd[[0, 1, 2, 3, 44]], folder, tmp_path)
    assert main([*words, "--enrichment", "ora", *(["--samples", *wanted] if wanted else [])]) == 0
    genes = read_table(tmp_path / "out" / "sample_genes.tsv")
    assert genes["sample"].unique().tolist() == (wanted or ["s0", "s1", "s2"])
    assert f"listed for {listed} of 5 samples" in " ".join(capsys.readouterr().out.split())
    pd.testing.assert_frame_equal(
        genes[genes["sample"] == "s2"].reset_index(drop=True),
        tspg.load_model(folder).sample_genes(odd[2:3]).reset_index(drop=True),
        check_dtype=False,
    )


def test_perturb_refuses_a_sample_that_is_not_there(folder, odd, tmp_path, capsys):
    words = perturbing(odd[:2], folder, tmp_path)
    assert main([*words, "--samples", "s11"]) == 2
    assert "--samples: there is no sample 's11' in the matrix. Closest: 's1'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
