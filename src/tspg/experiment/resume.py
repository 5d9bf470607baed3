"""Before a run starts: whether the machine has room for it, and whether a stopped run had the same task."""

import hashlib
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from tspg._version import __version__
from tspg.data.matrix import dense
from tspg.data.prepare import text_column
from tspg.data.readers.table import memory_limit
from tspg.errors import ResourceError
from tspg.experiment.estimate import disk_needed, memory_needed
from tspg.experiment.task import Task
from tspg.model.checkpoints import CheckpointFolder
from tspg.model.device import choose_device
from tspg.utils.resources import free_disk, is_out_of_memory

LESS = "Choose fewer genes with --gene-sets, take a larger machine, or raise --max-memory."
NOT_DECISIVE = ("threads", "device")  # settings of how it is computed: they change last digits, not the task


def open_checkpoints(task: Task, out: Path) -> tuple[Task, CheckpointFolder]:
    """Where the run of a task keeps its state in a folder; warnings about resuming there join the task's notes.

    Raises
    ------
    UsageError, ModelError
        If the folder holds checkpoints of another task, or damaged ones.
    """
    config, device = task.config, choose_device(task.config.device)
    decisive = {name: value for name, value in config.as_dict().items() if name not in NOT_DECISIVE}
    cpu = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    made_with = {
        "tspg": __version__,
        **{name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch")},
        "threads": str(config.threads),
        "processor": cpu if device.type == "cpu" else torch.cuda.get_device_name(device),
    }
    checkpoints = CheckpointFolder(out, {**decisive, "expression and labels": _fingerprint(task)}, made_with)
    notes = [*task.details["notes"], *checkpoints.warnings]
    return replace(task, details={**task.details, "notes": notes}), checkpoints


def _fingerprint(task: Task) -> str:
    """Sixteen hexadecimal digits that change with any value, name or label."""
    adata, config = task.adata, task.config
    used = (config.label_column, config.group_column, config.split_column, config.adjust_column)
    columns = [name for name in used if name is not None]
    texts = [adata.obs_names, adata.var_names, *(text_column(adata, name) for name in columns)]
    digest = hashlib.sha256(repr([list(map(str, names)) for names in texts]).encode())
    digest.update(np.ascontiguousarray(dense(adata)).data)
    return digest.hexdigest()[:16]


@contextmanager
def explain_out_of_memory(task: Task) -> Iterator[None]:
    """Say what a run needs if its memory runs out.

    Raises
    ------
    ResourceError
        In place of what NumPy, Arrow or PyTorch raise.
    """
    needs = _needs(task)
    del task  # with its matrix, once the block lets go of it
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ResourceError(f"Not enough memory. {needs}. {LESS}") from error


def _needs(task: Task) -> str:
    n_samples, n_genes = task.adata.shape
    needed = memory_needed(n_samples, n_genes, task.config)
    return f"{n_samples:,} samples x {n_genes:,} genes need about {needed / 1e9:.1f} GB of memory"


def require_room(task: Task, out: Path, max_memory_gb: float | None) -> None:
    """Refuse a run that will not fit into memory, or whose files will not fit on the disk; before any work.

    Raises
    ------
    ResourceError
        With what is needed and what there is.
    """
    n_samples, n_genes = task.adata.shape
    limit = memory_limit(max_memory_gb)
    if memory_needed(n_samples, n_genes, task.config) > limit:
        raise ResourceError(f"{_needs(task)}; the limit is {limit / 1e9:.1f} GB. {LESS}")
    needed, free = disk_needed(n_samples, n_genes, task.config), free_disk(out)
    if needed > free:
        raise ResourceError(
            f"{out}: the run will write about {needed / 1e9:.2f} GB, {free / 1e9:.2f} GB are free there. "
            "Free some space, or name a folder on another disk."
        )
