"""How much memory an Arrow file asks for, read from its messages before Arrow takes any: Arrow itself has no limit."""

import struct
from collections.abc import Iterator

import pyarrow as pa

BEFORE_MESSAGES = 8  # the mark of the format, filled up
_COMPRESSED_BY = 3  # number of the field of a batch that tells how it is compressed


def declared_in_arrow(stream: pa.NativeFile) -> list[int]:
    """Bytes that each batch of a Feather file takes once it is read; the stream must be mapped into memory.

    The head of a message is a flatbuffer, and a compressed buffer begins with its size before: pyarrow shows neither.

    Raises
    ------
    ValueError, struct.error
        If the messages do not fit together.
    """
    stream.seek(BEFORE_MESSAGES)
    messages = iter(pa.ipc.MessageReader.open_stream(stream))
    return [sum(_buffers(message)) for message in messages if message.type in ("record batch", "dictionary")]


def _buffers(message: pa.ipc.Message) -> Iterator[int]:
    """The size of each buffer of a batch in memory."""
    head = message.metadata.to_pybytes()
    batch = _follow(head, _field(head, _follow(head, 0), 2))
    if message.type == "dictionary":
        batch = _follow(head, _field(head, batch, 1))
    buffers = _follow(head, _field(head, batch, 2))
    is_compressed = _field(head, batch, _COMPRESSED_BY) > 0
    (n_buffers,) = struct.unpack_from("<I", head, buffers)
    for at in range(n_buffers):
        start, length = struct.unpack_from("<qq", head, buffers + 4 + 16 * at)
        before = length
        if is_compressed and length:
            (before,) = struct.unpack("<q", message.body.slice(start, 8).to_pybytes())
        yield max(length, before)


def _follow(head: bytes, at: int) -> int:
    """Where the offset at a place leads."""
    (offset,) = struct.unpack_from("<I", head, at)
    return at + int(offset)


def _field(head: bytes, table: int, number: int) -> int:
    """The position of a table's field; 0 if the table has none of that number."""
    (back,) = struct.unpack_from("<i", head, table)
    (size,) = struct.unpack_from("<H", head, table - back)
    place = 4 + 2 * number
    (offset,) = struct.unpack_from("<H", head, table - back + place) if place < size else (0,)
    return table + int(offset) if offset else 0
