"""Finished controls, kept in the run folder so that an audit that was stopped goes on where it was."""

from pathlib import Path
from typing import Any

from tspg._version import __version__
from tspg.audit.outcome import Outcome
from tspg.utils.files import read_json, write_json

FOLDER = "audit"
FORMAT = 2  # of what a control writes into its rows: finished ones of another format are carried out again


def key_of(model_id: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What a stored control belongs to: a model, the settings of the audit, and the version of the program."""
    return {"model_id": model_id, "settings": settings, "version": __version__, "format": FORMAT}


def load_outcome(folder: Path, name: str, key: dict[str, Any]) -> Outcome | None:
    """A control that was finished before; None if there is none, or it belongs to anything else."""
    try:
        stored = read_json(folder / FOLDER / f"{name}.json")
        if stored["belongs_to"] != key:
            return None
        return Outcome.from_dict(stored["outcome"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # not there, or damaged: it is carried out again


def store_outcome(folder: Path, name: str, key: dict[str, Any], outcome: Outcome) -> None:
    """Keep a finished control."""
    write_json(folder / FOLDER / f"{name}.json", {"belongs_to": key, "outcome": outcome.as_dict()})
