"""Tables of boxes, a row for each: columns by their usual names, rows without a box, shares of a picture."""

from pathlib import Path

import pytest

from deepglass.data.annotation import Box
from deepglass.data.check import refuse, sentence
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language
from tests.data.scenes import SIZE, answers, boxes_of, picture, reason

PLAIN = DataSettings()
CAT, DOG = boxes_of(0)


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


def table(file: Path, *rows: str, pictures: str = "a b c") -> Path:
    for number, name in enumerate(pictures.split()):
        picture(file.parent / f"{name}.png", number)
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("header", "cat"),
    [
        ("path,label,left,top,right,bottom", "a.png,cat,1,2,30,40"),
        ("filename;width;height;class;xmin;ymin;xmax;ymax", "a.png;64;48;cat;1;2;30;40"),
        ("ImageID,LabelName,XMin,XMax,YMin,YMax", "a,cat,1,30,2,40"),
        ("image_path,x1,y1,x2,y2,class_name", "./a.png,1,2,30,40,cat"),
        ("name,category,bbox_x,bbox_y,bbox_w,bbox_h", "a,cat,1,2,29,38"),
        ("file,x,y,width,height,label", "a.png,1.0,2.0,29.0,38.0,cat"),
        ("image\tlabel\tleft\ttop\twidth\theight", "a.png\tcat\t1\t2\t29\t38"),
    ],
)
def test_usual_names_of_columns(header: str, cat: str, tmp_path: Path) -> None:
    file = table(tmp_path / ("a.tsv" if "\t" in header else "a.csv"), header, cat, pictures="a")
    assert recognised(str(file), PLAIN).sentence() == f"boxes in a table ({file.name}); task detect"
    for place in (file, tmp_path):
        source = recognise(str(place), PLAIN)
        assert answers(source) == {"a.png": (CAT,)} and source.findings == []
    assert source.header(0) == (*SIZE, 3)


def test_rows_of_one_picture_stand_anywhere(tmp_path: Path) -> None:
    """A row without a box says that nothing is there; a picture without a row has no answer."""
    rows = ["a.png,cat,1,2,30,40,train", "b.png,,,,,,val", "c.png,none,,,,,test", "a.png,dog,10,0,64,48,train"]
    table(tmp_path / "boxes.csv", "path,label,left,top,right,bottom,split", *rows, pictures="a b c d")
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source) == {"a.png": (CAT, DOG), "b.png": (), "c.png": (), "d.png": None}
    assert list(source.index.parts) == ["train", "val", "test", ""]
    assert [finding.kind for finding in source.findings] == ["not_annotated"]


def test_a_table_in_each_part(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid")):
        header = "filename,class,xmin,ymin,xmax,ymax"
        (tmp_path / part).mkdir()
        table(tmp_path / part / "_annotations.csv", header, f"a.png,cat,1,2,{30 + number},40", pictures="a")
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source) == {"train/a.png": (CAT,), "valid/a.png": (CAT._replace(right=31),)}
    assert list(source.index.parts) == ["train", "val"]


def test_shares_of_the_picture(tmp_path: Path) -> None:
    shares = [f"{value:.6f}" for value in (1 / 64, 2 / 48, 30 / 64, 40 / 48)]
    table(tmp_path / "a.csv", "path,label,xmin,ymin,xmax,ymax", f"a.png,cat,{','.join(shares)}", "b.png,dog,0,0,1,1")
    source = recognise(str(tmp_path), PLAIN)
    assert answers(source)["a.png"] == (CAT,) and answers(source)["b.png"] == (Box("dog", 0, 0, 64, 48),)
    assert sentence(source.findings[0]).startswith("All corners lie between 0 and 1, so they are taken as shares")


def test_columns_that_settings_name(tmp_path: Path) -> None:
    header = "site,shot,animal,kind,left,top,right,bottom,crowd"
    file = table(tmp_path / "a.csv", header, "north,a.png,cat,pet,1,2,30,40,1", "south,b.png,cat,pet,1,2,30,40,0")
    with pytest.raises(DataError) as caught:
        recognise(str(file), DataSettings(layout="box_table"))
    assert str(caught.value).startswith(f"{file} has columns for boxes but none that is called path, file or image.")
    settings = DataSettings(path="shot", group="site")
    source = recognise(str(file), settings)
    assert [box.label for box in source.index.labels[0]] == ["object"]
    assert list(source.index.groups)[:2] == ["north", "south"]
    assert sentence(source.findings[0]) == (
        "No column names the boxes' class, so all are called 'object'. Choose one with data.target=NAME."
    )
    source = recognise(str(file), DataSettings(path="shot", target="animal"))
    assert answers(source)["a.png"] == (CAT._replace(crowd=True),)
    assert [finding.kind for finding in source.findings] == ["not_annotated"]


def test_rows_that_cannot_be_used(tmp_path: Path) -> None:
    rows = [
        "a.png,cat,1,2,wide,40,64,48",
        "b.png,,1,2,30,40,64,48",
        "c.png,cat,1,2,30,40,640,480",
        "gone.png,cat,1,2,30,40,64,48",
    ]
    table(
        tmp_path / "x.csv", "path,label,left,top,right,bottom,width,height", *rows, "d.png,cat,1,2", pictures="a b c d"
    )
    source = recognise(str(tmp_path), PLAIN)
    assert reason(source, "a.png") == "In x.csv:2 the corners of cat are no numbers: 1, 2, wide, 40."
    assert reason(source, "b.png") == "The box in x.csv:3 has no label."
    assert reason(source, "c.png").startswith(
        "The annotation is for a picture of 640 x 480 pixels, this one has 64 x 48."
    )
    assert reason(source, "gone.png") == "The file does not exist."
    assert reason(source, "d.png") == (
        "The row x.csv:6 has 4 cells, its table 8 columns: what it says of this picture cannot be read."
    )
    assert source.findings == []


def test_a_picture_of_which_one_row_is_cut_is_left_out_whatever_the_others_say(tmp_path: Path) -> None:
    rows = ["a.png,cat,1,2,30,40", "b.png,,,,,", "a.png,cat,1,2", "b.png,cat,1,2,30,40,50", "c.png,cat,1,2,30,40"]
    source = recognise(str(table(tmp_path / "x.csv", "path,label,left,top,right,bottom", *rows)), PLAIN)
    assert reason(source, "a.png").startswith("The row x.csv:4 has 4 cells, its table 6 columns:")
    assert reason(source, "b.png").startswith("The row x.csv:5 has 7 cells, its table 6 columns:")
    assert source.header(2) == (*SIZE, 3) and source.findings == []


def test_a_cut_row_of_a_second_table_counts_too(tmp_path: Path) -> None:
    header = "path,label,left,top,right,bottom"
    table(tmp_path / "a.csv", header, "a.png,,,,,", "b.png,cat,1,2,30,40")
    table(tmp_path / "b.csv", header, "a.png,cat", "b.png,cat,1,2,30,40")
    source = recognise(str(tmp_path), PLAIN)
    assert reason(source, "a.png").startswith("The row b.csv:2 has 2 cells, its table 6 columns:")
    assert answers(source)["b.png"] == (CAT,) and source.header(1) == (*SIZE, 3)


def test_a_row_that_names_no_picture_refuses_the_run(tmp_path: Path) -> None:
    rows = ["a.png,cat,1,2,30,40", "b.png,,,,,", "aa,cat", "gone.png,cat", "c.png,cat,1,2,30,40"]
    file = table(tmp_path / "x.csv", "path,label,left,top,right,bottom", *rows)
    source = recognise(str(file), PLAIN)
    assert reason(source, "gone.png") == "The row x.csv:5 has 2 cells, its table 6 columns: " + (
        "what it says of this picture cannot be read."
    )
    with pytest.raises(DataError, match=r"which pictures they are of cannot be told: 1 \(lines: 4\)") as caught:
        refuse(source.findings)
    assert str(caught.value).startswith(f"{file} has rows with another number of cells than its 6 columns")


def test_measures_are_no_boxes(tmp_path: Path) -> None:
    """x, y, width and height of things of which there is no picture are numbers to learn from."""
    file = table(tmp_path / "a.csv", "id,x,y,width,height,class", *(f"{n},{n},2,3,{n % 7},b" for n in range(9)))
    assert recognised(str(file), PLAIN).layout == "table"


def test_a_table_of_labels_alone_is_none_of_boxes(tmp_path: Path) -> None:
    table(tmp_path / "a.csv", "path,label", "a.png,cat", "b.png,dog")
    assert recognised(str(tmp_path), PLAIN).layout == "picture_table"


def test_a_picture_that_is_named_by_its_whole_path_may_change_as_others_may(tmp_path: Path) -> None:
    file = picture(tmp_path / "elsewhere" / "a.png", 1)
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "boxes.csv").write_text(f"path,label,left,top,right,bottom\n{file},cat,1,2,30,40\n")
    before, same = (recognise(str(tmp_path / "table"), DataSettings()).fingerprint() for _ in range(2))
    assert before == same
    picture(file, 2)
    assert recognise(str(tmp_path / "table"), DataSettings()).fingerprint() != before
