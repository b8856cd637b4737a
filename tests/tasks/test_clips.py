"""Clips as a kind of input: which frames are seen, what happens to them, and how a classifier learns from files."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deepglass.data.augment.clips import ClipAugment, augment_clips, places, seen
from deepglass.data.example import Batch, Ragged
from deepglass.data.files import open_inputs
from deepglass.data.readers.video import Clip, Frames
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index
from deepglass.foundation.ports import Volume
from deepglass.foundation.seeds import Draws, row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.journey import propose
from deepglass.tasks.classify import ClassifySettings
from deepglass.tasks.kinds.clip import ClipSettings
from tests.data.videos import film, moving, shades

WAYS = {"left": (-1, 0), "right": (1, 0)}


def draws(rows: int, step: int = 0) -> Draws:
    return Draws(row_keys(7, "train", step, rows), "augment")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(1, 12), st.sampled_from(["run", "spread"]))
def test_which_frames_are_seen(lengths: list[int], count: int, sampling: str) -> None:
    rows = torch.tensor(lengths)
    for drawn in (None, draws(len(lengths))):
        found = places(rows, count, sampling, drawn)  # pyright: ignore
        assert found.shape == (len(lengths), count)
        assert (found >= 0).all() and (found < rows[:, None]).all() and (found.diff(dim=1) >= 0).all()
        if sampling == "run":
            long = rows >= count
            assert (found[long].diff(dim=1) == 1).all()
    alone = places(rows[:1], count, sampling, draws(1))  # pyright: ignore
    assert torch.equal(alone, places(rows, count, sampling, draws(len(lengths)))[:1])  # pyright: ignore


def test_training_begins_anywhere_and_evaluation_in_the_middle() -> None:
    rows = torch.full((2000,), 12)
    starts = places(rows, 4, "run", draws(2000))[:, 0]
    counts = torch.bincount(starts, minlength=9)
    assert len(counts) == 9 and counts.min() > 150 and counts.max() < 300  # 2000 / 9
    assert places(rows[:1], 4, "run", None).tolist() == [[4, 5, 6, 7]]
    assert places(rows[:1], 4, "spread", None).tolist() == [[1, 4, 7, 10]]
    assert places(torch.tensor([2]), 4, "run", None).tolist() == [[0, 1, 1, 1]]


def test_frames_of_ragged_and_even_rows_are_the_same() -> None:
    block = torch.arange(2 * 5).view(2, 5, 1, 1, 1).to(torch.uint8)
    chosen = torch.tensor([[0, 4], [2, 3]])
    ragged = Ragged(block.flatten(0, 1), torch.tensor([5, 5]))
    assert seen(block, chosen).flatten().tolist() == [0, 4, 7, 8] == seen(ragged, chosen).flatten().tolist()


def test_a_clip_changes_as_one_picture() -> None:
    clips = torch.from_numpy(np.stack([np.stack(moving(4, 24)).transpose(0, 3, 1, 2)] * 3))
    every = ClipAugment(flip=True, crop_pad=3, brightness=0.3, contrast=0.3)
    made = augment_clips(clips, draws(3), every)
    assert (
        made.shape == clips.shape and made.dtype == torch.float32 and 0 <= float(made.min()) <= float(made.max()) <= 1
    )
    still = augment_clips(clips[:, :1].expand(-1, 4, -1, -1, -1), draws(3), every)
    assert torch.equal(still[:, 0], still[:, 3])
    assert not torch.equal(made[0], made[1])  # each row by its own draws
    torch.testing.assert_close(
        augment_clips(clips[1:2], Draws(row_keys(7, "train", 0, 3)[1:2], "augment"), every), made[1:2]
    )
    assert torch.equal(augment_clips(clips, draws(3), ClipAugment()), clips / 255)
    assert augment_clips(clips, draws(3), ClipAugment(resize_crop=0.5)).shape == clips.shape


def task_and_batch(frames: int = 4, sees: str = "frames"):
    chosen = ClassifySettings(clip=ClipSettings(size=16, frames=frames, rate=10.0, sees=sees))  # pyright: ignore
    index = Index(("a", "b", "c"), ["x", "y", "x"], kind="clip")
    task = chosen.build(chosen.learn(index, (0, 0), 3))
    raws = [Clip(np.stack(shades(length, 20, 28)), np.arange(length) / 10) for length in (6, 3, 9)]
    rows = [task.prepare(raw).inputs["input"] for raw in raws]
    task = chosen.build(task.settle({"input": [row.numpy() for row in rows]}))
    column = Ragged(torch.cat(rows), torch.tensor([len(row) for row in rows]))
    return task, Batch(("a", "b", "c"), {"input": column, **task.code(index.labels)}, 0, row_keys(7, "train", 0, 3))


def test_a_task_on_clips_keeps_to_the_contract() -> None:
    task, batch = task_and_batch()
    assert task.asks().takes == Volume(3, 4, 16, 16)
    assert from_json(type(task.facts), json.loads(json.dumps(to_json(task.facts)))) == task.facts
    shown = task.present(batch)["input"]
    assert shown.shape == (3, 3, 4, 16, 16)
    torch.testing.assert_close(task.present(batch.rows(1, 2))["input"], shown[1:2])
    every = (np.concatenate([np.arange(length) for length in (6, 3, 9)]) * 5) / 255
    assert task.facts.inputs.mean[0] == pytest.approx(every.mean(), abs=2e-3)
    drawn = task.present(batch, batch.draws("augment"))["input"]
    assert drawn.shape == shown.shape and not torch.equal(drawn, shown)
    assert isinstance(task.form(), Frames) and task.preparation()[-1] == 30.0
    assert "0.0 s" in task.show(Clip(np.stack(shades(3)), np.arange(3) / 10), {"prediction": "x"})[0].terminal()


@pytest.mark.parametrize("sees", ["changes", "both"])
def test_what_changes_is_seen_alone_or_beside_the_frames(sees: str) -> None:
    plain, batch = task_and_batch()
    task, _ = task_and_batch(sees=sees)
    frames, found = plain.present(batch)["input"], task.present(batch)["input"]
    changes = frames - frames.mean(2, keepdim=True)
    torch.testing.assert_close(found, changes if sees == "changes" else torch.cat([frames, changes], 1))
    assert task.asks().takes == Volume(3 if sees == "changes" else 6, 4, 16, 16)
    assert from_json(type(task.facts), json.loads(json.dumps(to_json(task.facts)))) == task.facts
    still = {"input": Ragged(batch["input"].values * 0 + 9, batch["input"].lengths)}
    assert task.present(Batch(batch.ids, still, 0, batch.keys))["input"][:, -3:].abs().max() < 1e-6


def test_class_folders_of_videos(tmp_path) -> None:
    for name, way in WAYS.items():
        for number in range(4):
            file = tmp_path / name / f"{number}.mp4"
            film(file, moving(8, 24, way, (4 + number, 3)), np.arange(8) / 10, codec="libx264")
    (tmp_path / "left" / "bad.mp4").write_bytes(b"#EXTM3U\nhttp://example.org/a.ts\n")
    source = recognise(str(tmp_path), DataSettings())
    assert (source.layout, source.task, source.index.kind, len(source.index)) == (
        "class_folders",
        "classify",
        "clip",
        9,
    )
    assert source.header(0) == (24, 24, 3)
    assert source.read(0, Frames(3, 12, 12, rate=10.0)).frames.shape == (8, 12, 12, 3)
    proposed = propose(str(tmp_path)).settings
    clip = proposed.task.settings.clip  # pyright: ignore
    assert (proposed.model.name, clip.sees, clip.augment.flip) == ("cnn3d", "both", False)


def test_what_predict_takes(tmp_path) -> None:
    form = Frames(3, 12, 12, rate=10.0)
    film(tmp_path / "a.mkv", shades(5), np.arange(5) / 10)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    asked = list(open_inputs([tmp_path, (tmp_path / "a.mkv").read_bytes()], "clip", (), fit=form))
    assert [type(one.raw).__name__ for one in asked] == ["Clip", "Unreadable", "Clip"]
    assert asked[1].error() == "It is a text file, not a video. Leave it out."
    given = next(open_inputs(np.stack(shades(5)), "clip", (), fit=form)).raw
    assert given.times.tolist() == [0.0, 0.1, 0.2, 0.3, 0.4]
    stacked = list(open_inputs(np.stack([np.stack(shades(5))] * 2), "clip", (), fit=form))
    assert len(stacked) == 2
    assert "is no clip" in next(open_inputs([np.zeros((4, 4, 3))], "clip", (), fit=form)).error()
