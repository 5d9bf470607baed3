"""The command line end to end: folders, exit codes, and that a refused run leaves nothing behind."""

import json
import os
import shutil
import subprocess
import sys

import anndata
import numpy as np
import pandas as pd
import pytest

from tspg.cli.main import main
from tspg.cli.terminal import printable
from tspg.report.figures.save import write_figures
from tspg.utils.files import read_table, sha256_of
from tspg.utils.lock import locked

SHORT = ["--preset", "paper", "--steps", "6", "--target-epochs", "15", "--folds", "1", "--threads", "1"]


@pytest.fixture(scope="module", autouse=True)
def short_of_what_nobody_looks_at():
    """Figures take most of the time of a run, and trees of forests much of the rest; `finished` has its figures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])
        patch.setattr("tspg.analysis.evaluation.classifiers.TREES", 20)
        yield


@pytest.fixture(scope="module")
def files(planted, tmp_path_factory):
    """The planted expression as a user would have it: text, labels, gene sets, one new patient."""
    folder = tmp_path_factory.mktemp("files")
    table = pd.DataFrame(planted.adata.X, index=planted.adata.obs_names, columns=planted.adata.var_names)
    table.to_csv(folder / "expression.tsv", sep="\t", index_label="sample", float_format="%.3f")
    table.T.to_csv(folder / "turned.tsv", sep="\t", index_label="gene", float_format="%.3f")
    table.iloc[[4]].rename(index={"s4": "patient-1"}).to_csv(
        folder / "patient.csv", index_label="id", float_format="%.3f"
    )
    planted.adata.obs["label"].to_csv(folder / "labels.tsv", sep="\t", header=False)
    planted.adata.obs.to_csv(folder / "samples.tsv", sep="\t", index_label="sample")
    (folder / "sets.gmt").write_text(
        "FIRST HALF\tabout\t" + "\t".join(planted.adata.var_names[:30]) + "\tABSENT\nTINY\tx\tG1\tG2\n"
    )
    return folder


@pytest.fixture(scope="module")
def finished(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "deep" / "run"
    arguments = ["run", "--expression", str(files / "expression.tsv"), "--labels", str(files / "samples.tsv")]
    arguments += [
        "--label-column",
        "label",
        "--group-column",
        "donor",
        "--target",
        "target",
        "--gene-sets",
        str(files / "sets.gmt"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.report.save.write_figures", write_figures)
        assert main([*arguments, "--gene-set", "FIRST HALF", "--samples", "s4", "--out", str(out), *SHORT]) == 0
    return out


@pytest.fixture(scope="module")
def in_one_go(files, tmp_path_factory):
    """The run that several others must be equal to, without its figures."""
    out = tmp_path_factory.mktemp("in one go") / "run"
    assert main([*[argument.format(f=files, o=out) for argument in RUN], *SHORT]) == 0
    return out


def test_run_writes_the_folder_of_the_contract(finished):
    found = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()}
    expected = {
        "manifest.json",
        "metrics.json",
        "history.tsv",
        "perturbations.h5ad",
        "top_genes.tsv",
        "gene_overlap.tsv",
    }
    expected |= {"evidence.tsv", "report.html", "model/model.json", "figures/tsne.png", "figures/tsne.svg"}
    assert expected <= found
    assert not [name for name in found if name.startswith(".") or "/." in name]


def test_manifest_fingerprints_every_file(finished, files):
    manifest = json.loads((finished / "manifest.json").read_text())
    files_there = {path.relative_to(finished).as_posix() for path in finished.rglob("*") if path.is_file()} - {
        "manifest.json"
    }
    assert set(manifest["outputs"]) == files_there
    assert all(sha256_of(finished / name) == fingerprint for name, fingerprint in manifest["outputs"].items())
    assert manifest["inputs"]["expression.tsv"] == sha256_of(files / "expression.tsv")
    assert manifest["settings"]["generator"]["steps"] == 6
    assert manifest["settings"]["seed"] == 0


def test_metrics_agree_with_the_perturbations(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    moved = anndata.read_h5ad(finished / "perturbations.h5ad")
    called = moved.obs["predicted_after"] == "target"
    asked = (moved.obs["split"] == "test") & (moved.obs["source_class"] != "target")
    assert metrics["perturbation"]["f_accuracy"] == pytest.approx(called.mean())
    assert metrics["perturbation"]["hit_rate"] == pytest.approx(called[asked].mean())
    assert metrics["perturbation"]["n_held_out"] == asked.sum()
    assert metrics["training"]["steps"] == 6
    assert metrics["data"]["gene_set"] == {"name": "FIRST HALF", "n_genes": 31, "n_found": 30, "missing": ["ABSENT"]}
    history = read_table(finished / "history.tsv")
    assert history["step"].max() == 6
    assert {"run", "total"} & set(metrics["seconds"])


def test_top_genes_hold_class_means_and_the_sample_asked_for(finished):
    top = read_table(finished / "top_genes.tsv")
    assert set(zip(top["source_class"], top["sample"], strict=True)) == {("alpha", ""), ("beta", ""), ("alpha", "s4")}
    assert top.groupby(["source_class", "sample", "direction"])["rank"].max().max() <= 20


def test_perturb_moves_one_patient_without_a_label(finished, files, tmp_path):
    out = tmp_path / "patient"
    assert (
        main(["perturb", "--model", str(finished), "--expression", str(files / "patient.csv"), "--out", str(out)]) == 0
    )
    moved = anndata.read_h5ad(out / "perturbations.h5ad")
    run = anndata.read_h5ad(finished / "perturbations.h5ad")
    np.testing.assert_allclose(moved["patient-1"].X, run["s4"].X, atol=1e-5)
    assert set(read_table(out / "top_genes.tsv")["sample"]) == {"patient-1"}
    assert not (out / "model").exists()
    assert (out / "report.html").is_file()
    assert (out / "manifest.json").is_file()


@pytest.mark.parametrize("option", [[], ["--transpose"]])
def test_a_turned_file_gives_the_same_model(files, in_one_go, tmp_path, option):
    turned = ["run", "--expression", str(files / "turned.tsv"), "--labels", str(files / "labels.tsv")]
    assert main([*turned, "--target", "target", *option, "--out", str(tmp_path / "turned"), *SHORT]) == 0
    first, second = (folder / "model" / "generator.safetensors" for folder in (in_one_go, tmp_path / "turned"))
    assert sha256_of(first) == sha256_of(second)


def test_perturb_puts_new_profiles_on_the_scale_of_the_model(files, tmp_path):
    """A model of log2 values is asked about a file in the units of its own."""
    plain = pd.read_csv(files / "expression.tsv", sep="\t", index_col=0)
    (np.exp2(plain) - 1).clip(lower=0).to_csv(tmp_path / "linear.tsv", sep="\t", index_label="id")
    linear = ["--expression", str(tmp_path / "linear.tsv")]
    asked = [*linear, "--labels", str(files / "labels.tsv"), "--target", "target", "--transform", "log2"]
    assert main(["run", *asked, "--out", str(tmp_path / "run"), *SHORT]) == 0
    assert main(["perturb", *linear, "--model", str(tmp_path / "run"), "--out", str(tmp_path / "again")]) == 0
    first, again = (anndata.read_h5ad(tmp_path / name / "perturbations.h5ad") for name in ("run", "again"))
    assert np.ptp(first.layers["original"], axis=0).min() >= 0
    np.testing.assert_array_equal(again.layers["original"], first.layers["original"])


def test_unlabelled_samples_are_left_out_of_a_run_and_moved_by_perturb(files, finished, tmp_path):
    lines = (files / "labels.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "labels.tsv").write_text("".join(lines[3:]))
    given = ["--expression", str(files / "expression.tsv"), "--labels", str(tmp_path / "labels.tsv")]
    given += ["--allow-unlabelled", "--out", str(tmp_path / "out")]
    assert main(["run", *given, "--target", "target", *SHORT]) == 0
    data = json.loads((tmp_path / "out" / "metrics.json").read_text())["data"]
    assert {name: sum(count.values()) for name, count in data["classes"].items()} == {
        "alpha": 37,
        "beta": 40,
        "target": 40,
    }
    given[-1] = str(tmp_path / "moved")
    assert main(["perturb", *given, "--model", str(finished)]) == 0
    moved = anndata.read_h5ad(tmp_path / "moved" / "perturbations.h5ad")
    assert moved.obs["source_class"].value_counts().to_dict() == {"beta": 40, "target": 40, "alpha": 37, "": 3}


def test_timings_say_where_the_time_went(files, tmp_path, capsys):
    out, asked = tmp_path / "out", ["--method", "mean_shift", "--target-epochs", "1", "--folds", "1", "--timings"]
    given = ["--expression", str(files / "expression.tsv"), "--labels", str(files / "labels.tsv")]
    given += ["--annotations", str(files / "sets.gmt"), "--target", "target"]
    assert main(["run", *given, *asked, "--out", str(out)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    shown = {name: float(value) for name, value, *_ in lines}
    seconds = json.loads((out / "metrics.json").read_text())["seconds"]
    assert set(shown) == set(seconds) >= {"read", "prepare", "target_model", "evidence", "figures", "report", "total"}
    assert shown == {name: round(value, 1) for name, value in seconds.items()}
    assert seconds["total"] == pytest.approx(sum(seconds.values()) - seconds["total"])


def test_report_is_drawn_again_from_the_folder(finished, monkeypatch):
    monkeypatch.setattr("tspg.report.save.write_figures", write_figures)
    (finished / "report.html").unlink()
    before = (finished / "figures" / "heatmap.png").read_bytes()
    assert main(["report", "--run", str(finished)]) == 0
    assert (finished / "report.html").is_file()
    assert (finished / "figures" / "heatmap.png").read_bytes() == before
    manifest = json.loads((finished / "manifest.json").read_text())
    assert manifest["outputs"]["report.html"] == sha256_of(finished / "report.html")


def test_figures_come_in_the_formats_that_are_asked_for_and_in_no_others(finished, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tspg.report.save.write_figures", write_figures)
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "figures" / "mine.png").write_text("a file of the user's own")
    (run / "tsne.tsv").unlink()
    assert main(["report", "--run", str(run), "--figures", "pdf"]) == 0
    found = {path.name for path in (run / "figures").iterdir()}
    assert {"captions.md", "heatmap.pdf", "volcano.pdf", "mine.png"} <= found
    assert not {name for name in found - {"mine.png"} if name.endswith(("png", "svg"))}
    assert (run / "figures" / "heatmap.pdf").read_bytes().startswith(b"%PDF")
    assert (run / "tsne.tsv").read_bytes() == (finished / "tsne.tsv").read_bytes()
    named = json.loads((run / "manifest.json").read_text())["outputs"]
    assert {name.removeprefix("figures/") for name in named if name.startswith("figures/")} == found
    with pytest.raises(SystemExit):
        main(["report", "--run", str(run), "--figures", "tiff"])
    assert "choose from 'svg', 'png', 'pdf'" in capsys.readouterr().err


def test_inspect_tells_samples_classes_units_and_coverage(files, capsys):
    arguments = ["inspect", "--expression", str(files / "expression.tsv"), "--labels", str(files / "labels.tsv")]
    assert main([*arguments, "--gene-sets", str(files / "sets.gmt")]) == 0
    said = capsys.readouterr().out
    for part in ("120 samples x 60 genes", "40  target", "30 of 31", "Units", "1 genes have the same value", "Expect"):
        assert part in said


RUN = ["run", "--expression", "{f}/expression.tsv", "--labels", "{f}/labels.tsv", "--target", "target", "--out", "{o}"]


def changed(option, *values):
    arguments = list(RUN)
    if option in arguments:
        place = arguments.index(option)
        del arguments[place : place + 2]
    return [*arguments, *([option, *values] if values else [])]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (changed("--target", "targett"), 2, "'target'"),
        (changed("--source", "target"), 2, "both the target and a source"),
        (changed("--source", "gamma"), 2, "no class 'gamma'"),
        (changed("--samples", "s9999"), 2, "no sample 's9999'"),
        (changed("--group-column", "donor"), 3, "no sample column 'donor'"),
        (changed("--labels"), 2, "--labels FILE"),
        (changed("--labels", "{f}/nowhere.tsv"), 3, "nowhere.tsv"),
        (changed("--expression", "{f}/nowhere.tsv"), 3, "nowhere.tsv"),
        ([*changed("--expression", "{f}/expression.tsv"), "--transpose"], 3, "Leave out --transpose"),
        (changed("--gene-set", "FIRST HALF"), 2, "--gene-sets"),
        (changed("--gene-sets", "{f}/sets.gmt"), 2, "--gene-set"),
        ([*changed("--gene-sets", "{f}/sets.gmt"), "--gene-set", "FIRST"], 3, "FIRST HALF"),
        (changed("--steps", "0"), 2, "--steps is 0; a whole number from 1"),
        (changed("--threads", "0"), 2, "from 1 to"),
        (changed("--seed", "-1"), 2, "from 0 to"),
        (changed("--max-memory", "0"), 2, "above 0"),
        (changed("--out", "{f}"), 2, "holds other files"),
        (changed("--out", "{f}/labels.tsv"), 2, "this is a file"),
        (["perturb", "--model", "{f}", "--expression", "{f}/patient.csv", "--out", "{o}"], 5, "finished `tspg run`"),
        (["report", "--run", "{f}"], 5, "no finished run"),
    ],
    ids=lambda value: " ".join(value[-3:]) if isinstance(value, list) else None,
)
def test_a_refused_run_says_why_in_one_line_and_leaves_nothing(arguments, code, says, files, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in files.rglob("*")}
    filled = [argument.format(f=files, o=tmp_path / "new" / "run") for argument in arguments]
    assert main(filled) == code
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert says in said[0]
    assert list(tmp_path.iterdir()) == []
    assert {path: path.stat().st_mtime_ns for path in files.rglob("*")} == before


@pytest.mark.parametrize("arguments", [["run"], ["fly"], ["run", "--epochs", "1", "--steps", "2"], []])
def test_wrong_usage_ends_with_two(arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


def test_a_finished_run_is_never_overwritten(finished, files, capsys):
    before = sha256_of(finished / "manifest.json")
    arguments = [argument.format(f=files, o=finished) for argument in RUN]
    assert main([*arguments, *SHORT]) == 2
    assert "finished run" in capsys.readouterr().err
    assert sha256_of(finished / "manifest.json") == before


def test_a_folder_in_use_is_refused(files, tmp_path, capsys):
    arguments = [argument.format(f=files, o=tmp_path / "busy") for argument in RUN]
    with locked(tmp_path / "busy"):
        assert main([*arguments, *SHORT]) == 6
    assert "another tspg" in capsys.readouterr().err
    assert not (tmp_path / "busy").exists()


def test_control_characters_cannot_steer_the_terminal():
    assert printable("a\x1b[2Jb\nc") == "a\\x1b[2Jb\\nc"


SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "33333", "LC_ALL": "C.UTF-8", "TZ": "America/St_Johns", "LANG": "tr_TR.UTF-8", "COLUMNS": "40"},
)


def test_same_seed_same_bytes_whatever_the_surroundings(files, tmp_path):
    fingerprints = []
    for number, surroundings in enumerate(SURROUNDINGS):
        out, folder = tmp_path / f"run{number}", tmp_path / f"cwd{number}"
        folder.mkdir()
        arguments = [argument.format(f=files, o=out) for argument in RUN]
        command = [sys.executable, "-m", "tspg.cli.main", *arguments, *SHORT, "--figures", "svg", "png", "pdf"]
        subprocess.run(command, check=True, cwd=folder, env={**os.environ, **surroundings}, capture_output=True)
        names = [
            path
            for path in sorted(out.rglob("*"))
            if path.suffix in {".tsv", ".safetensors", ".h5ad", ".svg", ".png", ".pdf", ".md"}
            or path.name == "model.json"
        ]
        fingerprints.append({path.relative_to(out).as_posix(): sha256_of(path) for path in names})
    assert len(fingerprints[0]) > 10
    assert {"figures/heatmap.svg", "figures/heatmap.pdf", "figures/tsne.png"} <= set(fingerprints[0])
    assert fingerprints[0] == fingerprints[1]


def stop(*_arguments, **_options):
    raise KeyboardInterrupt


def test_an_interrupt_before_any_training_leaves_nothing(files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tspg.experiment.fit.prepare", stop)
    arguments = [argument.format(f=files, o=tmp_path / "stopped") for argument in RUN]
    assert main([*arguments, *SHORT]) == 130
    assert "interrupted; nothing half-written is left behind" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_stopped_goes_on_and_ends_as_in_one_go(files, in_one_go, tmp_path, monkeypatch, capsys):
    out = tmp_path / "stopped"
    command = [*[argument.format(f=files, o=out) for argument in RUN], *SHORT]
    with monkeypatch.context() as patch:
        patch.setattr("tspg.experiment.fit.learn", stop)
        assert main(command) == 130
    assert f"the same command with --resume goes on with the training, which is kept in {out}." in (
        capsys.readouterr().err
    )
    assert [path.name for path in out.iterdir()] == ["checkpoints"]
    assert main(command) == 2
    assert "unfinished run" in capsys.readouterr().err
    assert main([*command, "--resume", "--seed", "9"]) == 2
    assert "(seed was 0, is 9)" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr("tspg.experiment.resume.memory_needed", lambda *_: 1e18)
        assert main([*command, "--resume"]) == 4
        assert "need about 1000000000.0 GB of memory" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["checkpoints"]  # refusals cost nothing

    assert main([*command, "--resume"]) == 0
    changing = {"manifest.json", "metrics.json"}  # they hold seconds
    found = [
        {
            path.relative_to(one): path.read_bytes()
            for path in one.rglob("*")
            if path.is_file() and path.name not in changing
        }
        for one in (out, in_one_go)
    ]
    assert len(found[0]) > 10
    assert found[0] == found[1]

    capsys.readouterr()
    assert main([*command, "--resume"]) == 0
    assert "finished before" in capsys.readouterr().out
    assert main([*command, "--resume", "--seed", "9"]) == 2
    assert "has other settings or data (seed was 0)" in capsys.readouterr().err
    assert main([*command, "--resume", "--threads", "2"]) == 0  # how it is computed is no question
    assert main([*command, "--resume", "--samples", "s7"]) == 2
    assert "has other settings or data (samples was" in capsys.readouterr().err


@pytest.mark.parametrize("patched", ["memory_needed", "disk_needed"])
def test_a_run_without_room_is_refused_with_what_it_needs(patched, files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(f"tspg.experiment.resume.{patched}", lambda *_: 1e18)
    assert main([*[argument.format(f=files, o=tmp_path / "new") for argument in RUN], *SHORT]) == 4
    assert "1000000000.0" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory"), RuntimeError("a bug")]
)
def test_memory_that_runs_out_is_told_with_what_was_needed(error, files, tmp_path, monkeypatch, capsys):
    def run_out(*_arguments, **_options):
        raise error

    monkeypatch.setattr("tspg.experiment.fit.prepare", run_out)
    command = [*[argument.format(f=files, o=tmp_path / "new") for argument in RUN], *SHORT]
    if "bug" in str(error):
        with pytest.raises(RuntimeError, match="a bug"):
            main(command)
    else:
        assert main(command) == 4
        assert "Not enough memory. 120 samples x 60 genes need about 0.7 GB" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_labels_file_with_a_header_names_its_own_column(files, tmp_path, planted, capsys):
    planted.adata.obs[["label"]].rename(columns={"label": "tissue"}).to_csv(
        tmp_path / "labels.tsv", sep="\t", index_label="sample"
    )
    arguments = ["inspect", "--expression", str(files / "expression.tsv"), "--labels"]
    assert main([*arguments, str(tmp_path / "labels.tsv")]) == 0
    assert "40  target" in capsys.readouterr().out
    assert main([*arguments, str(files / "samples.tsv")]) == 2
    assert "2 columns (with so many different values: 'label' (3), 'donor' (60))." in capsys.readouterr().err


def test_perturb_takes_the_model_folder_too_and_passes_its_verdict_on(finished, files, tmp_path, capsys):
    arguments = ["perturb", "--expression", str(files / "patient.csv")]
    assert main([*arguments, "--model", str(finished / "model"), "--out", str(tmp_path / "patient")]) == 0
    verdict = json.loads((finished / "metrics.json").read_text())["verdict"]
    assert "fail" in {one["answer"] for one in verdict.values()}  # six steps make no good model
    assert json.loads((tmp_path / "patient" / "metrics.json").read_text())["verdict"] == verdict
    told = " ".join(capsys.readouterr().out.split())
    assert "Can the model be trusted? fail: individual; not tested: realistic, " in told
    assert (tmp_path / "patient" / "manifest.json").is_file()


def test_manifest_holds_the_command_as_typed(finished):
    assert "command" in json.loads((finished / "manifest.json").read_text())


@pytest.fixture(scope="module")
def annotated(files, tmp_path_factory):
    """A run whose genes are looked up in a file of the user's, which holds the planted genes."""
    folder = tmp_path_factory.mktemp("annotated")
    up, down = "\t".join(f"G{n}" for n in range(5)), "\t".join(f"G{n}" for n in range(5, 10))
    rest = "\n".join(f"REST{n}\t\tG{n}\tG{n + 1}\tG{n + 2}" for n in range(10, 56))
    (folder / "known.gmt").write_text(f"PLANTED UP\t\t{up}\nPLANTED DOWN\t\t{down}\n{rest}\n", encoding="utf-8")
    arguments = ["run", "--expression", str(files / "expression.tsv"), "--labels", str(files / "labels.tsv")]
    arguments += ["--target", "target", "--annotations", f"Known={folder / 'known.gmt'}", "--samples", "s4", "--xlsx"]
    assert main([*arguments, "--out", str(folder / "run"), "--steps", "60", "--folds", "1", "--threads", "1"]) == 0
    return folder


def test_a_run_says_what_its_genes_do(annotated):
    found = read_table(annotated / "run" / "enrichment.tsv")
    assert set(found["category"]) == {"Known"}
    assert set(found["sample"]) == {"", "s4"}
    best = found.sort_values("p_value").groupby(["source_class", "sample", "direction"])["term"].first()
    assert set(best.xs("up", level="direction")) == {"PLANTED UP"}
    assert set(best.xs("down", level="direction")) == {"PLANTED DOWN"}
    ranked = read_table(annotated / "run" / "enrichment_ranked.tsv")
    ranked = ranked[ranked["sample"] == ""].set_index("term")["statistic"]  # of the class: by moderated t
    assert (ranked["PLANTED UP"] > 3).all()
    assert (ranked["PLANTED DOWN"] < -3).all()
    sets = read_table(annotated / "run" / "smallest_sets.tsv").set_index("genes_by")["n_genes"].fillna(60)
    assert (sets["generator"].to_numpy() < sets["random_genes"].to_numpy()).all()
    assert (annotated / "run" / "tables.xlsx").is_file()
    metrics = json.loads((annotated / "run" / "metrics.json").read_text())
    assert metrics["annotations"] == [{"category": "Known", "origin": "known.gmt", "n_sets": 48, "n_tested": 48}]


def test_enrich_of_a_run_gives_the_runs_own_tables(annotated, tmp_path, capsys):
    asked = ["enrich", "--run", str(annotated / "run"), "--annotations", f"Known={annotated / 'known.gmt'}"]
    assert main([*asked, "--out", str(tmp_path / "again")]) == 0
    for name in ("enrichment.tsv", "enrichment_ranked.tsv"):
        assert (tmp_path / "again" / name).read_bytes() == (annotated / "run" / name).read_bytes()
    assert "the surest is PLANTED" in capsys.readouterr().out


def test_enrich_of_a_list_needs_its_background(annotated, tmp_path, capsys):
    (tmp_path / "genes.txt").write_text("G0\nG1\nG2\n", encoding="utf-8")
    (tmp_path / "all.txt").write_text("".join(f"G{n}\n" for n in range(59)), encoding="utf-8")
    asked = ["enrich", "--genes", str(tmp_path / "genes.txt"), "--annotations", str(annotated / "known.gmt")]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 2
    assert "--background" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*asked, "--background", str(tmp_path / "all.txt"), "--out", str(tmp_path / "out")]) == 0
    first = read_table(tmp_path / "out" / "enrichment.tsv").iloc[0]
    # of 58 annotated genes (G10 to G57 and the planted ten) five are the set, and all three drawn are among them
    assert first[["term", "category", "overlap", "background"]].tolist() == ["PLANTED UP", "known", 3, 58]
    assert first["p_value"] == pytest.approx((5 * 4 * 3) / (58 * 57 * 56))


def test_compare_tells_what_targets_share(annotated, files, tmp_path, capsys):
    arguments = ["run", "--expression", str(files / "expression.tsv"), "--labels", str(files / "labels.tsv")]
    arguments += ["--target", "beta", "--source", "alpha", "--out", str(tmp_path / "beta"), *SHORT]
    assert main([*arguments, "--annotations", str(annotated / "known.gmt")]) == 0
    capsys.readouterr()
    assert main(["compare", str(annotated / "run"), str(tmp_path / "beta"), "--out", str(tmp_path / "both")]) == 0
    assert "From alpha to target, beta:" in capsys.readouterr().out
    table = read_table(tmp_path / "both" / "compare.tsv")
    assert set(table["source_class"]) == {"alpha"}
    planted_up = table[(table["direction"] == "up") & table["gene"].isin([f"G{n}" for n in range(5)])]
    assert planted_up["rank in target"].notna().all()
    assert not (tmp_path / "both" / "figures").exists()  # two lists need no figure
    tested = read_table(tmp_path / "both" / "compare_genes.tsv")
    tested = tested[tested["source_class"] == "alpha"].set_index("gene")
    own = read_table(annotated / "run" / "genes.tsv")
    own = own[own["source_class"] == "alpha"].set_index("gene")
    assert tested["difference in target"].to_dict() == own["difference"].to_dict()
    assert (tested.loc[[f"G{n}" for n in range(5)], "n_targets_up"] >= 1).all()
    assert "From alpha to target and beta" in (tmp_path / "both" / "compare.html").read_text(encoding="utf-8")
    assert main(["compare", str(annotated / "run"), "--out", str(tmp_path / "one")]) == 2


def test_annotations_that_know_no_gene_are_refused_before_any_work(files, tmp_path, capsys):
    (tmp_path / "other.gmt").write_text("S\t\tX1\tX2\n", encoding="utf-8")
    arguments = ["run", "--expression", str(files / "expression.tsv"), "--labels", str(files / "labels.tsv")]
    arguments += ["--target", "target", "--annotations", str(tmp_path / "other.gmt"), "--out", str(tmp_path / "run")]
    assert main(arguments) == 3
    assert "0 of 2 genes of other are in the expression matrix" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_layer_is_trained_on_kept_and_taken_by_itself_for_new_samples(planted, tmp_path):
    adata = planted.adata.copy()
    adata.layers["logcounts"], adata.X = adata.X, np.ones_like(adata.X)
    adata.write_h5ad(tmp_path / "all.h5ad")
    adata[:2].write_h5ad(tmp_path / "two.h5ad")
    read = ["--label-column", "label", "--layer", "logcounts", "--target", "target", *SHORT]
    assert main(["run", "--expression", str(tmp_path / "all.h5ad"), *read, "--out", str(tmp_path / "run")]) == 0
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["reading"]["layer"] == "logcounts"
    two = ["--expression", str(tmp_path / "two.h5ad"), "--out", str(tmp_path / "moved")]
    assert main(["perturb", "--model", str(tmp_path / "run"), *two]) == 0
    trained, moved = (anndata.read_h5ad(tmp_path / name / "perturbations.h5ad") for name in ("run", "moved"))
    np.testing.assert_array_equal(moved.layers["original"], trained[moved.obs_names].layers["original"])
    assert np.ptp(moved.layers["original"]) > 0.5


def test_profiles_in_other_units_than_the_models_are_refused(finished, files, tmp_path, capsys):
    table = pd.read_csv(files / "patient.csv", index_col=0)
    (2**table).round().to_csv(tmp_path / "counts.csv")
    asked = ["perturb", "--model", str(finished), "--expression", str(tmp_path / "counts.csv")]
    assert main([*asked, "--out", str(tmp_path / "moved")]) == 3
    assert "counts.csv: the values look like raw counts" in capsys.readouterr().err
    assert not (tmp_path / "moved").exists()


def test_the_terminal_tells_the_verdict_and_who_lies_outside_the_training_data(
    finished, files, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("tspg.report.page.single_samples.OUTLIER_P", 0.1)  # of 16 held-out samples no p is below .058
    assert main(["report", "--run", str(shutil.copytree(finished, tmp_path / "run"))]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Can it be trusted? fail: individual; not tested: realistic, better than simple, generalises, " in told
    far = pd.read_csv(files / "patient.csv", index_col=0)
    far.iloc[0] = [0.5, 25.0] * (far.shape[1] // 2)  # as no sample is
    far.to_csv(tmp_path / "far.csv")
    asked = ["perturb", "--model", str(finished), "--expression", str(tmp_path / "far.csv")]
    assert main([*asked, "--out", str(tmp_path / "moved")]) == 0
    answer, _, warnings = " ".join(capsys.readouterr().out.split()).partition(
        f"Report: {tmp_path / 'moved' / 'report.html'}"
    )
    assert answer.startswith("patient-1: ")
    assert "Warning: The sample has 93% of its values outside the range seen in training" in warnings
    assert "Warning: patient-1 lies outside the data that the model was trained on" in warnings


def test_profiles_of_another_pipeline_are_told_of_and_normalised(files, tmp_path, capsys):
    """Values of another unit; then without a third of the genes that the model does not use."""
    table = pd.read_csv(files / "expression.tsv", sep="\t", index_col=0)
    rng = np.random.default_rng(3)
    more = pd.DataFrame(rng.normal(6, 2, (120, 200)).round(3), table.index, [f"OTHER{g}" for g in range(200)])
    whole = pd.concat([table, more], axis=1)
    whole.to_csv(tmp_path / "whole.tsv", sep="\t", index_label="sample")
    other = (whole.iloc[::4].rename(index=lambda name: f"new-{name}") * 0.6 - 1).round(3)
    other.to_csv(tmp_path / "other.tsv", sep="\t", index_label="sample")
    other.drop(columns=more.columns[:70]).to_csv(tmp_path / "fewer.tsv", sep="\t", index_label="sample")
    out = ["--labels", str(files / "labels.tsv"), "--target", "target", "--out", str(tmp_path / "run")]
    sets = ["--gene-sets", str(files / "sets.gmt"), "--gene-set", "FIRST HALF"]
    assert main(["run", "--expression", str(tmp_path / "whole.tsv"), *out, *sets, *SHORT]) == 0

    def perturbed(file, name, *options):
        arguments = ["--expression", str(tmp_path / file), "--out", str(tmp_path / name), *options]
        code = main(["perturb", "--model", str(tmp_path / "run"), *arguments])
        told = capsys.readouterr()
        return code, " ".join((told.out + told.err).split())

    code, told = perturbed("other.tsv", "odd")
    assert code == 0
    assert "30 of 30 samples are not like the samples that the model was trained on" in told
    assert "--normalise quantile" in told
    assert "another pipeline or unknown biology" in (tmp_path / "odd" / "report.html").read_text()
    table = read_table(tmp_path / "odd" / "samples.tsv")
    assert len(table) == 30
    assert (table["p_shift"] < 0.05).all()
    assert set(table["normalised"]) == {"none"}
    code, _ = perturbed("other.tsv", "right", "--normalise", "quantile")
    right = read_table(tmp_path / "right" / "samples.tsv")
    assert (code, set(right["normalised"])) == (0, {"quantile"})
    assert right["clipped"].mean() < 0.05 < 0.2 < table["clipped"].mean()
    code, told = perturbed("fewer.tsv", "refused", "--normalise", "quantile")
    assert (code, (tmp_path / "refused").exists()) == (3, False)
    assert "70 of the 260 genes" in told
    reference = ["--reference", str(tmp_path / "whole.tsv")]
    code, _ = perturbed("fewer.tsv", "again", "--normalise", "quantile", *reference)
    assert code == 0
    assert read_table(tmp_path / "again" / "samples.tsv")["clipped"].mean() < 0.05
    assert json.loads((tmp_path / "again" / "metrics.json").read_text())["data"]["shift"]["genes"] == "model"
    code, told = perturbed("other.tsv", "senseless", *reference)
    assert code == 2
    assert "--normalise quantile" in told
