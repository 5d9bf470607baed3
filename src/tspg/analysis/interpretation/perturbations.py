"""Moved profiles on disk, and the few facts that every analysis needs of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from anndata import AnnData
from anndata.io import write_elem

from tspg.data.readers.hdf5_safety import UNREADABLE, opened_hdf5, read_part
from tspg.data.readers.table import memory_limit
from tspg.errors import InputError, ModelError
from tspg.utils.files import whole_stream
from tspg.utils.names import check_names, shown

_LAYERS = ("original", "perturbation")


@contextmanager
def opened_perturbations(file: Path) -> Iterator[h5py.File]:
    """An open `perturbations.h5ad`, once nothing in it leads to other files or only pretends to be large.

    Raises
    ------
    ModelError
        If it is missing, damaged or unsafe, or reading it fails in the block.
    ResourceError
        If it would not fit into this computer's memory.
    """
    if file.is_symlink():
        raise ModelError(f"{file}: is a link. Put the file itself there; links are not followed.")
    if not file.is_file():
        raise ModelError(f"{file}: there is no such file. Give the folder of a finished run.")
    try:
        with opened_hdf5(file, limit=memory_limit(None), whole=("/",)) as source:
            yield source
    except InputError as error:
        raise ModelError(str(error)) from error
    except UNREADABLE as error:
        raise ModelError(f"{file}: cannot be read ({shown(str(error))}). Run again or restore the file.") from error


def read_perturbations(path: str | Path) -> AnnData:
    """The moved profiles of a finished run: give its folder or its `perturbations.h5ad`.

    Parameters
    ----------
    path
        The folder of a finished run, or its `perturbations.h5ad`.

    Returns
    -------
    AnnData of shape (samples, genes): `X` the moved profiles, layers `original` and `perturbation`, all on the scaled
    [0, 1] axis; `obs` says what f called each sample before and after.

    Raises
    ------
    ModelError
        If there is no such file, it cannot be read, or holds no moved profiles.
    ResourceError
        If it would not fit into this computer's memory.

    Examples
    --------
    >>> moved = tspg.read_perturbations("runs/msi")
    >>> moved.uns["tspg"]["target_class"]
    'GI.MSI'
    >>> sorted(moved.layers)
    ['moved_units', 'original', 'perturbation']
    """
    file = Path(path)
    file = file / "perturbations.h5ad" if file.is_dir() else file
    with opened_perturbations(file) as source:
        found = read_part(source)
        if not isinstance(found, AnnData) or not isinstance(found.uns.get("tspg"), Mapping):
            raise ModelError(f"{file}: holds no moved profiles. Give the folder of a finished run.")
        matrices = (found.X, *(found.layers.get(name) for name in _LAYERS))
        if not all(isinstance(part, np.ndarray) and part.dtype.kind in "fiu" for part in matrices):
            raise ModelError(f"{file}: X and the layers {', '.join(_LAYERS)} must be matrices of numbers. Run again.")
        for what, names in (("sample", found.obs_names), ("gene", found.var_names)):
            check_names(list(map(str, names)), what=what, file=str(file), error=InputError)
    return found


def write_perturbations(adata: AnnData, path: Path) -> None:
    """Write the moved profiles as a whole file."""
    # The oldest format of HDF5 holds the names of a few thousand columns only.
    with whole_stream(path) as stream, h5py.File(stream, "w", libver="v108") as file:
        write_elem(file, "/", adata)


def target_class_of(adata: AnnData) -> str:
    """The class that the profiles were moved to."""
    return str(adata.uns["tspg"]["target_class"])


def source_classes_of(adata: AnnData) -> list[str]:
    """The classes that were moved, those with a sample here, in alphabetical order; never the target."""
    target = target_class_of(adata)
    return sorted({str(name) for name in adata.obs["source_class"]} - {target, ""})
