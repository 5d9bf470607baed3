"""Numbers as people read them."""

from numbers import Integral, Real
from typing import Any

NOT_AVAILABLE, DASH = "not available", "–"


def number(value: Any, digits: int = 2) -> str:
    """A number for people: rounded, thousands apart, a true minus sign; words where there is none."""
    if not isinstance(value, (float, Real)) or value != value:
        return NOT_AVAILABLE
    text = f"{value:,.{digits}f}" if isinstance(value, float) or not isinstance(value, Integral) else f"{value:,}"
    return (text if text.strip("-0.,") else text.lstrip("-")).replace("-", "−")


def percent(value: Any) -> str:
    """A share in per cent, never rounded up to 100% or down to 0%."""
    if not isinstance(value, (float, Real)) or value != value:  # most are, and that is asked sooner
        return NOT_AVAILABLE
    share = float(value)
    if 0.995 <= share < 1 or 0 < share < 0.005:
        return f"{100 * share:.1f}%" if 0.0005 <= share < 0.9995 else (">99.9%" if share > 0.5 else "<0.1%")
    return f"{100 * share:.0f}%"


def small(value: Any) -> str:
    """A p- or q-value for people, to one digit; a dash where there is none."""
    return DASH if value != value else f"{value:.1g}"


def listed(words: list[str]) -> str:
    """Words as an enumeration: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def duration(seconds: float) -> str:
    """A time in the unit that people would take."""
    minutes = seconds / 60
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def counted(n: int, noun: str) -> str:
    """A number with its noun: 1 sample, 2 samples."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def signed(value: Any, digits: int = 2) -> str:
    """A number for people with its sign, plus as well."""
    text = number(value, digits)
    return f"+{text}" if isinstance(value, Real) and float(value) > 0 else text
