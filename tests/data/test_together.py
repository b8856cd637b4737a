"""Rows of unequal length that are answered together: who comes with whom, and what that takes."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepglass.data.example import Ragged
from deepglass.data.loader import MOST_PADDED, together
from deepglass.run import Run
from tests.data.sounds import spelled
from tests.kill.data import write_data
from tests.kill.families import FAMILIES


@given(st.lists(st.integers(0, 400), max_size=60), st.integers(1, 20), st.integers(1, 2000))
def test_cuts_hold_all_rows_in_order_and_are_small_or_one_row(lengths, batch, most):
    cuts = [range(len(lengths))[cut] for cut in together(np.array(lengths, dtype=np.int64), batch, most)]
    assert [row for cut in cuts for row in cut] == list(range(len(lengths)))
    for cut in cuts:
        assert len(cut) <= batch
        assert len(cut) == 1 or len(cut) * max(lengths[row] for row in cut) <= most


def test_sounds_of_ten_minutes_come_alone():
    lengths = np.sort([8_000] * 63 + [4_800_000])
    assert [cut.stop - cut.start for cut in together(lengths, 64)] == [63, 1]
    assert MOST_PADDED * 4096 <= 1 << 31


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """A network for speech, hardly trained."""
    folder = tmp_path_factory.mktemp("speech")
    write_data(folder)
    run = Run(folder / "run", FAMILIES["transcribe"].settings(folder))
    run.write()
    run.train()
    return run.bundle


def test_a_long_sound_makes_no_other_as_long(bundle, monkeypatch):
    """Answers are those of each alone, in the order that was asked, and what is padded stays small."""
    sounds = [spelled("abc" * (1 + number % 4)) for number in range(12)]
    sounds.insert(5, spelled("face bead " * 12))
    sounds.insert(8, np.zeros((0, 1), dtype=np.int16))  # which nobody can hear
    alone = [bundle.predict(sound)[0] for sound in sounds]
    widths: list[tuple[int, int]] = []
    scores = bundle.scores
    monkeypatch.setattr(bundle, "scores", lambda batch: widths.append(size(batch)) or scores(batch))
    monkeypatch.setattr("deepglass.bundle.together", partial(together, most=40_000))
    answers = bundle.predict(sounds)
    assert [answer["id"] for answer in answers] == [str(place) for place in range(14)]
    assert "error" in answers[8] and sum(rows for rows, _ in widths) == 13
    assert all(rows == 1 or rows * longest <= 40_000 for rows, longest in widths) and len(widths) < 12
    for answer, one in zip(answers, alone, strict=True):
        assert answer.get("prediction") == one.get("prediction")
        assert answer.get("confidence", 0) == pytest.approx(one.get("confidence", 0), abs=1e-5)


def test_inputs_that_hold_much_do_not_all_wait(bundle, monkeypatch):
    monkeypatch.setattr("deepglass.bundle.MOST_HELD", 20_000)
    sizes: list[int] = []
    scores = bundle.scores
    monkeypatch.setattr(bundle, "scores", lambda batch: sizes.append(len(batch)) or scores(batch))
    assert len(bundle.predict([spelled("abc")] * 20)) == 20
    assert max(sizes) < 8


def size(batch) -> tuple[int, int]:
    """Rows, and samples of the longest."""
    column = batch["input"]
    return len(batch), int(column.lengths.max()) if isinstance(column, Ragged) else column.shape[1]
