"""Settings of an index, written down in its index.json."""

from dataclasses import dataclass
from typing import Literal

KindName = Literal["flat", "hnsw", "ivf_pq"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchSettings:
    """How vectors are kept and the nearest found."""

    kind: Literal["auto", "flat", "hnsw", "ivf_pq"] = "auto"  # flat looks at all; the others at what is near, by FAISS
    numbers: Literal["float32", "float16"] = "float32"  # of a vector, on the disk; float16 takes half the room
    qdrant: str = ""  # address or folder of a Qdrant that keeps the vectors; empty: they lie in the index' own folder
