"""What is in a video when: windows, losses, thresholds, and a stream that says what the whole says."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepglass.data.annotation import Moment
from deepglass.data.example import Batch, Ragged
from deepglass.data.readers.video import Clip
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Steps, Volume
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.metrics.figure import Figure
from deepglass.tasks.kinds.clip import ClipSettings, Sees
from deepglass.tasks.tag_video import TagVideo, TagVideoSettings
from deepglass.tasks.task import total

LENGTHS = (30, 5, 17)
LABELS = [(Moment("red", 0.5, 1.4), Moment("blue", 1.0, 3.0)), (), (Moment("blue", 0.0, 0.8), Moment("red", 1.2, 1.7))]
SETTINGS = TagVideoSettings(clip=ClipSettings(size=8, frames=8, rate=10.0), smooth=0.3, least=0.2, gap=0.2)


class Bright(nn.Module):
    """A network that answers each frame by its mean red and blue, whatever its window."""

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(4.0))

    def forward(self, clip: torch.Tensor) -> Padded:
        shares = clip.mean((-1, -2))[:, [2, 0]].transpose(1, 2) * self.gain
        return Padded(shares, torch.full((len(clip),), clip.shape[2]))


def raw(length: int, moments: tuple[Moment, ...]) -> Clip:
    """Frames that are red or blue while the moment lasts."""
    frames = np.full((length, 8, 8, 3), 20, np.uint8)
    for moment in moments:
        steps = np.arange(length) / 10
        frames[(steps >= moment.start) & (steps < moment.end), ..., {"red": 0, "blue": 2}[moment.label]] = 220
    return Clip(frames, np.arange(length) / 10)


def made(settings: TagVideoSettings = SETTINGS) -> tuple[TagVideo, Batch]:
    index = Index(("a", "b", "c"), LABELS, kind="clip")
    task = settings.build(settings.learn(index, (0, 0), 3))
    rows = [task.prepare(raw(*one)).inputs["input"] for one in zip(LENGTHS, LABELS, strict=True)]
    task = settings.build(task.settle({"input": [row.numpy() for row in rows]}))
    columns = {"input": Ragged(torch.cat(rows), torch.tensor(LENGTHS)), **task.code(LABELS)}
    return task, Batch(("a", "b", "c"), columns, 0, row_keys(3, "train", 0, 3))


def test_facts_and_ports() -> None:
    task, _ = made()
    assert task.facts.labels == ("blue", "red") and task.facts.counts == (2, 2)
    assert task.asks().takes == Volume(3, 8, 8, 8) and task.asks().gives == Steps(2)
    assert from_json(type(task.facts), json.loads(json.dumps(to_json(task.facts)))) == task.facts
    with pytest.raises(DataError, match="None of the 1 video"):
        SETTINGS.learn(Index(("a",), [()], kind="clip"), (0, 0), 3)
    with pytest.raises(DataError, match="Only videos"):
        SETTINGS.learn(Index(("a",), [()], kind="sound"), (0, 0), 3)


def test_a_training_window_knows_what_holds_in_it() -> None:
    task, batch = made()
    shown = task.present(batch, batch.draws("augment"))
    assert shown["input"].shape == (3, 3, 8, 8, 8) and shown["target"].shape == (3, 8, 2)
    bright = shown["input"].mean((-1, -2))[:, [2, 0]].transpose(1, 2) > 0
    own = shown["own"]
    assert torch.equal(bright[own], shown["target"][own] > 0)  # what is seen is what is said
    assert own.sum(1).tolist() == [8, 5, 8]  # the short row stands still behind its end, and that teaches nothing
    whole = task.turns()[0].counts(shown)
    shards = [shown.shard(place, 3) for place in range(3)]
    parts = sum(total(task.loss(Bright(), shard), whole) for shard in shards)
    torch.testing.assert_close(parts, total(task.loss(Bright(), shown), whole))


def test_answers_are_the_moments() -> None:
    task, batch = made()
    predictions = task.predict(Bright(), task.present(batch))
    assert predictions["share"].lengths.tolist() == list(LENGTHS)
    answers = task.answers(predictions)
    json.dumps(answers)
    told = [[(one["label"], one["start"], one["end"]) for one in answer["moments"]] for answer in answers]
    assert [len(one) for one in told] == [2, 0, 2] and answers[1]["prediction"] == [] and answers[2]["seconds"] == 1.7
    lines = [[*task.rows({"id": name, **answer})] for name, answer in zip("abc", answers, strict=True)]
    assert list(map(len, lines)) == [2, 1, 2] and lines[1] == [{"id": "b"}]
    assert {"id": "a", "prediction": told[0][0][0], "start": told[0][0][1]}.items() <= lines[0][0].items()
    for found, true in zip(told, LABELS, strict=True):
        for label, start, end in found:
            near = next(one for one in true if one.label == label)
            assert abs(start - near.start) < 0.12 and abs(end - near.end) < 0.12
    for name, metric in task.metrics().items():
        metric.update(batch.ids, predictions, task.truth(batch))
        figure = metric.compute()
        assert isinstance(figure, Figure) and figure.n == 3, name
        assert figure.value == 1.0 if name != "timeline_error" else figure.value < 0.1
    alone = task.predict(Bright(), task.present(batch.rows(2, 3)))
    torch.testing.assert_close(alone["share"].values, predictions["share"].rows(2, 3).values)


def test_changes_are_seen_beside_frames_in_training_as_in_answers() -> None:
    task, batch = made(replace(SETTINGS, clip=replace(SETTINGS.clip, sees="both")))
    assert task.asks().takes == Volume(6, 8, 8, 8)
    for shown in (task.present(batch, batch.draws("augment")), task.present(batch)):
        frames, changes = shown["input"].chunk(2, 1)
        torch.testing.assert_close(changes, frames - frames.mean(2, keepdim=True))
        assert changes.abs().max() > 0.1


def test_a_rare_tags_yeses_weigh_more() -> None:
    task, batch = made(replace(SETTINGS, class_weights="balanced"))
    task = task.settings.build(replace(task.facts, counts=(1, 4)))
    plain = SETTINGS.build(task.facts)
    shown = task.present(batch, batch.draws("augment"))
    yeses, own = shown["target"], shown["own"][..., None]
    weighed, unweighed = (total(one.loss(Bright(), shown), {"": 1.0}).detach() for one in (task, plain))
    more = float(weighed - unweighed)
    logits = Bright()(shown["input"]).values
    rare = -(logits.detach().sigmoid().log() * yeses * own)[..., 0].sum()  # √(4 / 1) is once more than one
    assert more == pytest.approx(float(rare), rel=1e-4) and more > 0.01


@pytest.mark.parametrize("sees", ["frames", "both"])
def test_a_stream_says_what_the_whole_says_and_no_later_than_promised(sees: Sees) -> None:
    task, batch = made(replace(SETTINGS, clip=replace(SETTINGS.clip, sees=sees)))
    network = Bright().eval()
    whole = task.answers(task.predict(network, task.present(batch)))
    for row, (frames, answer) in enumerate(zip(batch["input"].each(), whole, strict=True)):
        given: list[int] = []

        def stream(frames=frames, given=given):
            for number, frame in enumerate(frames.numpy()):
                given.append(number)
                yield frame

        told: list[dict[str, object]] = []
        for one in task.live(network, stream()):
            told.append(one)
            now = len(given) / 10
            last = one.get("end", one["start"])
            assert now - float(last) <= task.delay + 0.2 or len(given) == LENGTHS[row]  # pyright: ignore
        ended = sorted((one for one in told if "end" in one), key=lambda one: (one["start"], one["label"]))
        assert ended == sorted(answer["moments"], key=lambda one: (one["start"], one["label"]))
    assert list(task.live(network, iter(()))) == []


def test_thresholds_come_from_what_training_never_saw() -> None:
    task, batch = made()
    shares = torch.zeros(sum(LENGTHS), 2)
    truth = [
        task._held(Ragged(one, torch.tensor([len(one)])), torch.arange(length)[None] / 10)[0]  # noqa: SLF001
        for one, length in zip(batch["moments"].each(), LENGTHS, strict=True)
    ]
    shares = 0.1 + 0.1 * torch.cat(truth)  # every share is low, and yet they part
    tuned = task.tuned({"share": Ragged(shares, torch.tensor(LENGTHS))}, batch)
    assert tuned.facts.thresholds == pytest.approx((0.15, 0.15), abs=1e-6) and task.facts.thresholds == ()
    assert tuned.rules.thresholds == tuned.facts.thresholds
    assert (
        "–"
        in task.show(
            raw(8, ()), {"moments": [{"label": "red", "start": 0.1, "end": 0.5, "confidence": 0.9}], "seconds": 0.8}
        )[1].terminal()
    )
