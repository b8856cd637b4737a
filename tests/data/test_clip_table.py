"""Tables of what videos show: whole videos or parts of them, as classes; what cannot be used is named."""

from pathlib import Path

import numpy as np
import pytest

from deepglass import journey
from deepglass.data.readers.video import Frames
from deepglass.data.recognise import layout_for, recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.split import split
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import parse_assignments
from deepglass.foundation.words import say, speaking
from tests.data.videos import film, shades

SEEN = Frames(3, 24, 32, rate=4.0, longest=30.0)


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for name in "abcd":
        film(tmp_path / "clips" / f"{name}.mkv", shades(16), np.arange(16) / 4)
    return tmp_path


def write(folder: Path, *rows: str) -> str:
    (folder / "table.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(folder)


def reason(source, row: int, form: object = SEEN) -> str:
    with pytest.raises(Unreadable) as caught:
        source.read(row, form)
    return say(f"data.{caught.value.reason}", "en", **caught.value.values)


def test_whole_videos_with_a_label(videos: Path) -> None:
    place = write(videos, "video,label,split", "a,cat,train", "clips/b.mkv,dog,test", "c.mkv,,val", "a.mkv,dog,train")
    found = recognised(place, DataSettings())
    assert found.sentence() == "videos with table.csv, a table of what each of them shows; task classify"
    source = recognise(place, DataSettings())
    index = source.index
    assert (source.layout, source.task, index.kind) == ("clip_table", "classify", "clip")
    assert list(index.ids) == ["clips/a.mkv", "clips/b.mkv", "clips/c.mkv"]
    assert list(index.labels) == ["cat", "dog", None] and list(index.parts) == ["train", "test", "val"]
    assert source.header(0) == (32, 24, 3) and source.read(0, SEEN).frames.shape[0] == 16 and not len(index.groups)
    told = {one.kind: one.values for one in source.findings}
    assert told["rows_repeated"]["examples"] == "table.csv:5 clips/a.mkv" and told["not_in_table"]["count"] == 1


def test_parts_of_videos_stay_together(videos: Path) -> None:
    rows = [f"{name}.mkv,{label},{start},{start + 1}" for name in "abcd" for start, label in ((0, "cat"), (2.5, "dog"))]
    place = write(videos, "file,label,start,end", *rows)
    assert recognised(place, DataSettings()).match.task == "tag_video"  # unasked it tells what is there when
    assert layout_for("classify", place, DataSettings()) == "clip_table"
    assert layout_for("classify", str(videos / "clips"), DataSettings()) == ""
    source = recognise(place, DataSettings(layout="clip_table"))
    assert list(source.index.ids[:2]) == ["clips/a.mkv@0-1", "clips/a.mkv@2.5-3.5"]
    assert list(source.index.groups[:3]) == ["clips/a.mkv", "clips/a.mkv", "clips/b.mkv"]
    assert [len(source.read(row, SEEN).frames) for row in (0, 1)] == [4, 4]
    assert [round(pixel / 5) for pixel in source.read(1, SEEN).frames[:, 0, 0, 0].tolist()] == [10, 11, 12, 13]
    parts = split(source.index, DataSettings(val=0.25, test=0.25))
    codes = parts.codes.reshape(4, 2)  # two parts of each video
    assert (codes[:, 0] == codes[:, 1]).all() and len(set(codes[:, 0].tolist())) == 3
    before = source.fingerprint()
    film(videos / "clips" / "a.mkv", shades(20), np.arange(20) / 4)
    assert recognise(place, DataSettings(layout="clip_table")).fingerprint() != before


def test_what_cannot_be_used_is_named(videos: Path) -> None:
    rows = ("gone.mp4,cat,0,1", "a.mkv,cat,3,2", "a.mkv,cat,5,6", "a.mkv,cat,2,9", "a.mkv,cat,3,4.5", "b.mkv,dog,,")
    source = recognise(write(videos, "file,label,start,end", *rows), DataSettings(layout="clip_table"))
    assert reason(source, 0) == say("data.missing_file", "en")
    assert "Line 3 of its table says from 3 to 2" in reason(source, 1)
    assert reason(source, 2) == (
        "Its table tells of 5 to 6 s, but the video ends at 3.79 s. Mend the times, or the file's name."
    )
    assert "tells of 2 to 9 s, but the video ends at 3.79 s" in reason(source, 3)
    assert "tells of 5 to 6 s" in reason(source, 2, None)  # nor where it is only looked at
    assert len(source.read(4, SEEN).frames) == 4 and len(source.read(5, SEEN).frames) == 16
    assert len(source.read(3, SEEN._replace(longest=1.0)).frames) == 4  # no more of it is wanted


def test_moments_behind_the_end_are_named(videos: Path) -> None:
    rows = ("a.mkv,cat,0,1", "a.mkv,dog,3.5,4.7", "b.mkv,cat,4.5,5", "c.mkv,cat,1,8", "gone.mp4,cat,1,2", "d.mkv,,,")
    source = recognise(write(videos, "file,label,start,end", *rows), DataSettings())
    assert source.layout == "moments" and len(source.read(0, SEEN).frames) == 16  # up to a second is only rounded
    assert "tells of 4.5 to 5 s, but the video ends at 3.79 s" in reason(source, 1)
    assert "tells of 1 to 8 s" in reason(source, 2) and "tells of 1 to 8 s" in reason(source, 2, None)
    assert reason(source, 3) == say("data.missing_file", "en") and len(source.read(4, SEEN).frames) == 16
    assert len(source.read(2, SEEN._replace(longest=2.0)).frames) == 8  # what lies behind is not looked at


def test_the_doctor_names_them(videos: Path) -> None:
    rows = [f"{name}.mkv,{label},{start},{start + 1}" for name in "abcd" for start, label in ((0, "cat"), (2.5, "dog"))]
    place = write(videos, "file,label,start,end", *rows, "gone.mp4,cat,0,1", "a.mkv,cat,3,2", "b.mkv,cat,50,51")
    for asked, task in (([], "tag_video"), (parse_assignments(["task.name=classify"]), "classify")):
        found = journey.check(place, asked)
        lost = [one for one in found.findings if one["kind"] == "unreadable"]
        reasons = " ".join(one["reason"] for one in lost)
        assert found.task == task and len(lost) == 3 and "gone.mp4" in " ".join(one["file"] for one in lost)
        assert "tells of 50 to 51 s" in reasons and "from 3 to 2" in reasons


def test_what_is_no_table_of_videos(videos: Path) -> None:
    rows = [f"{row},{'ab'[row % 2]}" for row in range(8)]
    assert recognise(f"{write(videos, 'x,label', *rows)}/table.csv", DataSettings()).layout == "table"
    with pytest.raises(DataError, match="3 cells in line 2 instead of 2"):
        recognise(write(videos, "file,label", "a.mkv,cat,more"), DataSettings())
    with pytest.raises(DataError, match="clip_table"):
        recognise(write(videos, "file,size", "a.mkv,3"), DataSettings(layout="clip_table"))
