"""Tables of numbers and tables of pictures: what is recognised, what is coded how, and what each mistake says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deepglass.data.check import sentence, told_first
from deepglass.data.readers.delimited import open_delimited
from deepglass.data.readers.misfit import GB18030, UTF8, encoding_of
from deepglass.data.readers.vector import Column, columns_of, read_vector, vector_names
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Source, Unreadable
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say

PLAIN = DataSettings()
IRIS = "length,width,kind,species\n" + "".join(
    f"{1 + row / 10},{2 - row / 10},{'wild' if row % 2 else 'garden'},{'setosa' if row < 5 else 'virginica'}\n"
    for row in range(10)
)


def table(folder: Path, text: str | bytes, name: str = "t.csv") -> str:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def _table(folder: Path, text: str | bytes) -> Path:
    return Path(table(folder, text))


def refused(source: Source, row: int) -> str:
    with pytest.raises(Unreadable) as caught:
        source.read(row)
    return say(f"data.{caught.value.reason}", "en", **caught.value.values)


def error(place: str, settings: DataSettings = PLAIN) -> str:
    with pytest.raises(DataError) as caught:
        recognise(place, settings)
    return say(caught.value.code, "en", **caught.value.values)


def test_numbers_categories_and_answer(tmp_path: Path) -> None:
    place = table(tmp_path, IRIS)
    for where in (place, str(tmp_path)):  # the file, or the folder that holds nothing else
        source = recognise(where, PLAIN)
        assert source.layout == "table" and source.task == "classify" and len(source.index) == 10
    assert source.index.columns == ("length", "width", "kind=garden", "kind=wild")
    assert source.read(1).tolist() == pytest.approx([1.1, 1.9, 0, 1])
    assert source.read(1).dtype == np.float32
    assert source.index.ids[0] == "t.csv:2" and source.index.labels[9] == "virginica"
    assert [finding.values["column"] for finding in source.findings] == ["species"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa;b;y\n1,5;2,25;x\n3,0;4,75;z\n",
        "a\tb\ty\n1.5\t2.25\tx\n3.0\t4.75\tz\n",
        'a,b,y\r\n1.5, 2.25 ,x\r\n"3.0",4.75,z\r\n\r\n',
        "a b  y\n1.5 2.25 x\n3  4.75 z\n",
        "a|b|y\n1.5|2.25|x\n3|4.75|z",
    ],
)
def test_dialects(text: str, tmp_path: Path) -> None:
    source = recognise(table(tmp_path, text, "t.tsv"), PLAIN)
    assert source.index.columns == ("a", "b") and source.index.labels == ["x", "z"]
    assert np.stack([source.read(0), source.read(1)]).tolist() == [[1.5, 2.25], [3.0, 4.75]]


def test_without_header_the_last_column_is_the_answer(tmp_path: Path) -> None:
    source = recognise(table(tmp_path, "1,2,0\n3,4,1\n5,6,0\n"), PLAIN)
    assert source.index.columns == ("column_1", "column_2") and source.index.labels == ["0", "1", "0"]
    assert [finding.kind for finding in source.findings] == ["answer_is_last", "numbers_as_classes"]


def test_first_line_that_counts(tmp_path: Path) -> None:
    source = recognise(table(tmp_path, "3,2,setosa,virginica\n1,2,0\n3,4,1\n5,6,0\n"), PLAIN)
    assert source.index.labels == ["setosa", "virginica", "setosa"] and source.index.ids[0] == "t.csv:2"


def test_numbers_as_answers(tmp_path: Path) -> None:
    rows = "".join(f"{row},{row * 0.37}\n" for row in range(30))
    source = recognise(table(tmp_path, "size,price\n" + rows), PLAIN)
    assert source.task == "regress" and source.index.labels[2] == pytest.approx(0.74)


def test_parts_groups_and_row_numbers(tmp_path: Path) -> None:
    text = "id,x,patient,split,label\n" + "".join(
        f"{row},{row * 3 % 7},p{row // 2},{'test' if row > 5 else 'train'},{row % 2}\n" for row in range(8)
    )
    source = recognise(table(tmp_path, text), DataSettings(group="patient"))
    assert source.index.columns == ("x",)
    assert Counter(source.index.parts) == {"train": 6, "test": 2} and source.index.groups[3] == "p1"
    assert "column_counts_rows" in {finding.kind for finding in source.findings}


def test_a_column_that_is_a_group_is_named(tmp_path: Path) -> None:
    """40 patients of 10 rows with one answer each; not where the answers differ, a group is set, or numbers decide."""
    generator = np.random.default_rng(0)
    answers = generator.integers(0, 2, 40)
    rows = [(place % 40, generator.normal(), answers[place % 40]) for place in range(400)]
    text = "patient,number_id,age,noise,label\n" + "".join(
        f"p{who},{who},{20 + answer * 30 + who % 30},{noise:.5f},{'ny'[answer]}\n" for who, noise, answer in rows
    )
    place = table(tmp_path, text)
    found = [finding for finding in recognise(place, PLAIN).findings if finding.kind == "column_is_group"]
    assert [finding.values["column"] for finding in found] == ["patient", "number_id"]
    assert found[0].level == "warning" and found[0].values["decided"] == found[0].values["count"] == 400
    assert "Use data.group=patient" in say("data.column_is_group", "en", **found[0].values)
    kinds = {finding.kind for finding in recognise(place, DataSettings(group="patient")).findings}
    assert "column_is_group" not in kinds
    mixed = "town,x,label\n" + "".join(f"t{row % 40},{row * 0.37},{'ab'[row // 7 % 2]}\n" for row in range(400))
    assert "column_is_group" not in {finding.kind for finding in recognise(table(tmp_path, mixed), PLAIN).findings}


def test_names_of_rows_and_dates_are_left_out(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    customers, order = generator.permutation(90_000)[:60] + 10_000, generator.permutation(60)
    names = "customer_id,shuffled,word,sensor_id,income,iso,dotted,american,label"
    lines = [
        f"{customers[row]},{order[row]},w{row},{row / 7:.4f},{customers[row] * 3},2024-01-{row % 28 + 1:02},"
        f"{row % 28 + 1}.3.2024,{row % 12 + 1}/28/2024 08:{row % 60:02},{'ab'[row % 2]}"
        for row in range(60)
    ]
    source = recognise(table(tmp_path, "\n".join([names, *lines]) + "\n"), PLAIN)
    assert source.index.columns == ("sensor_id", "income")
    left = [(finding.kind, finding.values["column"]) for finding in source.findings]
    for name in ("customer_id", "shuffled", "word"):
        assert ("column_names_rows", name) in left
    for name in ("iso", "dotted", "american"):
        assert ("column_of_dates", name) in left
    only = "day,label\n" + "".join(f"2024-01-{row % 28 + 1:02},{'ab'[row % 2]}\n" for row in range(60))
    assert "Column day holds dates, which are not used yet" in error(table(tmp_path, only))
    alone = "x,y\n" + "".join(f"{place},{place * 0.7}\n" for place in order)
    assert recognise(table(tmp_path, alone), PLAIN).index.columns == ("x",)


def test_each_bad_row_is_named_with_line_and_column(tmp_path: Path) -> None:
    good = "".join(f"{row},2,a\n" for row in range(40))
    source = recognise(
        table(tmp_path, "x,z,label\n" + good + "nan,2,a\n,2,b\n1,two,b\n1,2\n1,inf,b\n1,2,3,b\n7,7,\n"), PLAIN
    )
    assert source.read(39).tolist() == [39, 2]
    assert refused(source, 40) == "Line 42, column x: the value is missing. Fill it in or remove the row."
    assert refused(source, 41).startswith("Line 43, column x: the value is missing.")
    assert refused(source, 42).startswith("Line 44, column z: 'two' is no number, but the column holds numbers.")
    assert refused(source, 43) == "Line 45 should have 3 cells, one for each column, and has 2. Mend that line."
    assert refused(source, 44).startswith("Line 46, column z: inf is no number to learn from.")
    assert "Line 47 should have 3 cells, one for each column, and has 4." in refused(source, 45)
    assert source.index.labels[46] is None
    fingerprint = source.fingerprint()
    assert recognise(str(tmp_path), PLAIN).fingerprint() == fingerprint


def test_a_table_of_a_chinese_spreadsheet_is_read_and_it_is_told(tmp_path: Path) -> None:
    text = "长度,宽度,类别\n" + "".join(f"{row},{row % 7},{'猫' if row % 2 else '狗'}\n" for row in range(20))
    source = recognise(str(table(tmp_path, text.encode("gb18030"))), PLAIN)
    assert set(source.index.labels) == {"猫", "狗"} and len(source.index) == 20
    (told,) = [one for one in source.findings if one.kind == "table_gb18030"]
    assert sentence(told).startswith("Not UTF-8 but GB18030 (GBK)") and told.values["names"].endswith(".csv")
    assert sentence(told) in told_first(source.findings, "note")
    plain = recognise(str(table(tmp_path, text)), PLAIN)
    assert plain.index.labels == source.index.labels
    assert not [one for one in plain.findings if one.kind == "table_gb18030"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("größe,y\n1,ä\n", "cp1252"),
        ("name,y\ncréée,1\nniño,2\n", "latin-1"),
        ("créée,y\n1,2\n", "latin-1"),  # fits GB18030, as a character that hardly anybody writes
        ("長さ,種類\n1,ねこ\n2,いぬ\n", "euc_jp"),
        ("長度,類別\n1,貓\n2,狗\n", "big5"),
    ],
)
def test_what_is_not_chinese_of_the_mainland_is_not_read_as_such(text: str, encoding: str, tmp_path: Path) -> None:
    assert encoding_of(_table(tmp_path, text.encode(encoding))) == UTF8


def test_an_encoding_is_told_by_the_whole_file(tmp_path: Path) -> None:
    text = "a,b\n" + "1,2\n" * 400_000  # more than a block of ASCII
    assert encoding_of(_table(tmp_path, text)) == UTF8
    assert encoding_of(_table(tmp_path, (text + "3,你好我们\n").encode("gb18030"))) == GB18030
    assert encoding_of(_table(tmp_path, (text + "3,你好\n").encode("gb18030")[:-2])) == UTF8  # half a character
    assert encoding_of(tmp_path / "nothing.csv") == UTF8


def test_refusals(tmp_path: Path) -> None:
    assert "has no column 'specie' (data.target). Did you mean species?" in error(
        table(tmp_path, IRIS), DataSettings(target="specie")
    )
    assert "(data.group)" in error(table(tmp_path, IRIS), DataSettings(group="patient"))
    assert "not UTF-8; it looks like GB18030. Save it as UTF-8" in error(
        table(tmp_path, "长,类\n1,猫\n2,狗\n".encode("gb18030") + b"3,\xff\xff\n")  # no letter of it
    )
    assert "looks like UTF-16" in error(table(tmp_path, IRIS.encode("utf-16")))
    assert "looks like Windows-1252" in error(table(tmp_path, "größe,y\n1,ä\n".encode("cp1252")))
    assert "has one column only, a. Give a table" in error(table(tmp_path, "a\n1\n2\n"))
    assert "holds no rows" in error(table(tmp_path, "\n\n"))
    assert "has no column to learn from besides the answer, b" in error(
        table(tmp_path, "b,id\n1,1\n2,2\n3,3\n"), DataSettings(target="b")
    )
    text = "x,name\n" + "".join(f"{row},person {row}\n" for row in range(30))
    assert "Column name" in error(table(tmp_path, text)) and "30 different texts" in error(table(tmp_path, text))


@given(st.lists(st.one_of(st.just(()), st.lists(st.text("abc", min_size=1), min_size=1, unique=True)), min_size=1))
def test_vector_names_say_all(shapes: list[list[str]]) -> None:
    columns = tuple(Column(f"c{place}", tuple(names)) for place, names in enumerate(shapes))
    assert columns_of(vector_names(columns)) == columns


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=8))
def test_numbers_survive(values: list[float]) -> None:
    columns = [Column(f"c{place}") for place in range(len(values))]
    assert read_vector([repr(value) for value in values], columns, float).tolist() == values


def test_unseen_category() -> None:
    with pytest.raises(Unreadable) as caught:
        read_vector(["x"], [Column("sex", ("f", "m"))], float, line=3)
    assert "'x' is not among the known values (f, m)" in say("data.unseen_category", "en", **caught.value.values)
    assert "第 3 行“sex”列" in say("data.unseen_category", "zh-CN", **caught.value.values)


def test_repeated_and_empty_names(tmp_path: Path) -> None:
    assert open_delimited(Path(table(tmp_path, "a,a,,b=c\n1,2,3,4\n"))).names == ("a", "a_2", "column_3", "b:c")


# ---- tables of pictures -------------------------------------------------------------------------------------------


def pictures(folder: Path, names: list[str]) -> None:
    for place, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 8), (place, 0, 0)).save(folder / name)


def test_picture_table(tmp_path: Path) -> None:
    pictures(tmp_path, ["img/a.png", "img/b.png", "img/c.PNG", "img/spare.png"])
    place = table(
        tmp_path,
        "file,who,split,label\nimg/a.png,p,train,猫\n.\\img\\b.png,p,test,狗\nc,q,test,\nimg/no.png,q,train,猫\n",
    )
    for where in (place, str(tmp_path)):
        assert recognised(where, PLAIN).layout == "picture_table"
    source = recognise(str(tmp_path), DataSettings(group="who"))
    assert source.task == "classify"
    assert source.index.ids == ["img/a.png", "img/b.png", "img/c.PNG", "img/no.png"]
    assert source.index.labels == ["猫", "狗", None, "猫"] and source.index.groups == ["p", "p", "q", "q"]
    assert source.index.parts == ["train", "test", "test", "train"]
    assert source.read(2).pixels.shape == (8, 9, 3)
    assert refused(source, 3) == "The file does not exist."
    spare = next(finding for finding in source.findings if finding.kind == "not_in_table")
    assert spare.values["examples"] == "img/spare.png"


@pytest.mark.parametrize(
    ("column", "cells", "expected"),
    [
        ("label", ["cat;dog", "cat", ""], [("cat", "dog"), ("cat",), ()]),
        ("label", ["cat|dog", "dog | cat", "bird"], [("cat", "dog"), ("cat", "dog"), ("bird",)]),
        ("tags", ["haze primary", "primary", "haze water"], [("haze", "primary"), ("primary",), ("haze", "water")]),
        ("label", ["golden retriever", "labrador retriever", "poodle"], None),
        ("label", ["red rose", "white rose", "red tulip"], None),
    ],
)
def test_several_labels_in_a_cell(
    column: str, cells: list[str], expected: list[tuple[str, ...]] | None, tmp_path: Path
) -> None:
    pictures(tmp_path, ["0.png", "1.png", "2.png"])
    table(tmp_path, f"image,{column}\n" + "".join(f"{place}.png,{cell}\n" for place, cell in enumerate(cells)))
    source = recognise(str(tmp_path), PLAIN)
    assert source.index.labels == (expected or cells)
    assert source.task == ("multilabel" if expected else "classify")


def test_columns_of_zero_and_one(tmp_path: Path) -> None:
    pictures(tmp_path, ["0.png", "1.png"])
    table(tmp_path, "image,cat,dog,indoor\n0.png,1,0,1\n1.png,0,0,0\n")
    source = recognise(str(tmp_path), PLAIN)
    assert source.task == "multilabel" and source.index.labels == [("cat", "indoor"), ()]


def test_picture_table_refusals(tmp_path: Path) -> None:
    pictures(tmp_path, ["0.png", "1.png"])
    place = table(tmp_path, "image,kind\n0.png,a\n1.png,b\n")
    assert "has no column 'imag' (data.path). Did you mean image?" in error(place, DataSettings(path="imag"))
    assert "has no column 'kin' (data.target). Did you mean kind?" in error(place, DataSettings(target="kin"))
    assert "says nothing of them. Add a column named label" in error(table(tmp_path, "image\n0.png\n1.png\n"))


def test_a_few_lines_in_another_encoding_are_named_with_their_first_byte(tmp_path: Path) -> None:
    rows = [f"{row},caf\u00e9 {row % 3}".encode() for row in range(900)]
    rows[700] = "700,caf\u00e9 1".encode("latin-1")
    said = error(table(tmp_path, b"x,label\n" + b"\n".join(rows)))
    assert "t.csv is UTF-8 but for 1 of its 901 lines, which look like Windows-1252: the first is line 702, " in said
    assert "where byte 8 (0xe9) does not fit. Write those lines anew in UTF-8" in said
    rows = [f"{row},caf {row % 3}".encode() for row in range(900)]
    rows[700] = rows[800] = "700,caf\u00e9 1".encode("latin-1")
    said = error(table(tmp_path, b"x,label\n" + b"\n".join(rows)))
    assert "t.csv is not UTF-8; it looks like Windows-1252. Save it as UTF-8" in said
    assert "first byte that does not fit is 0xe9, byte 8 of line 702; 2 of 901 lines have such." in said


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_row_of_several_lines_is_named_by_its_first(tmp_path: Path, end: str) -> None:
    rows = ["x,y,label", *(f'{row},"a{end}b",{row % 2}' for row in range(30)), '9,"c', "d", 'e",1,2']
    source = recognise(table(tmp_path, end.join(rows)), PLAIN)
    assert source.index.ids[:2] == ["t.csv:2", "t.csv:4"]
    assert refused(source, 30) == "Line 62 should have 3 cells, one for each column, and has 4. Mend that line."


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_a_quotation_mark_that_stays_open_is_named(tmp_path: Path, end: str, last: bool) -> None:
    rows = [
        "x,y,label",
        '1,"two',
        'lines",a',
        *(f"{row},b,c" for row in range(30)),
        '7,"never closed,b',
        "8,b,c",
        "9,b,c",
    ]
    place = table(tmp_path, end.join(rows) + end * last)
    says = f"{place}: the quotation mark that line 34 opens before 'never closed,b' is closed nowhere until line 36. "
    assert error(place) == says + "Close it, or double it where it belongs to the text."
    for cell in ('"open', '"'):
        assert "that line 2 opens" in error(table(tmp_path, end.join(["x,label", f"1,{cell}"]) + end * last))


def test_a_lone_quotation_mark_in_tab_separated_text_is_text(tmp_path: Path) -> None:
    rows = [
        f'pos\t"I liked film {row} quite a lot' if row % 2 else f"neg\tfilm {row} was no good at all"
        for row in range(40)
    ]
    (tmp_path / "t.tsv").write_text("\n".join(["label\ttext", *rows]))
    assert recognise(str(tmp_path / "t.tsv"), PLAIN).read(1).text.startswith('"I liked')
