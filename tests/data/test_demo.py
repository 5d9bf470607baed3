"""The embedded data are what their source says, and stay what they are."""

import hashlib
import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType

import anndata
import numpy as np
import pytest

from tspg.data import demo

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "tcga_coadread/tcga_coadread.h5ad"
GENE_SETS_SOURCE = f"genesets/{demo.GENE_SETS_FILE}"
FINGERPRINTS = {
    demo.VALUES_FILE: "346a3e069c66b59415aa83b393757ff27f06eabc78bd82ed756f6200bc62ff51",
    demo.SAMPLES_FILE: "27015d1609ab31eb21842bfa66a2c467ffae313fb41093ef9954b287097e6ef7",
    demo.GENES_FILE: "6b5e8da8c2ebef4bcf57d0586a7190cc2259ba5932f22c20d237b4fcdc6f32a6",
    demo.GENE_SETS_FILE: "c0943042b9d253786bc76644233de3af96b777d3fa6ae848fb90f09406c7011d",
}

# of the same genes of the source, as little-endian float32, sample after sample
SOURCE_MATRIX = "6770eb7e0544703b0ec4dfcfe3b760e051cb305c78e6e71d7018291c7131a2d0"


@pytest.fixture(scope="module")
def demo_matrix() -> anndata.AnnData:
    return demo.demo_data()


@pytest.fixture(scope="module")
def pack_demo() -> ModuleType:
    """The packing script as a module; a source distribution carries it, an installed package does not."""
    spec = importlib.util.spec_from_file_location("pack_demo", ROOT / "scripts" / "pack_demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_embedded_file_is_unchanged(name: str) -> None:
    assert hashlib.sha256((demo.EMBEDDED / name).read_bytes()).hexdigest() == FINGERPRINTS[name]


def test_demo_matrix_is_an_expression_matrix(demo_matrix: anndata.AnnData) -> None:
    assert demo_matrix.shape == (459, 4218)
    assert demo_matrix.X.dtype == np.float32
    assert demo_matrix.X.flags.c_contiguous
    assert np.isfinite(demo_matrix.X).all()
    assert demo_matrix.obs_names.is_unique
    assert demo_matrix.var_names.is_unique
    assert set(demo_matrix.uns["tspg_input"]) == {"file", "notes"}


def test_demo_labels_have_the_known_counts(demo_matrix: anndata.AnnData) -> None:
    # counts of the data set's own description
    assert Counter(demo_matrix.obs["subtype"]) == {"GI.CIN": 328, "GI.MSI": 63, "GI.GS": 58, "GI.HM-SNV": 10}
    assert Counter(demo_matrix.obs["platform_block"]) == {"complete": 344, "missing_block": 115}
    assert Counter(demo_matrix.obs["cancer_type"]) == {"COAD": 341, "READ": 118}
    assert demo_matrix.obs["patient"].is_unique
    assert all(type(value) is str for column in demo_matrix.obs for value in demo_matrix.obs[column])


def test_demo_matrix_has_the_fingerprint_of_its_source(demo_matrix: anndata.AnnData) -> None:
    assert hashlib.sha256(demo_matrix.X.astype("<f4").tobytes()).hexdigest() == SOURCE_MATRIX


def test_demo_matrix_equals_its_source(demo_matrix: anndata.AnnData, shared_data: Path) -> None:
    source = anndata.read_h5ad(shared_data / SOURCE)[:, demo_matrix.var_names]
    assert list(demo_matrix.obs_names) == list(source.obs_names)
    np.testing.assert_array_equal(demo_matrix.X, source.X)
    for column in demo_matrix.obs:
        assert list(demo_matrix.obs[column]) == list(source.obs[column])


def test_demo_gene_sets_are_the_fifty_hallmarks(demo_matrix: anndata.AnnData) -> None:
    gene_sets = demo.demo_gene_sets()
    apoptosis = gene_sets["HALLMARK_APOPTOSIS"]
    assert len(gene_sets) == 50
    assert "CASP3" in apoptosis.genes
    assert len(set(apoptosis.genes) & set(demo_matrix.var_names)) > 0.9 * len(apoptosis.genes)


def test_two_calls_share_nothing() -> None:
    first = demo.demo_data()
    first.X[:] = 0
    first.uns["tspg_input"]["notes"].clear()
    second = demo.demo_data()
    assert second.X.max() > 19
    assert second.uns["tspg_input"]["notes"]


@pytest.mark.slow
def test_packing_again_gives_the_same_content(
    pack_demo: ModuleType,
    demo_matrix: anndata.AnnData,
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pack_demo.pack(shared_data / SOURCE, shared_data / GENE_SETS_SOURCE, tmp_path)
    for name in (demo.SAMPLES_FILE, demo.GENES_FILE, demo.GENE_SETS_FILE):
        assert (tmp_path / name).read_bytes() == (demo.EMBEDDED / name).read_bytes()
    # another xz may pack the same values into other bytes
    monkeypatch.setattr(demo, "EMBEDDED", tmp_path)
    np.testing.assert_array_equal(demo.demo_data().X, demo_matrix.X)


@pytest.mark.parametrize("value", [1.0005, -1.0, 65.536])
def test_packing_refuses_values_that_it_would_change(pack_demo: ModuleType, value: float) -> None:
    with pytest.raises(SystemExit):
        pack_demo.byte_planes(np.array([[1.0, value]], dtype=np.float32))


def test_byte_planes_by_hand(pack_demo: ModuleType) -> None:
    # 19.771 is 19771 thousandths = 77 x 256 + 59; genes come first
    planes = pack_demo.byte_planes(np.array([[0.0, 19.771], [0.255, 0.256]], dtype=np.float32))
    assert planes.tolist() == [[[0, 0], [77, 1]], [[0, 255], [59, 0]]]
