"""How sound files become unsound ones: blindly, or with their structure kept."""

import json
import random
from typing import Any

ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 10**9, 10**30, 10**400, 1e308, "", "a", "..", "/", "../x", "\0", "\ud800", "x" * 300),
    *([], {}, [[]], [None], ["a", "a"], {"a": 1}, [["a", "b"]], [0] * 50, float("nan"), float("inf")),
)
DEEP = 1500  # lists in lists, more than Python's own stack takes


def mutated(rng: random.Random, seeds: list[bytes], words: tuple[str, ...] = ()) -> bytes:
    """A seed with one to four changes: bits, bytes, words of the format, pieces removed, doubled or exchanged."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        piece = slice(at, at + rng.choice((1, 2, 4, 16, 256)))
        change = rng.randrange(7 if words else 6)
        if change in {0, 1} and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif change == 2 and at < len(data):
            data[at] = rng.choice((0, 1, 127, 128, 255, 10, 13, 34))
        elif change == 3:
            del data[piece]
        elif change == 4:
            data[at:at] = data[piece]
        elif change == 5:
            other = rng.choice(seeds)
            data[piece] = other[piece] if rng.random() < 0.5 else other[at:]
        elif change == 6:
            data[at:at] = rng.choice(words).encode()
    return bytes(data)


def json_mutated(rng: random.Random, data: bytes) -> bytes | None:
    """JSON with one value somewhere in it removed or replaced by an odd one; None if data are no JSON."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    places = list(_places(content))
    if not places:
        return json.dumps(rng.choice(ODD)).encode()
    holder, key = rng.choice(places)
    change = rng.randrange(8)
    if change == 0:
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[str(rng.choice(ODD))] = holder.pop(key)
    elif change == 2:
        other, its_key = rng.choice(places)
        holder[key] = other[its_key] if other is not holder else rng.choice(ODD)
    elif change == 3 and rng.random() < 0.05:
        return json.dumps(content).encode()[:-1] + b',"deep":' + b"[" * DEEP + b"]" * DEEP + b"}"
    else:
        holder[key] = rng.choice(ODD)
    try:
        return json.dumps(content).encode()
    except (ValueError, RecursionError):  # it holds itself by now
        return None


def _places(content: Any) -> Any:
    """Every place in nested lists and dictionaries: what holds a value, and under which key."""
    waiting = [content]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict | list):
            for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
                yield holder, key
                waiting.append(holder[key])


def header_mutated(rng: random.Random, data: bytes) -> bytes | None:
    """A safetensors file with one value of its JSON header changed, the header's length being told rightly."""
    size = int.from_bytes(data[:8], "little")
    header = json_mutated(rng, data[8 : 8 + size])
    return None if header is None else len(header).to_bytes(8, "little") + header + data[8 + size :]
