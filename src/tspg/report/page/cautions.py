"""How many samples the classifier calls the target class, and what a reader should be cautious about."""

from tspg.analysis.evaluation.measure import REAL, UNTOUCHED
from tspg.report.page.map import users_columns
from tspg.report.read import RunFiles
from tspg.utils.text import counted, percent

_DOUBTFUL_CLASSIFIER = 0.8
_CALLED_BEFORE = 0.2
_SAMPLES_NAMED = 3


def called_of(run: RunFiles) -> str:
    """How many samples f calls the target once they are moved."""
    rate, n = run.metric("perturbation.hit_rate"), run.metric("perturbation.n_held_out")
    if rate is None or not n:
        return _called_of_all(run)
    low, high = (percent(run.metric(f"perturbation.hit_rate_{end}")) for end in ("low", "high"))
    before, real = (run.evidence(method, "hit_rate_f") for method in (UNTOUCHED, REAL))
    return (
        f"The classifier calls {round(rate * n):,} of {counted(n, 'moved held-out sample')} {run.target} "
        f"({percent(rate)}, 95% interval {low} to {high})"
        + (f"; before, {percent(before['value'])}" if before else "")
        + (f"; of real {run.target} samples, {percent(real['value'])}." if real else ".")
    )


def _called_of_all(run: RunFiles) -> str:
    share, n = run.metric("perturbation.f_accuracy"), run.metric("perturbation.n")
    if share is None or not n:
        return f"How often the classifier calls moved samples {run.target} is not available."
    called = f"{round(share * n):,} of {counted(n, 'moved sample')} {run.target} ({percent(share)})"
    before = (
        int((run.obs["predicted_before"].astype(str) == run.target).sum()) if "predicted_before" in run.obs else None
    )
    return f"The classifier calls {called}" + ("." if before is None else f"; before, {percent(before / n)}.")


def cautions_of(run: RunFiles) -> list[str]:
    """What a careful reader should know besides the verdict: about the classifier, then about the data."""
    elsewhere = "How far to believe the model was measured in the run that trained it; see that run's report."
    found = [*([] if run.verdict else [elsewhere]), *_cautions_of_f(run), *_data_notes(run)]
    return found + _columns_with_class(run) + _called_another_class(run)


def _cautions_of_f(run: RunFiles) -> list[str]:
    found = []
    accuracy = run.metric("target_model.test_balanced_accuracy")
    if accuracy is not None and accuracy < _DOUBTFUL_CLASSIFIER:
        found.append(
            f"The classifier itself is right for only {percent(accuracy)} of real held-out samples (mean over "
            "classes): that it calls a sample the target is weak evidence."
        )
    before = run.evidence(UNTOUCHED, "hit_rate_f")
    if before and before["value"] > _CALLED_BEFORE:
        found.append(
            f"The classifier called {percent(before['value'])} of these samples {run.target} before they were moved: "
            "the hit rate says little."
        )
    return found


def _data_notes(run: RunFiles) -> list[str]:
    found = []
    constant = run.metric("data.constant_genes") or []
    if constant:
        vary = _genes(constant, "does", "do")
        found.append(f"{vary} not vary in the training samples: {_few(constant)}. Set to 0 and not ranked.")
    clipped = run.metric("data.clipped_cells")
    if clipped:
        share = percent(run.metric("data.clipped_fraction"))
        values = counted(clipped, "held-out value" if run.metric("data.n_test") else "value")
        lay = "lay outside the range seen in training and"
        found.append(f"{values} ({share}) {lay} {'was' if clipped == 1 else 'were'} clipped.")
    return found + [str(note) for note in run.metric("data.notes") or []]


def _genes(names: list[str], one: str, many: str) -> str:
    return f"1 gene {one}" if len(names) == 1 else f"{len(names):,} genes {many}"


def _few(names: list[str], most: int = 12) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(str(name) for name in names[:most]) + rest


def _columns_with_class(run: RunFiles) -> list[str]:
    """The columns of the samples, such as a batch, of which target and some source class share no value."""
    if "source_class" not in run.obs:
        return []
    classes = run.obs["source_class"].astype(str)
    apart: dict[str, list[str]] = {}
    for name, values in users_columns(run).items():
        of_class = {one: set(values[classes == one]) for one in (run.target, *run.sources)}
        if any(len(found) == len(values[classes == one]) for one, found in of_class.items() if len(found) > 1):
            continue  # a name of each sample
        sources = [one for one in run.sources if of_class[one] and not of_class[one] & of_class[run.target]]
        if sources and of_class[run.target]:
            apart[name] = sources
    if not apart:
        return []
    listing = "; ".join(f"{name} (from {_few(sources, 3)})" for name, sources in apart.items())
    return [
        f"{run.target} shares no value of these columns with source classes, so a difference between the classes may "
        f"be one between these: {listing}."
    ]


def _called_another_class(run: RunFiles) -> list[str]:
    """Training samples that the classifier takes for another class than their label."""
    if not {"source_class", "predicted_before"} <= set(run.obs) or not run.is_of_training:
        return []
    own, called = run.obs["source_class"].astype(str), run.obs["predicted_before"].astype(str)
    other = run.obs.index[(own != called) & run.obs["split"].eq("train")].astype(str)
    if other.empty:
        return []
    listing = ", ".join(f"{name} ({own[name]}, called {called[name]})" for name in other[:_SAMPLES_NAMED])
    rest = f" and {len(other) - _SAMPLES_NAMED:,} more in samples.tsv" if len(other) > _SAMPLES_NAMED else ""
    return [f"The classifier takes training samples for another class than their own; swapped labels? {listing}{rest}."]
