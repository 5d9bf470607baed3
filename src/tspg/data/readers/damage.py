"""Binary files whose bytes are not what their format asks for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tspg.errors import ExpressionError, TspgError
from tspg.utils.names import shown

_ADVICE = {
    "H5AD": "Write it again with anndata.",
    "NPY": "Write it again with numpy.save, numbers only.",
    "Parquet": "Write it again, or copy it once more.",
    "Feather": "Write it again, best as Parquet: in Python table.to_parquet, in R arrow::write_parquet.",
}


@contextmanager
def refused_if_damaged(path: Path | str, kind: str) -> Iterator[None]:
    """Whatever a format's own library raises on damaged bytes, told as one kind of error: they say nowhere what it is.

    Raises
    ------
    ExpressionError
        With what the library said, in short.
    """
    try:
        yield
    except (TspgError, MemoryError):
        raise
    except Exception as error:
        reason = re.sub(r"Unable to synchronously \w+ \w+ ", "", str(error.args[0] if error.args else error)).strip(
            "()"
        )
        raise ExpressionError(f"{path}: cannot be read as {kind} ({shown(reason)}). {_ADVICE[kind]}") from error
