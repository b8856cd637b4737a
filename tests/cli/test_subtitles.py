"""Subtitles on the command line: of shots and of moments, one video a file, and only where answers have times."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deepglass.cli.predict import _check_subtitles, _check_table, _writer  # pyright: ignore[reportPrivateUsage]
from deepglass.foundation.errors import MachineError, UsageError
from deepglass.foundation.words import speaking


def bundle(name: str, **parts: Any) -> Any:
    return SimpleNamespace(task=SimpleNamespace(**parts), document={"task": {"name": name}})


def test_shots_and_moments_are_lines_in_the_order_of_their_times(tmp_path: Path) -> None:
    moments = [{"label": "cat", "start": 2.0, "end": 3.5}, {"label": "dog", "start": 0.25, "end": 9.0}]
    answers = [{"id": "a.mp4", "prediction": ["cat", "dog"], "moments": moments}]
    file = tmp_path / "a.SRT"
    _writer(file, answers)(file, answers, None)
    assert file.read_text() == "1\n00:00:00,250 --> 00:00:09,000\ndog\n\n2\n00:00:02,000 --> 00:00:03,500\ncat\n"
    shots = [{"id": "a.mp4", "prediction": "a  red\nball", "start": 0.0, "end": 1.2}, {"id": "b.mp4", "error": "gone"}]
    _writer(file, shots)(file, shots, None)
    assert file.read_text() == "1\n00:00:00,000 --> 00:00:01,200\na red ball\n"
    with pytest.raises(MachineError):
        _writer(tmp_path / "no" / "a.srt", shots)(tmp_path / "no" / "a.srt", shots, None)


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    with speaking("en"):
        with pytest.raises(UsageError, match=r"answers of the task classify have no times.*Give a \.csv file"):
            _check_subtitles(bundle("classify"), ["a.mp4"])
        for files in (["a.mp4", "b.mp4"], [str(tmp_path)]):
            with pytest.raises(UsageError, match="belongs to one video"):
                _check_subtitles(bundle("caption", tells_films=True), files)
    _check_subtitles(bundle("tag_video", live=print), ["a.mp4"])


def test_subtitles_that_are_there_stay(tmp_path: Path) -> None:
    file = tmp_path / "film.srt"
    _check_table(bundle("tag_video"), file)
    file.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello.\n")
    with speaking("en"), pytest.raises(UsageError, match=r"film\.srt is there already.*nothing is written over"):
        _check_table(bundle("tag_video"), file)
