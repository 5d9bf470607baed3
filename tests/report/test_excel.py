"""The Excel file as a spreadsheet program reads it."""

import openpyxl
import pandas as pd

from tspg.report.excel import write_spreadsheet

NAMES = ["SEPT1", "MARCH2", "=1+1", "1E5", "http://x.y", "NA", "-", "007", "bell\x07"]


def test_names_stay_names_and_only_enriched_terms_are_kept(tmp_path):
    top = pd.DataFrame({"gene": NAMES, "rank": range(9), "perturbation": [0.5, None, *[0.1] * 7]})
    terms = pd.DataFrame({"term": ["A", "B"], "q_value": [0.01, 0.05]})
    write_spreadsheet({"top_genes": top, "enrichment": terms, "unknown": top}, tmp_path / "tables.xlsx")
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx")
    assert book.sheetnames == ["top_genes", "enrichment"]
    cells = [row[0] for row in book["top_genes"].iter_rows(min_row=2)]
    assert [cell.value for cell in cells][:8] == NAMES[:8]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [row[2].value for row in book["top_genes"].iter_rows(min_row=2, max_row=3)] == [0.5, None]
    assert [row[0].value for row in book["enrichment"].iter_rows(min_row=2)] == ["A"]


def test_the_same_tables_give_the_same_bytes(tmp_path):
    table = {"top_genes": pd.DataFrame({"gene": NAMES})}
    for name in ("a.xlsx", "b.xlsx"):
        write_spreadsheet(table, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_difference_on_a_log_scale_is_called_a_fold_change_and_missing_ranks_stay_empty(tmp_path):
    genes = pd.DataFrame({"gene": ["A", "B"], "difference": [1.0, -2.0], "rank_up": pd.array([1, None], dtype="Int64")})
    genes["difference_low"] = [0.5, -3.0]
    for is_log, title in ((True, "log2 fold change"), (False, "difference")):
        write_spreadsheet({"genes": genes}, tmp_path / "tables.xlsx", is_log=is_log)
        head, *rows = openpyxl.load_workbook(tmp_path / "tables.xlsx")["genes"].iter_rows(values_only=True)
        assert head == ("gene", title, "rank_up", f"{title} low" if is_log else "difference_low")
        assert rows == [("A", 1, 1, 0.5), ("B", -2, None, -3)]
