"""How an expression file is read: one validated object for Python, the command line, sweeps, manifests and audits."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tspg.errors import UsageError
from tspg.utils.options import DUPLICATES, TRANSFORMS

if TYPE_CHECKING:
    from tspg.data.scale import Scale

_PATHS = ("expression", "labels")
_STORED = (*_PATHS, "label_column", "sample_column", "layer", "value", "transpose", "transform", "duplicates")


@dataclass(frozen=True)
class Reading:
    """The options of `read_expression`, where they are described.

    A manifest stores those that decide which numbers and labels come out (`_STORED`); the others say what is
    accepted. `labels_option` names the option that gave the labels, for messages.

    Raises
    ------
    UsageError
        If `transform` or `duplicates` is not one of the allowed words.
    """

    expression: Path
    labels: Path | None = None
    label_column: str | None = None
    sample_column: str | None = None
    layer: str | None = None
    value: str | None = None
    transpose: bool = False
    transform: "str | Scale" = "auto"
    duplicates: str = "error"
    orient_by_genes: Sequence[str] | None = None
    panel: Sequence[str] | None = None
    allow_unlabelled: bool = False
    max_memory_gb: float | None = None
    strict: bool = False
    refuse_linear: bool = True
    labels_option: str = "--labels"

    def __post_init__(self) -> None:
        for name, words, given in (
            ("transform", TRANSFORMS, self.transform),
            ("duplicates", DUPLICATES, self.duplicates),
        ):
            if isinstance(given, str) and given not in words:
                raise UsageError(f"--{name} {given}: unknown. Choose one of: {', '.join(words)}.")

    def to_manifest(self, folder: Path) -> dict[str, Any]:
        """The stored options as plain values, with paths relative to the run folder."""
        stored = {name: getattr(self, name) for name in _STORED}
        paths = {name: os.path.relpath(stored[name].resolve(), folder.resolve()) for name in _PATHS if stored[name]}
        return stored | paths

    @classmethod
    def from_manifest(cls, folder: Path, stored: Mapping[str, Any]) -> Self:
        """The options that the manifest of a run folder holds; without a transform, values were taken as they are."""
        known = {"transform": "none"} | {name: stored[name] for name in _STORED if name in stored}
        paths = {name: folder.resolve() / known[name] for name in _PATHS if known.get(name)}
        return cls(**{**known, **paths})

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Self:
        """Those of some options of the command line or a sweep file, which call the memory limit `max_memory`."""
        named = {"max_memory_gb": options.get("max_memory"), **options}
        return cls(**{field.name: named[field.name] for field in fields(cls) if named.get(field.name) is not None})
