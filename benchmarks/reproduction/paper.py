"""The paper's numbers, each with its place: Targonski, Shealy, Smith and Feltus (2019), arXiv:1907.00118."""

from dataclasses import dataclass

SAMPLES, CLASSES, ALL_GENES = 11_688, 53, 4_386  # GTEx, section 2.1; all Hallmark genes, Table 1
TUMOUR_SAMPLES, TUMOUR_CLASSES = 11_092, 33  # TCGA, section 2.1
TOP = 20  # genes of a list, section 2.4
Q_VALUE = 1e-4  # section 2.4
DISTINCT = {"up": 85, "down": 642}  # section 3, of 53 lists of 20
STEPS = 150 * round(SAMPLES * 0.8 / 128)  # 150 epochs of batches of 128 (the authors' settings) on 80% of the samples


@dataclass(frozen=True)
class Row:
    """A row of the paper's Table 1."""

    gene_set: str
    n_genes: int
    target: str
    f_accuracy: float


TABLE_1 = (
    Row("Hallmark Hedgehog Signaling", 36, "Nerve - Tibial", 1.0),
    Row("Hallmark Peroxisome", 107, "Brain - Spinal Chord", 1.0),
    Row("Hallmark Apoptosis", 161, "Lung", 0.999),
    Row("Hallmark E2F Targets", 200, "Artery - Coronary", 0.998),
    Row("Hallmark All", ALL_GENES, "Thyroid", 1.0),
    Row("Hallmark All", ALL_GENES, "Heart - Left Ventricle", 1.0),
)

TABLE_2 = {  # term category: number of enriched terms over 53 lists, first hit, its q
    "Coexpression": (933, "Rat Breast_Giusti09_300genes", 1.72e-25),
    "Coexpression Atlas": (985, "Heart muscle", 8.01e-22),
    "Computational": (315, "Neighborhood of MYL2", 5.29e-22),
    "Disease": (969, "Cardiomyopathy, Familial Idiopathic", 1.47e-09),
    "Drug": (1522, "Doxorubicin", 2.88e-11),
    "Gene Family": (22, "F-type ATPases, mitochondrial complex V: ATP synthase", 2.28e-11),
    "GO: BP": (3311, "Striated muscle contraction", 2.01e-15),
    "GO: CC": (852, "Sarcomere", 2.53e-15),
    "GO: MF": (225, "Structural constituent of muscle", 8.08e-06),
    "Human Phenotype": (867, "Sudden death", 2.04e-07),
    "Interaction": (280, "VDAC1 interactions", 1.94e-05),
    "MicroRNA": (1, "Hsa-miR-610:mirSVR_nonconserved_lowEffect-0.1-0.5", 3.77e-05),
    "Mouse Phenotype": (1419, "Cardiac hypertrophy", 2.47e-09),
    "Pathway": (1340, "Cardiac muscle contraction", 4.01e-14),
    "Pubmed": (10774, "Clinical features and outcome of hypertrophic cardiomyopathy ...", 1.13e-19),
    "ToppCell Atlas": (209, "MouseAtlas Mouse Multiple Adult muscle Subtype Heart_cardiac muscle cell", 2.90e-18),
    "TFBS": (21, "V$MEF2_02", 8.40e-06),
}
