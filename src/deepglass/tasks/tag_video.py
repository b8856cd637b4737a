"""Tag a video: what is in it when, as moments with a start and an end; several may hold at once.

The network sees windows of D frames, each half over the one before, and answers every frame of them:
loss = Σ_frames Σ_tags BCE(z, y) / (frames · K), with y = 1 while the tag holds; a frame's share is the mean of σ(z)
over its windows, those counting more in whose middle it lies. Shares become moments in tasks/timeline.py; each tag's
threshold is the one with the best F1 over the frames of the validation part.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from torch import Tensor, nn

from deepglass.data.augment.clips import augment_clips, places, seen
from deepglass.data.augment.pictures import as_floats
from deepglass.data.example import Batch, Ragged
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps
from deepglass.foundation.seeds import Draws
from deepglass.metrics.moments import SegmentF1, TagPrecision, TimelineError
from deepglass.tasks.inputs import OneInput, learn_inputs, natural
from deepglass.tasks.kinds.clip import ClipFacts, ClipSettings, lengths_of, sheet_of, standardised
from deepglass.tasks.task import Losses, Metric, Predictions
from deepglass.tasks.timeline import Found, Rules, Timeline, best_thresholds, moments_of, smoothed
from deepglass.views.timeline import Band, Bands
from deepglass.views.view import View

TOGETHER = 16  # windows that the network answers at once
Seconds = Annotated[float, Ge(0), Le(60)]


@dataclass(frozen=True, kw_only=True, slots=True)
class TagVideoFacts:
    """What was learned once from the training part; the thresholds, once the network is there, from the validation."""

    labels: tuple[str, ...]
    counts: tuple[int, ...]  # moments of each in the training part
    inputs: ClipFacts
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TagVideoSettings:
    """What is asked of a network that tags videos."""

    facts_type: ClassVar = TagVideoFacts

    smooth: Seconds = 0.5  # over which shares are averaged
    least: Seconds = 0.4  # a shorter moment is none
    gap: Seconds = 0.4  # a shorter break in a moment is none
    class_weights: Literal["none", "balanced"] = "none"  # balanced: a rare tag's yeses weigh more, by a square root
    clip: ClipSettings = field(default_factory=lambda: ClipSettings(frames=32, longest=120.0, fit="stretch"))

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> TagVideoFacts:
        """Labels and inputs from the training part's index."""
        if index.kind != "clip":
            raise DataError("tasks.no_videos", kind=index.kind)
        found: dict[str, int] = {}
        for moments in index.labels:
            for moment in moments or ():
                found[moment.label] = found.get(moment.label, 0) + 1
        if not found:
            raise DataError("tasks.no_moments", count=len(index))
        labels = sorted(found, key=natural)
        inputs = learn_inputs(index, self, size, channels)
        return TagVideoFacts(labels=tuple(labels), counts=tuple(found[name] for name in labels), inputs=inputs)  # pyright: ignore

    def build(self, facts: TagVideoFacts) -> "TagVideo":
        """The task with what it learned."""
        return TagVideo(self, facts)


class Window(NamedTuple):
    """Frames that the network sees together: of which row, and from which step on."""

    row: int
    start: int


class TagVideo(OneInput):
    """The task of telling what is in a video when."""

    settings: TagVideoSettings
    facts: TagVideoFacts
    columns = ("id", "start", "end", "prediction", "confidence", "error")  # of a table: a line for each moment

    def __init__(self, settings: TagVideoSettings, facts: TagVideoFacts):
        super().__init__(settings, facts)
        self._number = {label: number for number, label in enumerate(facts.labels)}
        self.frames = facts.inputs.frames
        self.hop = max(1, self.frames // 2)

    @property
    def rules(self) -> Rules:
        """How shares become moments."""
        chosen, thresholds = self.settings, self.facts.thresholds or (0.5,) * len(self.facts.labels)
        return Rules(chosen.clip.rate, thresholds, chosen.smooth, chosen.least, chosen.gap)

    @property
    def delay(self) -> float:
        """Seconds, at most, between what is seen and what is told of it in a video that goes on."""
        ahead = self.frames + self.rules.reach
        return ahead / self.settings.clip.rate + max(self.settings.least, self.settings.gap)

    def asks(self) -> Ports:
        return Ports(self.takes(), Steps(len(self.facts.labels)))

    def code(self, labels: Sequence[Any]) -> dict[str, Ragged]:
        """Tag (-1: one that the training part never had), start and end in seconds. Ragged (ΣM, 3)"""
        rows = [[(self._number.get(one.label, -1), one.start, one.end) for one in moments or ()] for moments in labels]
        flat = torch.tensor([row for moments in rows for row in moments], dtype=torch.float32).view(-1, 3)
        return {"moments": Ragged(flat, torch.tensor([len(moments) for moments in rows], dtype=torch.int64))}

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """With draws one window of each row, begun anywhere, and what holds in it; without, all windows of all rows."""
        frames, facts = batch["input"], self.facts.inputs
        lengths = lengths_of(frames)
        if draws is None:
            windows = self._windows(lengths)
            starts = torch.tensor([window.start for window in windows], device=lengths.device)
            rows = torch.tensor([window.row for window in windows], device=lengths.device)
            steps = torch.arange(self.frames, device=lengths.device)
            chosen = torch.minimum(starts[:, None] + steps, (lengths - 1)[rows][:, None])
            clips = _of_rows(frames, rows, chosen)
            return batch.with_columns(input=standardised(as_floats(clips), facts), lengths=lengths)
        chosen = places(lengths, self.frames, "run", draws)
        clips = augment_clips(seen(frames, chosen), draws, self.settings.clip.augment)
        own = chosen.diff(dim=1, prepend=chosen[:, :1] - 1) > 0  # not what stands still behind a short row's end
        held = torch.stack(self._held(batch["moments"], chosen / self.settings.clip.rate))  # (B, D, K)
        return batch.with_columns(input=standardised(clips, facts), target=held, own=own)

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Binary cross-entropy of every frame and tag, summed over the frames that are the row's own."""
        logits: Padded = model(batch["input"])
        weights = self._weights(logits.values.device)
        each = F.binary_cross_entropy_with_logits(
            logits.values.float(), batch["target"], pos_weight=weights, reduction="none"
        )
        return Losses({"loss": (each * batch["own"][..., None]).sum()})

    def counts(self, batch: Batch) -> dict[str, float]:
        return {"": float(batch["own"].sum()) * len(self.facts.labels)}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Shares of every step, smoothed (ΣT, K), and moments (ΣM, 4): tag, start, end, mean share. Ragged both"""
        windows, shares = batch["input"], []
        for start in range(0, len(windows), TOGETHER):
            shares.append(model(windows[start : start + TOGETHER]).values.float().sigmoid())
        shares, used = torch.cat(shares).detach().cpu().numpy(), 0
        rows: list[np.ndarray] = []
        found: list[list[Found]] = []
        for length in batch["lengths"].tolist():
            blend = Blend(self.frames, self.hop)
            count = window_count(length, self.frames, self.hop)
            steps = [step for one in shares[used : used + count] for step in blend.add(one)]
            steps = np.stack([*steps, *blend.rest()])[:length]
            used += count
            rows.append(smoothed(steps, self.rules))
            found.append(moments_of(steps, self.rules))
        moments = torch.tensor([list(one) for row in found for one in row], dtype=torch.float32).view(-1, 4)
        steps = Ragged(torch.from_numpy(np.concatenate(rows)).float(), batch["lengths"].cpu())
        return {"share": steps, "moments": Ragged(moments, torch.tensor([len(row) for row in found]))}

    def truth(self, batch: Batch) -> Ragged:
        return batch["moments"]

    def tuned(self, predictions: Predictions, batch: Batch) -> "TagVideo":
        """The task with each tag's threshold, by answers to what training never saw."""
        shares = predictions["share"].each()
        times = [torch.arange(len(row))[None] / self.settings.clip.rate for row in shares]
        true = [
            self._held(Ragged(moments, torch.tensor([len(moments)])), at)[0] > 0
            for moments, at in zip(batch["moments"].each(), times, strict=True)
        ]
        chosen = best_thresholds(torch.cat(shares).double().numpy(), torch.cat(true).numpy())
        return TagVideo(self.settings, replace(self.facts, thresholds=chosen))

    def metrics(self) -> dict[str, Metric]:
        rate = self.settings.clip.rate
        return {"tag_map": TagPrecision(rate), "segment_f1": SegmentF1(), "timeline_error": TimelineError(rate)}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """{"prediction": [tags], "moments": [{"label", "start", "end", "confidence"}], "seconds"}"""
        found: list[dict[str, Any]] = []
        lengths = predictions["share"].lengths.tolist()
        for rows, length in zip(predictions["moments"].each(), lengths, strict=True):
            moments = [self.told(Found(int(tag), *rest)) for tag, *rest in rows.tolist()]
            tags = sorted({one["label"] for one in moments}, key=natural)
            found.append({"prediction": tags, "moments": moments, "seconds": length / self.settings.clip.rate})
        return found

    def rows(self, answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The answer as lines of a table, one for each moment; of a video without any one that is empty."""
        for one in answer["moments"]:
            yield {"id": answer["id"], **one, "prediction": one["label"]}
        if not answer["moments"]:
            yield {"id": answer["id"]}

    def told(self, one: Found) -> dict[str, Any]:
        """One moment as an answer; without an end it has only begun."""
        end = {} if one.end is None else {"end": round(one.end, 2)}
        times = {"start": round(one.start, 2), **end}
        return {"label": self.facts.labels[one.tag], **times, "confidence": round(one.confidence, 4)}

    def live(self, model: nn.Module, frames: Iterator[np.ndarray]) -> Iterator[dict[str, Any]]:
        """What begins and ends in a video, told at most `delay` seconds behind it; memory holds one window.

        frames uint8 (C, H, W) at the rate of the task, one after the other
        """
        timeline, device = Timeline(self.rules), next(model.parameters()).device
        for shares in self._steps(model, frames, device):
            yield from map(self.told, timeline.feed(shares))
        yield from map(self.told, timeline.finish())

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        bands = [
            Band(one["label"], one["start"], one["end"], one["confidence"], self._number[one["label"]])
            for one in answer["moments"]
        ]
        return [sheet_of(raw, ""), Bands(self.facts.labels, bands, answer["seconds"])]

    def _steps(self, model: nn.Module, frames: Iterator[np.ndarray], device: torch.device) -> Iterator[np.ndarray]:
        """The shares (K,) of one step after the other, each as soon as its windows are answered."""
        blend, held, count, told = Blend(self.frames, self.hop), [], 0, 0
        for frame in frames:
            held.append(frame)
            count += 1
            if len(held) == self.frames:
                for step in blend.add(self._answered(model, held, device)):
                    told += 1
                    yield step
                held = held[self.hop :]
        if not count:
            return
        if blend.windows < window_count(count, self.frames, self.hop):
            held += [held[-1]] * (self.frames - len(held))
            for step in blend.add(self._answered(model, held, device)):
                told += 1
                yield step
        yield from blend.rest()[: count - told]

    def _answered(self, model: nn.Module, held: list[np.ndarray], device: torch.device) -> np.ndarray:
        clip = torch.from_numpy(np.stack(held))[None].to(device)
        with torch.no_grad():
            logits = model(standardised(as_floats(clip), self.facts.inputs)).values[0]
        return logits.float().sigmoid().cpu().numpy()

    def _weights(self, device: torch.device) -> Tensor | None:
        """√(moments of the commonest tag / its own), of each tag: what is seen seldom is not left out of sight."""
        if self.settings.class_weights == "none":
            return None
        counts = torch.tensor(self.facts.counts, dtype=torch.float32, device=device)
        return (counts.max() / counts).sqrt()

    def _windows(self, lengths: Tensor) -> list[Window]:
        return [
            Window(row, number * self.hop)
            for row, length in enumerate(lengths.tolist())
            for number in range(window_count(length, self.frames, self.hop))
        ]

    def _held(self, moments: Ragged, times: Tensor) -> list[Tensor]:
        """Which tags hold at these times (B, D) of each row. float (D, K) each"""
        found: list[Tensor] = []
        for rows, at in zip(moments.each(), times, strict=True):
            holds = at.new_zeros(len(at), len(self.facts.labels))
            for tag, start, end in rows.tolist():
                if tag >= 0:
                    holds[:, int(tag)].masked_fill_((at >= start) & (at < end), 1.0)
            found.append(holds)
        return found


class Blend:
    """Answers of windows that lie half over each other, to one answer a step: weighted by how central it was."""

    def __init__(self, frames: int, hop: int):
        self.hop, self.windows = hop, 0
        place = np.arange(frames)
        self._weight = np.minimum(place + 1, frames - place)[:, None] / frames  # (D, 1)
        self._sum = self._total = np.zeros((0, 1))

    def add(self, shares: np.ndarray) -> list[np.ndarray]:
        """The next window's answers (D, K); the steps that no later window reaches, (K,) each."""
        self.windows += 1
        known = len(self._sum)
        told = self._weight * shares
        total = self._weight.copy()
        told[:known] += self._sum
        total[:known] += self._total
        self._sum, self._total = told[self.hop :], total[self.hop :]
        return list(told[: self.hop] / total[: self.hop])

    def rest(self) -> list[np.ndarray]:
        """The steps behind those that have been told. (K,) each"""
        return list(self._sum / self._total) if len(self._sum) else []


def window_count(length: int, frames: int, hop: int) -> int:
    """How many windows a row has: the last one reaches its end."""
    return 1 + max(0, -(-(length - frames) // hop))


def _of_rows(frames: Any, rows: Tensor, chosen: Tensor) -> Tensor:
    """These frames of these rows, which may come several times. (W,), (W, D) -> uint8 (W, D, C, H, W)"""
    if isinstance(frames, Ragged):
        begins = frames.lengths.cumsum(0) - frames.lengths
        return frames.values[begins[rows][:, None] + chosen]
    return frames[rows[:, None], chosen]


CATALOGUE = {"tag_video": TagVideoSettings()}
