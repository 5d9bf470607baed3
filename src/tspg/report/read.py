"""What a run folder says about itself, read file by file; whatever is not there stays empty."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.migration import complete_evidence
from tspg.analysis.evaluation.thresholds import DOUBTFUL, ENRICHED, FAIL
from tspg.analysis.evaluation.verdict import QUESTIONS, answer_questions
from tspg.analysis.interpretation.perturbations import opened_perturbations
from tspg.data.readers.hdf5_safety import read_part
from tspg.errors import ModelError
from tspg.utils.files import read_json, read_table
from tspg.utils.untrusted import check_folder, require_consistent

SHOWN_IF_ENRICHED = ("enrichment", "enrichment_ranked")  # of these the page shows significant terms alone


class Tables(dict[str, pd.DataFrame]):
    """The tables of a run folder, each read when it is first asked for; one that is not there is empty."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, name: str) -> pd.DataFrame:
        """Read `name`.tsv."""
        below = ("q_value", ENRICHED) if name in SHOWN_IF_ENRICHED else None
        self[name] = _table(self._folder / f"{name}.tsv", below)
        return self[name]


@dataclass(frozen=True)
class RunFiles:
    """The small files of a run folder; of `perturbations.h5ad` labels and facts, not the matrices."""

    folder: Path
    metrics: dict[str, Any]
    model: dict[str, Any]
    facts: dict[str, Any]
    obs: pd.DataFrame
    tables: Tables

    @property
    def target(self) -> str:
        """The class that profiles were moved to."""
        return str(self.facts.get("target_class") or self.model.get("target_class") or "the target class")

    @property
    def method(self) -> str:
        """The name of what moved the profiles: `generator`, or a method in closed form."""
        return str(self.facts.get("method") or self.settings.get("method") or "generator")

    @cached_property
    def verdict(self) -> dict[str, dict[str, Any]]:
        """The six answers of `metrics.json`; from the evidence where an older run has none, or other questions."""
        found, table = self.metric("verdict"), self.tables["evidence"]
        if isinstance(found, dict) and set(found) <= set(QUESTIONS):
            return found
        controls = self.tables["controls"]
        if table.empty:
            return {}
        told = controls if len(controls) else None
        return answer_questions(table, method=self.method, controls=told, test_evidence=self.test_evidence)

    @property
    def test_evidence(self) -> pd.DataFrame | None:
        """The evidence on a second cohort; None where there was none."""
        table = self.tables["test_evidence"]
        return table if len(table) else None

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration of the experiment; empty where no model was saved."""
        return dict(self.model.get("settings", {}))

    @property
    def sources(self) -> list[str]:
        """The classes that were moved and have samples here."""
        if "source_class" not in self.obs:
            return [str(name) for name in self.model.get("source_classes", [])]
        moved = {str(name) for name in self.facts.get("source_classes", [])}
        return sorted(moved & set(self.obs["source_class"].astype(str)))

    def metric(self, path: str) -> Any:
        """One entry of `metrics.json`, its place written with dots; None where there is none."""
        found: Any = self.metrics
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def evidence(self, method: str, measure: str) -> dict[str, Any] | None:
        """One row of `evidence.tsv`; None where it is missing or holds no number."""
        found = self.evidence_row(method, measure)
        return None if found is None or pd.isna(found["value"]) else found

    def evidence_row(self, method: str, measure: str) -> dict[str, Any] | None:
        """One row of `evidence.tsv`, with or without a number; None where it is missing."""
        table = self.tables["evidence"]
        if table.empty:
            return None
        rows = table[(table["method"] == method) & (table["measure"] == measure)]
        return None if rows.empty else {str(key): value for key, value in rows.iloc[0].items()}


def read_run(run_dir: Path) -> RunFiles:
    """Read what the report needs from a run folder, or from that of `tspg perturb`.

    Raises
    ------
    ModelError
        If there is no such folder, it holds links, or a file in it is damaged.
    """
    folder = Path(run_dir)
    if not folder.is_dir():
        raise ModelError(f"{folder}: there is no such folder. Give the folder of a finished run.")
    check_folder(folder)
    facts, obs = _labels(folder / "perturbations.h5ad")
    metrics, model = _json(folder / "metrics.json"), _json(folder / "model" / "model.json")
    return RunFiles(folder, metrics, model, facts, obs, Tables(folder))


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = read_json(path)
    except ValueError as error:
        raise ModelError(f"{path}: is no readable JSON ({error}). Run again or restore the file.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: holds no JSON object. Run again or restore the file.")
    return content


def _table(path: Path, below: tuple[str, float] | None) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    try:
        table = read_table(path, below=below)
        return complete_evidence(table) if path.stem in ("evidence", "test_evidence") else table
    except (KeyError, ValueError, TypeError, NotImplementedError) as error:  # such as a p-value that is a word
        raise ModelError(f"{path}: is no readable table ({error}). Run again or restore the file.") from error


def _labels(path: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """Facts and sample labels alone: the matrices of a large study would not fit beside everything else."""
    if not path.is_file():
        return {}, pd.DataFrame()
    with opened_perturbations(path) as file:
        facts, obs = read_part(file["uns"]["tspg"]), read_part(file["obs"])
        if not isinstance(facts, dict) or not isinstance(obs, pd.DataFrame):
            raise ValueError("no facts about moved profiles, or no table of samples")
    return facts, obs


def new_classes(run: RunFiles) -> dict[str, Any]:
    """The classes of the moved samples that the model was not trained on; none on the page of its own run."""
    return dict(run.metric("data.new_classes") or {})


def unseen_energy_ratio(run_dir: Path) -> float | None:
    """How far samples of a class that was left out of training stay from the target, by the audit of a run.

    The energy ratio of the worst class; None where there was no audit, or it could not be measured.
    """
    with require_consistent(run_dir):
        table = Tables(run_dir)["controls"]
        if table.empty:
            return None
        rows = table[(table["control"] == "leave_one_class_out") & (table["measure"] == "energy_ratio")]["value"]
        return None if rows.isna().all() else float(rows.iloc[0])


def warnings_of_run(run_dir: Path) -> list[str]:
    """What the verdict on a trained model says against it; nothing where there is no verdict."""
    with require_consistent(run_dir):
        metrics, model = _json(run_dir / "metrics.json"), _json(run_dir / "model" / "model.json")
        verdict = RunFiles(run_dir, metrics, model, {}, pd.DataFrame(), Tables(run_dir)).verdict
        spoken = [answer["sentence"] for answer in verdict.values() if answer.get("answer") in (FAIL, DOUBTFUL)]
        return [f"About the model itself: {sentence}" for sentence in spoken]
