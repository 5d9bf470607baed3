"""An audit of a run folder: its files, going on after a stop, and what it does not trust."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.docs.documented import assert_as_documented
from tspg.analysis.evaluation.controls import WORDS
from tspg.audit import run as front
from tspg.audit.context import read_context
from tspg.audit.inputs import all_genes, located
from tspg.audit.outcome import COLUMNS, STABLE_COLUMNS, Outcome, Row
from tspg.audit.plan import Work, seconds_for
from tspg.audit.run import CONTROLS, audit_run
from tspg.cli import bars
from tspg.cli.main import main
from tspg.cli.terminal import WIDTH
from tspg.utils.files import read_table, sha256_of


@pytest.fixture
def counted(monkeypatch):
    """Controls that only note that they were carried out."""
    calls = []

    def counting(name):
        def carry_out(_context, plan):
            calls.append(name)
            return Outcome((Row("measure", float(len(name)), n=plan.seeds, answer="pass"),))

        return carry_out

    monkeypatch.setattr(
        front, "CONTROLS", {name: replace(control, run=counting(name)) for name, control in front.CONTROLS.items()}
    )
    monkeypatch.setattr(front, "with_second_classifier", lambda evidence, _context: evidence)
    return calls


def test_a_real_audit_writes_the_folder(audited_folder, capsys, caplog, monkeypatch):
    monkeypatch.setattr(bars, "LEAST_SECONDS", 0.0)  # small controls have their lines, too
    caplog.set_level("INFO", logger="tspg")
    assert main(["audit", "--run", str(audited_folder), "--quick", "--technical", "batch"]) == 0
    printed = capsys.readouterr()
    assert "expect about " in caplog.text
    assert re.search(r"^tspg: +\d+ s  control 8 of 8$", printed.err, re.MULTILINE)
    told = " ".join(printed.out.split())
    asked = "the classifier is at chance, profiles stay about where they were, no gene comes back"
    assert f"labels shuffled (asked: {asked})" in told
    assert re.search(r"(fail|doubtful): fitted again .*\d+% of the top genes are stable", told)
    assert max(map(len, printed.out.partition("Report: ")[0].splitlines())) <= WIDTH
    controls, stable = read_table(audited_folder / "controls.tsv"), read_table(audited_folder / "stable_genes.tsv")
    assert list(controls.columns) == COLUMNS
    assert list(stable.columns) == STABLE_COLUMNS
    assert set(controls["control"]) == set(CONTROLS) == set(WORDS)
    wordless = [
        (row.control, row.measure)
        for row in controls.itertuples()
        if not any(row.measure.startswith(start) for start in WORDS[row.control].numbers)
    ]
    assert wordless == []
    assert set(controls["answer"]) <= {"pass", "doubtful", "fail", "not tested"}
    metrics = json.loads((audited_folder / "metrics.json").read_text())
    assert set(metrics["controls"]) == set(CONTROLS)
    assert metrics["verdict"]["stable_genes"]["answer"] in {"pass", "doubtful", "fail"}
    manifest = json.loads((audited_folder / "manifest.json").read_text())
    assert manifest["outputs"]["controls.tsv"] == sha256_of(audited_folder / "controls.tsv")
    assert manifest["outputs"]["metrics.json"] == sha256_of(audited_folder / "metrics.json")
    assert "audit/stability.json" in manifest["outputs"]
    evidence = read_table(audited_folder / "evidence.tsv").set_index(["measure", "method"])["value"]
    assert_as_documented(audited_folder)
    second, first = evidence["hit_rate_second_f"], evidence["hit_rate_f"]
    assert list(second.index) == list(first.index)
    assert second["real_target"] >= 0.9
    assert second["untouched_source"] == 0
    assert second["generator"] >= 0.9
    assert metrics["evidence"]["generator"]["hit_rate_second_f"] == second["generator"]
    before = sha256_of(audited_folder / "controls.tsv")
    (audited_folder / "audit" / "planted_drivers.json").unlink()
    assert main(["audit", "--run", str(audited_folder), "--quick", "--technical", "batch"]) == 0
    assert sha256_of(audited_folder / "controls.tsv") == before


def test_a_stopped_audit_goes_on(audited_folder, counted, monkeypatch):
    def stop(_context, _plan):
        raise KeyboardInterrupt

    whole = dict(front.CONTROLS)
    monkeypatch.setattr(front, "CONTROLS", {**whole, "random_gene_sets": replace(whole["random_gene_sets"], run=stop)})
    with pytest.raises(KeyboardInterrupt):
        audit_run(audited_folder, quick=True)
    done = list(counted)
    assert done == list(CONTROLS)[: len(done)]
    monkeypatch.setattr(front, "CONTROLS", whole)
    found = audit_run(audited_folder, quick=True)
    assert counted == list(CONTROLS)  # each of them once
    assert list(found.controls["control"]) == list(CONTROLS)
    pd.testing.assert_frame_equal(audit_run(audited_folder, quick=True).controls, found.controls)
    assert counted == list(CONTROLS)


@pytest.mark.parametrize("change", ["model_id", "damage", "version", "columns", "format"])
def test_a_control_of_another_model_is_not_used(audited_folder, counted, change):
    audit_run(audited_folder, quick=True)
    counted.clear()
    file = audited_folder / "audit" / "pseudo_target.json"
    stored = json.loads(file.read_text())
    if change == "columns":
        stored["outcome"]["rows"][0] = {"something": 1}
    elif change != "damage":
        stored["belongs_to"][change] = "another"
    file.write_text("{" if change == "damage" else json.dumps(stored))
    found = audit_run(audited_folder, quick=True)
    assert counted == ["pseudo_target"]
    assert (found.controls["measure"] == "measure").all()


def test_other_settings_are_carried_out_anew(audited_folder, counted):
    audit_run(audited_folder, quick=True)
    audit_run(audited_folder, quick=True, technical="batch")
    assert counted == [*CONTROLS, "technical_column"]
    audit_run(audited_folder, quick=False)
    assert counted == [*CONTROLS, "technical_column", *CONTROLS]


def test_the_time_is_told_before_the_work(audited_folder, counted):
    told = []

    def report(phase, done, _total, numbers):
        told.append((phase, done, dict(numbers), list(counted)))

    expected = audit_run(audited_folder, quick=True, progress=report).seconds_expected
    assert told[0] == ("audit", 0, {"seconds": max(1.0, expected), "control": 1, "controls": len(CONTROLS)}, [])
    assert [call[1] for call in told] == sorted(call[1] for call in told)
    assert [call[2]["control"] for call in told[:-1]] == list(range(1, len(CONTROLS) + 1))
    assert expected > 0
    of_second_f = seconds_for(Work(f=1), read_context(audited_folder, quick=True))
    assert 0 < audit_run(audited_folder, quick=True).seconds_expected == of_second_f  # it is not stored in this test
    assert audit_run(audited_folder).seconds_expected > expected


def test_what_cannot_be_audited_is_refused_in_one_line(audited_folder, tmp_path, capsys):
    assert main(["audit", "--run", str(tmp_path / "nowhere")]) == 5
    assert main(["audit", "--run", str(audited_folder), "--technical", "nonsense"]) == 2
    assert "no such sample column" in capsys.readouterr().err
    assert not (audited_folder / "audit").exists()
    assert not (tmp_path / "nowhere").exists()


def test_a_changed_file_is_refused(audited_folder, capsys):
    import anndata

    moved = anndata.read_h5ad(audited_folder / "perturbations.h5ad")
    moved.uns["tspg"]["model_id"] = "0" * 16
    moved.write_h5ad(audited_folder / "perturbations.h5ad")
    assert main(["audit", "--run", str(audited_folder)]) == 5
    assert "perturbations.h5ad: was changed" in capsys.readouterr().err


@pytest.mark.usefixtures("counted")
def test_rows_without_a_number_are_empty_cells(audited_folder):
    table = audit_run(audited_folder, quick=True).controls
    assert np.isnan(table["low"]).all()


def test_the_manifest_says_how_the_matrix_was_read(planted, tmp_path):
    """A run from files records where they lie; the audit then reads the genes outside the gene set again."""
    table = pd.DataFrame(planted.adata.X, index=planted.adata.obs_names, columns=planted.adata.var_names)
    table.T.to_csv(tmp_path / "turned.csv", index_label="gene")
    planted.adata.obs["label"].to_csv(tmp_path / "labels.tsv", sep="\t", header=False)
    (tmp_path / "sets.gmt").write_text("SOME\tabout\t" + "\t".join(planted.adata.var_names[5:20]) + "\n")
    files = ["--expression", str(tmp_path / "turned.csv"), "--labels", str(tmp_path / "labels.tsv"), "--transpose"]
    asked = ["--gene-sets", str(tmp_path / "sets.gmt"), "--gene-set", "SOME", "--target", "target"]
    out = tmp_path / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])
        how = ["--method", "mean_shift", "--target-epochs", "1", "--folds", "1", "--threads", "1"]
        how += ["--annotations", str(tmp_path / "sets.gmt")]
        assert main(["run", *files, *asked, *how, "--out", str(out)]) == 0
    reading = json.loads((out / "manifest.json").read_text())["reading"]
    assert reading["expression"] == "../turned.csv"  # as seen from the run folder: both may move together
    moved = tmp_path.rename(tmp_path.with_name("elsewhere"))
    values, genes = all_genes(read_context(moved / "out"), located(reading, moved / "out"))
    assert genes == list(planted.adata.var_names)
    np.testing.assert_allclose(values, planted.adata.X, rtol=1e-5)
