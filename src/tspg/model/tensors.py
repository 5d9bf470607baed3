"""Tensors on disk: one safetensors file, whole or absent. Reading runs no code from it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor

from tspg.utils.files import whole_file


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 fingerprint of the file, once the named tensors are written, from any device."""
    content = safetensors.torch.save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def tensors_of(content: bytes) -> dict[str, Tensor]:
    """The tensors of a file's bytes, on the CPU.

    Raises
    ------
    safetensors.SafetensorError
        If the bytes are not such a file.
    """
    tensors: dict[str, Tensor] = safetensors.torch.load(content)
    return tensors
