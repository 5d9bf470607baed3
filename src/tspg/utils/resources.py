"""The memory that a process may use, and free disk."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def usable_memory() -> float:
    """The most bytes of memory that this process can have: the computer's, or what a cluster's job was given of it."""
    limits = [float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))]
    with suppress(OSError, ValueError):  # no Linux, no such group, or a limit that says "max"
        (group,) = [line for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::")]
        for folder in (own := _CGROUPS / group[len("0::/") :], *own.parents):
            if folder.is_relative_to(_CGROUPS) and (limit := folder / "memory.max").is_file():
                with suppress(ValueError):
                    limits.append(float(limit.read_text()))
    return min(limits)


def free_disk(folder: Path) -> float:
    """Bytes that can still be written where a folder is, or will be."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    return float(shutil.disk_usage(there).free)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; PyTorch and threads have no error class for it."""
    message = str(error).lower()
    return isinstance(error, MemoryError) or any(
        words in message for words in ("can't allocate memory", "out of memory", "can't start new thread")
    )
