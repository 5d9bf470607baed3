"""All genes of the user's matrix, read again: the run folder keeps those of its gene set only."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from anndata import AnnData

from tspg.audit.context import RunContext
from tspg.data.demo import demo_data
from tspg.data.expression import read
from tspg.data.matrix import dense
from tspg.data.readers.sample_sheets import input_files
from tspg.data.reading import Reading
from tspg.errors import TspgError
from tspg.report.manifest import input_fingerprints
from tspg.utils.typing import Float32Array

DEMO = "demo"


class NotThereError(Exception):
    """The matrix of the run cannot be read again; the message says why, as a note for `controls.tsv`."""


def located(reading: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """How the files were read, with their paths (kept as seen from the run folder) as seen from here."""
    paths = {key: reading[key] for key in ("expression", "labels") if reading.get(key) not in (None, DEMO)}
    return {**reading, **{key: str(folder.resolve() / path) for key, path in paths.items()}}


def all_genes(context: RunContext, reading: Mapping[str, Any]) -> tuple[Float32Array, list[str]]:
    """Every gene of the matrix for the run's samples, in the user's units, with the genes' names.

    Raises
    ------
    NotThereError
        If the file was moved, has changed, or does not hold these samples and genes.
    """
    adata = demo_data() if reading.get("expression") == DEMO else _read(context, reading)
    rows = adata.obs_names.get_indexer(list(context.dataset.sample_ids))
    genes = [str(gene) for gene in adata.var_names]
    if (rows < 0).any() or not set(context.dataset.gene_ids) <= set(genes):
        raise NotThereError("the expression file does not hold all samples and genes of the run")
    return np.ascontiguousarray(dense(adata)[rows]), genes


def _read(context: RunContext, reading: Mapping[str, Any]) -> AnnData:
    if not reading.get("expression"):
        raise NotThereError("the run folder does not say where the expression file is")
    recorded = context.manifest.get("inputs", {})
    for name in (reading["expression"], reading.get("labels")):
        if name is None:
            continue
        path = Path(name)
        if not path.exists():
            raise NotThereError(f"{path.name} is no longer where it was")
        now = input_fingerprints(input_files(path) if name == reading["expression"] else [path])
        changed = [file for file, fingerprint in now.items() if recorded.get(file) != fingerprint]
        if changed:
            raise NotThereError(f"{changed[0]} is not the file that the run has read")
    try:
        return read(replace(Reading.from_manifest(Path(), reading), allow_unlabelled=True))
    except TspgError as error:
        raise NotThereError(f"the expression file cannot be read again: {error}") from error
