"""The contract of everything that can be looked at, and how figures are written in words."""

import math
from typing import Any, Protocol


class View(Protocol):
    """Something to look at. Those that are pictures have `svg() -> str`, `png() -> bytes`, or both, as well."""

    def terminal(self) -> str:
        """Plain text with Unicode, no markup; lines end without spaces."""
        ...

    def json(self) -> dict[str, Any]:
        """What is shown, as data; "kind" names the view."""
        ...

    def text(self) -> str:
        """One sentence that says what is to be seen, for those who do not see it."""
        ...


def number(value: float) -> str:
    """Whole numbers whole, others with three significant digits; what does not exist is a dash.

    >>> [number(value) for value in (60000, 0.98765, 1234.5, 0.0000123, 3.0, float("nan"))]
    ['60,000', '0.988', '1,234', '1.23e-05', '3', '–']
    """
    if not math.isfinite(value):
        return "–" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def finite(value: float) -> float | None:
    """The number as JSON can hold it: None where there is none."""
    value = float(value)
    return value if math.isfinite(value) else None
