"""Parallel text: two columns or two files, recognised without stealing tables of classes; what both sides tell."""

import random

import numpy as np
import pytest
from PIL import Image

from deepglass.data.column import Texts
from deepglass.data.recognise import recognise, recognised, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.sources.parallel import CREDIT
from deepglass.data.sources.sides import compared
from deepglass.data.split import parts_of
from deepglass.foundation.errors import DataError

NOUNS = "cat dog house tree book river garden window table child".split()
NOMS = "chat chien maison arbre livre rivière jardin fenêtre table enfant".split()
VERBS, VERBES = "sees finds likes hears has".split(), "voit trouve aime entend a".split()


def pairs(count=60, seed=0):
    """Different English sentences with their French ones."""
    draw = random.Random(seed)
    found = {}
    while len(found) < count:
        a, verb, b = draw.randrange(10), draw.randrange(5), draw.randrange(10)
        found[f"The {NOUNS[a]} {VERBS[verb]} the {NOUNS[b]}."] = f"Le {NOMS[a]} {VERBES[verb]} le {NOMS[b]}."
    return list(found.items())


def table(file, rows, heading=None, delimiter="\t"):
    lines = [delimiter.join(cells) for cells in ([heading] if heading else []) + list(rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def files(folder, **sides):
    folder.mkdir(exist_ok=True)
    for name, lines in sides.items():
        (folder / name.replace("__", ".")).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(folder)


def opened(place, **settings):
    return recognise(place, DataSettings(**settings))


def both(source, row=0):
    return source.read(row).text, source.index.labels[row]


@pytest.mark.parametrize(
    "heading", [None, ("en", "fr"), ("source", "target"), ("English", "French"), ("sentence_en", "sentence_fr")]
)
@pytest.mark.parametrize("delimiter, name", [("\t", "p.tsv"), (";", "p.csv"), ("\t", "p.txt")])
def test_two_columns(tmp_path, heading, delimiter, name):
    source = opened(table(tmp_path / name, pairs(), heading, delimiter))
    assert source.layout == "parallel" and source.task == "translate" and source.index.kind == "text"
    assert len(source.index) == 60 and both(source) == pairs()[0]
    (note,) = source.findings
    assert note.kind == "translated_from" and (note.values["source"] == heading[0] if heading else True)


def test_the_sides_are_named_the_other_way_round(tmp_path):
    place = table(tmp_path / "p.tsv", pairs(), ("en", "fr"))
    assert both(opened(place, text="fr", target="en")) == pairs()[0][::-1]
    assert both(opened(place, target="en")) == pairs()[0][::-1]
    with pytest.raises(DataError, match="no column named|no column 'de'"):
        opened(place, text="de")


def test_the_lists_of_sentence_pairs_with_their_credits(tmp_path):
    rows = [(*pair, f"{CREDIT} 2.0 (France) Attribution: tatoeba.org") for pair in pairs()]
    source = opened(table(tmp_path / "fra.txt", rows))
    assert source.layout == "parallel" and both(source) == pairs()[0]


def test_a_column_of_parts(tmp_path):
    rows = [(*pair, ("train", "dev", "test")[row % 3]) for row, pair in enumerate(pairs())]
    source = opened(table(tmp_path / "p.tsv", rows, ("en", "fr", "split")))
    assert source.index.parts[:3] == ["train", "val", "test"] and both(source) == pairs()[0]


def test_tables_named_after_parts(tmp_path):
    for part, some in (("train", pairs()[:40]), ("test", pairs()[40:])):
        table(tmp_path / f"{part}.tsv", some)
    source = opened(str(tmp_path))
    assert source.layout == "parallel" and sorted(set(source.index.parts)) == ["test", "train"]
    assert len(source.index) == 60


def test_two_aligned_files(tmp_path):
    english, french = zip(*pairs(), strict=True)
    source = opened(files(tmp_path / "a", train__en=english, train__fr=french, dev__en=english[:5], dev__fr=french[:5]))
    assert source.layout == "parallel" and len(source.index) == 65
    assert both(source, 5) == pairs()[0] and source.index.ids[5] == "train.en:1"
    assert source.index.parts[0] == "val" and source.index.parts[5] == "train"
    other = opened(str(tmp_path / "a"), text="fr")
    assert both(other, 5) == pairs()[0][::-1]
    plain = opened(files(tmp_path / "b", en__txt=english, fr__txt=french))
    assert len(plain.index) == 60 and not plain.index.parts


def test_different_numbers_of_lines_are_named(tmp_path):
    english, french = zip(*pairs(), strict=True)
    place = files(tmp_path / "a", test__en=english, test__fr=french, train__en=english, train__fr=french[:-1])
    with pytest.raises(DataError, match=r"train.en has 60 lines and train.fr has 59, so they cannot stand beside"):
        opened(place)


def test_several_languages_are_a_question(tmp_path):
    english, french = zip(*pairs(), strict=True)
    place = files(tmp_path / "a", train__en=english, train__fr=french, train__de=french)
    with pytest.raises(
        DataError, match=r"several languages \(de, en, fr\). Name two of them: data.text=de data.target=en"
    ):
        opened(place)
    assert both(opened(place, text="en", target="fr")) == pairs()[0]
    with pytest.raises(DataError, match="Did you mean"):
        opened(place, text="en", target="frr")


def test_a_text_without_its_other_side_is_named(tmp_path):
    english, french = zip(*pairs(), strict=True)
    place = files(tmp_path / "a", train__en=english, train__fr=french, test__en=english, test__de=french)
    found = opened(place, text="en", target="fr").findings
    assert [finding.values["files"] for finding in found if finding.kind == "side_missing"] == ["test.de, test.en"]


def test_only_line_feeds_end_a_line(tmp_path):
    english, french = map(list, zip(*pairs(), strict=True))
    english[3], french[4] = "The cat\u2028sees\x85 the dog.", "Le chat\x0b voit le chien."
    source = opened(files(tmp_path / "a", train__en=english, train__fr=french))
    assert len(source.index) == 60 and both(source, 5) == pairs()[5]


def test_empty_sides_are_left_out_by_name(tmp_path):
    english, french = map(list, zip(*pairs(), strict=True))
    english[3], french[4], english[5], french[5] = "", "", "", ""
    source = opened(files(tmp_path / "a", train__en=english, train__fr=french))
    assert len(source.index) == 59  # a line that is empty on both sides is no pair
    with pytest.raises(Unreadable, match="empty_text"):
        source.read(3)
    assert source.index.labels[4] is None and source.index.labels[5] == french[6]


def test_a_row_with_another_number_of_cells(tmp_path):
    rows = [*pairs(), ("The end",)]
    source = opened(table(tmp_path / "p.tsv", [*rows[:60], ("one", "two", "three")], ("en", "fr")))
    with pytest.raises(Unreadable, match="wrong_cells"):
        source.read(60)
    assert source.index.labels[60] is None


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    english, french = zip(*pairs(), strict=True)
    place = files(tmp_path / "a", train__en=english, train__fr=french)
    (tmp_path / "a" / "train.fr").write_bytes("\n".join(french).encode("latin-1"))
    with pytest.raises(DataError, match=r"train.fr is not UTF-8; it looks like Windows-1252"):
        opened(place)


ENGLISH = [english for english, _ in pairs()]
STOLEN = {
    "reviews": (("text", "label"), [(f"{text} {row}", ("good", "bad")[row % 2]) for row, text in enumerate(ENGLISH)]),
    "no heading": (None, [(f"{text} {row}", ("very good", "very bad")[row % 2]) for row, text in enumerate(ENGLISH)]),
    "topics": (None, [(("sport", "world news", "science")[row % 3], text) for row, text in enumerate(ENGLISH)]),
    "numbers": (("text", "stars"), [(text, str(row / 7)) for row, text in enumerate(ENGLISH)]),
    "files": (("file", "caption"), [(f"img_{row}.jpg", text) for row, text in enumerate(ENGLISH)]),
    "measures": (("x", "y", "label"), [(str(row), str(row * 2), "ab"[row % 2]) for row in range(60)]),
}


@pytest.mark.parametrize("name", STOLEN)
def test_tables_of_classes_are_not_stolen(tmp_path, name):
    heading, rows = STOLEN[name]
    place = table(tmp_path / "t.tsv", rows, heading)
    try:
        assert recognised(place, DataSettings()).layout != "parallel"
    except DataError as error:  # a table that nobody knows yet
        assert error.code != "data.not_that_layout"


def test_names_of_pictures_with_spaces_are_no_sentences(tmp_path):
    (tmp_path / "crops").mkdir()
    names = [f"crops/plate {row}.png" for row in range(30)]
    for name in names:
        Image.new("RGB", (40, 10)).save(tmp_path / name)
    table(tmp_path / "plates.csv", [(name, f"HH-AB {row}") for row, name in enumerate(names)], ("Datei", "Kennzeichen"))
    assert recognised(str(tmp_path), DataSettings()).layout != "parallel"


def test_other_folders_are_not_stolen(tmp_path):
    place = files(tmp_path / "series", GunPoint_TRAIN__ts=["@data", "1,2:1"], GunPoint_TEST__ts=["@data", "1,2:1"])
    assert recognised(place, DataSettings()).layout != "parallel"
    texts = files(tmp_path / "texts", one__txt=["a b c"], two__txt=["d e f"])
    assert recognised(texts, DataSettings()).layout != "parallel"


def test_a_sentence_never_lies_on_both_sides_of_a_split(tmp_path):
    twice = [(english, french) for english, french in pairs()] + [
        (english, french + " !") for english, french in pairs()
    ]
    source = opened(table(tmp_path / "p.tsv", twice))
    parts = parts_of(source.index, DataSettings(val=0.2, test=0.2))
    assert (parts[:60] == parts[60:]).all()
    counts = {part: int((parts == part).sum()) for part in ("train", "val", "test")}
    assert counts == {"train": 72, "val": 24, "test": 24}


def test_texts_are_no_classes(tmp_path):
    source = opened(table(tmp_path / "p.tsv", pairs()))
    assert isinstance(source.index.labels, Texts)
    assert survey(source, 0).counts == {"": 60}
    some = source.index.take(np.array([3, 1]))
    assert isinstance(some.labels, Texts) and list(some.labels) == [pairs()[3][1], pairs()[1][1]]


def findings(sources, targets):
    ids = [f"p:{row}" for row in range(len(sources))]
    return {finding.kind: finding.values for finding in compared(ids, sources, targets)}


def test_what_both_sides_tell():
    english, french = map(list, zip(*pairs(200), strict=True))
    assert findings(english, french) == {}
    english[7] = french[7] = "deepglass 1.0"
    french[9] = french[9] * 5
    english[11], french[11] = french[11], english[11]
    english[12] = "Q"
    found = findings(english, french)
    assert found["sides_equal"] == {"count": 1, "examples": "p:7"}
    assert found["sides_uneven"] == {"count": 2, "examples": "p:9, p:12"}
    assert found["sides_swapped"] == {"count": 1, "examples": "p:11"}


def test_languages_of_other_density_are_even():
    english, _ = zip(*pairs(), strict=True)
    chinese = ["我" * (len(text) // 4) for text in english]
    assert "sides_uneven" not in findings(english, chinese)
