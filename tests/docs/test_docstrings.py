"""Every public name explains itself with an example, and every example runs."""

import contextlib
import doctest
import inspect
import io
import re

import pytest

import tspg

FILES = {  # small ones that the examples read
    "matrix.tsv": [
        *("sample\tTP53\tMYC\tBAX\tCDK1", "S1\t5.1\t8.0\t2.2\t7.9", "S2\t4.9\t9.5\t2.4\t8.3", "S3\t5.3\t8.8\t2.1\t8.8"),
        *("S4\t7.1\t5.0\t4.2\t5.0", "S5\t6.9\t5.5\t4.4\t4.1", "S6\t7.3\t5.8\t4.1\t4.7"),
    ],
    "labels.tsv": ["sample\tlabel", *(f"S{n}\t{'tumour' if n < 4 else 'normal'}" for n in range(1, 7))],
    "sets.gmt": ["APOPTOSIS\tsmall\tTP53\tBAX", "CELL_CYCLE\tsmall\tCDK1\tMYC"],
    "study/sweep.tsv": [
        "gene_set\tn_genes\ttarget_class\tseed\tstatus\tperturbation.hit_rate",
        *("APOPTOSIS\t40\tGI.MSI\t0\tdone\t.5", "APOPTOSIS\t40\tGI.MSI\t1\tdone\t1"),
        "CELL_CYCLE\t3\tGI.MSI\t0\tskipped: 3 of 20 genes are in the matrix\t",
    ],
}
LIKE_A_READER = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples_of(name):
    """The examples of a public name, with those of its own methods."""
    value = getattr(tspg, name)
    found = doctest.DocTestFinder(recurse=inspect.isclass(value)).find(value, name, module=False)
    return [one for one in found if one.examples]


def run_examples(name, names):
    """Run the examples; what they say on failure comes back, and `names` holds what they made."""
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=LIKE_A_READER)
    for one in examples_of(name):
        one.globs = names
        with contextlib.redirect_stderr(io.StringIO()):
            runner.run(one, out=said.write, clear_globs=False)
    return said.getvalue()


@pytest.fixture(scope="module", autouse=True)
def one_fold():
    """Further splits of the donors, whose fits take most of the time, and which no example shows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.experiment.task.automatic_folds", lambda *_, **__: 1)
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The folder of the examples, and what the example of `tspg.run` leaves for the others."""
    folder, names = tmp_path_factory.mktemp("examples"), {"tspg": tspg}
    for name, lines in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    assert run_examples("run", names) == ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tspg.report.save.write_figures", lambda *_figures, **_options: [])  # no example looks at them
        tspg.save_run(names["run"], folder / "runs" / "msi")
    return folder, names


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(tspg.__all__) - {"run", "errors"}))
def test_the_examples_of_a_public_name_run(name, first, monkeypatch):
    folder, names = first
    monkeypatch.chdir(folder)
    assert examples_of(name), f"tspg.{name} has no example"
    assert run_examples(name, dict(names)) == ""


def test_an_example_that_is_wrong_is_told(first, monkeypatch):
    monkeypatch.setattr(tspg.demo_data, "__doc__", ">>> tspg.demo_data().shape\n(1, 1)\n")
    assert "(459, 4218)" in run_examples("demo_data", dict(first[1]))


@pytest.mark.parametrize("name", sorted(tspg.__all__))
def test_a_docstring_says_what_goes_in(name):
    value, text = getattr(tspg, name), inspect.getdoc(getattr(tspg, name))
    assert re.match(r".{10,118}[.?]\n", f"{text}\n")
    if inspect.isfunction(value):
        parts = text.partition("\nParameters\n")[2].partition("\nExamples\n")[0]
        told = {word.strip("* ") for line in re.findall(r"^[a-z*].*$", parts, re.MULTILINE) for word in line.split(",")}
        assert set(inspect.signature(value).parameters) <= told
