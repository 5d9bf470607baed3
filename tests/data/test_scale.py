"""On what scale values are: planted kinds are found, logarithms are taken once, and odd samples are named."""

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from tspg.data.expression import read_expression
from tspg.data.scale import (
    CENTRED,
    EQUAL_SUMS,
    ESTIMATED_COUNTS,
    LINEAR,
    LINEAR_KINDS,
    LOG_SCALE,
    MIXED,
    OTHER_LOG,
    RANKS,
    RAW_COUNTS,
    UNCLEAR,
    UNEQUAL_SUMS,
    Z_SCORES,
    Scale,
    are_alike,
    match_scale,
    scale_in_words,
)
from tspg.data.scale_detection import scale_of
from tspg.errors import ExpressionError

N, N_GENES = 24, 1500


def simulated(seed=0, n=N, n_genes=N_GENES, spread=2.0):
    """Whole counts of samples of very different depth: negative binomial round log-normal means, a sixth never seen."""
    rng = np.random.default_rng(seed)
    means = rng.lognormal(3, spread, n_genes) * (rng.random(n_genes) > 1 / 6)
    depth = rng.lognormal(0, 0.6, n)
    means = means * depth[:, None] * rng.lognormal(0, 0.3, (n, n_genes))
    return rng.poisson(means * rng.gamma(5, 0.2, means.shape)).astype(float)


def per_million(counts):
    return counts / counts.sum(axis=1, keepdims=True) * 1e6


COUNTS = simulated()
CPM = per_million(COUNTS)
LENGTHS = np.random.default_rng(9).lognormal(7.5, 0.8, N_GENES)
FPKM = CPM / LENGTHS * 1000
TPM = per_million(COUNTS / LENGTHS)
LOG = np.log2(CPM + 1)
RMA = np.sort(np.random.default_rng(5).normal(8, 2, N_GENES).clip(4, 14))[np.argsort(np.argsort(LOG + 1e-6, axis=1))]


def salmon(counts, seed=1):
    """Estimated counts: a third of the genes share reads with another, so they have fractions."""
    rng = np.random.default_rng(seed)
    shared = rng.random(counts.shape[1]) < 1 / 3
    return np.where(shared & (counts > 0), np.round(counts * rng.uniform(0.5, 1, counts.shape), 3), counts)


def z(values):
    return (values - values.mean(axis=0)) / np.where(values.std(axis=0) > 0, values.std(axis=0), 1)


def ranked(values):
    return pd.DataFrame(values).rank(axis=1).to_numpy()


PLANTED = {
    "counts": (COUNTS, RAW_COUNTS),
    "counts of one sample": (COUNTS[:1], RAW_COUNTS),
    "counts of a panel of 50": (COUNTS[:, 100:150], RAW_COUNTS),
    "counts, hardly any above zero": (simulated(3, spread=1.0) // 40, RAW_COUNTS),
    "estimated counts": (salmon(COUNTS), ESTIMATED_COUNTS),
    "estimated counts of one sample": (salmon(COUNTS)[:1], ESTIMATED_COUNTS),
    "counts scaled by length (tximport)": (TPM / 1e6 * COUNTS.sum(axis=1, keepdims=True), UNEQUAL_SUMS),
    "TPM": (TPM, EQUAL_SUMS),
    "TPM, rounded": (TPM.round(), EQUAL_SUMS),
    "shares of a sample": (TPM / 1e6, EQUAL_SUMS),
    "percent of one sample": (TPM[:1] / 1e4, EQUAL_SUMS),
    "log2(CPM + 1), rounded": (LOG.round(), UNCLEAR),
    "log2(CPM + 1) of one sample, rounded": (LOG[:1].round(), UNCLEAR),
    "log2 intensities, rounded": (RMA.round() + np.arange(N)[:, None] % 3, UNCLEAR),
    "counts of single cells": (simulated(5, n=200) // 30 % 30, RAW_COUNTS),
    "counts up to 30": (simulated(6, spread=1.2) // 25 % 31, RAW_COUNTS),
    "TPM of one sample": (TPM[:1], EQUAL_SUMS),
    "CPM, two decimals": (CPM.round(2), EQUAL_SUMS),
    "TPM, all below 30": (TPM / TPM.max() * 25, EQUAL_SUMS),
    "TPM below 30, half of the genes": ((TPM / TPM.max() * 25)[:, ::2], LINEAR),
    "TPM, a panel of 50": (TPM[:, 100:150], LINEAR),
    "FPKM": (FPKM, LINEAR),
    "counts by their size factors (DESeq2)": (
        COUNTS / (COUNTS.sum(axis=1, keepdims=True) / COUNTS.sum(1).mean()),
        None,
    ),
    "log2(CPM + 1)": (LOG, LOG_SCALE),
    "log2(CPM + 1) of one sample": (LOG[:1], LOG_SCALE),
    "log2(CPM + 1), a panel of 50": (LOG[:, 100:150], LOG_SCALE),
    "log2(CPM + 0.01)": (np.log2(CPM + 0.01), LOG_SCALE),
    "log2(FPKM + 1)": (np.log2(FPKM + 1), LOG_SCALE),
    "voom": (np.log2((COUNTS + 0.5) / (COUNTS.sum(axis=1, keepdims=True) + 1) * 1e6), LOG_SCALE),
    "log2 intensities, quantile-normalised": (RMA, LOG_SCALE),
    "intensities": (2**RMA, EQUAL_SUMS),
    "ln(CPM + 1)": (np.log1p(CPM), OTHER_LOG),
    "ln(counts per 10,000 + 1)": (np.log1p(CPM / 100), OTHER_LOG),
    "log10(CPM + 1)": (np.log10(CPM + 1), OTHER_LOG),
    "z-scores of genes": (z(LOG), Z_SCORES),
    "z-scores of genes, cut at 3": (z(LOG).clip(-3, 3), Z_SCORES),
    "z-scores of samples": (z(LOG.T).T, Z_SCORES),
    "centred genes": (LOG - LOG.mean(axis=0), CENTRED),
    "one sample of z-scores": (z(LOG)[:1], UNCLEAR),
    "ranks": (ranked(CPM + np.random.default_rng(2).random(CPM.shape) / 1e6), RANKS),
    "ranks by their number": (ranked(LOG + np.random.default_rng(2).random(LOG.shape) / 1e6) / N_GENES, RANKS),
    "half logarithms, half linear": (np.concatenate([LOG[: N // 2], TPM[N // 2 :]]), MIXED),
    "intensities of proteins": (np.random.default_rng(4).normal(29, 2, (N, 300)), UNCLEAR),
    "shares between 0 and 1": (np.random.default_rng(4).beta(0.5, 0.5, (N, 300)), UNCLEAR),
    "yes or no": (np.random.default_rng(4).integers(0, 2, (N, 300)), UNCLEAR),
    "one value": (np.full((N, 300), 7.0), UNCLEAR),
    "missing written as -999": (np.where(COUNTS < 5, -999, LOG), UNCLEAR),
    "four genes": (LOG[:, :4], LOG_SCALE),
    "four genes of small counts": (COUNTS[:, :4] % 20, UNCLEAR),
}


@pytest.mark.parametrize("name", list(PLANTED))
def test_planted_kinds_are_found_whatever_the_order(name):
    values, kind = PLANTED[name]
    found = scale_of(values.astype(np.float32))
    assert found.kind == kind or (kind is None and found.kind in LINEAR_KINDS), scale_in_words(found)
    rng = np.random.default_rng(8)
    turned = values[rng.permutation(len(values))][:, rng.permutation(values.shape[1])]
    assert scale_of(turned.astype(np.float32)).kind == found.kind
    assert Scale.of_dict(found.as_dict()) == found


REAL = {
    "coadread": ("tcga_coadread/tcga_coadread.h5ad", 1.0),
    "kidney": ("tcga_kidney/tcga_kidney.h5ad", 0.25),
    "flu": ("flu_challenge/flu_challenge.h5ad", 0.0),
    "tissues": ("normal_tissues/normal_tissues.h5ad", 1.0),
}


@pytest.mark.parametrize("name", list(REAL))
def test_real_logarithms_and_what_they_are_of_are_told_apart_and_nobody_is_odd(shared_data, tmp_path, name):
    file, added = REAL[name]
    log = anndata.read_h5ad(shared_data / file)[::3]
    linear = log.copy()
    linear.X = np.maximum(2.0**log.X - added, 0)
    counts = linear.copy()
    counts.X = np.round(linear.X)
    for adata, kinds, transform in (
        (log, (LOG_SCALE,), "auto"),
        (linear, (LINEAR,), "none"),
        (counts, (RAW_COUNTS,), "none"),
    ):
        adata.obs, adata.var = adata.obs.iloc[:, :0], adata.var.iloc[:, :0]
        anndata.AnnData(adata.X.astype(np.float32), adata.obs, adata.var).write_h5ad(tmp_path / "m.h5ad")
        read = read_expression(tmp_path / "m.h5ad", transform=transform)
        assert read.uns["tspg_input"]["scale"]["kind"] in kinds
        assert not [note for note in read.uns["tspg_input"]["notes"] if "sample" in note or "far outside" in note]


def reader(folder, *, turned):
    def read(values, genes_kept=None, **options):
        frame = values if isinstance(values, pd.DataFrame) else framed(values)
        (frame.T if turned else frame).to_csv(folder / "m.tsv", sep="\t", index_label="id")
        return read_expression(folder / "m.tsv", transpose=turned, genes=genes_kept, **options)

    return read


@pytest.fixture
def read(tmp_path):
    return reader(tmp_path, turned=False)


@pytest.fixture(params=["rows", "columns"])
def read_both(request, tmp_path):
    """Statistics of samples are summed in another way where genes are in the rows."""
    return reader(tmp_path, turned=request.param == "columns")


def framed(values, names=None):
    genes = names or [f"G{at}" for at in range(values.shape[1])]
    return pd.DataFrame(np.asarray(values), [f"s{at}" for at in range(len(values))], genes)


def notes_of(adata):
    return " | ".join(adata.uns["tspg_input"]["notes"])


SMALL = COUNTS[:6, :60]


def test_rounded_logarithms_are_a_warning_whatever_is_done_to_them(read):
    for transform in ("auto", "log2"):
        with pytest.raises(ExpressionError, match=r"may be logarithms that were rounded.*--strict"):
            read(LOG.round(), transform=transform, strict=True)


@pytest.mark.parametrize("whole", [1, 100, 25_000])
def test_shares_are_scaled_to_one_million_before_logarithms(read, whole):
    """Logarithms of shares as they are would hardly bend; of TPM and of shares of TPM they are the same."""
    adata = read(TPM / 1e6 * whole, transform="log2")
    np.testing.assert_allclose(adata.X, np.log2(TPM + 1), rtol=1e-4, atol=1e-5)
    assert "scaled to one million each" in notes_of(adata)
    beside_tpm = read(TPM[:3] / 1e6 * whole, transform=learned(TPM, "log2"))
    np.testing.assert_allclose(beside_tpm.X, np.log2(TPM[:3] + 1), rtol=1e-4, atol=1e-5)


def by_hand(frame):
    """Counts per million: every sample alone decides, so one patient is scaled like a cohort."""
    return np.log2(frame.mul(1e6 / frame.sum(axis=1), axis=0) + 1)


@pytest.mark.parametrize("values", [SMALL, salmon(SMALL)], ids=["whole", "estimated"])
def test_counts_are_scaled_to_counts_per_million(read_both, values):
    adata = read_both(values, transform="log2")
    np.testing.assert_allclose(adata.X, by_hand(framed(values)), rtol=1e-5, atol=1e-6)
    assert "counts per million" in notes_of(adata)
    assert adata.uns["tspg_input"]["scale"]["scaled"] is True


def test_libraries_count_all_genes_also_when_few_are_kept(read_both, monkeypatch):
    monkeypatch.setattr("tspg.data.readers.streams.BLOCK", 8)
    adata = read_both(SMALL, ["G9", "G3"], transform="log2")
    np.testing.assert_allclose(adata.X, by_hand(framed(SMALL))[["G3", "G9"]], rtol=1e-5)


@pytest.mark.parametrize("values", [COUNTS, salmon(COUNTS), TPM / 1e6 * COUNTS.sum(axis=1, keepdims=True)])
def test_depth_leaves_no_trace(read_both, values):
    """The same samples sequenced so many times deeper stay the same, so their mean is no function of the depth."""
    times = np.random.default_rng(6).integers(1, 9, N)[:, None]
    deeper = read_both(values * times, transform="log2").X
    np.testing.assert_allclose(deeper, np.log2(per_million(values) + 1), rtol=1e-4, atol=1e-4)


def test_linear_values_of_one_sum_are_not_scaled(read):
    half = TPM[:8] / 1e6 * 3e5
    np.testing.assert_allclose(read(half, transform="log2").X, np.log2(half + 1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("values", [COUNTS, salmon(COUNTS), TPM, FPKM], ids=["counts", "estimated", "TPM", "FPKM"])
def test_linear_values_need_a_word_before_any_work(read, values):
    with pytest.raises(ExpressionError, match=r"m\.tsv: .*Add --transform log2.*--transform none"):
        read(values)
    taken = read(values, transform="none")
    np.testing.assert_allclose(taken.X, values, rtol=1e-6)
    assert "they were taken as they are (--transform none)" in notes_of(taken)
    looked = read(values, refuse_linear=False)
    assert "Add --transform log2" in notes_of(looked)
    with pytest.raises(ExpressionError, match="--strict"):
        read(values, refuse_linear=False, strict=True)


@pytest.mark.parametrize(
    "values", [LOG, np.log2(CPM + 0.01), z(LOG), np.log1p(CPM), np.concatenate([LOG[:12], TPM[12:]])]
)
def test_logarithms_are_taken_once(read, values):
    with pytest.raises(ExpressionError, match=r"log2\(x \+ 1\) is (not )?for.*none|Put all samples on one"):
        read(values, transform="log2")
    for transform in ("auto", "none"):
        np.testing.assert_allclose(read(values, transform=transform).X, values, rtol=1e-5, atol=1e-6)


def test_logarithms_need_no_note_and_what_is_centred_does(read_both):
    assert notes_of(read_both(LOG)) == ""
    for values, says in ((z(LOG), "z-scores"), (np.log1p(CPM), "natural logarithm"), (ranked(LOG), "ranks")):
        assert says in notes_of(read_both(values))
        with pytest.raises(ExpressionError, match="--strict"):
            read_both(values, strict=True)


def test_one_negative_number_among_linear_ones_has_no_log(read_both):
    spoilt = COUNTS.copy()
    spoilt[3, 40] = -10
    with pytest.raises(ExpressionError, match="smallest value is -10"):
        read_both(spoilt, ["G1", "G2"], transform="log2")


def test_a_sample_of_zeros_cannot_be_scaled(read_both):
    spoilt = SMALL.copy()
    spoilt[1] = 0
    with pytest.raises(ExpressionError, match="all counts of sample 's1' are zero"):
        read_both(spoilt, transform="log2")


def spoilt(values, row, by):
    changed = values.copy()
    changed[row] = by
    return changed


def with_cell(values, value):
    changed = values.copy()
    changed[4, 77] = value
    return changed


HALF = N // 2
ODD = {
    "half natural logarithms": (
        np.concatenate([np.log1p(CPM[:HALF]), LOG[HALF:]]).round(3),
        MIXED,
        "values like (?:natural logarithms, the others like log2|log2, the others like natural logarithms)",
    ),
    "a sample of natural logarithms": (
        spoilt(LOG, 4, np.log1p(CPM[4])),
        LOG_SCALE,
        "like natural logarithms, the others like log2: 's4'",
    ),
    "a sample of log10, sums of a third": (
        spoilt(np.log2(CPM / 3 + 1), 4, np.log10(CPM[4] / 3 + 1)),
        LOG_SCALE,
        "like logarithms to base 10, the others like log2: 's4'",
    ),
    "a log2 among natural logarithms": (
        spoilt(np.log1p(CPM), 4, LOG[4]),
        OTHER_LOG,
        "like log2, the others like natural logarithms: 's4'",
    ),
    "half counts, half TPM": (
        np.concatenate([COUNTS[:HALF], TPM[HALF:]]),
        None,
        "12 samples have whole numbers like counts, the others add up to one million like TPM: 's0'",
    ),
    "a sample of counts among TPM": (spoilt(TPM, 4, COUNTS[4]), None, "whole numbers like counts.*: 's4'"),
    "a linear sample among logarithms": (spoilt(LOG, 4, TPM[4]), LOG_SCALE, "1 sample has linear values.*'s4'"),
    "a logarithm among linear ones": (spoilt(TPM, 4, LOG[4]), EQUAL_SUMS, None),
    "a sample of FPKM as logarithms": (spoilt(FPKM, 4, LOG[4]), LINEAR, "values like logarithms.*'s4'"),
    "a sample of zeros": (spoilt(LOG, 4, 0), LOG_SCALE, "1 sample has nothing but zeros: 's4'"),
    "a constant sample": (spoilt(LOG, 4, 7.25), LOG_SCALE, "1 sample has the same value in every gene: 's4'"),
    "TPM among counts": (spoilt(COUNTS, 4, TPM[4]), ESTIMATED_COUNTS, "decimals, the others whole numbers: 's4'"),
    "one fraction among counts": (with_cell(COUNTS, 3.5), ESTIMATED_COUNTS, "decimals, the others whole numbers: 's4'"),
    "a centred sample among logarithms": (spoilt(LOG, 4, z(LOG)[4]), None, "1 sample has values below zero.*'s4'"),
    "a logarithm among z-scores": (spoilt(z(LOG), 4, LOG[4]), None, "'s4'"),
    "a cell of a million among logarithms": (
        with_cell(LOG, 1e6),
        LOG_SCALE,
        "sample 's4', gene 'G77': 1e\\+06|1,000,000",
    ),
    "a point forgotten": (with_cell(LOG, 773.0), LOG_SCALE, "sample 's4', gene 'G77': 773"),
    "a missing value as -999": (with_cell(LOG, -999), LOG_SCALE, "sample 's4', gene 'G77': -999"),
    "a cell of a milliard in FPKM": (with_cell(FPKM, 1e9), LINEAR, "sample 's4', gene 'G77': 1e\\+09"),
    "a cell that is the library": (with_cell(COUNTS, 1e9), RAW_COUNTS, "nearly its whole sum in one value: 's4'"),
}


@pytest.mark.parametrize("name", list(ODD))
def test_an_odd_sample_is_named_and_does_not_change_what_the_others_are(read, name):
    values, kind, says = ODD[name]
    adata = read(values, transform="none")
    if kind is not None and says is not None:
        assert adata.uns["tspg_input"]["scale"]["kind"] == kind
    notes = notes_of(adata)
    if says is not None:
        assert pd.Series([notes]).str.contains(says)[0], notes
        with pytest.raises(ExpressionError, match="--strict"):
            read(values, transform="none", strict=True)


@pytest.mark.parametrize("name", ["a sample of counts among TPM", "a point forgotten", "half natural logarithms"])
def test_odd_samples_are_the_same_where_genes_are_in_the_rows(tmp_path, name):
    rows, columns = (reader(tmp_path, turned=turned)(ODD[name][0], transform="none") for turned in (False, True))
    assert notes_of(rows) == notes_of(columns)
    assert rows.uns["tspg_input"]["scale"]["kind"] == columns.uns["tspg_input"]["scale"]["kind"]


@pytest.mark.parametrize("values", [LOG, RMA, np.log2(CPM + 0.01)])
def test_sound_samples_are_not_odd(read_both, values):
    assert read_both(values, strict=True).n_obs == N


def test_samples_that_are_left_out_have_no_say(read_both, tmp_path):
    """Columns of FPKM beside those of counts, of which the labels name only the counts."""
    beside = pd.concat([framed(COUNTS[:8]), framed(FPKM[:8]).add_suffix("_FPKM", axis=0)])
    (tmp_path / "labels.tsv").write_text("sample\tlabel\n" + "".join(f"s{at}\t{'AB'[at % 2]}\n" for at in range(8)))
    for genes in (None, ["G3", "G9", "G10"]):
        adata = read_both(
            beside, genes, labels=tmp_path / "labels.tsv", allow_unlabelled=True, transform="log2", strict=True
        )
        kept = adata[adata.obs["label"] != ""].to_df()
        assert adata.uns["tspg_input"]["scale"]["kind"] == RAW_COUNTS
        np.testing.assert_allclose(kept, by_hand(framed(COUNTS[:8]))[kept.columns], rtol=1e-4, atol=1e-5)


NO_GENES = ["N_unmapped", "N_noFeature", "__alignment_not_unique", "__ambiguous", "ERCC-00002"]


def test_rows_that_are_no_genes_are_left_out_before_libraries_are_summed(read_both):
    """ERCC1 is a gene, ERCC-00002 is not; a gene set that asks for it does not bring it back."""
    genes = [*NO_GENES, "ERCC1", *(f"G{at}" for at in range(55 - 1))]
    own = framed(SMALL[:, : len(genes)], genes)
    own[NO_GENES] += 1e6
    expected = by_hand(own.drop(columns=NO_GENES))
    adata = read_both(own, transform="log2")
    np.testing.assert_allclose(adata.X, expected, rtol=1e-5, atol=1e-6)
    assert adata.uns["tspg_input"]["left_out"]["rows"] == NO_GENES
    assert "5 rows are no genes" in notes_of(adata)
    some = read_both(own, ["N_unmapped", "ERCC1", "G3", "ERCC-00002"], transform="log2")
    assert list(some.var_names) == ["ERCC1", "G3"]
    np.testing.assert_allclose(some.X, expected[["ERCC1", "G3"]], rtol=1e-5)


@pytest.mark.parametrize("cell", ["word", "NA", "inf", "1e400", "1,5", ""])
def test_every_cell_is_checked_whatever_genes_are_kept(tmp_path, cell):
    lines = framed(LOG[:6, :40]).round(3).to_csv(sep="\t").splitlines()
    fields = lines[4].split("\t")
    fields[31] = cell
    lines[4] = "\t".join(fields)
    (tmp_path / "m.tsv").write_text("\n".join(lines) + "\n")
    with pytest.raises(ExpressionError, match=r"line 5: row 's3', column 'G30'"):
        read_expression(tmp_path / "m.tsv", genes=["G1", "G2"])


def learned(values, transform):
    found = scale_of(values.astype(np.float32))
    scaled = transform == "log2" and found.kind in (RAW_COUNTS, ESTIMATED_COUNTS, UNEQUAL_SUMS)
    return replace(found, transform=transform, scaled=scaled)


NEW = COUNTS[3:4]  # one patient
ALIKE = {
    "counts for counts": (NEW, learned(COUNTS, "log2"), LOG[3]),
    "estimated for counts": (salmon(NEW), learned(COUNTS, "log2"), np.log2(per_million(salmon(NEW)) + 1)[0]),
    "their logarithms for counts": (LOG[3:4], learned(COUNTS, "log2"), LOG[3]),
    "TPM for TPM": (TPM[3:4], learned(TPM, "log2"), np.log2(TPM[3] + 1)),
    "some TPM for TPM": (TPM[3:4, ::2], learned(TPM, "log2"), np.log2(TPM[3, ::2] + 1)),
    "logarithms for TPM": (np.log2(TPM[3:4] + 1), learned(TPM, "log2"), np.log2(TPM[3] + 1)),
    "logarithms for logarithms": (LOG[3:4], learned(LOG, "none"), LOG[3]),
    "counts for counts as they are": (NEW, learned(COUNTS, "none"), NEW[0]),
    "one of z-scores for z-scores": (z(LOG)[3:4], learned(z(LOG), "none"), z(LOG)[3]),
}
UNLIKE = {
    "TPM for counts": (TPM[3:4], learned(COUNTS, "log2"), "look like TPM"),
    "counts for TPM": (NEW, learned(TPM, "log2"), "look like raw counts"),
    "counts for logarithms": (NEW, learned(LOG, "none"), "raw counts.*Give log2.* of TPM or counts per million, as"),
    "TPM for logarithms": (TPM[3:4], learned(LOG, "none"), "look like TPM"),
    "logarithms for counts as they are": (LOG[3:4], learned(COUNTS, "none"), "look like logarithms"),
    "z-scores for logarithms": (z(LOG), learned(RMA, "none"), "z-scores.*Give log2 values made as in training"),
    "natural logarithms for counts": (
        np.log1p(CPM),
        learned(COUNTS, "log2"),
        "another base.*Divide all values by 0.6931",
    ),
    "log10 for logarithms": (np.log10(CPM + 1), learned(LOG, "none"), "base 10.*Divide all values by 0.30103"),
    "counts per 10,000 for those per million": (
        np.log1p(CPM / 100),
        learned(LOG, "none"),
        "Give log2.*per million, as",
    ),
    "logarithms for natural ones": (LOG, learned(np.log1p(CPM), "none"), "Give natural logarithms of x"),
    "few genes of counts": (NEW[:, :200], learned(COUNTS, "log2"), "it holds 200 genes, the training data 1,500"),
}


@pytest.mark.parametrize("name", list(ALIKE))
def test_new_profiles_are_put_on_the_scale_that_was_learned(read, name):
    values, scale, expected = ALIKE[name]
    np.testing.assert_allclose(read(values, transform=scale).X[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", list(UNLIKE))
def test_profiles_on_another_scale_are_refused_with_what_differs(read, name):
    values, scale, says = UNLIKE[name]
    with pytest.raises(ExpressionError, match=says):
        read(values, transform=scale)


def test_a_library_over_fewer_genes_is_a_warning(read):
    assert "counts per million were made from 600 genes" in notes_of(
        read(NEW[:, :600], transform=learned(COUNTS, "log2"))
    )


@pytest.mark.parametrize(
    ("details", "kind", "scaled"),
    [
        ({"transform": "none", "units": "log scale: no value is above 30, the largest is 19"}, LOG_SCALE, False),
        ({"transform": "none", "units": "raw counts: all values are whole numbers"}, RAW_COUNTS, False),
        ({"transform": "none", "units": "linear: values have decimals"}, LINEAR, False),
        ({"transform": "log2", "units": "log scale: no value", "notes": []}, LINEAR, False),
        (
            {
                "transform": "log2",
                "units": "log scale: x",
                "notes": ["raw counts (a) were scaled to counts per million"],
            },
            RAW_COUNTS,
            True,
        ),
    ],
)
def test_older_models_have_the_scale_of_their_words(details, kind, scaled):
    found = Scale.from_details(details)
    assert (found.kind, found.scaled, found.transform) == (kind, scaled, details["transform"])
    assert are_alike(found.kind, kind)


def test_the_values_of_a_layout_that_says_its_units_are_believed_unless_they_contradict():
    from tspg.data.quantiles import quantile_functions
    from tspg.data.sample_statistics import SampleStatistics, Shape
    from tspg.data.scale_detection import decide

    def decided(values, fixed):
        values = values.astype(np.float32)
        return decide(SampleStatistics.of(values), values, Shape.of(quantile_functions(values), values.shape[1]), fixed)

    assert decided(FPKM, ESTIMATED_COUNTS).kind == ESTIMATED_COUNTS
    assert decided(salmon(COUNTS), RAW_COUNTS).kind == ESTIMATED_COUNTS  # they have fractions
    assert decided(LOG, RAW_COUNTS).kind == LOG_SCALE
    assert decided(COUNTS, LOG_SCALE).kind == RAW_COUNTS
    assert match_scale(decided(TPM, ""), learned(TPM, "log2"), "f").transform == "log2"
