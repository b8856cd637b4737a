"""The same index on a Qdrant, in its in-process mode."""

import sys

import pytest
import torch

from deepglass.foundation.errors import MachineError, UsageError
from deepglass.index.index import Index
from deepglass.index.qdrant import Qdrant
from deepglass.index.settings import SearchSettings
from tests.index.conftest import entries

pytest.importorskip("qdrant_client")


def test_it_keeps_what_files_keep():
    shelf = Qdrant(":memory:", "some", 8)
    shelf.put(entries(300))
    shelf.put([entry._replace(stamp="new") for entry in entries(2)])
    assert len(shelf) == 300 and shelf.stamps() == {f"p{n}": "new" if n < 2 else f"s{n}" for n in range(300)}
    vectors = torch.stack([entry.vector for entry in entries(300)])
    queries = torch.stack([entry.vector for entry in entries(5, start=1000)])
    for found, scores in zip(shelf.nearest(queries, 4), queries @ vectors.T, strict=True):
        top = scores.topk(4)
        assert [one.id for one in found] == [f"p{row}" for row in top.indices.tolist()]
        assert [one.score for one in found] == pytest.approx(top.values.tolist(), abs=1e-5)
    assert shelf.take(["p3", "p4", "nobody"]) == 2 and len(shelf) == 298
    near = {frozenset(pair[:2]) for pair in shelf.pairs(0.9)}
    alike = (vectors @ vectors.T).triu(1) >= 0.9
    assert near == {
        frozenset((f"p{one}", f"p{other}")) for one, other in alike.nonzero().tolist() if not {one, other} & {3, 4}
    }


def test_an_index_is_the_same_in_a_qdrant_and_in_files(digits, photos, tmp_path):
    there = SearchSettings(qdrant=str(tmp_path / "qdrant"))
    index = Index.build(photos, digits, tmp_path / "index", there)
    files = Index.build(photos, digits, tmp_path / "files")
    asked = str(photos / "0" / "00.png")
    found, expected = index.query(asked, 4)[0]["nearest"], files.query(asked, 4)[0]["nearest"]
    assert [one["id"] for one in found] == [one["id"] for one in expected]
    assert [one["score"] for one in found] == pytest.approx([one["score"] for one in expected], abs=1e-5)
    alike, expected = (sorted(one["ids"] for one in each.duplicates(0.999)) for each in (index, files))
    assert alike == expected and len(alike) == 3
    assert index.about()["kind"] == "qdrant" and index.update(photos).unchanged == 12
    assert index.remove([photos / "1"]) == 6
    assert index.update(photos).added == [] and index.about()["left_out"] == [str(photos / "1")]
    index.shelf.close()
    assert sorted(Index.open(tmp_path / "index").ids) == sorted(name for name in files.ids if "/1/" not in name)


def test_a_collection_that_is_there_is_not_written_over(digits, photos, tmp_path):
    there = SearchSettings(qdrant=str(tmp_path / "qdrant"))
    index = Index.build(photos, digits, tmp_path / "a" / "index", there)
    index.shelf.close()
    with pytest.raises(UsageError, match="has a collection index-.* already. Give the new index another folder name"):
        Index.create(digits, tmp_path / "b" / "index", there)


def test_a_missing_client_and_a_silent_server_are_told(digits, tmp_path, monkeypatch):
    with pytest.raises(MachineError, match="The Qdrant at http://localhost:1 does not answer"):
        Index.create(digits, tmp_path / "index", SearchSettings(qdrant="http://localhost:1"))
    monkeypatch.setitem(sys.modules, "qdrant_client", None)
    with pytest.raises(MachineError, match=r"needs qdrant-client, .*deepglass\[qdrant\]"):
        Index.create(digits, tmp_path / "index", SearchSettings(qdrant=":memory:"))
    assert not (tmp_path / "index").exists()
