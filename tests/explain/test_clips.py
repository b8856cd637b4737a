"""Clips: when and where the maps spoke for the answer, on networks small enough to know it; tags over time."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from deepglass.blocks.conv import Conv
from deepglass.bundle import Bundle
from deepglass.data.annotation import Moment
from deepglass.data.source import Index
from deepglass.explain.answer import explain, methods
from deepglass.foundation.errors import UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.words import speaking
from deepglass.tasks.classify import ClassifySettings
from deepglass.tasks.kinds.clip import ClipSettings
from deepglass.tasks.tag_video import TagVideoSettings
from deepglass.views.moving import Moving
from tests.data.videos import film, moving
from tests.explain.conftest import trained
from tests.explain.test_answer import run_verb


@pytest.fixture(autouse=True)
def english():
    with speaking("en"):
        yield


class Bright(nn.Module):
    """Whether something bright is there: one map, of the clip (dims=3) or of each of its frames (dims=2)."""

    def __init__(self, dims: int, steps: bool = False):
        super().__init__()
        self.see, self.steps = Conv(1, 1, kernel=3, padding=1, dims=dims), steps
        nn.init.constant_(self.see.weight, 1.0)
        nn.init.constant_(self.see.bias, -8.0)
        self.relu, self.dims = nn.ReLU(), dims
        self.seen = nn.Sequential(self.see, self.relu)

    def forward(self, clip):
        rows, frames = clip.shape[0], clip.shape[2]
        x = clip if self.dims == 3 else clip.transpose(1, 2).flatten(0, 1)
        x = self.seen(x)
        if self.steps:
            each = x.flatten(1).mean(1).view(rows, frames, 1)
            return Padded(torch.cat([each - 0.1, 0 * each - 9], 2), torch.full((rows,), frames))
        found = x.view(rows, -1).mean(1)
        return torch.stack([found, 0 * found], 1)

    def stages(self):
        return ["seen"]


def clip_of(count=12, at=8, left=20):
    """Dark frames, of which two show a bright square."""
    frames = np.random.default_rng(0).integers(0, 20, (count, 24, 32, 1), dtype=np.uint8)
    frames[at : at + 2, 1:7, left : left + 8] = 255
    return frames


def bundle_of(task, dims, steps=False):
    network = Bright(dims, steps)
    document = {"model": {"name": "bright"}, "task": {"name": "made"}}
    return Bundle(document, network, task)


def classifier(dims, frames=12):
    chosen = ClassifySettings(clip=ClipSettings(size=24, frames=frames, rate=4.0, fit="stretch"))
    task = chosen.build(chosen.learn(Index(("a", "b"), ["dark", "bright"], kind="clip"), (0, 0), 1))
    return bundle_of(chosen.build(task.settle({"input": [clip_of().transpose(0, 3, 1, 2)]})), dims)


@pytest.mark.parametrize("dims", [2, 3])
def test_heat_lies_where_and_when_the_square_is(dims):
    bundle = classifier(dims)
    assert methods(bundle) == ["grad_cam"]
    (found,) = explain(bundle, [clip_of()], "grad_cam", "bright")
    view = found.explanation.views["grad_cam"]
    assert isinstance(view, Moving) and view.frames.shape == (12, 24, 24, 1) and view.heat.shape == (12, 24, 24)
    assert view.peak() in (8, 9) and view.strength()[8:10].sum() > 0.6
    down, across = np.unravel_index(view.heat[view.peak()].argmax(), (24, 24))
    assert 0 <= down <= 8 and 14 <= across <= 22
    assert "most of the heat lies at 2" in found.explanation.words and "at the upper right" in found.explanation.words
    assert np.allclose(found.explanation.arrays["times"], np.arange(12) / 4)
    assert len(found.explanation.figures["strength"]) == 12


def test_only_the_frames_that_were_seen_are_shown():
    (found,) = explain(classifier(2, frames=4), [clip_of(at=5)], "grad_cam", "bright")
    assert found.explanation.arrays["times"].tolist() == [1.0, 1.25, 1.5, 1.75]
    assert found.explanation.views["grad_cam"].peak() in (1, 2)


def tagger():
    chosen = TagVideoSettings(clip=ClipSettings(size=24, frames=8, rate=4.0, fit="stretch"), smooth=0.25, least=0.25)
    moments = [(Moment("bright", 0.0, 1.0),), (Moment("never", 0.0, 1.0),)]
    task = chosen.build(chosen.learn(Index(("a", "b"), moments, kind="clip"), (0, 0), 1))
    task = chosen.build(task.settle({"input": [clip_of().transpose(0, 3, 1, 2)]}))
    return bundle_of(task, 2, steps=True)


def test_a_tag_is_explained_in_the_window_of_its_moment_and_every_tag_over_time():
    (found,) = explain(tagger(), [clip_of(20, at=14)])
    target = found.explanation.figures["target"]
    assert target["tag"] == "bright" and target["start"] == pytest.approx(3.5, abs=0.3)
    view, curve = found.explanation.views["grad_cam"], found.explanation.views["evidence"]
    times = found.explanation.arrays["times"]
    assert times[view.peak()] in (3.5, 3.75) and len(times) == 8
    assert [line.name for line in curve.lines] == ["bright", "never"] and len(curve.lines[0].y) == 20
    assert int(np.argmax(curve.lines[0].y)) in (14, 15) and max(curve.lines[1].y) < 0.01
    (never,) = explain(tagger(), [clip_of(20, at=14)], target="never")
    assert never.explanation.words.startswith("No moment of never was found, so it is explained over the whole video.")
    with pytest.raises(UsageError, match="bright"):
        list(explain(tagger(), [clip_of()], target="brigth"))


def test_the_command_line_writes_a_contact_sheet(tmp_path, capsys):
    for name, way in (("left", (-1, 0)), ("right", (1, 0))):
        for number in range(6):
            film(tmp_path / "data" / name / f"{number}.mkv", moving(12, 24, way, (4 + number, 3)), np.arange(12) / 8)
    words = ("model.name=cnn3d", "model.widths=[4,4]", "train.steps=3", "task.clip.size=16", "task.clip.frames=8")
    run = trained(tmp_path / "data", tmp_path / "run", *words, "data.cache=false", "task.clip.sees=both")
    file = str(tmp_path / "data" / "left" / "0.mkv")
    assert run_verb(capsys, str(run), file, "--out", str(tmp_path / "why"))[0] == 0
    document = json.loads((tmp_path / "why" / "explanation.json").read_text())
    (entry,) = document["explanations"]
    assert entry["pictures"] == ["001-0-grad_cam.png"] and len(entry["strength"]) == 8
    assert (tmp_path / "why" / entry["pictures"][0]).stat().st_size > 500
    page = (tmp_path / "why" / "explanation.html").read_text()
    assert "Frames in their order, each with its time" in page
    assert "With heat: what spoke for" in (run / "report.html").read_text()  # of clips told wrong
