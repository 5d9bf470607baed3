"""What the numbers of a run say, in sentences, with their doubts."""

from typing import Any

from tspg.report.run_files import RunFiles

NOT_AVAILABLE = "not available"
# Limits within which a number is called good; beyond them the report says so in words.
_CLOSE, _NEAR = 0.05, 0.25
_LEAST_VARIANCE, _MOST_VARIANCE = 0.67, 1.5
_DOUBTFUL_CLASSIFIER = 0.8
_CALLED_BEFORE = 0.2
_GENES_NAMED = 6
_TIE = 0.02  # the energy ratio has no interval; smaller differences are called none


def number(value: Any, digits: int = 2) -> str:
    """A number for people: rounded, thousands apart, a true minus sign; words where there is none."""
    if not isinstance(value, int | float) or value != value:
        return NOT_AVAILABLE
    text = f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}"
    return text.replace("-", "−")


def percent(value: Any) -> str:
    """A share in per cent, never rounded up to 100% or down to 0%."""
    if not isinstance(value, int | float) or value != value:
        return NOT_AVAILABLE
    if 0.995 <= value < 1 or 0 < value < 0.005:
        return f"{100 * value:.1f}%" if 0.0005 <= value < 0.9995 else (">99.9%" if value > 0.5 else "<0.1%")
    return f"{100 * value:.0f}%"


def findings_of(run: RunFiles) -> list[str]:
    """The answer in up to three sentences: called the target, like the target, and the genes it took."""
    return [sentence for sentence in (_called(run), _alike(run), _strongest_genes(run)) if sentence]


def _called(run: RunFiles) -> str:
    rate, n = run.metric("perturbation.hit_rate"), run.metric("perturbation.n_held_out")
    if rate is None or not n:
        return _called_of_all(run)
    low, high = (percent(run.metric(f"perturbation.hit_rate_{end}")) for end in ("low", "high"))
    before = run.evidence("untouched_source", "hit_rate_f")
    return (
        f"After perturbation the classifier f called {round(rate * n):,} of {n:,} held-out samples {run.target} "
        f"({percent(rate)}, 95% interval {low} to {high})"
        + (f"; before, {percent(before['value'])}." if before else ".")
    )


def _called_of_all(run: RunFiles) -> str:
    share, n = run.metric("perturbation.f_accuracy"), run.metric("perturbation.n")
    if share is None or not n:
        return f"How often the classifier f calls the perturbed samples {run.target} is not available."
    called = f"{round(share * n):,} of {n:,} samples {run.target} ({percent(share)})"
    return f"After perturbation the classifier f called {called}."


def _alike(run: RunFiles) -> str:
    own = run.evidence("generator", "energy_ratio")
    if own is None:
        return ""
    value = own["value"]
    words = "very close to" if value <= _CLOSE else "near" if value <= _NEAR else "only part of the way to"
    words = "farther than they started from" if value > 1 else words
    return (
        f"By all genes together the perturbed samples are {words} real {run.target} samples: energy ratio "
        f"{number(value, 3)}, where 0 is like real ones and 1 like the samples before{_beside_simple(run, value)}"
        f"{_varied(run)}."
    )


def _beside_simple(run: RunFiles, value: float) -> str:
    simple = run.evidence("mean_shift", "energy_ratio")
    if simple is None:
        return ""
    gap = simple["value"] - value
    words = "does about as well" if abs(gap) < _TIE else "is farther away" if gap > 0 else "comes nearer"
    return f"; a plain shift by the difference of class means {words} ({number(simple['value'], 3)})"


def _varied(run: RunFiles) -> str:
    own = run.evidence("generator", "variance_ratio")
    if own is None:
        return ""
    value = own["value"]
    words = "less than" if value < _LEAST_VARIANCE else "more than" if value > _MOST_VARIANCE else "about as much as"
    return f"; among themselves they vary {words} real ones do (variance ratio {number(value)}, where 1 is right)"


def _strongest_genes(run: RunFiles) -> str:
    """The genes that stand highest over all lists of the run, or of the samples where no class is known."""
    top = run.tables["top_genes"]
    if top.empty:
        return ""
    lists = top[top["sample"] == ""] if (top["sample"] == "").any() else top
    strength = lists.groupby(["direction", "gene"])["perturbation"].sum().abs()
    parts = []
    for direction in ("up", "down"):
        if direction in strength.index:
            names = [str(gene) for gene in strength[direction].nlargest(_GENES_NAMED).index]
            parts.append(f"turned {direction} most: {', '.join(names)}")
    return f"Genes {' and genes '.join(parts)}."


def cautions_of(run: RunFiles) -> list[str]:
    """What a careful reader should know before believing the result: failed checks, then the data."""
    return [*_failed_checks(run), *_data_notes(run), _not_tested(run)]


def _failed_checks(run: RunFiles) -> list[str]:
    found = []
    accuracy = run.metric("target_model.test_balanced_accuracy")
    if accuracy is not None and accuracy < _DOUBTFUL_CLASSIFIER:
        found.append(
            f"The classifier f itself is right for only {percent(accuracy)} of real held-out samples (mean over "
            "classes): that it calls a sample the target is weak evidence."
        )
    before = run.evidence("untouched_source", "hit_rate_f")
    if before and before["value"] > _CALLED_BEFORE:
        found.append(
            f"The classifier called {percent(before['value'])} of these samples {run.target} before they were moved: "
            "the hit rate says little."
        )
    energy, simple = run.evidence("generator", "energy_ratio"), run.evidence("mean_shift", "energy_ratio")
    if energy and energy["value"] > _NEAR:
        found.append(
            f"The perturbed samples do not reach {run.target}: energy ratio {number(energy['value'])}, above {_NEAR}."
        )
    if energy and simple and simple["value"] - energy["value"] < _TIE:
        words = "worse" if energy["value"] - simple["value"] >= _TIE else "not clearly better"
        found.append(f"By the energy ratio the generator is {words} than a plain shift by class means.")
    return found + _doubts_of_spread(run)


def _doubts_of_spread(run: RunFiles) -> list[str]:
    found = []
    spread = run.evidence("generator", "variance_ratio")
    if spread and spread["value"] < _LEAST_VARIANCE:
        found.append("The perturbed samples are too alike: part of what tells one from another was lost.")
    if spread and spread["value"] > _MOST_VARIANCE:
        found.append("The perturbed samples vary more than real ones: some of the sources' own variation is left.")
    table = run.tables["evidence"]
    if "note" in table and table["note"].eq("too few").any():
        found.append("Few target samples were held out: energy and variance ratios are uncertain.")
    return found


def _data_notes(run: RunFiles) -> list[str]:
    found = []
    missing = run.metric("data.gene_set.missing") or []
    if missing:
        found.append(f"Of the gene set {_genes(missing, 'is', 'are')} not in the matrix: {_few(missing)}.")
    constant = run.metric("data.constant_genes") or []
    if constant:
        counted = _genes(constant, "does", "do")
        found.append(f"{counted} not vary in the training samples: {_few(constant)}. Set to 0 and not ranked.")
    clipped = run.metric("data.clipped_cells")
    if clipped:
        share = percent(run.metric("data.clipped_fraction"))
        found.append(f"{clipped:,} held-out values ({share}) lay outside the range seen in training and were clipped.")
    return found + [str(note) for note in run.metric("data.notes") or []]


def _genes(names: list[str], one: str, many: str) -> str:
    return f"1 gene {one}" if len(names) == 1 else f"{len(names):,} genes {many}"


def _few(names: list[str], most: int = 12) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + rest


def _not_tested(run: RunFiles) -> str:
    table = run.tables["evidence"]
    measures = set(table["measure"]) if "measure" in table else set()
    untested = ["whether the same genes come back with another seed or other samples"]
    if not any(name.startswith("hit_rate_") and name != "hit_rate_f" for name in measures):
        untested.append("whether other classifiers agree with f")
    untested.append("source classes that the generator never saw")
    return f"Not tested in this run: {'; '.join(untested)}."
