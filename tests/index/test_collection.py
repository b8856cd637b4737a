"""A folder of pictures searched as a stranger would, from the command line and from Python."""

import json
import shutil

import pytest

import deepglass as dg
from deepglass.cli.main import main
from deepglass.foundation.errors import UsageError
from deepglass.foundation.words import speaking


@pytest.fixture
def here(tmp_path, photos, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *words: str, code: int = 0) -> tuple[str, dict]:
    """Text for people, and the JSON document."""
    if code:
        with pytest.raises(SystemExit) as ended:
            main([*words, "--json"])
        assert ended.value.code == code
    else:
        main([*words, "--json"])
    shown = capsys.readouterr()
    return shown.err, json.loads(shown.out)


def test_one_command_makes_the_index_and_answers(here, capsys):
    words = ("search", "photos", "photos/0/00.png", "--bundle", "digits", "--count", "2")
    text, told = said(capsys, *words)
    assert "Looked at: 12 new, 0 changed; 0 are gone." in text
    assert "Index search/photos: 12 pictures, lenet5; all are looked at, exactly (few enough)." in text
    assert "  1  1.000  photos/1/01.png" in text and "To look at: search/photos/search.html" in text
    assert (told["added"], told["pictures"], told["kind"], told["why"]) == (12, 12, "flat", "few")
    assert [one["id"] for one in told["answers"][0]["nearest"]][0] == str(here / "photos" / "1" / "01.png")
    text, again = said(capsys, *words)
    assert again["answers"] == told["answers"] and again["unchanged"] == 12 and "Looked at" not in text
    page = (here / "search" / "photos" / "search.html").read_text()
    assert page.count("data:image/") == 3 and "What is like it" in page


def test_an_index_is_asked_for_duplicates_and_taken_from(here, capsys):
    said(capsys, "search", "photos", "--bundle", "digits", "--out", "index")
    text, told = said(capsys, "search", "index", "--duplicates", "--threshold", "0.999")
    assert "3 groups of pictures that are as near as 0.999 or nearer:" in text
    assert "one person in two pictures. For copies alone: --threshold 0.9995. Look before you delete." in text
    assert len(told["duplicates"]) == 3 and "photos/0/00.png, photos/1/01.png" in text
    text, told = said(capsys, "search", "index", "--remove", "photos/1")
    assert "6 taken out; 6 are left." in text and told["removed"] == told["pictures"] == 6
    assert "They stay out until they are named themselves: deepglass search NAME --out index" in text
    text, told = said(capsys, "search", "photos", "--out", "index")
    assert (told["pictures"], told["added"], told["left_out"]) == (6, 0, [str(here / "photos" / "1")])
    assert "Left out, because taken out before (1): photos/1. One comes back where it is named itself:" in text
    text, told = said(capsys, "search", "index", "--remove", "photos/1")
    assert told["removed"] == 0 and "None of the named pictures is in the index index; 6 are left." in text
    text, told = said(capsys, "search", "index", "--duplicates", "--threshold", "0.9999")
    assert "No two pictures are as near as 0.9999." in text and told["duplicates"] == []
    assert "For copies alone" not in text
    text, told = said(capsys, "search", "index")
    assert "deepglass search index --duplicates" in text and told["pictures"] == 6


def test_what_does_not_fit_together_is_said_in_one_sentence(here, capsys):
    def refused(*words: str, code: int = 2) -> str:
        return said(capsys, "search", *words, code=code)[1]["error"]["message"]

    assert "deepglass search photos --bundle RUN" in refused("photos", "photos/0/00.png")
    assert "neither an index nor a folder of pictures at nowhere" in refused("nowhere", "--bundle", "digits")
    said(capsys, "search", "photos", "--bundle", "digits", "--out", "index")
    assert "--out says where that of a folder of pictures is kept" in refused("index", "--out", "other")
    assert "--remove needs the pictures to take out" in refused("index", "--remove")
    shutil.copytree(here / "photos", here / "elsewhere" / "photos")
    said(capsys, "search", "photos", "--bundle", "digits")
    assert f"is that of {here}/photos" in refused("elsewhere/photos", "--bundle", "digits")
    said(capsys, "search", "elsewhere/../photos", "--bundle", "digits")  # another way to the same folder
    assert "kind=fast is not allowed" in refused("photos", "kind=fast", "--bundle", "digits", "--out", "new")
    (here / "note.txt").write_text("no picture")
    with pytest.raises(SystemExit) as ended:
        main(["search", "index", "note.txt"])
    assert ended.value.code == 3 and "note.txt: no answer" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["search", "index", "note.txt", "photos/0/00.png"])
    shown = capsys.readouterr().out
    assert ended.value.code == 3 and "note.txt: no answer" in shown and "photos/0/00.png" in shown


def test_settings_of_an_index_that_is_there_are_not_passed_over(here, capsys):
    words = ("search", "photos", "--bundle", "digits", "--out", "index", "numbers=float16")
    said(capsys, *words)
    assert said(capsys, *words)[1]["unchanged"] == 12  # the same once more is no other wish
    for place in (("photos", "--bundle", "digits", "--out", "index"), ("index",)):
        told = said(capsys, "search", *place, "kind=hnsw", "numbers=float32", code=2)[1]["error"]["message"]
        assert told.startswith("The index in index was made with kind=auto, numbers=float16. Settings are those of a")


def test_the_page_counts_what_was_answered(here, capsys):
    (here / "note.txt").write_text("no picture")
    said(capsys, "search", "photos", "photos/0/00.png", "note.txt", "--bundle", "digits", "--out", "index", code=3)
    assert "The first" not in (here / "index" / "search.html").read_text(encoding="utf-8")


def test_a_page_is_not_lost_to_a_question_without_an_answer(here, capsys):
    (here / "note.txt").write_text("no picture")
    said(capsys, "search", "photos", "photos/0/00.png", "--bundle", "digits", "--out", "index")
    page = (here / "index" / "search.html").read_bytes()
    with pytest.raises(SystemExit):
        main(["search", "index", "note.txt"])
    assert "search.html" not in capsys.readouterr().out and (here / "index" / "search.html").read_bytes() == page


def test_a_network_of_numbers_is_refused(here, capsys):
    dg.train("made:xor", size="tiny", out=here / "xor", settings={"train.steps": 2})
    with pytest.raises(UsageError, match="An index is of pictures; this network takes vector"):
        dg.search("photos", "photos/0/00.png", bundle="xor")


def test_from_python_and_in_chinese(here, capsys):
    (answer,) = dg.search("photos", "photos/0/00.png", bundle="digits", count=1)
    assert answer["nearest"][0]["id"].endswith("1/01.png")
    index = dg.Index.open("search/photos")
    assert len(index) == 12 and index.query("photos/0/00.png", 1) == [answer]
    with speaking("zh-CN"):
        main(["search", "search/photos", "photos/0/00.png"])
    assert "张图片，lenet5；逐一比较，结果精确（数量不多）。" in capsys.readouterr().out
