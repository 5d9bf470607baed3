"""A plan: every run once, checked against the data before anything is written."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tspg.cli.parser import build_parser
from tspg.data.expression import read_expression
from tspg.data.genesets import read_gene_sets
from tspg.errors import ExpressionError, GeneSetError, InputError, UsageError
from tspg.sweep.cache import open_matrix
from tspg.sweep.plan import RANDOM, RUNS, read_plan, write_plan
from tspg.sweep.planning import plan_sweep


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """The forecast tries training steps for two seconds; here only the plan matters."""
    from tspg.experiment.estimate import ResourceEstimate
    from tspg.sweep import planning

    monkeypatch.setattr(
        planning, "estimate_resources", lambda _n, n_genes, _c, _config: ResourceEstimate(n_genes * 10.0, n_genes / 10)
    )


def ids(plan):
    return {(run.gene_set, run.target_class, run.seed): run.id for run in plan.runs}


def test_every_gene_set_target_and_seed_is_one_run_in_order(study, tmp_path):
    plan, _ = plan_sweep(study.write(target_classes=["*"], seeds=[3, 1]), tmp_path)
    found = [(run.gene_set, run.n_genes, run.target_class, run.seed) for run in plan.runs]
    assert found == [
        (name, n_genes, target, seed)
        for name, n_genes in (("OTHER", 22), ("PLANTED", 16))
        for target in ("alpha", "beta", "target")
        for seed in (1, 3)
    ]
    assert len({run.id for run in plan.runs}) == 12
    assert list(tmp_path.iterdir()) == []


def test_targets_of_a_gene_set_and_seed_make_one_job_and_long_ones_several(study, tmp_path):
    plan, _ = plan_sweep(study.write(seeds=[0, 1], random_gene_sets=5), tmp_path)
    jobs = [(job.kind, job.gene_set, job.seed, len(job.runs)) for job in plan.jobs]
    assert jobs == [
        *[(RUNS, name, seed, 2) for name in ("OTHER", "PLANTED") for seed in (0, 1)],
        *[(RANDOM, name, 0, 2) for name in ("PLANTED", "OTHER")],
    ]
    alone, _ = plan_sweep(study.write(more="targets_per_job = 1"), tmp_path)
    assert [len(job.runs) for job in alone.jobs] == [1] * 4
    assert len({job.classifier for job in alone.jobs}) == 2  # f is shared by the targets
    assert len({job.classifier for job in plan.jobs if job.kind == RUNS}) == 4  # but by no other seed or gene set
    # 22 genes are forecast at 2.2 GB and 220 s a run: asked for with a reserve
    assert {(job.memory_mb, job.minutes) for job in alone.jobs if job.gene_set == "OTHER"} == {(2860, 9)}


def test_a_set_between_smallest_and_largest_is_expected_to_take_what_lies_between(study, tmp_path):
    plan, _ = plan_sweep(study.write(gene_sets=["PLANTED", "OTHER", "all"]), tmp_path)
    assert plan.seconds == pytest.approx({"PLANTED": 160, "OTHER": 220, "all": 300})


def test_a_run_keeps_its_folder_unless_what_decides_it_changes(study, tmp_path):
    before = ids(plan_sweep(study.write(), tmp_path)[0])
    more = ids(plan_sweep(study.write(seeds=[0, 1], target_classes=["target", "beta", "alpha"]), tmp_path)[0])
    assert before.items() <= more.items()
    same = study.write(more='keep = "metrics"\ntargets_per_job = 1\nmax_memory = 9', random_gene_sets=7)
    assert ids(plan_sweep(same, tmp_path)[0]) == before
    for change in ('preset = "paper"', "threads = 2", 'enrichment = "ora"', 'samples = ["s1"]', "xlsx = true"):
        path = study.write()
        path.write_text(path.read_text() + change)
        assert set(ids(plan_sweep(path, tmp_path)[0]).values()).isdisjoint(before.values()), change


def test_files_that_share_a_name_are_told_apart(study, tmp_path):
    def planned():
        path = study.write(gene_sets=["PLANTED"])
        text = path.read_text().replace('"expression.tsv"', f'"{tmp_path}/matrix/data.tsv"')
        text = text.replace('"samples.tsv"', f'"{tmp_path}/labels/data.tsv"')
        path.write_text(text.replace('"OURS=known.gmt"', f'["A={tmp_path}/matrix/k.gmt", "B={tmp_path}/labels/k.gmt"]'))
        return plan_sweep(path, tmp_path / "sweep")[0]

    matrix, labels = tmp_path / "matrix", tmp_path / "labels"
    for folder, name in ((matrix, "expression.tsv"), (labels, "samples.tsv")):
        folder.mkdir()
        (folder / "data.tsv").write_bytes((study.folder / name).read_bytes())
        (folder / "k.gmt").write_text("KNOWN\tx\tG1\tG2\n")
    before = planned()
    (matrix / "k.gmt").write_text("KNOWN\tx\tG1\tG3\n")
    other_annotation = planned()
    (matrix / "data.tsv").write_text((matrix / "data.tsv").read_text().replace("8.", "9."))
    other_matrix = planned()
    assert len({plan.runs[0].id for plan in (before, other_annotation, other_matrix)}) == 3
    assert before.sets == other_annotation.sets != other_matrix.sets


def test_names_beside_an_npy_matrix_are_part_of_it(study, planted, tmp_path):
    adata, path = planted.adata, tmp_path / "matrix.npy"
    np.save(path, adata.X)
    (tmp_path / "matrix.rownames.txt").write_text("\n".join(adata.obs_names))
    genes = list(adata.var_names)
    runs = []
    for names in (genes, genes[::-1]):
        (tmp_path / "matrix.colnames.txt").write_text("\n".join(names))
        config = study.write(gene_sets=["PLANTED"])
        config.write_text(config.read_text().replace('"expression.tsv"', f'"{path}"'))
        runs += plan_sweep(config, tmp_path / "sweep")[0].runs
    assert len({run.id for run in runs}) == len(runs)


def test_other_genes_in_a_set_change_its_runs_alone(study, tmp_path):
    before = ids(plan_sweep(study.write(), tmp_path)[0])
    file = study.folder / "sets.gmt"
    text = file.read_text()
    try:
        file.write_text(text.replace("OTHER\tx\tG8\t", "OTHER\tx\t"))
        after = ids(plan_sweep(study.write(), tmp_path)[0])
    finally:
        file.write_text(text)
    changed = {key[0] for key in before if before[key] != after[key]}
    assert changed == {"OTHER"}


def test_small_sets_and_what_a_star_brought_in_are_skipped_with_the_reason(study, tmp_path):
    more = 'source = ["alpha"]'
    plan, _ = plan_sweep(study.write(gene_sets=["*"], target_classes=["*"], more=more), tmp_path)
    skipped = {(run.gene_set, run.target_class): run.skipped for run in plan.runs if run.skipped}
    assert {run.gene_set for run in plan.wanted} == {"PLANTED", "OTHER"}
    assert {run.target_class for run in plan.wanted} == {"beta", "target"}
    assert skipped["TINY", "beta"] == "4 of 5 genes are in the matrix; 10 or more are needed"
    assert skipped["NONE", "beta"].startswith("0 of 2 genes")
    assert "both the target and a source" in skipped["PLANTED", "alpha"]


@pytest.mark.parametrize("others", [["OTHER"], []])
def test_a_named_set_that_is_too_small_is_skipped_too(study, tmp_path, others):
    plan, _ = plan_sweep(study.write(gene_sets=["TINY", *others], random_gene_sets=9), tmp_path)
    assert {run.gene_set for run in plan.runs if run.skipped} == {"TINY"}
    assert {job.gene_set for job in plan.jobs} == set(others)


@pytest.mark.parametrize(
    ("asked", "error", "told"),
    [
        ({"gene_sets": ["PLANTD"]}, GeneSetError, "closest names are 'PLANTED'"),
        ({"gene_sets": ["NONE"]}, GeneSetError, "0 of 2 genes of NONE .* There: 'G0', 'G1'"),
        ({"gene_sets": ["TINY"], "target_classes": ["targe"]}, UsageError, "Closest: 'target'"),
        ({"target_classes": ["targe"]}, UsageError, "no class 'targe'.*Closest: 'target'"),
        ({"target_classes": ["beta", "targe"]}, UsageError, "no class 'targe'.*Closest: 'target'"),
        ({"more": 'source = ["beta"]'}, UsageError, "'beta' is both the target and a source"),
        ({"more": 'preset = "papr"'}, UsageError, "one of 'paper', 'transport' is needed"),
        ({"more": 'method = "mean"'}, UsageError, "method is 'mean'"),
        ({"more": "folds = 99"}, UsageError, "folds is 99"),
        ({"more": 'samples = ["s999"]'}, UsageError, "no sample 's999'"),
        ({"seeds": [0, -1]}, UsageError, "seed is -1"),
        ({"more": 'adjust = "bach"'}, Exception, "bach"),
        ({"more": 'transform = "log3"'}, UsageError, "--transform log3"),
    ],
)
def test_what_the_data_cannot_answer_is_refused_before_anything_is_written(study, tmp_path, asked, error, told):
    with pytest.raises(error, match=told):
        plan_sweep(study.write(**asked), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_told_with_where_it_was_looked_for(study, tmp_path):
    path = study.write()
    path.write_text(path.read_text().replace("sets.gmt", "set.gmt"))
    with pytest.raises(InputError, match=r"set.gmt: cannot be read.*seen from its own folder"):
        plan_sweep(path, tmp_path)


def test_a_folder_in_place_of_a_file_is_told(study, tmp_path):
    path = study.write()
    path.write_text(path.read_text().replace("sets.gmt", "."))
    with pytest.raises(InputError, match=r"cannot be read.*directory"):
        plan_sweep(path, tmp_path)


def test_a_spreadsheet_that_cannot_be_written_is_refused(study, tmp_path, monkeypatch):
    monkeypatch.setattr("tspg.report.excel.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="needs XlsxWriter"):
        plan_sweep(study.write(more="xlsx = true"), tmp_path)


def test_a_plan_comes_back_as_it_was_written(study, tmp_path):
    plan, _ = plan_sweep(study.write(seeds=[0, 1], random_gene_sets=3), tmp_path)
    write_plan(plan, tmp_path)
    assert read_plan(tmp_path) == plan
    stored = json.loads((tmp_path / "plan.json").read_text())  # under the keys of earlier versions
    assert stored["asked"] == plan.settings
    assert [job["ground"] for job in stored["jobs"]] == [job.classifier for job in plan.jobs]
    assert [one["study"] for one in stored["sets"]] == [one.matrix for one in plan.sets]


def test_a_plan_that_still_fits_is_not_made_again_and_the_matrix_is_not_read(study, tmp_path, monkeypatch):
    from tspg.sweep import matrix, planning

    path = study.write()
    plan, store = plan_sweep(path, tmp_path)
    store(tmp_path)
    monkeypatch.setattr(matrix, "read_once", None)
    again, _ = plan_sweep(path, tmp_path)
    assert again == plan
    monkeypatch.undo()
    (study.folder / "samples.tsv").touch()
    counted = []
    monkeypatch.setattr(
        planning, "estimate_resources", lambda *_: counted.append(1) or pytest.fail("made again, as it should")
    )
    with pytest.raises(pytest.fail.Exception, match="made again"):
        plan_sweep(path, tmp_path)


def test_a_stored_study_is_what_reading_the_gene_set_alone_gives(study, tmp_path):
    plan, store = plan_sweep(study.write(gene_sets=["PLANTED", "OTHER", "all"], random_gene_sets=3), tmp_path)
    store(tmp_path)
    sets = read_gene_sets(study.folder / "sets.gmt")
    wanted = {**sets, "all": sets.union()}
    for planned in plan.sets:
        adata, gene_set = open_matrix(tmp_path / "data" / planned.matrix)
        alone = read_expression(
            study.folder / "expression.tsv",
            labels=study.folder / "samples.tsv",
            label_column="label",
            genes=wanted[planned.name],
        )
        assert gene_set == wanted[planned.name]
        assert isinstance(adata.X, np.memmap) or isinstance(adata.X.base, np.memmap)
        np.testing.assert_array_equal(adata.X, alone.X)
        np.testing.assert_array_equal(adata.obsm["tspg_quantiles"], alone.obsm["tspg_quantiles"])
        assert adata.obs.equals(alone.obs)
        assert list(adata.var_names) == list(alone.var_names)
        assert json.dumps(adata.uns["tspg_input"]) == json.dumps(alone.uns["tspg_input"])


def test_a_sweep_joins_doubled_genes_as_its_runs_would(study, tmp_path):
    for file in study.folder.iterdir():
        shutil.copy(file, tmp_path)
    table = pd.read_csv(tmp_path / "expression.tsv", sep="\t", index_col=0)
    doubled = pd.concat([table, (table[["G3"]] + 2)], axis=1)
    doubled.to_csv(tmp_path / "expression.tsv", sep="\t", float_format="%.3f")
    path = type(study)(tmp_path).write(gene_sets=["PLANTED"], target_classes=["target"])
    with pytest.raises(ExpressionError, match=r"'G3'.*--duplicates"):
        plan_sweep(path, tmp_path / "out")
    path = type(study)(tmp_path).write(gene_sets=["PLANTED"], target_classes=["target"], more='duplicates = "mean"')
    plan, store = plan_sweep(path, tmp_path / "out")
    store(tmp_path / "out")
    adata, _ = open_matrix(tmp_path / "out" / "data" / plan.sets[0].matrix)
    np.testing.assert_allclose(adata[:, "G3"].X.ravel(), table["G3"] + 1, rtol=1e-6)
    words = plan.command(plan.runs[0], tmp_path)
    assert words[words.index("--duplicates") + 1] == "mean"


def is_gone(file):
    file.unlink()


def is_cut_short(file):
    file.write_bytes(file.read_bytes()[:300])


@pytest.mark.parametrize(
    ("damaged", "damage"),
    [
        ("*/profiles.npy", is_cut_short),
        ("*/study.json", is_gone),
        ("samples-*.json", is_cut_short),
        ("quantiles-*.npy", is_gone),
    ],
)
def test_a_damaged_study_is_written_again(study, tmp_path, damaged, damage):
    path = study.write(gene_sets=["PLANTED"])
    plan, store = plan_sweep(path, tmp_path)
    store(tmp_path)
    before = open_matrix(tmp_path / "data" / plan.matrices[0])[0].to_df().copy()  # the file is about to be cut short
    (file,) = (tmp_path / "data").glob(damaged)
    damage(file)
    _, store = plan_sweep(path, tmp_path)
    store(tmp_path)
    assert open_matrix(tmp_path / "data" / plan.matrices[0])[0].to_df().equals(before)


def test_the_command_of_a_run_holds_with_names_that_look_like_options(study, tmp_path):
    plan, _ = plan_sweep(study.write(gene_sets=["PLANTED"], target_classes=["target"]), tmp_path)
    run = replace(plan.runs[0], target_class="-x", gene_set="--a b")
    settings = {**plan.settings, "options": {**plan.settings["options"], "source": ["-1", "alpha"]}}
    options = build_parser().parse_args(replace(plan, settings=settings).command(run, tmp_path)[1:])
    assert (options.target_class, options.gene_set, options.source_classes) == ("-x", "--a b", ["-1", "alpha"])


def test_a_sweep_takes_one_split_and_its_commands_say_so(study, tmp_path):
    plan, _ = plan_sweep(study.write(), tmp_path)
    assert plan.settings["options"]["folds"] == 1
    words = plan.command(plan.runs[0], tmp_path)
    assert words[words.index("--folds") + 1] == "1"
    plan, _ = plan_sweep(study.write("folds.toml", more="folds = 3"), tmp_path)
    assert plan.settings["options"]["folds"] == 3
