"""An index' vectors in a Qdrant: for collections that are larger than one machine's memory, or shared by several.

The one file that adapts its client. A place that begins with http is a server's address; any other is a folder, or
":memory:", where the client itself keeps them. Additions are kept in pieces, so a kill may leave some of a call.
"""

import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from deepglass.foundation.errors import MachineError, UsageError
from deepglass.foundation.sealed import write_document
from deepglass.index.kept import DOCUMENT, VERSION
from deepglass.index.shelf import Entry, Found

PIECE = 256  # vectors that travel together
ALIKE = 16  # how many alike are looked for, where pairs are


def library() -> Any:
    """The client; MachineError names the extra where it is missing."""
    try:
        import qdrant_client  # an extra: loaded when it is used
    except ImportError:
        raise MachineError("search.no_library", name="qdrant-client", extra="qdrant") from None
    return qdrant_client


class Qdrant:
    """A shelf in one collection of a Qdrant."""

    def __init__(self, place: str, name: str, dimension: int):
        self.place, self.name = place, name
        self._models = library().models
        try:
            self._client = _client(place)
            if not self._client.collection_exists(name):
                how = self._models.VectorParams(size=dimension, distance=self._models.Distance.COSINE)
                self._client.create_collection(name, vectors_config=how)
        except Exception as error:  # the library raises what the network or the disk made it
            raise MachineError("search.no_qdrant", place=place, reason=error) from None

    @classmethod
    def create(cls, folder: Path, about: Mapping[str, Any]) -> "Qdrant":
        """An empty collection, and the index' folder that names it."""
        found = cls.open(about)
        if len(found):
            raise UsageError("search.collection_exists", name=found.name, place=found.place)
        write_document(folder / DOCUMENT, {"version": VERSION, **about})
        return found

    @classmethod
    def open(cls, about: Mapping[str, Any]) -> "Qdrant":
        """The collection that an index.json names."""
        return cls(about["settings"]["qdrant"], about["collection"], about["dimension"])

    def __len__(self) -> int:
        return self._client.count(self.name, exact=True).count

    def close(self) -> None:
        """Let go of the folder, so that another process may use it."""
        self._client.close()

    def stamps(self) -> dict[str, str]:
        return {point.payload["id"]: point.payload["stamp"] for point in self._points()}

    def put(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), PIECE):
            piece = entries[start : start + PIECE]
            points = [
                self._models.PointStruct(id=_number(one.id), vector=one.vector.tolist(), payload=_told(one))
                for one in piece
            ]
            self._client.upsert(self.name, points=points, wait=True)

    def take(self, ids: Sequence[str]) -> int:
        before = len(self)
        for start in range(0, len(ids), PIECE):
            numbers = [_number(name) for name in ids[start : start + PIECE]]
            self._client.delete(self.name, points_selector=self._models.PointIdsList(points=numbers), wait=True)
        return before - len(self)

    def ready(self) -> None:
        """Qdrant makes its own index as vectors come."""

    def nearest(self, queries: Tensor, count: int) -> list[list[Found]]:
        asked = [self._models.QueryRequest(query=query, limit=count, with_payload=True) for query in queries.tolist()]
        answers = self._client.query_batch_points(self.name, requests=asked)
        return [[Found(point.payload["id"], point.score) for point in answer.points] for answer in answers]

    def pairs(self, threshold: float) -> Iterator[tuple[str, str, float]]:
        everything = self._points()
        while points := list(itertools.islice(everything, PIECE)):
            asked = [
                self._models.QueryRequest(query=point.id, limit=ALIKE, score_threshold=threshold, with_payload=True)
                for point in points
            ]
            for point, answer in zip(points, self._client.query_batch_points(self.name, requests=asked), strict=True):
                yield from ((point.payload["id"], one.payload["id"], one.score) for one in answer.points)

    def about(self) -> dict[str, Any]:
        return {"kind": "qdrant", "why": "as_asked", "place": self.place}

    def _points(self) -> Iterator[Any]:
        after = None
        while True:
            points, after = self._client.scroll(self.name, limit=PIECE, offset=after, with_payload=True)
            yield from points
            if after is None:
                return


def _client(place: str) -> Any:
    if place.startswith(("http://", "https://")):
        return library().QdrantClient(url=place, check_compatibility=False)
    return library().QdrantClient(place) if place == ":memory:" else library().QdrantClient(path=place)


def _told(entry: Entry) -> dict[str, str]:
    return {"id": entry.id, "stamp": entry.stamp}


def _number(name: str) -> str:
    """Qdrant knows points by numbers: one that follows from the id."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))
