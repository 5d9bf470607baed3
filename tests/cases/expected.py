"""What must come of each try of `../shared/cases`, by its column `expected`: read or refused, and what must be said."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """Read (exit code 0) or refused (2, 3), words that must be there (regular expressions), and words that must not.

    `is_run` marks tries that are a whole run, which takes seconds.
    """

    read: bool
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    is_run: bool = False


def _read(*says: str, never: tuple[str, ...] = ()) -> Expected:
    return Expected(True, says, never)


def _run(*says: str, never: tuple[str, ...] = ()) -> Expected:
    return Expected(True, says, never, is_run=True)


def _refused(*says: str) -> Expected:
    return Expected(False, says)


LOG2 = r"--transform log2"
UNLABELLED = r"--allow-unlabelled"
PLACE = r"line \d+.*S00\d.*PRSS3|RABGAP1.*S00\d|S00\d.*PRSS3"

EXPECTED = {
    # GTEx, GDC, Xena, cBioPortal, DepMap, nf-core, GEO
    "f01a_gtex_gct.0": _read(LOG2),
    "f01a_gtex_gct.1": _read(r"log2\(x \+ 1\)", r"Gene sets +50"),
    "f01a_gtex_gct.3": _refused(LOG2),
    "f01c_gtex_empty_SMTSD.0": _read(),
    "f01c_gtex_empty_SMTSD.1": _read(),
    "f02a_gdc_star_onefile.0": _refused(r"one sample", r"--expression"),
    "f02b_gdc_merged_N_rows.0": _read("Sample ID", "N_unmapped"),
    "f02b_gdc_merged_N_rows.1": _read("N_unmapped", "counts per million"),
    "f02b_gdc_merged_N_rows.2": _run("N_unmapped"),
    "f03_xena.0": _read(),
    "f04_cbioportal.0": _refused("--duplicates"),
    "f04_cbioportal.2": _refused("--duplicates"),
    "f04_cbioportal.5": _read("Entrez_Gene_Id", LOG2, never=("have no label: 'Entrez",)),
    "f04_cbioportal.6": _read("Entrez_Gene_Id", r"log2\(x \+ 1\)"),
    "f05_depmap.0": _read(),
    "f05_depmap.1": _read(r"Gene sets +50: [1-9]"),
    "f06_nfcore.0": _read("estimated counts"),
    "f06_nfcore.3": _read("estimated counts", LOG2),
    "f06_nfcore.4": _read("counts per million"),
    "f06_nfcore.5": _run("counts per million"),
    "f06b_nfcore_gene_name.0": _read("gene_name|nf-core"),
    "f08_series_matrix.0": _read("GEO"),
    "f08_series_matrix.2": _read(),
    # formats
    "f10_archs4_h5_rds.0": _refused("archs4py|h5py|write_h5ad"),
    "f10_archs4_h5_rds.1": _refused("read_10x_mtx|read_mtx"),
    "f10_archs4_h5_rds.2": _refused("readRDS"),
    "f10_archs4_h5_rds.3": _refused("Feather"),  # a stub, as are the sheets below
    "f10_archs4_h5_rds.4": _refused("read_loom"),
    "f10_archs4_h5_rds.5": _refused("read_zarr|zarr"),
    "f10_archs4_h5_rds.6": _refused("Excel", "CSV"),
    "f10_archs4_h5_rds.7": _read(),
    "f10_archs4_h5_rds.8": _read(),
    "f10_archs4_h5_rds.10": _read(),
    "f10_archs4_h5_rds.13": _read(),
    "f10_archs4_h5_rds.14": _refused("zip"),
    # R
    "f11_r_tables.0": _read(LOG2),
    "f11_r_tables.1": _read(),
    "f11_r_tables.2": _read(LOG2),
    "f11_r_tables.3": _read("X"),
    "f11_r_tables.4": _read(),
    "f11_r_tables.5": _read(),
    "f11_r_tables.6": _read(),
    # damaged text
    "f12_text_damage.0": _read(),
    "f12_text_damage.1": _refused("line end"),
    "f12_text_damage.2": _refused(r"decimal comma", "CASP10"),
    "f12_text_damage.3": _read("sep="),
    "f12_text_damage.4": _read("end.*(tab|separator|empty)"),
    "f12_text_damage.5": _read("end.*(tab|separator|empty)"),
    "f12_text_damage.6": _read("spaces"),
    "f12_text_damage.7": _refused(PLACE, "missing"),
    "f12_text_damage.11": _refused(PLACE, "infinite"),
    "f12_text_damage.12": _refused(PLACE, "thousands"),
    "f12_text_damage.14": _read("comment"),
    "f12_text_damage.16": _read(),
    "f12_text_damage.17": _read(),
    "f12_text_damage.18": _refused("spaces", "perl"),
    "f12_text_damage.19": _refused(PLACE, "spaces"),
    "f12_text_damage.22": _refused("iconv"),
    "f12_text_damage.23": _refused(PLACE, "decimal comma"),
    # labels
    "f12c_label_values.0": _refused(UNLABELLED, r"\d+ of \d+"),
    "f12c_label_values.1": _read(),
    "f12c_label_values.2": _read("column 'Sample_Name'", never=("1 samples that are not",)),
    "f12c_label_values.4": _refused(r"S00[12]", r"line"),
    "f12c_label_values.5": _read(),
    "f12c_label_values.6": _read(),
    "f12c_label_values.7": _read(),
    "f12c_label_values.8": _read(),
    "f12c_label_values.9": _read(),
    "f12c_label_values.10": _read(),
    "f12c_label_values.11": _read(),
    "f12c_label_values.14": _refused("blank|space"),
    "f12c_label_values.16": _read("Sample Name"),
    "f12c_label_values.17": _read(),
    # H5AD
    "f13_h5ad.0": _read("z-scores|scaled|centred", "counts"),
    "f13_h5ad.1": _read("counts per million"),
    "f13_h5ad.2": _read("120 genes"),
    "f13_h5ad.3": _refused("S001"),
    "f13_h5ad.4": _refused("--duplicates"),
    "f13_h5ad.5": _refused(UNLABELLED),
    "f13_h5ad.6": _read(),
    "f13_h5ad.7": _read("True"),
    "f13_h5ad.8": _read(),
    "f13_h5ad.10": _refused(UNLABELLED),
    "f13_h5ad.11": _read(),
    "f13_h5ad.13": _refused("S004.*PRSS3|PRSS3.*S004", "missing"),
    "f13_h5ad.14": _refused("layer"),
    "f13_h5ad.15": _refused("not among", "S001"),
    "f13_h5ad.16": _read("0.30000000000000004"),
    # GCT and gene sets
    "f14_gct_genesets.0": _read(),
    "f14_gct_genesets.2": _read("no label", never=(r" -666",)),
    "f14_gct_genesets.3": _read("order"),
    "f14_gct_genesets.6": _read(r"Gene sets +\d+: +[1-9]"),
    "f14_gct_genesets.7": _read(r"Gene sets +\d+: +[1-9]"),
    "f14_gct_genesets.8": _read("Entrez"),
    "f14_gct_genesets.9": _read("100%"),
    "f14_gct_genesets.10": _read("[Mm]ouse"),
    "f14_gct_genesets.11": _read("weight|Enrichr"),
    "f14_gct_genesets.12": _refused("tab"),
    "f14_gct_genesets.14": _read("100%"),
    "f14_gct_genesets.15": _refused("'A'"),
    "f14_gct_genesets.16": _read("100%"),
    "f14_gct_genesets.17": _read(r"[1-9]\d*%"),
    "f14_gct_genesets.18": _read("capital|case"),
    "f14_gct_genesets.20": _refused("line 3|Description"),
    "f14_gct_genesets.21": _refused("--duplicates"),
    "f14_gct_genesets.22": _refused("RABGAP1", "missing"),
    # what the program does with them
    "p01_slash_column.0": _run("age/sex", never=("FutureWarning",)),
    "p02_reserved_columns.0": _run("_input|_index"),
    "p03_class_names.0": _run(),
    "p03_class_names.1": _run(),
    "p04_singleton_class.0": _run("held out"),
    "p06_last_batch_of_one.0": _run(),
    "p08_target_spelling.0": _refused("'Liver'"),
    "p08_target_spelling.1": _refused("'Liver'"),
    "p08_target_spelling.4": _refused("no class"),
    "p08_target_spelling.8": _refused("HALLMARK_HYPOXIA"),
    "p08_target_spelling.13": _run(),
    "p08_target_spelling.15": _refused("'1'"),
    "p09_many_classes.0": _run(),
    "p11_units_fooled.0": _refused("none|auto"),
    "p11_units_fooled.1": _refused("none|auto"),
    "p11_units_fooled.4": _read("counts per million"),
    "p11_units_fooled.5": _read("counts per million"),
    "p11_units_fooled.6": _read("z-scores|scaled|centred"),
    "p11_units_fooled.7": _read(LOG2),
    "p11_units_fooled.8": _refused(LOG2),
    "p11_units_fooled.9": _read(r"S\d\d\d"),
    "p12_duplicates_donor.0": _read("exactly the profile"),
    "p12_duplicates_donor.1": _run(),
    "p12_duplicates_donor.2": _refused("exactly the profile"),
    "p13_gene_set_few.0": _run("60 of 63"),
    "p13_gene_set_few.4": _run("60 of 72"),
    "p13_gene_set_few.6": _refused("mouse|capital|case"),
}
