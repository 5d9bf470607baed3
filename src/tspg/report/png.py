"""A PNG file of pixels, in a quarter of the time that the usual libraries take for a page that is mostly white."""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_LEVEL = 3  # of compression: 6 takes three times as long and saves a tenth
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INCH = 0.0254  # metres


def png_of(pixels: NDArray[np.uint8], dpi: int) -> bytes:
    """The file of an image of (rows, columns, red green blue), each row told by what differs from the one above.

    Other libraries try five ways of telling for every row; in our figures rows mostly repeat each other.
    """
    rows, columns, _ = pixels.shape
    flat = np.ascontiguousarray(pixels).reshape(rows, -1)
    told = np.empty((rows, 1 + flat.shape[1]), np.uint8)
    told[:, 0] = 2  # the way of telling: "up"
    told[0, 1:] = flat[0]
    np.subtract(flat[1:], flat[:-1], out=told[1:, 1:])
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", round(dpi / _INCH), round(dpi / _INCH), 1)),
        (b"IDAT", zlib.compress(told.tobytes(), _LEVEL)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
