"""What the numbers of a run say, in sentences, with what to be cautious about."""

import pandas as pd

from tspg.analysis.evaluation.comparison import BETTER, SAME, WORSE, compare
from tspg.analysis.evaluation.criteria import ANSWERS, EvidenceView
from tspg.analysis.evaluation.measure import MEAN_SHIFT, REAL, UNTOUCHED
from tspg.analysis.evaluation.thresholds import ENERGY_DOUBTFUL, ENERGY_PASS, VARIANCE_PASS
from tspg.analysis.evaluation.verdict import QUESTIONS
from tspg.report.page.genes import strongest_genes
from tspg.report.read import RunFiles
from tspg.utils.text import counted, listed, number, percent

_DOUBTFUL_CLASSIFIER = 0.8
_CALLED_BEFORE = 0.2
_GENES_NAMED = 6
_TOO_WIDE = 0.5  # of an interval on the axis from 0, like real samples, to 1, not moved
_ALIKE = 1.25  # times as much or as little variance
_SOURCES_NAMED = 2


def findings_of(run: RunFiles) -> list[str]:
    """The answer in up to three sentences: the genes, whether moved samples are called the target, and like it."""
    return [sentence for sentence in (_strongest_genes(run), called_of(run), _alike(run)) if sentence]


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


def _alike(run: RunFiles) -> str:
    """How near moved samples are to real ones by all genes together, compared with a plain shift, and how they vary."""
    own, target = run.evidence(run.method, "energy_ratio"), run.target
    if own is None:
        return ""
    value, low, high = own["value"], own["low"], own["high"]
    how_near = "very close to" if value <= ENERGY_PASS else "near" if value <= ENERGY_DOUBTFUL else ""
    how_near = how_near or ("farther than they started from" if value > 1 else "only part of the way to")
    head = f"By all genes together the perturbed samples are {how_near} real {target} samples"
    if high - low > _TOO_WIDE:
        head = f"How near the perturbed samples are to real {target} samples by all genes together can hardly be told"
    interval = f" (95% interval {number(low)} to {number(high)})" if pd.notna(high - low) else ""
    rest = ""
    simple = run.evidence(MEAN_SHIFT, "energy_ratio")
    if simple is not None and run.method != MEAN_SHIFT:
        outcome = compare(EvidenceView.of(run.tables["evidence"], run.method), MEAN_SHIFT)[0].outcome
        words = {SAME: "cannot be told from it", BETTER: "is farther away", WORSE: "comes nearer"}[outcome]
        difference = "a plain shift by the difference of class means"
        rest += f"; by this measure {difference} {words} ({number(simple['value'], 3)})"
    varies = run.evidence(run.method, "variance_ratio")
    if varies is not None:
        ratio, (least, most) = varies["value"], VARIANCE_PASS
        words = "less than" if ratio < 1 else "more than"
        words = f"somewhat {words}" if least <= ratio <= most else words
        words = "about as much as" if 1 / _ALIKE <= ratio <= _ALIKE else words
        among = f"among themselves they vary {words} real ones do"
        rest += f"; {among} (variance ratio {number(ratio)}, where 1 is right)"
    return (
        f"{head}: energy ratio {number(value, 3)}{interval}, where 0 is like real ones and 1 like the samples "
        f"before{rest}."
    )


def _strongest_genes(run: RunFiles) -> str:
    """The genes that lead; of runs without a test those moved most over all lists, or of samples without a class."""
    leading, which = strongest_genes(run)
    if leading:
        return f"{leading}{_stable(run, which)}"
    top = run.tables["top_genes"]
    if top.empty:
        return ""
    lists = top[top["sample"] == ""] if (top["sample"] == "").any() else top
    strength = lists.groupby(["direction", "gene"])["perturbation"].sum().abs()
    parts, named = [], []
    for direction in ("up", "down"):
        if direction in strength.index:
            names = [str(gene) for gene in strength[direction].nlargest(_GENES_NAMED).index]
            named += [(direction, gene) for gene in names]
            parts.append(f"{'raises' if direction == 'up' else 'lowers'} most: {', '.join(names)}")
    return f"The model {'; it '.join(parts)}.{_stable(run, named)}"


def _stable(run: RunFiles, named: list[tuple[str, str]]) -> str:
    """Which of the genes that were named an audit found again; empty where there was none."""
    table = run.tables["stable_genes"]
    if table.empty:
        return ""
    rows = table[table["stable"] == "yes"].astype({"direction": str, "gene": str, "source_class": str})
    sources = rows.groupby(["direction", "gene"])["source_class"].agg(list).to_dict()
    found = []
    for way, gene in named:
        if of := sources.get((way, gene)):
            where = listed(of) if len(of) <= _SOURCES_NAMED else f"{len(of):,} source classes"
            found.append(f"{gene} (from {where})")
    who = f"Of them {listed(found)} also {'leads' if len(found) == 1 else 'lead'}" if found else "None of them leads"
    return f" {who} in fits with samples drawn anew."


def verdict_in_short(run: RunFiles) -> str:
    """The six answers in one line; empty without a verdict."""
    answers: dict[str, list[str]] = {}
    for name, found in run.verdict.items():
        answers.setdefault(str(found["answer"]), []).append(QUESTIONS[name].rstrip("?").lower())
    lines = [f"{answer}: {', '.join(answers[answer])}" for answer in ANSWERS if answer in answers]
    return f"Verdict: {'; '.join(lines)}. The report says why." if lines else ""


def cautions_of(run: RunFiles) -> list[str]:
    """What a careful reader should know besides the verdict: about the classifier f, then about the data."""
    elsewhere = "How far to believe the model was measured in the run that trained it; see that run's report."
    return [*([] if run.verdict else [elsewhere]), *_cautions_of_f(run), *_data_notes(run)]


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
