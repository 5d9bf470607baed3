"""A sweep file is read strictly: whatever is wrong in it is told with the nearest right word."""

import argparse

import pytest

from tspg.cli.parser import build_parser
from tspg.errors import InputError, Option, UsageError
from tspg.sweep.settings import DATA, INSTEAD, READING, TASK, read_settings

GOOD = """
[data]
expression = "m.tsv"
label_column = "organ"
gene_sets = ["h.gmt"]
[sweep]
gene_sets = ["A", "all", "A"]
target_classes = "Lung"
"""


def read(tmp_path, text):
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return read_settings(path)


def test_paths_are_seen_from_the_sweep_file_and_defaults_are_filled_in(tmp_path):
    settings = read(tmp_path, GOOD + 'annotations = ["default", "OURS=a.gmt", "b.gmt"]\nsource = "Liver"\n')
    assert settings.expression == tmp_path / "m.tsv"
    assert settings.gene_set_files == (tmp_path / "h.gmt",)
    assert settings.labels is None
    assert settings.gene_sets == ("A", "all")  # each once
    assert settings.target_classes == ("Lung",)
    assert settings.seeds == (0,)
    assert settings.keep == "all"
    assert settings.annotations == ["default", f"OURS={tmp_path / 'a.gmt'}", str(tmp_path / "b.gmt")]
    assert settings.options["source"] == ["Liver"]
    assert settings.options["threads"] == 1


@pytest.mark.parametrize("written", ["target-epochs = 3", "target_epochs = 3"])
def test_an_option_of_tspg_run_goes_by_its_long_name_with_either_stroke(tmp_path, written):
    assert read(tmp_path, GOOD + written).options["target_epochs"] == 3


def test_an_option_may_stand_in_either_table(tmp_path):
    assert read(tmp_path, GOOD.replace("[sweep]", "transpose = true\n[sweep]")).reading == {"transpose": True}


def test_every_option_of_tspg_run_has_a_meaning_or_a_reason():
    commands = next(action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    options = {Option(action.dest).key for action in commands.choices["run"]._actions} - {"help"}
    assert options == set(READING) | set(TASK) | set(DATA) | set(INSTEAD)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("target_classes =", "target_clases ="), "target_clases'.*closest is 'target_classes'"),
        (("label_column =", "label_colum ="), "closest is 'label_column'"),
        (("[sweep]", "[swep]"), "'swep' at the top"),
        (("[data]", "targets = 1\n[data]"), "'targets' at the top"),
        (('target_classes = "Lung"', ""), "target_classes is missing in .sweep."),
        (('expression = "m.tsv"', ""), "expression is missing in .data."),
        (('"Lung"', "7"), "target_classes is 7; a list of texts"),
        (('"Lung"', "[]"), "a list of texts is needed"),
        (('"Lung"', '"Lung"\nseeds = ["a"]'), "a list of whole numbers"),
        (('"Lung"', '"Lung"\nseeds = [true]'), "a list of whole numbers"),
        (('"Lung"', '"Lung"\nepochs = 1.5'), "epochs is 1.5; a whole number"),
        (('"Lung"', '"Lung"\nxlsx = 1'), "true or false"),
        (('"Lung"', '"Lung"\nseed = 1'), "seed has no meaning here; seeds = "),
        (('"Lung"', '"Lung"\ntarget = "x"'), "target_classes = .* names the targets"),
        (('"Lung"', '"Lung"\nexpression = "x"'), "expression belongs in .data."),
        (('"Lung"', '"Lung"\nkeep = "some"'), "'all', 'tables', 'metrics'"),
        (('"Lung"', '"Lung"\ntargets_per_job = 0'), "targets_per_job is 0"),
        (('"Lung"', '"Lung"\nrandom_gene_sets = -1'), "random_gene_sets is -1"),
        (('gene_sets = ["h.gmt"]', ""), "must name the GMT files"),
        (('gene_sets = ["A", "all", "A"]', ""), "must name gene sets of the files"),
        (('label_column = "organ"', ""), "which class each sample has"),
        (('"Lung"', '"Lung"\ntranspose = true\n[data2]'), "'data2' at the top"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, change, told):
    with pytest.raises(UsageError, match=told):
        read(tmp_path, GOOD.replace(*change))


def test_an_option_in_both_tables_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"epochs is in \[data\] and in \[sweep\]"):
        read(tmp_path, GOOD.replace("[sweep]", "epochs = 2\n[sweep]") + "epochs = 3")


TOO_DEEP, TOO_LONG = "a = " + "[" * 3000 + "]" * 3000, "a = " + "9" * 5000


@pytest.mark.parametrize("text", ["[data", "[data]\nexpression = m.tsv", "\x00", TOO_DEEP, TOO_LONG])
def test_what_is_not_toml_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="is not in TOML format"):
        read(tmp_path, text)


def test_a_missing_sweep_file_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        read_settings(tmp_path / "none.toml")
