"""Predictions for the tests of metrics: sizes, ties, one class only, absent classes, tiny n."""

from typing import NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor


class Case(NamedTuple):
    """logits float64 (N, K), targets int (N,), labels 0/1 (N, K)"""

    logits: Tensor
    targets: Tensor
    labels: Tensor

    @property
    def ids(self) -> list[str]:
        """Ids that sort as the rows stand."""
        return [f"{row:06d}" for row in range(len(self.targets))]

    def feed(self, metric: object, column: Tensor | None = None) -> None:
        """The rows in two batches, the later ones first, so that order is tested by the way."""
        half, targets = len(self.ids) // 2, self.targets if column is None else column
        for part in (slice(half, None), slice(0, half)):
            metric.update(self.ids[part], {"logits": self.logits[part]}, targets[part])  # pyright: ignore


def make(rows: int, classes: int, seed: int, kind: str) -> Case:
    """`kind`: "plain", "ties" (few distinct scores), "one_class" (all targets equal), "absent" (upper half unseen)."""
    maker = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, classes, generator=maker, dtype=torch.float64) * 2
    targets = torch.randint({"one_class": 1, "absent": (classes + 1) // 2}.get(kind, classes), (rows,), generator=maker)
    labels = (torch.rand(rows, classes, generator=maker) < 0.4).long()
    if kind == "ties":
        logits = logits.round()
    if kind == "absent":
        labels[:, classes // 2 :] = 0
    return Case(logits, targets, labels)


CASES = st.builds(
    make,
    rows=st.integers(1, 40),
    classes=st.integers(2, 6),
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(["plain", "ties", "one_class", "absent"]),
)
