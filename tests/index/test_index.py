"""An index of pictures: built, asked, added to, taken from, and refused where it must be."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from deepglass.bundle import Bundle
from deepglass.data.annotation import Box, Plate
from deepglass.data.source import Index as Examples
from deepglass.data.tiles import TileSettings
from deepglass.foundation.errors import DataError, RunFailed, UsageError
from deepglass.index.index import Index, _dimension
from deepglass.networks import choose_model, fit_model, network_of
from deepglass.tasks.detect import DetectSettings
from deepglass.tasks.read_plates import ReadPlatesSettings


def test_the_nearest_are_those_of_the_vectors_themselves(digits, photos, tmp_path):
    index = Index.build(photos, digits, tmp_path / "index")
    ids, vectors, errors = digits.embed([str(photos)])
    assert len(index) == len(ids) == 12 and not errors
    assert torch.allclose(vectors.norm(dim=1), torch.ones(12))
    scores = vectors @ vectors.T
    for row, (name, answer) in enumerate(zip(ids, index.query(ids, 3), strict=True)):
        order = [place for place in scores[row].argsort(descending=True).tolist() if place != row][:3]
        assert answer["id"] == name
        assert [one["id"] for one in answer["nearest"]] == [ids[place] for place in order]
        assert [one["score"] for one in answer["nearest"]] == pytest.approx(scores[row, order].tolist(), abs=1e-6)


def test_a_vector_alone_is_the_vector_in_a_batch(digits, photos):
    together = digits.embed([str(photos)])
    alone = torch.cat([digits.embed(name).vectors for name in together.ids])
    assert torch.allclose(alone, together.vectors, atol=1e-6)


def test_pixels_are_asked_about_as_files_are(digits, photos, tmp_path):
    index = Index.build(photos, digits, tmp_path / "index")
    file = photos / "0" / "08.png"
    answer = index.query([np.asarray(Image.open(file))], 1)[0]
    assert answer["nearest"] == [{"id": str(file), "score": pytest.approx(1, abs=1e-6)}]


def test_nothing_is_looked_at_twice(digits, photos, tmp_path):
    index = Index.build(photos, digits, tmp_path / "index")
    again = index.update(photos)
    assert (again.unchanged, again.added, again.replaced, again.removed) == (12, [], [], [])
    changed, gone, new = photos / "0" / "00.png", photos / "1" / "01.png", photos / "new.png"
    shutil.copy(photos / "0" / "08.png", changed)
    os.utime(changed, ns=(1, 1))
    shutil.copy(photos / "0" / "10.png", new)
    gone.unlink()
    done = index.update(photos)
    assert (done.added, done.replaced, done.removed) == ([str(new)], [str(changed)], [str(gone)])
    opened = Index.open(tmp_path / "index")
    assert len(opened) == 12 and str(gone) not in opened.ids
    assert opened.query(str(changed), 1)[0]["nearest"][0]["id"] == str(photos / "0" / "08.png")


def test_a_picture_is_one_however_the_way_to_it_is_written(digits, photos, tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    index = Index.build("../photos", digits, tmp_path / "index")
    assert str(photos / "0" / "00.png") in index.ids
    again = index.update(photos)
    assert (again.unchanged, again.added, len(index)) == (12, [], 12)
    (answer,) = index.query("../photos/0/00.png", 1)
    assert answer["nearest"][0]["id"] == str(photos / "1" / "01.png")
    assert index.remove(["../photos/1"]) == 6


def test_pictures_are_removed_by_file_and_by_folder(digits, photos, tmp_path):
    index = Index.build(photos, digits, tmp_path / "index")
    assert index.remove([photos / "0" / "00.png", "nowhere.png"]) == 1
    assert index.remove([photos / "1"]) == 6
    assert len(index) == 5
    assert not [name for name in Index.open(tmp_path / "index").ids if "/1/" in name]
    found = [one["id"] for one in index.query(str(photos / "1" / "03.png"), 20)[0]["nearest"]]
    assert len(found) == 5 and not [name for name in found if "/1/" in name]


def test_what_was_removed_stays_out_until_it_is_named_itself(digits, photos, tmp_path):
    index = Index.build(photos, digits, tmp_path / "index")
    out, other = str(photos / "0" / "00.png"), str(photos / "1" / "03.png")
    index.remove([out, photos / "1", photos / "nowhere"])
    shutil.copy(out, photos / "1" / "later.png")
    index = Index.open(tmp_path / "index")
    for _ in range(2):
        assert (index.update(photos).added, len(index)) == ([], 5)
    assert index.about()["left_out"] == [out, str(photos / "1")]
    assert index.update(other).added == [other] and index.update(photos).unchanged == 6
    assert index.add([out]).added == [out] and index.about()["left_out"] == [str(photos / "1")]
    assert len(index.add(photos / "1").added) == 6 and index.about()["left_out"] == []
    assert len(index) == 13 == len(Index.open(tmp_path / "index"))


def test_a_folder_whose_pictures_are_all_gone_leaves_none(digits, photos, tmp_path):
    index = Index.build([photos], digits, tmp_path / "index")
    for file in photos.glob("*/*.png"):
        file.unlink()
    assert len(index.update(photos).removed) == 12 and len(index) == 0
    assert index.query([np.zeros((8, 8), dtype=np.uint8)])[0]["nearest"] == []
    with pytest.raises(DataError, match="photos"):
        index.update(photos)  # nothing is there, and nothing was


def test_a_folder_that_is_not_there_takes_nothing_with_it(digits, photos, tmp_path):
    index = Index.build(photos, digits, tmp_path / "index")
    photos.rename(tmp_path / "unplugged")
    with pytest.raises(DataError, match="photos"):
        index.update(photos)
    assert len(index) == 12


def test_what_has_no_vector_for_a_picture_is_refused_before_any_is_looked_at():
    plate = Plate("A", ((0.0, 0.0), (40.0, 0.0), (40.0, 20.0), (0.0, 20.0)))
    plates, boxes = ReadPlatesSettings(), DetectSettings(tiles=TileSettings(cut=True))
    asked = (("plate_net", plates, (plate,)), ("fcos", boxes, (Box("cat", 3, 4, 40, 50),)))
    for name, settings, label in asked:
        task = settings.build(settings.learn(Examples(("a",), (label,)), (64, 64), 3))
        task = settings.build(task.settle({"input": np.full((1, 64 * 64, 3), 90, dtype=np.uint8)}))
        chosen = choose_model(name)
        if name == "fcos":
            small = replace(chosen.settings, backbone="resnet18", stem=8, features=16, depth=1)
            chosen = replace(chosen, settings=small)
        network = network_of(fit_model(chosen, task.asks()).settings)
        bundle = Bundle({"model": {"name": name}, "task": {"name": "-"}}, network, task)
        with pytest.raises(UsageError, match="has no vector before its head that would stand for a whole picture"):
            _dimension(bundle)


def test_pairs_that_differ_by_a_pixel_are_duplicates(digits, photos, tmp_path):
    index = Index.build(photos, digits, tmp_path / "index")
    groups = index.duplicates(0.999)
    assert [[name[-6:-4] for name in group["ids"]] for group in sorted(groups, key=lambda one: one["ids"])] == [
        ["00", "01"],
        ["02", "03"],
        ["04", "05"],
    ]
    everything = index.duplicates(-1)
    assert [len(group["ids"]) for group in everything] == [12]
    assert index.duplicates(1.01) == []


def test_what_cannot_be_read_is_named_and_left_out(digits, photos, tmp_path):
    (photos / "bad.png").write_bytes(b"nothing")
    index = Index.create(digits, tmp_path / "index")
    done = index.add(photos)
    assert len(index) == 12
    assert list(done.unreadable) == [str(photos / "bad.png")]
    assert "not a picture" in done.unreadable[str(photos / "bad.png")]
    assert "error" in index.query(str(photos / "bad.png"))[0]
    (photos / "0" / "00.png").write_bytes(b"broken since")
    assert str(photos / "0" / "00.png") in index.add(photos).unreadable
    assert len(index) == 11


def test_another_network_is_refused_and_so_is_a_lost_one(digits, photos, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(digits.folder, other)
    bundle = Bundle.load(other)
    Index.build(photos, bundle, tmp_path / "index")
    bundle.document["about"]["step"] = -1
    bundle.save(tmp_path / "changed")
    with pytest.raises(UsageError, match="vectors of two networks cannot be compared"):
        Index.open(tmp_path / "index", bundle)
    shutil.rmtree(other)
    with pytest.raises(UsageError, match=r"no longer there. Say where it is: --bundle RUN"):
        Index.open(tmp_path / "index")
    assert len(Index.open(tmp_path / "index", digits)) == 12  # the same network in another place


def test_an_index_is_not_written_over(digits, photos, tmp_path):
    Index.create(digits, tmp_path / "index")
    with pytest.raises(UsageError, match="There is an index in .*index already"):
        Index.build(photos, digits, tmp_path / "index")


def test_places_without_pictures_are_named(digits, tmp_path):
    index = Index.create(digits, tmp_path / "index")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        index.add(tmp_path / "empty")
    with pytest.raises(DataError, match="none.png"):
        index.add(tmp_path / "none.png")
    (tmp_path / "empty" / "a.png").write_bytes(b"x")
    with pytest.raises(DataError, match="None of 1 picture could be read. The first: .*a.png"):
        index.add(tmp_path / "empty")


def test_damage_is_found(digits, photos, tmp_path):
    Index.build(photos, digits, tmp_path / "index")
    part = tmp_path / "index" / "vectors-1.safetensors"
    content = bytearray(part.read_bytes())
    content[-20] ^= 1
    part.write_bytes(content)
    with pytest.raises(RunFailed, match="vectors-1.safetensors is not what was written"):
        Index.open(tmp_path / "index")
    part.unlink()
    with pytest.raises(RunFailed, match="vectors-1.safetensors is not what was written"):
        Index.open(tmp_path / "index")
    document = tmp_path / "index" / "index.json"
    document.write_text(document.read_text().replace('"cosine"', '"dot"'))
    with pytest.raises(RunFailed, match="index.json"):
        Index.open(tmp_path / "index")


def test_a_later_format_is_told(digits, tmp_path):
    Index.create(digits, tmp_path / "index")
    file = tmp_path / "index" / "index.json"
    document = json.loads(file.read_text())
    del document["sha256"]
    file.write_text(json.dumps(document | {"version": 9}))
    with pytest.raises(RunFailed, match="has format 9; this deepglass reads format 1"):
        Index.open(tmp_path / "index")
