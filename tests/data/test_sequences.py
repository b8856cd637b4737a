"""Sources of texts and series: what is recognised, what is read, and what is said where it cannot be."""

import numpy as np
import pytest

from deepglass.data.check import sentence
from deepglass.data.files import open_inputs
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.sources.made_sequences import MONTHS, SETS, esperanto
from deepglass.data.sources.voice import LETTERS, Speaker, speak
from deepglass.data.split import parts_of
from deepglass.foundation.errors import DataError
from tests.data.texts import sentences, text_folders, text_table, ts_file

PLAIN = DataSettings()


def test_a_table_of_texts_with_and_without_a_header(tmp_path):
    for header in (True, False):
        source = recognise(str(text_table(tmp_path / "a.tsv", header=header)), PLAIN)
        assert (source.layout, source.task, source.index.kind) == ("text_table", "classify", "text")
        assert len(source.index) == 120 and set(source.index.labels) == {"sport", "money"}
        assert source.read(0).text == sentences(1)[0][0]
        assert source.index.ids[0] == f"a.tsv:{1 + header}"


def test_a_table_of_short_words_stays_a_table(tmp_path):
    (tmp_path / "a.csv").write_text("colour,size,label\n" + "red,1.5,yes\nblue,2.5,no\n" * 20)
    assert recognise(str(tmp_path / "a.csv"), PLAIN).layout == "table"


def test_chinese_without_spaces_is_text(tmp_path):
    good, bad = "这部电影的第{}场戏非常精彩让人难以忘怀\t好评\n", "剧情拖沓第{}次看依然觉得无聊乏味\t差评\n"
    rows = [each.format(row) for row in range(30) for each in (good, bad)]
    (tmp_path / "a.tsv").write_text("评论\t标签\n" + "".join(rows), encoding="utf-8")
    source = recognise(str(tmp_path / "a.tsv"), PLAIN)
    assert source.layout == "text_table" and set(source.index.labels) == {"好评", "差评"}


def test_a_lone_quotation_mark_in_tabs_swallows_nothing(tmp_path):
    lines = [f'{topic}\t"{text}' if row == 7 else f"{topic}\t{text}" for row, (text, topic) in enumerate(sentences(40))]
    (tmp_path / "a.tsv").write_text("label\ttext\n" + "\n".join(lines) + "\n")
    source = recognise(str(tmp_path / "a.tsv"), PLAIN)
    assert len(source.index) == 40 and source.read(7).text.startswith('"')
    quoted = [f'{topic}\t"{text}\nsecond line"' for text, topic in sentences(40)]
    (tmp_path / "b.tsv").write_text("label\ttext\n" + "\n".join(quoted) + "\n")
    source = recognise(str(tmp_path / "b.tsv"), PLAIN)
    assert len(source.index) == 40 and source.read(0).text.endswith("second line")


def test_parts_by_a_column_and_by_file_names(tmp_path):
    rows = [f"{('train', 'test')[row % 3 == 0]}\t{topic}\t{text}" for row, (text, topic) in enumerate(sentences(60))]
    (tmp_path / "a.tsv").write_text("split\tlabel\ttext\n" + "\n".join(rows))
    source = recognise(str(tmp_path / "a.tsv"), PLAIN)
    assert source.index.parts.count("test") == 20
    folder = tmp_path / "parts"
    folder.mkdir()
    text_table(folder / "train.tsv", 60)
    text_table(folder / "test.tsv", 20)
    source = recognise(str(folder), PLAIN)
    assert source.layout == "text_table" and source.index.parts.count("test") == 20 and len(source.index) == 80


def test_columns_can_be_named(tmp_path):
    text = "\n".join(f"{text},{topic},{text[::-1]}" for text, topic in sentences(40))
    (tmp_path / "a.csv").write_text(f"one,two,three\n{text}\n")
    source = recognise(str(tmp_path / "a.csv"), DataSettings(text="three", target="two"))
    assert source.read(0).text == sentences(1)[0][0][::-1]
    with pytest.raises(DataError, match="data.text"):
        recognise(str(tmp_path / "a.csv"), DataSettings(text="thre", layout="text_table"))


def test_an_empty_cell_and_a_short_row_are_unreadable_by_line(tmp_path):
    lines = [f"{topic}\t{text}" for text, topic in sentences(40)]
    lines[4], lines[9] = "sport\t ", "sport"
    (tmp_path / "a.tsv").write_text("label\ttext\n" + "\n".join(lines) + "\n")
    source = recognise(str(tmp_path / "a.tsv"), PLAIN)
    for row, reason in ((4, "empty_text"), (9, "wrong_cells")):
        with pytest.raises(Unreadable) as caught:
            source.read(row)
        assert caught.value.reason == reason


def test_class_folders_of_texts_and_a_corpus(tmp_path):
    found = recognised(str(text_folders(tmp_path / "topics")), PLAIN)
    assert (found.layout, found.match.task) == ("class_folders", "classify")
    source = recognise(str(tmp_path / "topics"), PLAIN)
    assert source.index.kind == "text" and source.read(0).text
    (tmp_path / "book.txt").write_text("All the world's a stage, and all the men and women merely players. " * 200)
    source = recognise(str(tmp_path / "book.txt"), DataSettings(passage=100))
    assert (source.layout, source.task) == ("corpus", "generate_text")
    whole = "".join(source.read(row).text for row in range(len(source.index)))
    assert whole == (tmp_path / "book.txt").read_text()


def test_stretches_and_whole_files_are_kept_together_by_the_split(tmp_path):
    for number in range(8):
        (tmp_path / f"play{number}.txt").write_text(f"Enter the ghost of scene {number}. " * 100)
    source = recognise(str(tmp_path), DataSettings(passage=200))
    parts = parts_of(source.index, PLAIN)
    of_file = {}
    for id, part in zip(source.index.ids, parts, strict=True):
        of_file.setdefault(id.split(":")[0], set()).add(str(part))
    assert all(len(found) == 1 for found in of_file.values()) and set.union(*of_file.values()) >= {"train", "test"}


def test_series_with_their_parts_gaps_and_faults(tmp_path):
    ts_file(tmp_path / "waves_TRAIN.ts")
    ts_file(tmp_path / "waves_TEST.ts", 10, 1)
    source = recognise(str(tmp_path / "waves_TRAIN.ts"), PLAIN)
    assert source.index.kind == "series" and source.index.parts.count("test") == 10 and len(source.index) == 50
    assert source.read(0).shape == (20, 1) and source.read(1).shape == (21, 1)
    (tmp_path / "odd.ts").write_text("@data\n1,?,3:4,5,6:a\n1,2:3:b\n1,x:2,3:a\n1,2:3,4:b\n")
    source = recognise(str(tmp_path / "odd.ts"), PLAIN)
    assert np.array_equal(source.read(0), [[1, 4], [2, 5], [3, 6]])
    (gaps,) = source.findings
    said = "Numbers that were missing, empty cells and steps left out alike, and were made up by straight lines"
    assert sentence(gaps).startswith(f"{said} between their neighbours: 1 of 10, in 1 series.")
    for row, reason in ((1, "series_lengths"), (2, "series_no_number")):
        with pytest.raises(Unreadable) as caught:
            source.read(row)
        assert caught.value.reason == reason and caught.value.values["line"] == row + 2


def test_what_is_asked_about_may_be_words_files_or_a_column(tmp_path):
    asked = list(open_inputs(["what a goal", "二进一球"], "text", ()))
    assert [one.raw.text for one in asked] == ["what a goal", "二进一球"]
    (tmp_path / "a.txt").write_text("from a file")
    text_table(tmp_path / "a.tsv", 4)
    asked = list(open_inputs([str(tmp_path / "a.txt"), tmp_path / "a.tsv", b"bytes"], "text", ("text",)))
    assert [one.raw.text for one in asked][:1] == ["from a file"] and len(asked) == 6
    assert list(open_inputs("", "text", ()))[0].raw.reason == "empty_text"
    with pytest.raises(DataError, match="column"):
        list(open_inputs(tmp_path / "a.tsv", "text", ("body",)))
    assert [one.raw.shape for one in open_inputs(ts_file(tmp_path / "w.ts", 3), "series", ("x1",))] == [
        (20, 1),
        (21, 1),
        (22, 1),
    ]
    assert next(open_inputs(np.zeros((5, 2)), "series", ("x1", "x2"))).raw.shape == (5, 2)


@pytest.mark.parametrize("name", SETS)
def test_made_sequences_are_the_same_every_time_and_say_their_task(name):
    first, second = (recognise(f"made:{name}", PLAIN) for _ in range(2))
    assert first.fingerprint() == second.fingerprint()
    assert (first.task, first.index.kind, len(first.index)) == SETS[name][:3]
    assert len({str(first.read(row)) for row in range(50)}) > 40


def test_made_answers_belong_to_what_was_made():
    dates = recognise("made:dates", PLAIN)
    for row in range(40):
        year, month, day = dates.index.labels[row].split("-")
        text = dates.read(row).text
        assert year in text and str(int(day)) in text and (MONTHS[int(month) - 1][:3] in text or "/" in text)


def test_a_made_voice_says_each_letter_in_its_own_way():
    noise = np.random.default_rng(0).normal(size=8000)
    loud = {letter: spectrum(speak(letter, Speaker(), noise)) for letter in LETTERS}
    assert loud["s"][2500:].sum() > 5 * loud["s"][:2500].sum() and loud["u"][:1000].sum() > 5 * loud["u"][1500:].sum()
    assert loud["i"][2000:2500].max() > max(loud["i"][900:1400].max(), 10 * loud["u"][2000:2500].max())
    slow = speak("tri", Speaker(pace=2.0), noise)
    assert len(slow) == 2 * len(speak("tri", Speaker(), noise)) and np.abs(slow[:160]).max() < 1e-6


def test_numbers_are_said_once_and_by_the_letters_that_are_written():
    index = recognise("made:speech", PLAIN).index
    assert len(set(index.labels)) == 600 and set("".join(index.labels)) <= set(LETTERS)
    assert {esperanto(number) for number in range(1000)} > set(index.labels)


def spectrum(sound: np.ndarray) -> np.ndarray:
    """The power at every hertz up to 4000."""
    return np.abs(np.fft.rfft(sound, 8000)) ** 2


def test_a_name_that_is_not_made_is_told_with_those_that_are():
    with pytest.raises(DataError, match=r"made:languages"):
        recognise("made:langages", PLAIN)


def test_the_folder_that_was_trained_on_is_answered_where_it_holds_a_table(tmp_path):
    (tmp_path / "texts").mkdir()
    text_table(tmp_path / "texts/train.tsv", 40)
    text_table(tmp_path / "texts/test.tsv", 8)
    columns = recognise(str(tmp_path / "texts"), PLAIN).index.columns
    asked = list(open_inputs(tmp_path / "texts", "text", columns))
    assert [item.id for item in asked[7:10]] == ["test.tsv:9", "train.tsv:2", "train.tsv:3"] and len(asked) == 48
    assert asked[8].raw.text == sentences(1)[0][0]
    (tmp_path / "texts/note.txt").write_text("one more")  # a text stands before tables, which may belong to it
    assert [item.raw.text for item in open_inputs(tmp_path / "texts", "text", columns)] == ["one more"]

    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers/a.csv").write_text("x,y,label\n1,2,a\n3,4,b\n")
    asked = list(open_inputs(str(tmp_path / "numbers"), "vector", ("y", "x")))
    assert [(item.id, item.raw.tolist()) for item in asked] == [("a.csv:2", [2, 1]), ("a.csv:3", [4, 3])]

    (tmp_path / "series").mkdir()
    ts_file(tmp_path / "series/a_TRAIN.ts", 5)
    (tmp_path / "series/b.csv").write_text("series,time,x1\n" + "".join(f"s,{step},{step}\n" for step in range(9)))
    asked = list(open_inputs(str(tmp_path / "series"), "series", ("x1",)))
    assert len(asked) == 6 and asked[-1].id == "b.csv:s" and asked[-1].raw.shape == (9, 1)


@pytest.mark.parametrize(
    ("kind", "says"), [("text", "no texts"), ("vector", "is not a table"), ("series", "There are no series in")]
)
def test_a_folder_without_anything_to_be_answered_is_named(tmp_path, kind, says):
    (tmp_path / "a.bin").write_bytes(b"\0")
    with pytest.raises(DataError, match=says):
        list(open_inputs(str(tmp_path), kind, ("x",)))


def test_columns_of_a_text_table_that_are_not_used_are_said(tmp_path):
    rows = [f"{row},{topic},{text},someone" for row, (text, topic) in enumerate(sentences(60))]
    (tmp_path / "a.csv").write_text("number,label,text,author\n" + "\n".join(rows))
    (unused,) = [one for one in recognise(str(tmp_path / "a.csv"), PLAIN).findings if one.kind == "columns_unused"]
    assert sentence(unused) == "Columns that are not used: number, author." and unused.file == "a.csv"
    assert not [one for one in recognise(str(text_table(tmp_path / "b.tsv")), PLAIN).findings if "unused" in one.kind]
