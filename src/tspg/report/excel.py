"""The tables as one Excel file in which names stay names: SEPT1 is no date, and =A1 no formula."""

from collections.abc import Mapping
from datetime import datetime
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import pandas as pd

from tspg.analysis.evaluation.thresholds import ENRICHED
from tspg.errors import UsageError
from tspg.utils.files import whole_file

SHEETS = (
    *("genes", "sample_genes", "top_genes", "gene_overlap", "table_1", "table_2", "enrichment", "enrichment_ranked"),
    *("smallest_sets", "carriers", "path", "samples", "evidence", "test_evidence", "test_genes"),
)
LOG_NAMES = {
    "difference": "log2 fold change",
    "difference_low": "log2 fold change low",
    "difference_high": "log2 fold change high",
}
MOST_ROWS = 1_048_575  # of a sheet, below its head
ALWAYS = datetime(2000, 1, 1)  # noqa: DTZ001 - a file's date would make its bytes differ from run to run
_AS_WRITTEN = {
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "nan_inf_to_errors": True,
    "in_memory": True,  # no parts on the disk for temporary files, which may be full, too
}


def write_spreadsheet(tables: Mapping[str, pd.DataFrame], path: Path, *, is_log: bool = False) -> None:
    """Write the tables of a run as sheets; of the enrichment the terms with q < .05.

    With `is_log` (values on a log scale) the difference of two means is called log2 fold change.
    """
    require_xlsxwriter()
    content = BytesIO()  # an error in the middle of a zip archive on a full disk would be hard to read
    with pd.ExcelWriter(content, engine="xlsxwriter", engine_kwargs={"options": _AS_WRITTEN}) as writer:
        writer.book.set_properties({"created": ALWAYS})
        for name in (name for name in SHEETS if name in tables):
            table = tables[name]
            if name.startswith("enrichment"):
                table = table[table["q_value"] < ENRICHED]
            if is_log:
                table = table.rename(columns=LOG_NAMES)
            table.head(MOST_ROWS).to_excel(writer, sheet_name=name, index=False, freeze_panes=(1, 0))
    with whole_file(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def require_xlsxwriter() -> None:
    """Refuse before any work starts if the library is missing."""
    if find_spec("xlsxwriter") is None:
        raise UsageError("--xlsx needs XlsxWriter. Install it: pip install 'tspg[xlsx]'.")
