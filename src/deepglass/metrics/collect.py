"""Predictions gathered by example id: no example counts twice, and the order of batches cannot change a figure."""

from collections.abc import Sequence

import torch
from torch import Tensor

from deepglass.foundation.errors import RunFailed


class Collected:
    """Rows of named columns, keyed by id. `column(name)` is (N, ...), in the order of the sorted ids."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._ids: list[str] = []
        self._columns: dict[str, list[Tensor]] = {}
        self._whole: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[str], **columns: Tensor) -> None:
        """Rows of a batch; an id that was there before is an error. Every column is (B, ...)."""
        for identity in ids:
            if identity in self._seen:
                raise RunFailed("metrics.repeated", id=identity)
            self._seen.add(identity)
        for name, values in columns.items():
            if len(values) != len(ids):
                raise RunFailed("metrics.uneven", column=name, rows=len(values), ids=len(ids))
            self._columns.setdefault(name, []).append(values.detach().cpu())
        self._ids.extend(ids)
        self._whole.clear()

    def column(self, name: str) -> Tensor:
        """One column, whole. (N, ...)"""
        if name not in self._whole:
            order = sorted(range(len(self._ids)), key=self._ids.__getitem__)
            self._whole[name] = torch.cat(self._columns.get(name, [torch.zeros(0)]))[order]
        return self._whole[name]
