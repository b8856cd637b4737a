"""Bad data, end to end through the command line: each is refused in one sentence, or quarantined by name."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.errors.shell import TINY, folders, picture, state, table


def refused(shell, place, *says, code=3):
    return shell.refused(code, "train", place, "--out", shell.out, *TINY, says=says)


def test_an_empty_folder(shell, tmp_path):
    (tmp_path / "empty").mkdir()
    refused(shell, tmp_path / "empty", "empty is an empty folder", "Put one folder of pictures for each class")


def test_a_place_that_does_not_exist(shell, pictures):
    said = refused(shell, pictures.parent / "picturs", "There is nothing at", "Give a folder, a table")
    assert f"Did you mean {pictures}?" in said


def test_one_class_as_a_folder(shell, tmp_path):
    refused(shell, folders(tmp_path / "one", "a", 4), "one class only, a", "add a folder of another class")


def test_one_class_in_a_table(shell, tmp_path):
    file = tmp_path / "one.csv"
    file.write_text("x,y,label\n" + "1,2,a\n" * 20)
    refused(shell, file, "the same answer, 'a'", "Add examples of another class")


def test_one_level_too_high(shell, tmp_path):
    folders(tmp_path / "flowers" / "inner", "ab", 3)
    refused(shell, tmp_path / "flowers", "one level too high", f"{tmp_path}/flowers/inner. Use that folder")


def test_a_class_only_in_val(shell, tmp_path):
    folders(tmp_path / "parts/train", "ab", 6)
    folders(tmp_path / "parts/val", "abc", 3, seed=500)
    refused(shell, tmp_path / "parts", "occur in val but never in the training part: c", "add training examples")


def test_archives_are_to_be_unpacked(shell, tmp_path):
    (tmp_path / "zipped").mkdir()
    (tmp_path / "zipped/flowers.zip").write_bytes(b"PK\3\4")
    refused(shell, tmp_path / "zipped", "only archives", "Unpack flowers.zip first")


def test_several_tables_are_a_question(shell, tmp_path):
    (tmp_path / "many").mkdir()
    table(tmp_path / "many/a.csv")
    table(tmp_path / "many/b.csv")
    refused(shell, tmp_path / "many", "several tables (a.csv, b.csv)", "Give the one to learn from")


def test_a_column_that_is_not_there(shell, tmp_path):
    file = table(tmp_path / "rows.csv")
    words = ("train", file, "data.target=lable", "--out", shell.out)
    shell.refused(3, *words, says=("no column 'lable' (data.target)", "Did you mean label?", "It has: x, y, label"))


def test_shares_that_leave_nothing_to_train_on(shell, pictures):
    words = ("train", pictures, "data.val=0.6", "data.test=0.5", "--out", shell.out)
    shell.refused(3, *words, says=("data.val=0.6 and data.test=0.5 leave nothing to train on", "smaller than 1"))


def bomb() -> bytes:
    """A whole PNG that says it has 30,000 x 30,000 pixels."""
    body = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", body), (b"IDAT", zlib.compress(b"\0" * 90_001)), (b"IEND", b"")]
    framed = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def cut_jpeg() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(stream, "JPEG")
    return stream.getvalue()[: len(stream.getvalue()) // 2]


BAD_PICTURES = {
    "a/cut.jpg": (cut_jpeg(), "cut short: its end is missing. Copy it again"),
    "a/text.png": (b"these are words", "It is a text file, not a picture. Leave it out"),
    "b/bomb.png": (bomb(), "too large: 30000 x 30000 pixels. At most 50 million pixels"),
    "b/empty.png": (b"", "empty (0 bytes)"),
    "a/photo.png": (b"\0\0\0\x18ftypheic", "HEIC"),
    "b/page.jpg": (b"<!DOCTYPE html><html>", "web page, not a picture: the download went wrong"),
}


@pytest.fixture
def planted(pictures):
    """Six bad pictures among sixty good ones."""
    for name, (content, _) in BAD_PICTURES.items():
        (pictures / name).write_bytes(content)
    return pictures


def test_check_names_each_bad_picture(shell, planted):
    before = state(planted)
    said = shell("check", planted, "--json")
    bad = {found["file"]: found["reason"] for found in said.document["findings"] if found["kind"] == "unreadable"}
    assert said.code == 0 and set(bad) == set(BAD_PICTURES)
    for name, (_, words) in BAD_PICTURES.items():
        assert words in bad[name], bad[name]
    for name in BAD_PICTURES:
        assert f"warning: {name}: {bad[name]}" in said.err
    chinese = shell("--lang", "zh-CN", "check", planted, "--json").document["findings"]
    reasons = {found["file"]: found["reason"] for found in chinese if found["kind"] == "unreadable"}
    assert "不完整" in reasons["a/cut.jpg"] and "文本文件" in reasons["a/text.png"]
    assert state(planted) == before


def test_training_leaves_them_out_by_name_and_counts_them(shell, planted):
    before = state(planted)
    said = shell("train", planted, "data.max_bad=0.2", "--out", shell.out, "--json", *TINY)
    assert said.code == 0 and sorted(said.document["left_out"]) == sorted(BAD_PICTURES)
    assert "6 of 66 examples could not be used and were left out: " in said.err
    assert state(planted) == before
    counted = shell("evaluate", shell.out, "--json")
    assert sorted(counted.document["left_out"]) == sorted(BAD_PICTURES)


def test_more_bad_than_allowed_stops_before_training(shell, planted):
    said = refused(shell, planted, "6 of 66 examples (9.09 %) cannot be used", "data.max_bad allows (5 %)")
    assert "a/cut.jpg: The file is cut short" in said and "Mend or remove them" in said


def test_exact_duplicates_across_parts(shell, tmp_path):
    folders(tmp_path / "parts/train", "ab", 10)
    folders(tmp_path / "parts/test", "ab", 3, seed=500)
    twin = tmp_path / "parts/test/b/twin.png"
    twin.write_bytes((tmp_path / "parts/train/b/03.png").read_bytes())
    said = shell("check", tmp_path / "parts", "--json")
    (found,) = [one for one in said.document["findings"] if one["kind"] == "duplicate_across_parts"]
    assert {found["file"], found["values"]["other"]} == {"train/b/03.png", "test/b/twin.png"}
    assert "The same example is in" in found["reason"] and "Remove one" in found["reason"]


def test_the_same_picture_under_two_labels(shell, pictures):
    (pictures / "b/other.png").write_bytes((pictures / "a/03.png").read_bytes())
    findings = shell("check", pictures, "--json").document["findings"]
    (found,) = [one for one in findings if one["kind"] == "two_labels"]
    assert "'a' here and 'b' as b/other.png. One of them is wrong." in found["reason"]


def test_bad_cells_are_named_by_line_and_column(shell, tmp_path):
    file = table(tmp_path / "rows.csv", extra="nan,1,a\n1,inf,b\n2,red,a\n3,4\n5,,b\n")
    before = state(tmp_path)
    findings = shell("check", file, "--json").document["findings"]
    bad = {found["file"]: found["reason"] for found in findings if found["kind"] == "unreadable"}
    assert bad == {
        "rows.csv:62": "Line 62, column x: the value is missing. Fill it in or remove the row.",
        "rows.csv:63": "Line 63, column y: inf is no number to learn from. Mend or remove that row.",
        "rows.csv:64": "Line 64, column y: 'red' is no number, but the column holds numbers. Mend that cell.",
        "rows.csv:65": "Line 65 should have 3 cells, one for each column, and has 2. Mend that line.",
        "rows.csv:66": "Line 66, column y: the value is missing. Fill it in or remove the row.",
    }
    assert state(tmp_path) == before


def test_a_table_that_is_not_utf8(shell, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes("größe,label\n".encode("latin-1") + b"1,a\n2,b\n" * 9)
    refused(shell, file, "is not UTF-8", "Save it as UTF-8")


def test_a_file_of_no_known_kind(shell, tmp_path):
    file = tmp_path / "notes.docx"
    file.write_bytes(b"PK\3\4")
    refused(shell, file, "no kind of data that deepglass knows", "Give a folder of pictures, a table")


def test_check_ends_with_3_where_training_would(shell, tmp_path):
    file = tmp_path / "one.csv"
    file.write_text("x,y,label\n" + "1,2,a\n" * 20)
    said = shell("check", file, "--json")
    assert said.code == 3
    assert [found["kind"] for found in said.document["findings"] if found["level"] == "error"] == ["one_class"]


def test_pictures_of_other_sizes_are_no_error(shell, pictures):
    picture(pictures / "a/wide.png", 9, size=20)
    said = shell("check", pictures, "--json")
    kinds = [one["kind"] for one in said.document["findings"]]
    assert said.code == 0 and kinds == ["hardly_validated", "mixed_sizes"]  # of 49 pictures few are validated
