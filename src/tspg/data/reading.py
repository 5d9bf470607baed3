"""How an expression file is read: asked for by a user, kept in the manifest, done again by an audit."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from anndata import AnnData

from tspg.data.collect import Selection
from tspg.data.expression import read_once

PATHS = ("expression", "labels")


@dataclass(frozen=True)
class Reading:
    """Everything that decides the numbers and labels that come of an expression file; as in `read_expression`."""

    expression: Path
    labels: Path | None = None
    label_column: str | None = None
    sample_column: str | None = None
    layer: str | None = None
    value: str | None = None
    transpose: bool = False
    transform: str = "auto"
    duplicates: str = "error"

    def read(self, genes: Selection = None, **limits: Any) -> AnnData:
        """The labelled matrix; `limits` say what is refused, accepted or done otherwise (see `read_once`)."""
        options = {name: value for name, value in vars(self).items() if name != "expression"}
        return read_once(self.expression, [genes], **{**options, **limits}).select(genes)

    def seen_from(self, folder: Path) -> dict[str, Any]:
        """As a manifest keeps it: plain values, paths as seen from the run folder."""
        here = folder.resolve()
        kept = {name: getattr(self, name) for name in PATHS}
        paths = {name: None if path is None else os.path.relpath(path.resolve(), here) for name, path in kept.items()}
        return {**asdict(self), **paths}

    @classmethod
    def kept_in(cls, folder: Path, kept: Mapping[str, Any]) -> Self:
        """The reading that a run folder's manifest keeps; what an older one does not know is as it was then."""
        kept = {"transform": "none", **kept}
        known = {field.name: kept[field.name] for field in fields(cls) if field.name in kept}
        paths = {name: folder.resolve() / known[name] for name in PATHS if known.get(name)}
        return cls(**{**known, **paths})
