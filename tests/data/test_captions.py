"""Captions: tables with several rows a picture, COCO's JSON, texts beside; told from labels; what is wrong is named."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from deepglass.data.recognise import layout_for, recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.sources.made_captions import OF_TEST, PAIRS, THINGS, held_back
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import speaking

PLAIN = DataSettings()
SENTENCES = [
    "A red ball lies on the grass.",
    "Two dogs run along the beach.",
    "A child reads a book, at night.",
    "The old house stands by a lake.",
    "Somebody rides a bicycle up the hill.",
    "Three boats wait in the harbour.",
]


def pictures(folder, count=6, size=(24, 18), part=""):
    """So many pictures of noise; their names."""
    (folder / part).mkdir(parents=True, exist_ok=True)
    names = [f"{part}{'/' if part else ''}p{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return names


def table(folder, rows, name="captions.tsv", head="file\tcaption"):
    (folder / name).write_text("\n".join([head, *("\t".join(row) for row in rows)]) + "\n", encoding="utf-8")


def found(place, **settings):
    with speaking("en"):
        return recognise(str(place), DataSettings(**settings))


def kinds(source):
    return {finding.kind: finding for finding in source.findings}


def test_a_table_may_tell_several_things_of_a_picture(tmp_path):
    names = pictures(tmp_path)
    rows = list(zip(names, SENTENCES, strict=True)) + [(names[1], "  Dogs\u00a0 are running. "), (names[4], "")]
    table(tmp_path, rows)
    source = found(tmp_path)
    assert (source.layout, source.task, source.index.kind) == ("captions", "caption", "picture")
    assert list(source.index.ids) == names
    assert source.index.labels[1] == (SENTENCES[1], "Dogs are running.") and source.index.labels[0] == (SENTENCES[0],)
    assert kinds(source)["captions_empty"].values == {"count": 1, "examples": "captions.tsv:9"}
    assert source.read(2).pixels.shape == (18, 24, 3)
    said = recognised(str(tmp_path), PLAIN).sentence()
    assert "its column caption tells what the pictures of column file show; task caption" in said
    again = found(tmp_path / "captions.tsv")
    assert list(again.index.labels) == list(source.index.labels)


@pytest.mark.parametrize(
    ("head", "name"),
    [("image\tcomment", "results.tsv"), ("picture\tlabel", "captions.tsv"), ("img\tanything", "x.tsv")],
)
def test_a_column_of_sentences_is_one_of_captions_whatever_it_is_called(tmp_path, head, name):
    table(tmp_path, zip(pictures(tmp_path), SENTENCES, strict=True), name, head)
    assert found(tmp_path).task == "caption"


def test_labels_stay_labels_unless_captions_are_asked_for(tmp_path):
    names = pictures(tmp_path, 12)
    labels = ("golden retriever", "cat", "horse")
    table(tmp_path, [(name, labels[row % 3]) for row, name in enumerate(names)], "labels.tsv", "file\tlabel")
    assert found(tmp_path).layout == "picture_table"
    asked = layout_for("caption", str(tmp_path), PLAIN)
    assert asked == "captions" and found(tmp_path, layout=asked).index.labels[0] == ("golden retriever",)
    assert layout_for("classify", str(tmp_path), PLAIN) == ""


def test_lines_of_text_stay_lines_and_photographs_are_told_of(tmp_path):
    for name, size in (("lines", (120, 16)), ("photos", (24, 18))):
        for picture, sentence in zip(pictures(tmp_path / name, size=size), SENTENCES, strict=True):
            (tmp_path / name / picture).with_suffix(".txt").write_text(sentence + "\n\nOn another line.\n")
    assert found(tmp_path / "lines").task == "read_text"
    source = found(tmp_path / "photos")
    assert source.task == "caption" and source.index.labels[0] == (SENTENCES[0], "On another line.")
    assert layout_for("caption", str(tmp_path / "lines"), PLAIN) == "captions"
    assert layout_for("read_text", str(tmp_path / "photos"), PLAIN) == "lines"


def test_numbers_beside_pictures_are_no_captions(tmp_path):
    for picture in pictures(tmp_path):
        (tmp_path / picture).with_suffix(".txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.25 0.25 0.1 0.1\n")
    assert found(tmp_path).task == "detect"


def test_coco(tmp_path):
    document = {"images": [], "annotations": []}
    for part in ("train", "val"):
        document = {"images": [], "annotations": []}
        for number, name in enumerate(pictures(tmp_path, part=f"{part}2017")):
            document["images"].append({"id": 10 + number, "file_name": name.rpartition("/")[2]})
            for again in range(2):
                entry = {"id": 2 * number + again, "image_id": 10 + number, "caption": f" {SENTENCES[number]}\n"}
                document["annotations"].append(entry)
        document["annotations"].append({"id": 99, "image_id": 77, "caption": "Of no picture that is listed."})
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / f"captions_{part}2017.json").write_text(json.dumps(document))
    source = found(tmp_path)
    assert source.layout == "captions" and len(source.index) == 13  # of 77 both files speak
    assert source.index.parts[:6] == ["train"] * 6 and source.index.parts[7:] == ["val"] * 6
    assert source.index.ids[0] == "train2017/p0.png" and source.index.labels[0] == (SENTENCES[0],) * 2
    with pytest.raises(Unreadable, match="missing_file"):
        source.read(6)
    (tmp_path / "annotations" / "captions_val2017.json").write_text('{"images": [], "annotations": [{"caption": "x"}]}')
    with pytest.raises(DataError, match=r"annotations\[0\]\.image_id"):
        found(tmp_path)
    (tmp_path / "annotations" / "captions_val2017.json").write_text('{"images": [], "annotations": [{"caption": ')
    with speaking("en"), pytest.raises(DataError, match="line 1"):
        found(tmp_path)


def test_parts_by_column_and_by_table(tmp_path):
    names = pictures(tmp_path / "a")
    rows = [
        (name, text, ("train", "test")[at % 2]) for at, (name, text) in enumerate(zip(names, SENTENCES, strict=True))
    ]
    table(tmp_path / "a", [*rows, (names[0], "Told once more.", "test")], head="file\tcaption\tsplit")
    source = found(tmp_path / "a")
    assert source.index.parts == ["train", "test"] * 3
    with pytest.raises(Unreadable, match="two_annotations"):  # it cannot be in both
        source.read(0)
    (tmp_path / "b").mkdir()
    shutil.copytree(tmp_path / "a", tmp_path / "b", dirs_exist_ok=True)
    (tmp_path / "b" / "captions.tsv").unlink()
    for part, at in (("train", slice(0, 4)), ("test", slice(4, 6))):
        table(tmp_path / "b", list(zip(names, SENTENCES, strict=True))[at], f"captions_{part}.tsv")
    assert sorted(found(tmp_path / "b").index.parts) == ["test"] * 2 + ["train"] * 4


def test_what_is_wrong_is_named(tmp_path):
    names = pictures(tmp_path, 8)
    table(tmp_path, [*zip(names[:6], SENTENCES, strict=True), ("gone.png", "A picture that went away."), ("p1.png",)])
    source = found(tmp_path)
    assert kinds(source)["rows_cut"].values["lines"] == "9"
    assert kinds(source)["picture_without_text"].values == {"count": 2, "examples": "p6.png, p7.png"}
    with pytest.raises(Unreadable, match="missing_file"):
        source.read(6)
    table(tmp_path, [(name, "") for name in names])
    source = found(tmp_path)
    assert set(source.index.labels) == {None} and kinds(source)["captions_empty"].values["count"] == 8
    (tmp_path / "captions.tsv").write_bytes("file\tcaption\np0.png\tEin gr\xfcner Ball liegt da.\n".encode("latin-1"))
    with speaking("en"), pytest.raises(DataError, match="UTF-8"):
        found(tmp_path)


def test_a_text_beside_that_is_not_utf8_is_named(tmp_path):
    for picture, sentence in zip(pictures(tmp_path), SENTENCES, strict=True):
        (tmp_path / picture).with_suffix(".txt").write_text(sentence)
    (tmp_path / "p3.txt").write_bytes(b"Un caf\xe9 sur la table.")
    source = found(tmp_path)
    finding = kinds(source)["unreadable_caption"]
    assert finding.file == "p3.txt" and finding.values["why"] == "text_encoding"
    assert source.index.labels[3] is None and source.index.labels[4] == (SENTENCES[4],)


def test_made_scenes_are_the_same_everywhere_and_hold_pairs_back():
    source, again = found("made:captions"), found("made:captions-zh")
    assert source.task == again.task == "caption" and source.index.labels[0] == (
        "a red triangle left of a blue triangle",
    )
    assert again.index.labels[0] == ("红色的三角形在蓝色的三角形的左边",)
    assert source.fingerprint() != again.fingerprint() and (source.rows == again.rows).all()
    seen: dict[str, set] = {"": set(), "test": set()}
    for (sentence,), part in zip(source.index.labels, source.index.parts, strict=True):
        first, second = (" ".join(words) for words in (sentence.split()[1:3], sentence.split()[-2:]))
        seen[part].add(frozenset((first, second)))
    assert not seen[""] & seen["test"] and list(source.index.parts).count("test") == OF_TEST
    assert {word for pair in seen[""] for word in pair} == {
        " ".join(thing) for thing in THINGS
    }  # each thing is learned
    assert 0.1 < sum(held_back(*pair) for pair in PAIRS) / len(PAIRS) < 0.3


def test_what_stands_left_stands_left():
    """The mean of the pixels in the colour that is named first lies left of, or above, that of the other's."""
    source = found("made:captions")
    checked = 0
    for row in range(0, 200):
        (sentence,) = source.index.labels[row]
        words = sentence.split()
        if words[1] == words[-2] or "white" in words:
            continue
        picture = source.rows[row].astype(int)
        places = {}
        for colour in (words[1], words[-2]):
            shade = {"red": (230, 38, 31), "green": (38, 191, 64), "blue": (51, 102, 242), "yellow": (242, 217, 38)}[
                colour
            ]
            places[colour] = np.argwhere(np.abs(picture - shade).sum(2) < 20).mean(0)
        axis = 1 if "left" in words else 0
        assert places[words[1]][axis] < places[words[-2]][axis] - 8
        checked += 1
    assert checked > 50
