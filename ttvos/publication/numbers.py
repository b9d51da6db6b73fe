"""Numbers of result files in words for a page, by what their keys say they are."""

from typing import Any

SHARES = ("fraction", "share", "memory_bound", "agreement", "lowest_frame")


def words(key: str) -> str:
    """A key as words, its unit left to `written`: "peak_memory_bytes" -> "peak memory"."""
    text = key.removesuffix("_bytes") if _is_bytes(key) else key
    return text.replace("_", " ")


def written(key: str, value: Any) -> str:
    """A value with three digits; bytes in MiB, rates a second and MACs in billions (G), shares
    in percent. None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if _is_bytes(key):
        return f"{value / 2**20:,.0f} MiB"
    if key.endswith("_per_s") or key.split("_")[-1] == "macs":
        return f"{_digits(value / 1e9)} G"
    if key.endswith(SHARES):
        return f"{value:.3%}" if 0.99 <= value < 1 else f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else _digits(value)


def _is_bytes(key: str) -> bool:
    return key.split("_")[-1] == "bytes"


def _digits(number: float) -> str:
    """Three digits; an exponent only where there would be many zeros."""
    if number and not 1e-4 <= abs(number) < 1e6:
        return f"{number:.2e}"
    decimals = next((n for n in range(7) if abs(number) * 10**n >= 100), 0)
    return f"{number:,.{decimals}f}"
