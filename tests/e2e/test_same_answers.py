"""`predict` on raw files says what evaluation said of the same rows, for tasks on sequences and masks, to 1e-5."""

from pathlib import Path
from typing import Any

import pytest

from deepglass.run import Run
from tests.kill.data import write_data
from tests.kill.families import FAMILIES

CUT = ("language", "cloze", "forecast")  # whose examples are passages of a file
FILES = {  # of files of a folder
    **{"transcribe": "speech", "sounds": "tones", "detect": "boxes", "segment": "masks"},
    **{"embed": "patterns", "read_text": "lines", "read_plates": "street"},
    **{"clips": "ways", "tag_video": "moments"},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    return folder


WHOLE = ("translate", "texts", "bag", "series", "tag")  # whose examples are the rows of one file


@pytest.mark.parametrize("family", [*CUT, *FILES, *WHOLE])
def test_predict_says_what_evaluation_says(family, data, tmp_path):
    run = Run(tmp_path / "run", FAMILIES[family].settings(data))
    run.write()
    run.train()
    material = run.material()
    rows = material.rows["test"].tolist()
    _, predictions = run.evaluate("test", material)
    evaluated = run.bundle.task.answers(predictions)
    assert len(evaluated) == len(rows) > 4
    for batch in (64, 3):
        asked = run.bundle.predict(raw(run, family, rows, data), batch)
        told = {answer.pop("id"): _without(answer, "known", "unknown") for answer in asked}  # which are of the text
        for row, known in zip(rows, evaluated, strict=True):
            name = str(material.source.index.ids[row])
            place = str(rows.index(row)) if family in CUT else name
            place = str(data / FILES[family] / name) if family in FILES else place
            alike(told[place], known)


def _without(answer: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in names}


def raw(run: Run, family: str, rows: list[int], data: Path) -> list[Any]:
    """What a user gives: the passages themselves, the files, or the whole table."""
    if family in CUT:
        history = run.settings.data.history  # of a series that goes on what comes is cut off
        passages = [run.source.read(row) for row in rows]
        return [passage[:history] if history else passage.text for passage in passages]
    if family == "segment":
        return [data / FILES[family] / "images"]  # the masks beside them are pictures as well
    if family in FILES:
        return [data / FILES[family]]
    return [data / FAMILIES[family].file]


def alike(one: Any, other: Any) -> None:
    """Equal, but for the last digits of numbers."""
    if isinstance(other, dict):
        assert one.keys() == other.keys()
        for name in other:
            alike(one[name], other[name])
    elif isinstance(other, list):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            alike(*pair)
    elif isinstance(other, float):
        assert one == pytest.approx(other, abs=1e-5, rel=1e-5)
    else:
        assert one == other
