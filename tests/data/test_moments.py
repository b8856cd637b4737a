"""Tables of what is in videos when: columns by name, times as people write them, and rows that cannot be used."""

from pathlib import Path

import numpy as np
import pytest

from deepglass.data.annotation import Moment, in_words, names_of
from deepglass.data.examiner import unreadable
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.sources.files import ClipFiles
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say
from tests.data.videos import film, shades


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for name in ("a", "b", "c", "d"):
        film(tmp_path / "clips" / f"{name}.mkv", shades(4), np.arange(4) / 4)
    return tmp_path


def write(folder: Path, *rows: str) -> Path:
    (folder / "tags.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_rows_of_one_video_are_its_answer(videos: Path) -> None:
    write(
        videos,
        "file,start,end,tag,split,home",
        "b.mkv,0:01.5,1:00:02,cat,train,one",
        "clips/a.mkv,0.25,0.75,dog,test,two",
        "b.mkv,0,1,dog,train,one",
        "c,,,,,one",
    )
    found = recognised(str(videos), DataSettings())
    assert found.sentence() == "videos with tags.csv, a table of what is in them when; task tag_video"
    source = recognise(str(videos), DataSettings(group="home"))
    index = source.index
    assert (source.layout, source.task, index.kind) == ("moments", "tag_video", "clip")
    assert list(index.ids) == ["clips/b.mkv", "clips/a.mkv", "clips/c.mkv"]
    assert index.labels[0] == (Moment("dog", 0, 1), Moment("cat", 1.5, 3602)) and index.labels[2] == ()
    assert list(index.parts) == ["train", "test", ""] and list(index.groups) == ["one", "two", "one"]
    assert [one.kind for one in source.findings] == ["not_in_table"] and "clips/d.mkv" in str(source.findings[0].values)
    assert len(source.read(2).frames) == 4
    assert in_words(index.labels[0]) == "dog 0-1 s, cat 1.5-3602 s" and names_of(index.labels[0]) == ("dog", "cat")


@pytest.mark.parametrize(("start", "end"), [("2", "1"), ("soon", "2"), ("-1", "2"), ("1", "1"), ("1", "nan")])
def test_a_row_whose_times_make_no_sense_is_named(videos: Path, start: str, end: str) -> None:
    source = recognise(
        str(write(videos, "video,begin,stop,label", f"a.mkv,{start},{end},cat", "b.mkv,0,1,cat")), DataSettings()
    )
    with pytest.raises(Unreadable) as caught:
        source.read(0)
    assert f"Line 2 of its table says from {start} to {end}" in say("data.moment_times", "en", **caught.value.values)
    assert len(source.read(1).frames) == 4


def test_a_fault_names_the_line_it_is_in_and_a_video_is_of_one_part(videos: Path) -> None:
    rows = ("a.mkv,0,1,cat,train", "a.mkv,3,1,cat,train", "b.mkv,0,1,cat,train", "b.mkv,1,2,dog,test")
    source = recognise(str(write(videos, "file,start,end,tag,split", *rows)), DataSettings())
    assert isinstance(source, ClipFiles) and list(source.lines) == ["tags.csv:3", "tags.csv:5"]
    assert [fault.reason for fault in source.faults.values()] == ["moment_times", "moment_parts"]
    assert source.faults[1].values == {"line": 5, "part": "test", "other": "train"}
    source = recognise(str(write(videos, "file,start,end,tag", "a.mkv,0,1,cat", "a.mkv,90,95,dog")), DataSettings())
    with pytest.raises(Unreadable) as caught:
        source.read(0)
    found = unreadable(source.index, 0, caught.value, {"at": "tags.csv:2"})
    assert caught.value.reason == "moment_beyond" and found.values["at"] == "tags.csv:3"


def test_moments_of_one_tag_that_overlap_are_one(videos: Path) -> None:
    cat = [(0, 0.2), (0.4, 0.6), (0.5, 90), (0.52, 0.58), (0.2, 0.4)]
    rows = [*(f"a.mkv,{start},{end},cat" for start, end in cat), "a.mkv,0.1,0.9,dog", "b.mkv,0,1,cat"]
    source = recognise(str(write(videos, "file,start,end,tag", *rows)), DataSettings())
    wanted = [("cat", 0, 0.2), ("dog", 0.1, 0.9), ("cat", 0.2, 0.4), ("cat", 0.4, 90)]  # what follows stays apart
    assert source.index.labels[0] == tuple(Moment(*one) for one in wanted)
    (joined,) = [one for one in source.findings if one.kind == "moments_joined"]
    assert joined.values == {"count": 2, "examples": "clips/a.mkv"}
    with pytest.raises(Unreadable) as caught:
        source.read(0)
    assert caught.value.values["at"] == "tags.csv:4"  # the row whose end it is


def test_what_is_no_table_of_moments(videos: Path) -> None:
    with pytest.raises(DataError, match="5 cells in line 2 instead of 4"):
        recognise(str(write(videos, "file,start,end,tag", "a.mkv,0,1,cat,more")), DataSettings(layout="moments"))
    numbers = write(videos, "x,start,end,label", *(f"{row},{row % 7},{row % 5},{row % 2}" for row in range(30)))
    assert recognise(str(numbers / "tags.csv"), DataSettings()).task == "classify"


def test_made_videos_tell_the_truth() -> None:
    source = recognise("made:moving", DataSettings())
    assert (source.task, source.index.kind, len(source.index)) == ("tag_video", "clip", 240)
    assert (
        source.header(0) == (40, 40, 1)
        and source.fingerprint() == recognise("made:moving", DataSettings()).fingerprint()
    )
    seen = 0
    for row, moments in enumerate(source.index.labels):
        clip = source.read(row)
        assert clip.frames.shape == (48, 40, 40, 1) and all(0 <= one.start < one.end <= 6 for one in moments)
        for one in moments:
            middle = clip.frames[int(8 * (one.start + one.end) / 2)]
            seen += int(middle.max() > 150)
        if not moments:
            assert clip.frames[10:-10].max() < 250
    assert seen > 0.97 * sum(map(len, source.index.labels))


def test_a_row_that_is_mended_makes_other_data(videos: Path) -> None:
    told = set()
    for row in ("a.mkv,2,1,cat", "a.mkv,,,"):
        source = recognise(str(write(videos, "video,begin,stop,label", row, "b.mkv,0,1,cat")), DataSettings())
        assert source.index.labels[0] == ()
        told.add(source.fingerprint())
    assert len(told) == 2
