"""The contract of what keeps an index' vectors: a folder of files, or a Qdrant."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from torch import Tensor


class Found(NamedTuple):
    """One picture of the collection, and how near it is: the cosine of the two vectors' angle, at most 1."""

    id: str
    score: float


class Entry(NamedTuple):
    """One vector that is to be kept; `stamp` changes when its file does."""

    id: str
    stamp: str
    vector: Tensor  # (D,), of length 1


class Shelf(Protocol):
    """Vectors by id. What a call has changed is kept when it returns, and a kill leaves all of a call or nothing."""

    def __len__(self) -> int: ...

    def stamps(self) -> Mapping[str, str]:
        """Every id with its stamp, in the order in which they came."""
        ...

    def put(self, entries: Sequence[Entry]) -> None:
        """Add vectors; one whose id is there takes the other's place."""
        ...

    def take(self, ids: Sequence[str]) -> int:
        """Remove these, and say how many were there."""
        ...

    def ready(self) -> None:
        """Make what the first question would wait for."""
        ...

    def nearest(self, queries: Tensor, count: int) -> list[list[Found]]:
        """The nearest to each query, the nearest first. (Q, D)"""
        ...

    def pairs(self, threshold: float) -> Iterator[tuple[str, str, float]]:
        """Every two that are so near or nearer, each pair once."""
        ...

    def about(self) -> dict[str, Any]:
        """How the nearest are found, for people: "kind" and why."""
        ...
