"""Lines of text: a table with a column of texts, or a text beside each picture."""

import pytest

from deepglass.data.check import before, named, sentence
from deepglass.data.recognise import layout_for, recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.split import parts_of
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import speaking
from tests.data.street import text_lines, text_of


def test_a_text_beside_each_picture(tmp_path):
    folder = text_lines(tmp_path, 6)
    (folder / "000.txt").unlink()
    (folder / "001.txt").write_text("  two   words \n", encoding="utf-8")
    found = recognised(str(folder), DataSettings())
    assert found.sentence() == "lines of text: pictures with a text beside each; task read_text"
    source = recognise(str(folder), DataSettings())
    assert source.index.ids == [f"{number:03d}.png" for number in range(1, 6)]
    assert source.index.labels[0] == "two words" and source.index.labels[1] == (text_of(2) + text_of(3))[:4]
    assert named(source.findings[0]) == "Pictures without a text, which were left out: 1 (000.png)."
    assert source.read(0).pixels.shape[0] == 20


def test_folders_named_after_parts_are_parts(tmp_path):
    text_lines(tmp_path / "train", 3)
    text_lines(tmp_path / "test", 2)
    source = recognise(str(tmp_path), DataSettings())
    assert sorted(source.index.parts) == ["test"] * 2 + ["train"] * 3


@pytest.mark.parametrize("name", ["text", "plate", "车牌"])
def test_a_table_with_a_column_of_texts(tmp_path, name):
    folder = text_lines(tmp_path, 4)
    rows = [f"file,{name}", "000.png,A;B C", "001.png,12", "002.png,A|B", "003.png,"]
    (folder / "lines.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for file in folder.glob("*.txt"):
        file.unlink()
    source = recognise(str(folder), DataSettings())
    assert (source.layout, source.task) == ("lines", "read_text")
    assert list(source.index.labels) == ["A;B C", "12", "A|B", None]  # what a cell holds is the text, whatever it holds
    with speaking("zh-CN"):
        assert recognised(str(folder), DataSettings()).sentence().startswith("文字行：lines.csv 的“file”列指定图片")


def test_any_column_is_one_of_texts_where_that_is_asked_for(tmp_path):
    folder = text_lines(tmp_path, 3)
    for file in folder.glob("*.txt"):
        file.unlink()
    (folder / "t.csv").write_text("file,label\n000.png,cat\n001.png,dog\n002.png,cat\n", encoding="utf-8")
    assert recognise(str(folder), DataSettings()).task == "classify"
    assert layout_for("read_text", str(folder), DataSettings()) == "lines"
    asked = recognise(str(folder), DataSettings(layout="lines"))
    assert (asked.task, list(asked.index.labels)) == ("read_text", ["cat", "dog", "cat"])


def test_a_table_of_texts_under_another_name_is_told_from_classes(tmp_path):
    folder = text_lines(tmp_path, 24)
    answers = [(file.name, file.with_suffix(".txt").read_text().strip() + str(row)) for row, file in _pngs(folder)]
    found = _found(folder, ["Datei;Kennzeichen", *(f"{name};{text}" for name, text in answers)])
    assert found["texts_for_classes"].startswith("Of 24 answers 24 stand at one picture only: they look like texts")
    assert "--task read_text" in found["texts_for_classes"]
    alike = [f"{name};{'cat' if row % 2 else 'dog'}" for row, (name, _) in enumerate(answers)]
    assert "texts_for_classes" not in _found(folder, ["Datei;Tier", *alike])


def _pngs(folder):
    return enumerate(sorted(folder.glob("*.png")))


def _found(folder, lines):
    for file in folder.glob("*.txt"):
        file.unlink()
    (folder / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    source = recognise(str(folder), DataSettings())
    assert source.task == "classify"
    with speaking("en"):
        return {one.kind: sentence(one) for one in before(source, parts_of(source.index, DataSettings()))}


def test_a_folder_without_texts_is_none(tmp_path):
    folder = text_lines(tmp_path, 3)
    for file in folder.glob("*.txt"):
        file.unlink()
    with pytest.raises(DataError, match="lines"):
        recognise(str(folder), DataSettings(layout="lines"))
