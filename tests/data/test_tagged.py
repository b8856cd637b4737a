"""Files of tagged sentences: what is recognised, what is read, what is said of a line that has no tag."""

from pathlib import Path

import pytest

from deepglass.data.files import open_inputs
from deepglass.data.readers.text import Given, Text
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.vocabulary import Vocabulary, VocabularySettings, learn_vocabulary
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say

PLAIN = DataSettings()
CONLL = """-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O
. . O O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

-DOCSTART- -X- -X- O

BRUSSELS NNP B-NP B-LOC
1996-08-22 CD I-NP O
"""
UNIVERSAL = """# sent_id = 1
# text = Don't go # away
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\t_\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\t_\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\t_\t_\t0\troot\t_\t_
3.1\tgone\tgo\tVERB\t_\t_\t_\t_\t_\t_
4\t#\t#\tSYM\t_\t_\t3\tdep\t_\t_
5\tNew York\tNew York\tPROPN\t_\t_\t3\tdep\t_\t_

"""


def two_columns(count: int, between: str = "\t") -> str:
    names = ("Anna", "Ben", "Clara")
    return "\n".join(f"{names[row % 3]}{between}B-PER\nsleeps{between}O\n" for row in range(count))


def write(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_conll_is_read_with_its_documents(tmp_path):
    place = write(tmp_path / "a.conll", CONLL)
    found = recognised(place, PLAIN)
    assert (found.layout, found.match.task) == ("tagged", "tag")
    assert found.sentence() == "sentences with a tag for every token, a.conll; task tag"
    source = recognise(place, PLAIN)
    assert source.read(0) == Text("EU\nrejects\nGerman\ncall\n.\n", cut=True)
    assert list(source.index.labels) == ["B-ORG\nO\nB-MISC\nO\nO", "B-PER\nI-PER", "B-LOC\nO"]
    assert list(source.index.ids) == ["a.conll:3", "a.conll:9", "a.conll:14"]
    assert list(source.index.groups) == ["a.conll/1", "a.conll/1", "a.conll/2"]
    (note,) = source.findings
    told = say(f"data.{note.kind}", **note.values)
    assert told.startswith("Each line has 4 cells: column_1 is read as the token and column_4 as its tag.")


def test_another_cell_is_the_tag_where_it_is_asked_for(tmp_path):
    place = write(tmp_path / "a.conll", CONLL)
    source = recognise(place, DataSettings(target="column_2"))
    assert list(source.index.labels)[1:] == ["NNP\nNNP", "NNP\nCD"]
    with pytest.raises(DataError, match=r"has no column 'column_5'.*data\.target.*column_4"):
        recognise(place, DataSettings(target="column_5"))


def test_conll_u_has_remarks_and_words_that_are_written_together(tmp_path):
    source = recognise(write(tmp_path / "a.conllu", UNIVERSAL), PLAIN)
    assert source.read(0).text == "Do\nn't\ngo\n#\nNew York\n"
    assert list(source.index.labels) == ["AUX\nPART\nVERB\nSYM\nPROPN"]


@pytest.mark.parametrize(("name", "between"), [("a.txt", " "), ("a.tsv", "\t"), ("a.bio", " ")])
def test_other_names_are_told_by_what_is_in_them(tmp_path, name, between):
    assert recognised(write(tmp_path / name, two_columns(20, between)), PLAIN).layout == "tagged"


@pytest.mark.parametrize(
    ("name", "text", "layout"),
    [
        ("a.txt", "To be or not\nto be that is\n\nthe question whether tis\nnobler\n" * 30, "corpus"),
        ("a.txt", "Where is the master?\nPlay the men, boatswain.\n\nHang, cur, you dog!\n\n" * 20, "corpus"),
        ("a.tsv", "x\ty\n" + "".join(f"{row}\t{row % 3}\n\n" for row in range(60)), "table"),
        ("a.tsv", "".join(f"the cat number {row} sleeps\t{'ab'[row % 2]}\n\n" for row in range(60)), "text_table"),
        ("a.tsv", "".join(f"word{row}\t{'ab'[row % 2]}\n" for row in range(60)), "table"),  # no sentence ends
    ],
)
def test_what_only_looks_like_it_is_left_alone(tmp_path, name, text, layout):
    place = write(tmp_path / name, text)
    try:
        assert recognised(place, PLAIN).layout == layout
    except DataError as error:
        assert error.code.startswith("data.") and layout == "table"


def test_files_named_after_parts_are_these_parts(tmp_path):
    for name, count in (("en-ud-train.conll", 9), ("dev.conll", 2), ("test.txt", 12)):
        write(tmp_path / name, two_columns(count))
    write(tmp_path / "README.txt", "Sentences about people.\n")
    source = recognise(str(tmp_path), PLAIN)
    assert [list(source.index.parts).count(part) for part in ("train", "val", "test")] == [9, 2, 12]


def test_a_line_without_a_tag_is_named_with_what_is_expected(tmp_path):
    place = write(tmp_path / "a.conll", f"{two_columns(20)}\nLondon\nsleeps\tO\n\nBen\t\nsleeps\tO\n")
    source = recognise(place, PLAIN)
    for row, line, shown in ((20, 61, "London"), (21, 64, "Ben")):
        with pytest.raises(Unreadable) as caught:
            source.read(row)
        told = say(f"data.{caught.value.reason}", **caught.value.values)
        assert told.startswith(f"Line {line}, '{shown}")
        assert "should have 2 cells as the others do, and has 1: a token, its tag, and what stands between" in told
        assert told.endswith("Add what is missing, or leave the line blank where the sentence ends.")


def test_another_encoding_is_one_example_that_cannot_be_read(tmp_path):
    write(tmp_path / "train.conll", two_columns(20))
    (tmp_path / "test.conll").write_bytes("Café B-LOC\n\n".encode("latin-1") * 9)
    source = recognise(str(tmp_path), PLAIN)
    assert set(source.index.parts) == {"train"}  # a file that is no text is none of tagged sentences
    source = recognise(str(tmp_path / "train.conll"), PLAIN)
    assert len(source.index) == 20


def test_made_sentences_need_their_neighbours():
    source = recognise("made:tagged", PLAIN)
    assert (source.task, len(source.index)) == ("tag", 800)
    told: dict[str, set[str]] = {}
    for row in range(800):
        tokens, tags = source.read(row).text.split(), source.index.labels[row].split()
        assert len(tokens) == len(tags)
        for token, tag in zip(tokens, tags, strict=True):
            told.setdefault(token, set()).add(tag)
    assert told["May"] == {"B-PER", "I-PER", "B-DATE", "I-DATE"} and "O" in told["pounds"]
    assert sum(len(tags) > 1 for tags in told.values()) > 100


def test_sentences_that_nobody_cut_are_cut_like_those_that_are_known():
    settings = VocabularySettings(level="given", least=1)
    known = learn_vocabulary(["U.S.\nNew York\n(\n$\n-\n", "state-of-the-art\nsleeps\n"], settings)
    assert known.cut("(U.S., state-of-the-art).") == ["(", "U.S.", ",", "state-of-the-art", ")", "."]
    assert known.cut("Ben's cat, sleeps!?") == ["Ben's", "cat", ",", "sleeps", "!", "?"]
    assert known.cut("我爱U.S.") == ["我", "爱", "U", ".", "S", "."] and known.cut("\u200b") == ["\u200b"]
    assert known.encode("New York\nU.S.\n?").tolist() == [known.encode("New York")[0], known.encode("U.S.")[0], 0]
    assert known.decode(known.encode("U.S.\nsleeps").tolist()) == "U.S. sleeps"
    assert isinstance(known, Vocabulary) and "New York" in known and "York" not in known


def test_files_are_asked_about_sentence_by_sentence(tmp_path):
    tagged, plain = write(tmp_path / "a.conll", CONLL), write(tmp_path / "b.txt", "Anna sleeps.\n\nBen, too\n")
    given = Given(1000)
    asked = list(open_inputs([tagged, plain, "Clara\nsleeps"], "text", (), fit=given))
    assert [one.id for one in asked] == ["a.conll:3", "a.conll:9", "a.conll:14", "b.txt:1", "b.txt:3", "2"]
    assert [bytes(given(one.raw)).decode() for one in asked[3:]] == ["Anna sleeps.", "Ben, too", "Clara sleeps"]
    assert bytes(given(asked[1].raw)) == b"Peter\nBlackburn\n"
    (whole,) = open_inputs([plain], "text", ())
    assert whole.raw.text == "Anna sleeps.\n\nBen, too\n"  # for other tasks a file is one text
