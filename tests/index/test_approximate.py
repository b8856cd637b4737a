"""Very many vectors by FAISS: nearly what an exact search finds, with exact scores, from a cache that is checked."""

import shutil
import sys

import pytest
import torch
import torch.nn.functional as F

from deepglass.foundation.errors import MachineError
from deepglass.index import approximate, kept
from deepglass.index.approximate import Approximate, choose
from deepglass.index.kept import Kept
from deepglass.index.shelf import Entry
from tests.index.conftest import entries

pytest.importorskip("faiss")
WIDE = 18  # numbers of a vector: no whole number of codes


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(kept, "LATER", 100)


def clusters(count: int, start: int = 0) -> list[Entry]:
    maker = torch.Generator().manual_seed(0)
    middles = torch.randn(40, WIDE, generator=maker)
    maker.manual_seed(start + 1)
    vectors = middles[torch.randint(40, (2000,), generator=maker)] + 0.4 * torch.randn(2000, WIDE, generator=maker)
    return [Entry(f"p{start + row}", "", vector) for row, vector in enumerate(F.normalize(vectors, dim=1)[:count])]


def shelf_of(folder, kind: str, count: int = 2000) -> Kept:
    shelf = Kept.create(folder, {"dimension": WIDE, "settings": {"numbers": "float32", "kind": kind}})
    shelf.put(clusters(count))
    return shelf


def exact(shelf: Kept, queries, count: int = 10):
    alive = [name for name in shelf.stamps()]
    vectors = torch.stack([shelf.vectors[shelf.rows[name]] for name in alive])
    return [
        {alive[row]: score for row, score in zip(top.indices.tolist(), top.values.tolist(), strict=True)}
        for top in ((vectors @ query).topk(count) for query in queries)
    ]


def recall(shelf: Kept, queries) -> float:
    """How many of the ten nearest are found; their scores must be the exact ones."""
    hits = 0
    for found, true in zip(shelf.nearest(queries, 10), exact(shelf, queries), strict=True):
        assert len(found) == 10 and len({one.id for one in found}) == 10
        assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
        for one in found:
            assert one.id not in true or one.score == pytest.approx(true[one.id], abs=1e-5)
        hits += len({one.id for one in found} & set(true))
    return hits / 10 / len(queries)


@pytest.mark.parametrize("kind", ["hnsw", "ivf_pq"])
def test_nearly_all_of_the_nearest_are_found_after_every_change(kind, tmp_path):
    shelf = shelf_of(tmp_path, kind)
    queries = torch.stack([entry.vector for entry in clusters(40, start=10_000)])
    assert shelf.about() == {"kind": kind, "why": "as_asked"}
    assert recall(shelf, queries) > 0.97
    shelf.put(clusters(60, start=3000))  # looked at beside what FAISS knows
    assert shelf._fast and shelf._fast[1].rows == 2000 and recall(shelf, queries) > 0.97
    shelf.put(clusters(300, start=4000))  # taken in
    assert recall(shelf, queries) > 0.97 and shelf._fast[1].rows == 2360
    near = [one.id for one in shelf.nearest(queries[:1], 200)[0]]
    shelf.take(near)  # all that is near is away
    assert recall(shelf, queries[:1]) > 0.9
    assert not {one.id for one in shelf.nearest(queries[:1], 50)[0]} & set(near)
    again = Kept(tmp_path)
    assert again.nearest(queries, 5) == shelf.nearest(queries, 5)
    assert again._fast and again._fast[1].rows == 2360
    shelf.take(list(shelf.stamps())[:-3])
    assert [len(one) for one in shelf.nearest(queries[:2], 10)] == [3, 3]


@pytest.mark.parametrize("kind", ["hnsw", "ivf_pq"])
def test_what_lies_in_the_cache_is_used_and_made_anew_where_it_is_missing_or_damaged(kind, tmp_path, monkeypatch):
    shelf = shelf_of(tmp_path / "index", kind)
    shelf.ready()
    (folder,) = approximate.kept()
    assert {file.name for file in folder.iterdir()} == {"index.faiss", "manifest.json"}
    assert not list((tmp_path / "index").glob("*faiss*"))
    made = []
    monkeypatch.setattr(approximate, "_made", lambda *given, real=approximate._made: made.append(1) or real(*given))
    query = clusters(1, start=7)[0].vector[None]
    first = Kept(tmp_path / "index").nearest(query, 5)
    assert not made
    content = bytearray((folder / "index.faiss").read_bytes())
    content[len(content) // 2] ^= 255
    (folder / "index.faiss").write_bytes(content)
    assert Kept(tmp_path / "index").nearest(query, 5) == first and len(made) == 1
    shutil.rmtree(folder)
    assert Kept(tmp_path / "index").nearest(query, 5) == first and len(made) == 2
    approximate.clear()
    assert not approximate.kept()


def test_a_file_that_comes_with_an_index_is_never_read(tmp_path, monkeypatch):
    shelf = shelf_of(tmp_path / "index", "hnsw", 500)
    shelf.ready()
    (folder,) = approximate.kept()
    shutil.copy(folder / "index.faiss", tmp_path / "index")
    approximate.clear()
    seen = []
    monkeypatch.setattr(approximate, "_recalled", lambda folder: seen.append(folder))
    Kept(tmp_path / "index").nearest(clusters(1)[0].vector[None], 1)
    assert seen and all((tmp_path / "index") not in one.parents for one in seen)


def test_old_ones_leave_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(approximate, "MOST_KEPT", 2)
    vectors = torch.stack([entry.vector for entry in clusters(50)])
    for number in range(4):
        Approximate.of(vectors, "hnsw", [(f"part{number}", 50)])
    assert len(approximate.kept()) == 2


def test_where_nothing_can_be_cached_the_search_goes_on(tmp_path, monkeypatch):
    shelf = shelf_of(tmp_path / "index", "hnsw", 500)
    (tmp_path / "cache").write_text("a file where the cache should lie")
    assert shelf.nearest(clusters(1)[0].vector[None], 1)[0][0].id == "p0"


def test_pairs_are_found_among_many(tmp_path):
    shelf = shelf_of(tmp_path, "hnsw", 500)
    twin = clusters(1, start=0)[0]
    shelf.put([twin._replace(id="twin")])
    assert ("p0", "twin") in {(one, other) for one, other, _ in shelf.pairs(0.9999)}


def test_the_kind_follows_from_the_size_unless_it_is_asked_for(monkeypatch):
    assert choose(60_000, 128, "auto") == ("flat", "few")
    assert choose(1_000_000, 128, "auto") == ("hnsw", "many")
    assert choose(10_000_000, 128, "auto") == ("ivf_pq", "very_many")
    assert choose(10, 128, "ivf_pq") == ("ivf_pq", "as_asked")
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert choose(1_000_000, 128, "auto") == ("flat", "no_faiss")


def test_a_growing_index_changes_its_kind_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(approximate, "FLAT", 100 * WIDE)
    shelf = shelf_of(tmp_path, "auto", 90)
    assert shelf.about() == {"kind": "flat", "why": "few"}
    shelf.put(clusters(200, start=90))
    assert shelf.about() == {"kind": "hnsw", "why": "many"} == Kept(tmp_path).about()
    assert shelf.nearest(clusters(1)[0].vector[None], 1)[0][0].id == "p0"


def test_a_missing_library_is_told_before_anything_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        MachineError, match=r"needs faiss-cpu, which is not installed: pip install 'deepglass\[search\]'"
    ):
        shelf_of(tmp_path / "index", "hnsw")
    assert not (tmp_path / "index").exists()


def test_small_additions_to_a_large_index_leave_its_first_part(tmp_path, monkeypatch):
    shelf = shelf_of(tmp_path, "hnsw")
    shelf.ready()
    made = []
    monkeypatch.setattr(approximate, "_made", lambda *given: made.append(1))
    for turn in range(kept.MOST_PARTS + 3):
        shelf.put(entries_like(turn))
    assert shelf.document["parts"][0]["file"] == "vectors-1.safetensors" and len(shelf.document["parts"]) < 6
    assert shelf.nearest(entries_like(2)[0].vector[None], 1)[0][0].id == "n2" and not made
    assert Kept(tmp_path).nearest(entries_like(9)[0].vector[None], 1)[0][0].id == "n9" and not made


def entries_like(turn: int) -> list[Entry]:
    return [entry._replace(id=f"n{turn}") for entry in entries(1, WIDE, start=turn)]
