"""The page speaks a biologist's English: one word for an idea, and the paper's symbols only beside its figure."""

import re
import shutil

import pytest

from tests.report.page.folders import html_of, part_of, text_of
from tspg.report.page.render import MODULES, source_of

FORBIDDEN = {  # what the page may not say, and what it says instead
    r"perturb(?!ations\.h5ad)\w*": "moved",
    r"after perturbation": "moved",
    r"[Aa]fter(?= it| they)? (?:was|were) moved": "moved",
    r"\bf (?:calls|called|accuracy|finds|is right|itself|alone)\b": "the classifier",
    r"\b(?:by|for|of|the classifier|than|target by|second) f\b": "the classifier",
    r"\b(?:she|her|hers|he|his|him)\b": "the sample, the person",
    r"\b(?:told|tells|heard|admitted)\b": "seen, counted",
    r"\bhit rate\b": "how often the classifier calls ...",
    r"\b(?:mu_T|x_adv)\b": "the target's mean, moved",
    r"\bNaN\b|\bNone\b(?! found)|\[object": "–",
    r"(?<![.\w])nan\b": "–",
}
ALLOWED = re.compile(r"tspg perturb|tspg report|perturbations\.h5ad|perturbation\.")


def without_paper(html: str) -> str:
    """A page without the view of the paper's own figure, in which its symbols are explained."""
    return re.sub(r'<p class="caption" hidden>x: .*?</p>', "", html, flags=re.DOTALL)


def found_in(text: str) -> list[str]:
    text = ALLOWED.sub("", text)
    return [text[max(0, one.start() - 40) : one.end() + 40] for words in FORBIDDEN for one in re.finditer(words, text)]


@pytest.mark.parametrize("kind", ["run_folder", "whole_folder", "perturb_folder", "plain_folder"])
def test_the_page_uses_none_of_the_words_that_it_may_not(kind, request, tmp_path):
    folder = shutil.copytree(request.getfixturevalue(kind), tmp_path / "run")
    html = without_paper(html_of(folder))
    assert found_in(text_of(html)) == []
    labels = re.findall(r' (?:title|aria-label|alt|placeholder)="([^"]*)"', html)
    assert found_in(" | ".join(labels)) == []


def test_energy_is_spoken_of_in_the_evidence_alone(run_folder, tmp_path):
    html = html_of(shutil.copytree(run_folder, tmp_path / "run"))
    elsewhere = html.replace(part_of(html, "evidence"), "").replace(part_of(html, "method"), "")
    assert re.findall(r"[^.>]*\b[Ee]nergy\b[^.<]*", elsewhere[: elsewhere.index('id="page-data"')]) == []


def test_the_program_of_the_page_uses_none_of_them_either():
    for name in MODULES:
        code = re.sub(r"//.*|/\*.*?\*/", "", source_of(f"page/js/{name}.js"))
        texts = re.findall(r'"([^"\n]*)"|`([^`\n]*)`', code)
        shown = [text for pair in texts for text in pair if " " in text and not text.startswith(("[", "./"))]
        if name != "heatmap":
            assert found_in(" | ".join(re.sub(r"\$\{[^}]*\}", "", text) for text in shown)) == []


def test_the_check_of_words_can_fail():
    for text in ("the perturbed sample", "f calls it", "what she gave", "x_adv is", "nan to nan", "by f"):
        assert found_in(text)
    assert not found_in("perturbations.h5ad, tspg perturb, the classifier calls 3 of 4 moved")
