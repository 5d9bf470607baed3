"""Enrichment against SciPy, exact integers, gseapy, and lists drawn by chance."""

from dataclasses import replace
from fractions import Fraction
from math import comb
from pathlib import Path

import gseapy
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, false_discovery_control, hypergeom, norm

from tspg.analysis.interpretation.enrichment import (
    ORA_COLUMNS,
    Profile,
    Query,
    changes_of,
    enrich,
    enrichment_tables,
    over_representation,
    queries_of,
    ranked_enrichment,
)
from tspg.data.annotations import Annotation
from tspg.data.genesets import GeneSet, GeneSets
from tspg.errors import GeneSetError, UsageError

ONE = Query("colon", "", "up")


def annotation(category="test", **sets):
    return Annotation(category, GeneSets([GeneSet(name, tuple(genes)) for name, genes in sets.items()]), "by hand")


def random_annotation(genes, rng, *, n_sets=60):
    sizes = rng.integers(2, 80, n_sets)
    return annotation(**{f"S{n}": rng.choice(genes, size, replace=False) for n, size in enumerate(sizes)})


@pytest.fixture(scope="module")
def genes():
    return [f"G{number}" for number in range(400)]


def test_a_case_small_enough_to_count_by_hand():
    # Background A-F that some set names (Z is named by none); list A, B; set AB holds both: 1 of the 15 pairs.
    table = over_representation(
        {ONE: ["A", "B"]}, [*"ABCDEFZ"], [annotation(AB=["A", "B", "OUTSIDE"], CF=[*"CDEF"], AC=["A", "C"])]
    )
    assert table["term"].tolist() == ["AB", "AC"]  # CF shares nothing, but is counted
    first = table.iloc[0]
    assert first[["overlap", "query_size", "set_size", "background", "n_tests"]].tolist() == [2, 2, 2, 6, 3]
    assert first["genes"] == "A B"
    assert table["p_value"].tolist() == pytest.approx([1 / 15, 9 / 15])
    assert table["q_value"].tolist() == pytest.approx([3 / 15, 1.5 * 9 / 15])


def test_every_p_and_q_agree_with_scipy_and_some_with_exact_integers(genes):
    rng = np.random.default_rng(0)
    known = random_annotation(genes, rng)
    annotated = set(known.gene_sets.union().genes)
    queries = {Query(f"class {n}", "", "down"): list(rng.choice(genes, 20, replace=False)) for n in range(8)}
    table = over_representation(queries, genes, [known])
    assert len(table) > 200
    for row in table.itertuples():
        chosen = set(queries[Query(row.source_class, row.sample, row.direction)]) & annotated
        members = set(known.gene_sets[row.term].genes)
        expected = hypergeom.sf(len(chosen & members) - 1, len(annotated), len(members), len(chosen))
        assert row.p_value == pytest.approx(expected, rel=1e-10)
        assert set(row.genes.split()) == chosen & members
    for row in table.sample(60, random_state=1).itertuples():
        ways = sum(
            comb(row.set_size, k) * comb(row.background - row.set_size, row.query_size - k)
            for k in range(row.overlap, row.query_size + 1)
        )
        assert row.p_value == pytest.approx(float(Fraction(ways, comb(row.background, row.query_size))), rel=1e-10)
    for _, rows in table.groupby("source_class"):
        padded = [*rows["p_value"], *np.ones(rows["n_tests"].iloc[0] - len(rows))]
        assert rows["q_value"].to_numpy() == pytest.approx(false_discovery_control(padded)[: len(rows)])


def sets_with(query, background, sets):
    """A list of the first `query` of so many genes, and sets of given sizes that share given numbers with it."""
    genes = [f"G{number}" for number in range(background)]
    parts = {
        f"S{number}": genes[:overlap] + genes[query : query + size - overlap]
        for number, (size, overlap) in enumerate(sets)
    }
    found = over_representation({ONE: genes[:query]}, genes, [annotation(**parts)])
    return found.assign(number=found["term"].str[1:].astype(int)).set_index("number").sort_index()


def random_tables(rng, n):
    """Backgrounds of 10 to 20,000 genes; for each a list and sets of any size, and any overlap that can be."""
    for background in np.exp(rng.uniform(np.log(10), np.log(20_000), n)).astype(int):
        query = int(rng.integers(1, min(background, 600)))
        sizes = np.append(rng.integers(1, min(background, 2000), 100), background)
        least, most = np.maximum(0, query + sizes - background), np.minimum(query, sizes)
        overlaps = np.maximum(least, rng.binomial(most, rng.uniform(0, 1, 101) ** 3))
        overlaps[-1] = query
        yield query, int(background), list(zip(sizes.tolist(), overlaps.tolist(), strict=True))


def test_two_thousand_tables_agree_with_scipy_and_two_hundred_with_exact_fractions():
    compared, exact = 0, 0
    for query, background, sets in random_tables(np.random.default_rng(0), 30):
        found = sets_with(query, background, sets)
        assert (found["background"] == background).all()
        expected = hypergeom.sf(found["overlap"] - 1, background, found["set_size"], query)
        np.testing.assert_allclose(found["p_value"], expected, rtol=1e-10)
        compared += len(found)
        for row in found.iloc[:: max(1, len(found) // 8)].itertuples():
            ways = sum(
                comb(row.set_size, k) * comb(background - row.set_size, query - k)
                for k in range(row.overlap, min(query, row.set_size) + 1)
            )
            truth = Fraction(ways, comb(background, query))
            if truth > Fraction(1, 10**300):  # below, floats have fewer digits
                assert abs(Fraction(float(row.p_value)) / truth - 1) < Fraction(1, 10**10)
                exact += 1
    assert compared >= 2000
    assert exact >= 200


def test_p_and_q_are_those_of_r():
    """By phyper and p.adjust; README.md says how the table was made."""
    golden = pd.read_csv(Path(__file__).with_name("golden_enrichment.tsv"), sep="\t")
    for (query, background), rows in golden.groupby(["query", "background"]):
        found = sets_with(query, background, list(zip(rows["set_size"], rows["overlap"], strict=True)))
        shared = rows.reset_index(drop=True).loc[found.index]
        assert (found["n_tests"] == 61).all()
        np.testing.assert_allclose(found["p_value"], shared["p"], rtol=1e-10)
        np.testing.assert_allclose(found["q_value"], shared["q"], rtol=1e-10)
    assert len(golden) == 244


def test_p_values_agree_with_gseapy(genes):
    rng = np.random.default_rng(3)
    known = random_annotation(genes, rng)
    chosen = list(rng.choice(genes, 25, replace=False))
    background = list(known.gene_sets.union().genes)
    chosen = [gene for gene in chosen if gene in background]
    own = over_representation({ONE: chosen}, background, [known]).set_index("term")
    sets = {name: list(found.genes) for name, found in known.gene_sets.items()}
    other = gseapy.enrich(gene_list=chosen, gene_sets=sets, background=background, outdir=None).res2d
    other = other.set_index("Term")
    assert own["p_value"].to_numpy() == pytest.approx(other["P-value"].loc[own.index].to_numpy(dtype=float), rel=1e-9)


def test_lists_drawn_by_chance_are_not_enriched(genes):
    rng = np.random.default_rng(5)
    known = random_annotation(genes, rng)
    n = 400
    queries = {Query(f"{number}", "", "up"): list(rng.choice(genes, 20, replace=False)) for number in range(n)}
    table = over_representation(queries, genes, [known])
    tests = n * table["n_tests"].iloc[0]
    for level in (0.01, 0.05, 0.2):  # p is uniform or larger: rows without overlap have p = 1
        assert (table["p_value"] <= level).sum() <= 1.05 * level * tests
    found = table[table["q_value"] < 0.05]["source_class"].nunique()
    assert binomtest(found, n, 0.05, alternative="greater").pvalue > 0.01


def test_the_genome_as_background_finds_what_is_not_there(genes):
    """Why the background must be the genes that could have been chosen: all genes here are annotated, few others."""
    rng = np.random.default_rng(6)
    known = random_annotation(genes, rng)
    rest = [f"X{number}" for number in range(4000)]
    elsewhere = annotation(REST=rest, **{name: found.genes for name, found in known.gene_sets.items()})
    queries = {Query(f"{number}", "", "up"): list(rng.choice(genes, 20, replace=False)) for number in range(50)}
    wrong = over_representation(queries, [*genes, *rest], [elsewhere])
    right = over_representation(queries, genes, [known])
    assert wrong[wrong["q_value"] < 0.05]["source_class"].nunique() > 40
    assert right[right["q_value"] < 0.05]["source_class"].nunique() <= 5


def test_a_gene_outside_the_background_is_refused():
    with pytest.raises(GeneSetError, match=r"1 of 2 genes.* are not in the background: 'Z'"):
        over_representation({ONE: ["A", "Z"]}, ["A", "B"], [annotation(AB=["A", "B"])])


def test_a_category_that_knows_none_of_the_genes_is_left_out():
    table = over_representation(
        {ONE: ["A"]}, ["A", "B"], [annotation(XY=["X", "Y"]), annotation("other", AB=["A", "B"])]
    )
    assert table["category"].tolist() == ["other"]
    assert over_representation({ONE: ["A"]}, ["A", "B"], [annotation(XY=["X"])]).empty


def test_the_genes_of_a_row_are_those_that_list_and_set_share_in_the_order_of_the_matrix(genes):
    rng = np.random.default_rng(11)
    categories = [random_annotation(genes, rng), random_annotation(genes[100:], rng, n_sets=30)]
    categories[1] = replace(categories[1], category="other")
    queries = {Query("a", "", "up"): genes[150:170], Query("b", "", "up"): list(rng.choice(genes, 20, replace=False))}
    table = over_representation(queries, genes, categories)
    sets = {one.category: one.gene_sets for one in categories}
    for row in table.itertuples():
        listed = queries[row.source_class, row.sample, row.direction]
        expected = [gene for gene in genes if gene in listed and gene in sets[row.category][row.term].genes]
        assert row.genes.split() == expected
        assert row.overlap == len(expected)
    assert table.groupby(["source_class", "category"], sort=False).ngroups == 4


def test_terms_that_share_their_genes_are_grouped_under_the_best(genes):
    rows = {"BEST": genes[:12], "SAME": [*genes[:10], *genes[50:54]], "APART": genes[12:22]}
    rest = {f"R{n}": genes[60 + 5 * n : 65 + 5 * n] for n in range(40)}
    table = over_representation({ONE: genes[:20]}, genes, [annotation(**rows, **rest)]).set_index("term")
    assert table.loc[["BEST", "SAME", "APART"], "group"].tolist() == ["BEST", "BEST", "APART"]


def test_a_small_term_inside_a_large_one_is_of_its_group(genes):
    """A third of the large list, but all of the small one: the smaller list decides."""
    rows = {"LARGE": genes[:18], "SMALL": genes[:6], "EDGE": [*genes[3:6], *genes[18:21]], "LESS": genes[16:21]}
    rest = {f"R{n}": genes[60 + 5 * n : 65 + 5 * n] for n in range(40)}
    table = over_representation({ONE: genes[:21]}, genes, [annotation(**rows, **rest)]).set_index("term")
    groups = table.loc[list(rows), "group"].to_dict()
    assert groups == {"LARGE": "LARGE", "SMALL": "LARGE", "EDGE": "LARGE", "LESS": "LESS"}  # 18, 6 and 3 of 6, 2 of 5


def test_the_best_hundred_terms_alone_have_a_group():
    background = [f"G{number}" for number in range(3000)]
    rows = {f"S{n}": background[5 * n : 5 * n + 5] for n in range(110)}
    table = over_representation({ONE: background[:550]}, background, [annotation(**rows, REST=background)])
    enriched = table[table["q_value"] < 0.05]
    assert len(enriched) == 110
    assert enriched["group"].iloc[:100].tolist() == enriched["term"].iloc[:100].tolist()  # they share no gene
    assert (table["group"].iloc[100:] == "").all()


def test_q_of_correlated_genes_is_that_of_the_variance_of_limma(genes):
    """rankSumTestWithCorrelation's variance, in its own four terms; Benjamini-Hochberg by SciPy."""
    rng = np.random.default_rng(12)
    change = rng.permutation(400).astype(float)
    known = random_annotation(genes, rng, n_sets=30)
    table = ranked_enrichment({Profile("colon", ""): change}, genes, [known])
    named = [gene for gene in genes if gene in known.gene_sets.union().genes]
    rank, n = pd.Series(change, genes)[named].rank(), len(named)
    p_values = []
    for term in table["term"]:
        members = list(known.gene_sets[term].genes)
        n1, n2 = len(members), n - len(members)
        variance = np.arcsin(1) * n1 * n2 + np.arcsin(0.5) * n1 * n2 * (n2 - 1)
        variance += np.arcsin(0.01 / 2) * n1 * (n1 - 1) * n2 * (n2 - 1) + np.arcsin(1.01 / 2) * n1 * (n1 - 1) * n2
        off = abs(rank[members].sum() - n1 * (n1 + 1) / 2 - n1 * n2 / 2) - 0.5
        p_values.append(min(1.0, 2 * norm.sf(max(off, 0) / np.sqrt(variance / (2 * np.pi)))))
    np.testing.assert_allclose(table["q_value_correlated"], false_discovery_control(p_values), rtol=1e-9)
    assert (table["q_value_correlated"] > table["q_value"]).any()


def test_the_public_function_is_the_table_of_a_list_for_annotations_and_for_gene_sets():
    annotations = [annotation(AB=["A", "B", "OUTSIDE"], CF=[*"CDEF"], AC=["A", "C"])]
    found = enrich(np.array(["A", "B"], dtype=object), pd.Index([*"ABCDEFZ"]), annotations, direction="up")
    expected = over_representation({Query("", "", "up"): ["A", "B"]}, [*"ABCDEFZ"], annotations)
    pd.testing.assert_frame_equal(found, expected)
    assert tuple(found.columns) == ORA_COLUMNS
    sets = enrich(["A", "B"], [*"ABCDEFZ"], annotations[0].gene_sets)
    assert sets[["direction", "term", "p_value"]].equals(found.assign(direction="")[["direction", "term", "p_value"]])
    with pytest.raises(UsageError, match="sideways"):
        enrich(["A"], ["A"], annotations, direction="sideways")


def test_ranked_finds_a_planted_programme_and_says_which_way(genes):
    rng = np.random.default_rng(9)
    change = rng.normal(size=400)
    change[:20] += 2.0
    change[20:40] -= 2.0
    known = annotation(UP=genes[:20], DOWN=genes[20:40], CHANCE=genes[100:120], SMALL=genes[:4])
    table = ranked_enrichment({Profile("colon", "s1"): change}, genes, [known]).set_index("term")
    assert "SMALL" not in table.index
    assert table.loc["UP", "statistic"] > 3 > -3 > table.loc["DOWN", "statistic"]
    assert table.loc[["UP", "DOWN"], "q_value"].max() < 0.01 < table.loc["CHANCE", "q_value"]
    assert table.loc["UP", ["source_class", "sample", "set_size"]].tolist() == ["colon", "s1", 20]


def test_the_leading_genes_of_a_set_are_its_farthest_in_its_direction(genes):
    change = np.linspace(-1, 1, 400)
    top, bottom = [genes[i] for i in (*range(380, 400), 5)], [genes[i] for i in (*range(20), 390)]
    sets = annotation(TOP=top, BOTTOM=bottom, NOTHING=genes[::7], REST=genes)
    found = ranked_enrichment({Profile("colon", ""): change}, genes, [sets]).set_index("term")["leading_genes"]
    assert found["TOP"].split(" ") == list(genes[399:389:-1])
    assert found["BOTTOM"].split(" ") == list(genes[:10])
    assert not found["NOTHING"]


def test_ranks_of_chance_are_not_enriched(genes):
    rng = np.random.default_rng(10)
    known = random_annotation(genes, rng)
    changes = {Profile(f"{number}", ""): rng.normal(size=400) for number in range(200)}
    table = ranked_enrichment(changes, genes, [known])
    assert table["p_value"].min() > 0
    assert (table["p_value"] <= 0.05).mean() <= 0.05
    assert table[table["q_value"] < 0.05]["source_class"].nunique() <= 15


def test_queries_and_changes_come_from_a_run(planted_run):
    queries = queries_of(planted_run.top_genes)
    assert set(queries) == {Query(name, "", way) for name in ("alpha", "beta") for way in ("up", "down")}
    names, changes = changes_of(planted_run.perturbations, ["s0"])
    assert "G59" not in names  # constant
    assert len(names) == 59
    assert list(changes) == [Profile("alpha", ""), Profile("beta", ""), Profile("alpha", "s0")]
    moved = planted_run.perturbations
    alpha = pd.DataFrame(moved.layers["perturbation"], columns=moved.var_names)[
        (moved.obs["source_class"] == "alpha").to_numpy()
    ]
    assert changes[Profile("alpha", "")] == pytest.approx(alpha[names].mean().to_numpy(), abs=1e-6)


def test_lists_stay_in_the_order_of_the_table_with_and_without_a_sample():
    rows = [
        ("Lung", "", "up", "G3"),
        ("Bone", "s1", "down", "G2"),
        ("Lung", "", "up", "G1"),
        ("Bone", None, "up", "G4"),
    ]
    found = queries_of(pd.DataFrame(rows, columns=["source_class", "sample", "direction", "gene"]))
    assert [(query.source_class, query.direction, genes) for query, genes in found.items()] == [
        ("Lung", "up", ["G3", "G1"]),
        ("Bone", "down", ["G2"]),
        ("Bone", "up", ["G4"]),
    ]
    assert queries_of(pd.DataFrame(columns=["source_class", "sample", "direction", "gene"])) == {}


@pytest.mark.parametrize(
    ("method", "names"),
    [("both", {"enrichment", "enrichment_ranked"}), ("ora", {"enrichment"}), ("ranked", {"enrichment_ranked"})],
)
def test_only_the_tests_that_were_asked_for_are_made(planted_run, method, names):
    known = [annotation(A=["G0", "G1", "G2", "G3", "G4", "G5"])]
    made = enrichment_tables(planted_run.perturbations, planted_run.top_genes, known, method=method)
    assert set(made) == names


def test_two_versions_of_one_gene_do_not_silence_a_category():
    genes = ["ENSG00000136997.20", "ENSG00000136997.21", "ENSG00000075624.13", "ENSG00000111640.14"]
    table = over_representation({ONE: genes[2:3]}, genes, [annotation(MYC=["MYC", "ACTB"], GAPDH=["GAPDH"])])
    assert table[["term", "overlap", "set_size", "background"]].to_numpy().tolist() == [["MYC", 1, 2, 3]]
