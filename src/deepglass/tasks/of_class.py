"""Classes that may be asked for of what a generator makes: known from the training part, coded, drawn, or named."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from deepglass.data.column import tally
from deepglass.data.example import Batch
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.seeds import Draws
from deepglass.tasks.inputs import natural

REAL, MADE = "real", "made"  # what a discriminator takes a thing for


def classes_of(index: Index) -> tuple[str, ...]:
    """The classes of these examples, at least two, in their natural order."""
    labels = sorted({str(label) for label in tally(index.labels) if label is not None}, key=natural)
    if len(labels) < 2:
        raise DataError("tasks.one_class_to_ask", label=labels[0] if labels else "-", count=len(index))
    return tuple(labels)


def coded(labels: Sequence[Any], known: Sequence[str]) -> dict[str, Tensor]:
    """Class numbers, -1 where there is none or the training part never had it; nothing where none is asked for."""
    if not known:
        return {}
    numbers = {label: number for number, label in enumerate(known)}
    return {"target": torch.tensor([numbers.get(str(label), -1) for label in labels], dtype=torch.int64)}


def of_rows(numbers: Draws, known: Sequence[str], batch: Batch) -> dict[str, Tensor]:
    """label (B,): each row's own class, and for rows that have none a drawn one; nothing where none is asked for."""
    if not known:
        return {}
    label = numbers.integers("label", 0, len(known))
    return {"label": torch.where(batch["target"] >= 0, batch["target"], label) if "target" in batch else label}


def of_name(label: str, numbers: Draws, known: Sequence[str]) -> dict[str, Tensor]:
    """label (B,): the class of this name for every row, or drawn ones where it is empty."""
    if label and label not in known:
        key = "tasks.unknown_class" if known else "tasks.knows_no_classes"
        raise UsageError(key, label=label, labels=", ".join(known))
    if not known:
        return {}
    found = numbers.integers("label", 0, len(known))
    return {"label": torch.full_like(found, known.index(label)) if label else found}


def taken_for(shares: Tensor) -> list[dict[str, Any]]:
    """Whether the discriminator takes each for a real one, and how surely, of probabilities (B,)."""
    return [
        {"prediction": REAL if share >= 0.5 else MADE, "confidence": max(share, 1 - share), "by": "discriminator"}
        for share in shares.tolist()
    ]
