"""What would take long and says nothing about how inputs are read is left out of all tries but a few."""

import pytest

from tests.quick import few_draws, hallmark_alone, one_fit, short_training, without_figures

# Whole: class names that figures write as formulas, and 54 classes.
WHOLE = {"p03_class_names.0", "p09_many_classes.0"}


@pytest.fixture(autouse=True)
def quick(request, monkeypatch):
    one_fit(monkeypatch)
    whole = getattr(request.node, "callspec", None) and request.node.callspec.params.get("case") in WHOLE
    if not whole:
        for shorten in (without_figures, short_training, few_draws, hallmark_alone):
            shorten(monkeypatch)
