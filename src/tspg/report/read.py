"""The files of a run folder; what is missing stays empty."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from tspg.analysis.evaluation.migration import complete_evidence
from tspg.analysis.evaluation.thresholds import ENRICHED
from tspg.analysis.evaluation.verdict import QUESTIONS, answer_questions
from tspg.analysis.interpretation.perturbations import opened_perturbations
from tspg.data.readers.hdf5_safety import read_part
from tspg.errors import ModelError
from tspg.utils.files import read_json, read_table
from tspg.utils.lock import MANIFEST
from tspg.utils.untrusted import check_folder, require_consistent

READ_IF_ENRICHED = ("enrichment", "enrichment_ranked")  # of these the page shows significant terms alone


class Tables(dict[str, pd.DataFrame]):
    """The tables of a run folder, each read when it is first used; a missing one is empty."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __missing__(self, name: str) -> pd.DataFrame:
        """Read `name`.tsv."""
        path = self._folder / f"{name}.tsv"
        try:
            below = ("q_value", ENRICHED) if name in READ_IF_ENRICHED else None
            table = read_table(path, below=below) if path.is_file() else pd.DataFrame()
            self[name] = complete_evidence(table) if name in ("evidence", "test_evidence") else table
        except (KeyError, ValueError, TypeError, NotImplementedError) as error:  # such as a p-value that is a word
            raise ModelError(f"{path}: is no readable table ({error}). Run again or restore the file.") from error
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
    reading: dict[str, Any]  # how the expression file was read; empty where the folder has no manifest yet

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
        stored, evidence, controls = self.metric("verdict"), self.tables["evidence"], self.tables["controls"]
        if isinstance(stored, dict) and set(stored) <= set(QUESTIONS):
            return stored
        if evidence.empty:
            return {}
        known = controls if len(controls) else None
        return answer_questions(evidence, method=self.method, controls=known, test_evidence=self.test_evidence)

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

    @property
    def new_classes(self) -> dict[str, Any]:
        """The classes of the moved samples that the model was not trained on; none in the folder of its own run."""
        return dict(self.metric("data.new_classes") or {})

    @property
    def n_classes(self) -> int:
        """How many classes the classifier f knows; 0 where the folder does not say."""
        return len(self.facts.get("classes", [])) or len(self.metric("data.classes") or {})

    @property
    def is_of_training(self) -> bool:
        """Whether the model was trained in this run; not so in the folder of `tspg perturb`."""
        return self.metric("data.n_train") is not None

    def metric(self, path: str) -> Any:
        """One entry of `metrics.json`, its path written with dots; None where it is missing."""
        found: Any = self.metrics
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def rows(self, table: str, **where: str) -> pd.DataFrame:
        """The rows of a table whose columns have these values; empty where there is no such table."""
        found = self.tables[table]
        for column, value in where.items() if len(found) else ():
            found = found[found[column] == value]
        return found

    def evidence(self, method: str, measure: str) -> dict[str, Any] | None:
        """One row of `evidence.tsv`; None where it is missing or holds no number."""
        found = self.evidence_row(method, measure)
        return None if found is None or pd.isna(found["value"]) else found

    def evidence_row(self, method: str, measure: str) -> dict[str, Any] | None:
        """One row of `evidence.tsv`, with or without a number; None where it is missing."""
        rows = self.rows("evidence", method=method, measure=measure)
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
    path = folder / "perturbations.h5ad"
    if not path.is_file():
        return _run_files(folder, {}, pd.DataFrame())
    with opened_perturbations(path) as file:  # without the matrices: those of a large study may not fit into memory
        facts, obs = read_part(file["uns"]["tspg"]), read_part(file["obs"])
        if not isinstance(facts, dict) or not isinstance(obs, pd.DataFrame):
            raise ValueError("no facts about moved profiles, or no table of samples")
    return _run_files(folder, facts, obs)


def _run_files(folder: Path, facts: dict[str, Any], obs: pd.DataFrame) -> RunFiles:
    metrics, model = _json(folder / "metrics.json"), _json(folder / "model" / "model.json")
    reading = _json(folder / MANIFEST).get("reading", {})
    if not isinstance(reading, dict):
        raise ModelError(f"{folder / MANIFEST}: reading holds no JSON object. Run again or restore the file.")
    return RunFiles(folder, metrics, model, facts, obs, Tables(folder), reading)


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


def unseen_energy_ratio(run_dir: Path) -> float | None:
    """The energy ratio of the worst class that an audit left out of training; None where none was measured."""
    with require_consistent(run_dir):
        run = _run_files(run_dir, {}, pd.DataFrame())
        rows = run.rows("controls", control="leave_one_class_out", measure="energy_ratio")
        return None if rows.empty or rows["value"].isna().all() else float(rows["value"].iloc[0])


def verdict_of_run(run_dir: Path) -> dict[str, dict[str, Any]]:
    """The verdict on a trained model, by question; empty where there is none."""
    with require_consistent(run_dir):
        return _run_files(run_dir, {}, pd.DataFrame()).verdict
