"""Move gene expression profiles to a target state and see which genes had to change.

`__init__.pyi` lists the public names, once, for people, type checkers and this module. A name is loaded when it is
first used, so that `import tspg` is quick and opening results never loads PyTorch.
"""

import ast
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from tspg import errors  # noqa: F401 - public, and loads nothing

__version__ = "0.2.0.dev0"

_IMPORTS = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
_HOMES = {one.names[0].name: one.module for one in _IMPORTS if isinstance(one, ast.ImportFrom) and one.module}
__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    """Load a public name from its module the first time it is used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tspg' has no attribute {name!r}")
    # A waiting thread must sleep: one that spins steals the core that another thread or program needs, and
    # training on a busy machine took six times as long. OpenMP reads this when PyTorch and scikit-learn load;
    # afterwards it is as it was, since the user's other libraries and programs are not ours to set.
    is_unset = "OMP_WAIT_POLICY" not in os.environ
    if is_unset:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    try:
        value = getattr(import_module(_HOMES[name]), name)
    finally:
        if is_unset:
            os.environ.pop("OMP_WAIT_POLICY", None)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, also before they are loaded."""
    return sorted([*globals(), *__all__])
