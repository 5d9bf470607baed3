"""What the official files have in common: where they lie, and genes that are named by Ensembl ids with versions."""
# ruff: noqa: T201 - a script that people run

from collections.abc import Sequence
from pathlib import Path

from anndata import AnnData

from tspg.data.identifiers import match_genes


def the_first_there(folder: Path, names: Sequence[str]) -> Path:
    """The first of the named files that is in the folder, as it is or unpacked."""
    for name in names:
        for path in (folder / name, folder / name.removesuffix(".gz")):
            if path.exists():
                return path
    raise SystemExit(
        f"{folder}: none of these files is there: {', '.join(names)}. README.md says where they come from."
    )


def by_symbol(adata: AnnData, symbols: Sequence[str]) -> AnnData:
    """The wanted genes under their symbols; the names in the file stay in `var["ensembl"]`."""
    match = match_genes(symbols, [str(gene) for gene in adata.var_names])
    found = adata[:, list(match.positions)].copy()
    found.var["ensembl"] = list(found.var_names)
    found.var_names = list(match.found)
    print(f"{found.n_vars:,} of {len(symbols):,} genes found; missing: {', '.join(match.missing[:10]) or 'none'}")
    return found
