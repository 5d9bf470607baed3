"""The part of a matrix that one gene set needs, on disk in a form that is mapped into memory, not read."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.data.genesets import GeneSet
from tspg.errors import ModelError
from tspg.files import fingerprint, read_json, whole_file, write_json
from tspg.strangers import is_plain

PROFILES, STUDY = "profiles.npy", "study.json"


def write_study(folder: Path, adata: AnnData, gene_set: GeneSet | None) -> None:
    """Write labelled expression of a gene set; what the samples are is written once for all gene sets beside it."""
    obs = {column: adata.obs[column].tolist() for column in adata.obs.columns}
    samples = {"samples": list(map(str, adata.obs_names)), "obs": obs}
    shared = folder.parent / f"samples-{fingerprint(json.dumps(samples))}.json"
    if not _holds(shared, samples):
        write_json(shared, samples)
    with whole_file(folder / PROFILES) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.ascontiguousarray(adata.X, dtype=np.float32), allow_pickle=False)
    write_json(
        folder / STUDY,
        {
            "samples": shared.name,
            "genes": list(map(str, adata.var_names)),
            "about": adata.uns["tspg_input"],
            "gene_set": None if gene_set is None else {"name": gene_set.name, "genes": list(gene_set.genes)},
        },
    )


def _holds(path: Path, content: object) -> bool:
    try:
        return bool(read_json(path) == content)
    except (OSError, ValueError):
        return False


def has_study(folder: Path) -> bool:
    """Whether a study is there whole."""
    try:
        open_study(folder)
    except ModelError:
        return False
    return True


def open_study(folder: Path) -> tuple[AnnData, GeneSet | None]:
    """The expression of a gene set as it was read from the user's files, and the gene set; X is mapped into memory.

    Raises
    ------
    ModelError
        If it is not there or was changed.
    """
    try:
        described = read_json(folder / STUDY)
        if not is_plain(described["samples"]):
            raise ValueError(f"samples in {described['samples']!r}, which is no file beside it")
        samples = read_json(folder.parent / described["samples"])
        values = np.load(folder / PROFILES, mmap_mode="r", allow_pickle=False)
        obs = pd.DataFrame(samples["obs"], index=pd.Index(samples["samples"], dtype=object), dtype=object)
        var = pd.DataFrame(index=pd.Index(described["genes"], dtype=object))
        adata = AnnData(X=values, obs=obs, var=var, uns={"tspg_input": described["about"]})
        found = described["gene_set"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder}: the prepared matrix is damaged ({error}). Delete this folder and go on."
        ) from error
    return adata, None if found is None else GeneSet(found["name"], tuple(found["genes"]))
