"""Collections of gene sets, each tested for enrichment as a category of its own."""

import lzma
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tspg.data.demo import EMBEDDED, GENE_SETS_FILE, demo_gene_sets
from tspg.data.genesets import GeneSets, gene_sets_of, read_gene_sets
from tspg.errors import GeneSetError

_ENDING = re.compile(r"(\.(gmt|gmx|grp|json))?(\.(gz|bz2|xz|zst))?$")
DEFAULT = "default"  # means the embedded annotations among the user's own files


@dataclass(frozen=True)
class Annotation:
    """Gene sets of one category, such as `GO BP`, and where they come from.

    Examples
    --------
    >>> own = tspg.Annotation("OWN", tspg.read_gene_sets("sets.gmt"), "my collection")
    >>> own.category
    'OWN'
    """

    category: str
    gene_sets: GeneSets
    origin: str


class Carried(NamedTuple):
    """An annotation that `tspg` carries."""

    category: str
    file: str
    origin: str


MSIGDB = "MSigDB 2023.2.Hs, CC BY 4.0"
CARRIED = (
    Carried("Hallmark", GENE_SETS_FILE, f"{MSIGDB} (Liberzon 2015)"),
    Carried("Reactome", "c2.cp.reactome.v2023.2.Hs.symbols.gmt.xz", f"{MSIGDB}; Reactome"),
    Carried("WikiPathways", "c2.cp.wikipathways.v2023.2.Hs.symbols.gmt.xz", f"{MSIGDB}; WikiPathways"),
    Carried("GO BP", "c5.go.bp.v2023.2.Hs.symbols.gmt.xz", f"{MSIGDB}; Gene Ontology, biological process"),
    Carried("GO CC", "c5.go.cc.v2023.2.Hs.symbols.gmt.xz", f"{MSIGDB}; Gene Ontology, cellular component"),
    Carried("GO MF", "c5.go.mf.v2023.2.Hs.symbols.gmt.xz", f"{MSIGDB}; Gene Ontology, molecular function"),
)


@cache
def carried_annotations() -> tuple[Annotation, ...]:
    """Hallmark, Reactome, WikiPathways and the three Gene Ontologies: 12,994 sets of human genes."""

    def gene_sets(file: str) -> GeneSets:
        if file == GENE_SETS_FILE:
            return demo_gene_sets()
        return gene_sets_of(lzma.decompress((EMBEDDED / file).read_bytes()).decode(), file)

    return tuple(Annotation(category, gene_sets(file), origin) for category, file, origin in CARRIED)


def read_annotations(given: Sequence[str]) -> tuple[Annotation, ...]:
    """The annotations that a user names; by default those that `tspg` carries.

    Parameters
    ----------
    given
        Each is a file of gene sets, whose name becomes the category; CATEGORY=FILE; or `default`, the carried ones.
        Two files of one category are joined.

    Raises
    ------
    GeneSetError
        If a file is missing or damaged, or a set's name occurs twice in a category.

    Examples
    --------
    >>> own = tspg.read_annotations(["MINE=sets.gmt", "default"])
    >>> [one.category for one in own]
    ['Hallmark', 'Reactome', 'WikiPathways', 'GO BP', 'GO CC', 'GO MF', 'MINE']
    """
    found = list(carried_annotations()) if DEFAULT in given or not given else []
    taken = {one.category for one in found}
    named: dict[str, list[Path]] = {}
    for category, path in _named_files(given):
        named.setdefault(category, []).append(path)
    for category, paths in named.items():
        if not category or category in taken:
            raise GeneSetError(
                f"--annotations {category}={paths[0]}: the category "
                f"{'is built in' if category else 'has no name'}. Choose another name: NAME=FILE.gmt."
            )
        found.append(Annotation(category, read_gene_sets(*paths), ", ".join(path.name for path in paths)))
    return tuple(found)


def annotation_files(given: Sequence[str]) -> list[Path]:
    """The files among the annotations that a user names."""
    return [path for _, path in _named_files(given)]


def _named_files(given: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Category and file of every word but `default`."""
    for word in given:
        category, equals, file = word.partition("=")
        if equals and not Path(word).exists():
            yield category, Path(file)
        elif word != DEFAULT:
            yield _ENDING.sub("", Path(word).name), Path(word)
