"""Perturbations on disk and the few questions that every analysis asks of them."""

from pathlib import Path

import anndata
from anndata import AnnData

from tspg.errors import ModelError
from tspg.files import whole_file


def read_perturbations(path: str | Path) -> AnnData:
    """The moved profiles of a finished run: give its folder or its `perturbations.h5ad`.

    Raises
    ------
    ModelError
        If there is no such file or it cannot be read.
    """
    file = Path(path)
    file = file / "perturbations.h5ad" if file.is_dir() else file
    if not file.is_file():
        raise ModelError(f"{file}: there is no such file. Give the folder of a finished run.")
    try:
        return anndata.read_h5ad(file)
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{file}: cannot be read ({error}). Run again or restore the file.") from error


def write_perturbations(perturbations: AnnData, path: Path) -> None:
    """Write the moved profiles as a whole file."""
    with whole_file(path) as temporary:
        perturbations.write_h5ad(temporary)


def target_class_of(perturbations: AnnData) -> str:
    """The class that the profiles were moved to."""
    return str(perturbations.uns["tspg"]["target_class"])


def source_classes_of(perturbations: AnnData) -> list[str]:
    """The classes that were moved, those with a sample here, in alphabetical order; never the target."""
    target = target_class_of(perturbations)
    return sorted({str(name) for name in perturbations.obs["source_class"]} - {target, ""})
