"""The part of a matrix that one gene set needs, on disk in a form that is mapped into memory, not read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata import AnnData

from tspg.data.genesets import GeneSet
from tspg.data.quantiles import KEY, Quantiles
from tspg.errors import ModelError
from tspg.utils.files import fingerprint, read_json, whole_file, write_json
from tspg.utils.untrusted import is_plain

PROFILES, ABOUT = "profiles.npy", "study.json"


def write_matrix(folder: Path, adata: AnnData, gene_set: GeneSet | None) -> None:
    """Write labelled expression of a gene set; what the samples are is written once for all gene sets beside it."""
    obs, var = ({column: part[column].tolist() for column in part.columns} for part in (adata.obs, adata.var))
    about = dict(adata.uns["tspg_input"])
    samples = {
        "samples": list(map(str, adata.obs_names)),
        "obs": obs,
        "panel": about.pop("panel", None),
        "matrix_genes": about.pop("matrix_genes", None),
        "quantiles": None,
    }
    found = Quantiles.of(adata) if KEY in adata.obsm else None
    if found is not None:
        quantiles = found.values
        samples["quantiles"] = f"quantiles-{fingerprint(quantiles.tobytes().hex())}.npy"
        if not _holds(folder.parent / samples["quantiles"], quantiles):
            _write_array(folder.parent / samples["quantiles"], quantiles)
    shared = folder.parent / f"samples-{fingerprint(json.dumps(samples))}.json"
    if not _holds(shared, samples):
        write_json(shared, samples)
    _write_array(folder / PROFILES, adata.X)
    content = {
        "samples": shared.name,
        "genes": list(map(str, adata.var_names)),
        "var": var,
        "about": about,
        "gene_set": None if gene_set is None else {"name": gene_set.name, "genes": list(gene_set.genes)},
    }
    write_json(folder / ABOUT, content)


def _write_array(path: Path, values: Any) -> None:
    with whole_file(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.ascontiguousarray(values, dtype=np.float32), allow_pickle=False)


def _holds(path: Path, content: Any) -> bool:
    """Whether a file is there with this content."""
    try:
        if path.suffix == ".npy":
            return np.array_equal(np.load(path, allow_pickle=False), content)
        return bool(read_json(path) == content)
    except (OSError, ValueError):
        return False


def has_matrix(folder: Path) -> bool:
    """Whether a matrix is there whole."""
    try:
        open_matrix(folder)
    except ModelError:
        return False
    return True


def open_matrix(folder: Path) -> tuple[AnnData, GeneSet | None]:
    """The expression of a gene set as it was read from the user's files, and the gene set; X is mapped into memory.

    Raises
    ------
    ModelError
        If it is not there or was changed.
    """
    try:
        about = read_json(folder / ABOUT)
        samples = read_json(_beside(folder, about["samples"]))
        values = np.load(folder / PROFILES, mmap_mode="r", allow_pickle=False)
        obs = pd.DataFrame(samples["obs"], index=pd.Index(samples["samples"], dtype=object), dtype=object)
        genes = pd.Index(about["genes"], dtype=object)
        var = pd.DataFrame(about.get("var", {}), index=genes, dtype=object)  # 0.1.0 did not keep it
        of_matrix = samples.get("matrix_genes")
        known = {"matrix_genes": of_matrix} if of_matrix else {}
        adata = AnnData(X=values, obs=obs, var=var, uns={"tspg_input": {**about["about"], **known}})
        if samples["quantiles"] is not None:
            quantiles = np.load(_beside(folder, samples["quantiles"]), allow_pickle=False)
            Quantiles(tuple(samples["panel"]), quantiles).attach(adata)
        gene_set = about["gene_set"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder}: the prepared matrix is damaged ({error}). Delete this folder and go on."
        ) from error
    return adata, None if gene_set is None else GeneSet(gene_set["name"], tuple(gene_set["genes"]))


def _beside(folder: Path, name: str) -> Path:
    """A file that the matrices of all gene sets share."""
    if not is_plain(name):
        raise ValueError(f"it needs {name!r}, which is no file beside it")
    return folder.parent / name
