"""Turn faces: one picture of a person as it would look from other angles, the person kept.

Nobody says which angle a picture shows: class folders say whose it is, and that is all. A step takes pictures of one
person in pairs. The pose of the second, told in a few numbers, and the first picture must make the second; the same
first picture in the pose of somebody else must still be taken by the judge for a real one of the first person. Two
turns a step: the turner pays where the pixels are others' or the judge finds it out, then the judge for its errors
(DR-GAN, Tran 2017: K people and one more answer for made pictures). A pose's numbers are in order, for in training only
the first few of them are told, so that the first is what pictures of one person differ in most: usually how far the
head is turned (nested dropout, Rippel 2014, arXiv:1402.0915).

Letters: B pictures, C H W channels, height and width, K people, P numbers of a pose, S poses that are shown.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from deepglass.data.column import tally
from deepglass.data.example import Batch
from deepglass.data.readers.picture import read_picture
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Image, Players, Ports
from deepglass.foundation.seeds import Draws, key, row_keys
from deepglass.foundation.words import say
from deepglass.metrics.one_shot import OneShot, coarse
from deepglass.metrics.translated import Apart
from deepglass.tasks.brought import apart
from deepglass.tasks.generate_images import as_bytes
from deepglass.tasks.inputs import OneInput, learn_inputs, natural
from deepglass.tasks.kinds.picture import PictureFacts, PictureSettings
from deepglass.tasks.task import Losses, Metric, Predictions, Turn
from deepglass.views.picture import Picture, data_address
from deepglass.views.view import View

PLAYERS = ("turner", "judge")
LEAST, CHECKED = 2, 6  # poses of a strip, and drawn ones that checks of a training enrol
FARTHEST = 1.8  # spreads of the first number of a pose at both ends of a strip


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnFacesFacts:
    """What was learned once from the training part."""

    people: tuple[str, ...]
    inputs: PictureFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnFacesSettings:
    """What is asked of a turner and its judge."""

    facts_type: ClassVar = TurnFacesFacts
    embeds: ClassVar = True  # people that training never had are no mistake

    near: Annotated[float, Ge(0), Le(1000)] = 100.0  # weight of how far a picture is from the one in that pose
    noise: Annotated[float, Ge(0), Le(2)] = (
        0.3  # spread of what is added to a pose in training, so that it says less of people
    )
    judge_rate: Annotated[float, Gt(0), Le(100)] = 0.25  # the judge's rate is train.lr times this
    mirror: bool = True  # half of the pairs are seen in a mirror
    strip: Annotated[int, Ge(2), Le(32)] = 7  # S: poses of an answer, from one end of the first number to the other
    enrolled: Annotated[int, Ge(0), Le(256)] = 24  # poses drawn at random that recognition is given besides one picture
    spread: Annotated[float, Gt(0), Le(3)] = 1.0  # of those
    picture: PictureSettings = PictureSettings()

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> TurnFacesFacts:
        """The people; pictures go from -1 to 1."""
        if index.kind != "picture":
            raise UsageError("tasks.only_pictures", task="turn_faces", kind=index.kind)
        if self.picture.augment.mixes:
            raise UsageError("tasks.mixed_pictures")
        counts = {str(label): count for label, count in tally(index.labels).items() if label is not None}
        if len(counts) < 2 or max(counts.values()) < 2:
            raise DataError("tasks.nobody_twice", people=len(counts), count=len(index))
        inputs = learn_inputs(index, self, size, channels)
        assert isinstance(inputs, PictureFacts)
        half = (0.5,) * inputs.channels
        people = tuple(sorted(counts, key=natural))
        return TurnFacesFacts(people=people, inputs=replace(inputs, mean=half, std=half))

    def build(self, facts: TurnFacesFacts) -> "TurnFaces":
        """The task with what it learned."""
        return TurnFaces(self, facts)


class TurnFaces(OneInput):
    """The task of turning faces."""

    settings: TurnFacesSettings
    facts: TurnFacesFacts
    embeds: ClassVar = True
    draws: ClassVar = "exactly"  # predict --out writes strips
    columns = ("id", "prediction", "error")

    def __init__(self, settings: TurnFacesSettings, facts: TurnFacesFacts):
        super().__init__(settings, facts)
        self._number = {person: number for number, person in enumerate(facts.people)}

    def asks(self) -> Ports:
        picture = self.takes()
        assert isinstance(picture, Image)
        return Ports(picture, Players(PLAYERS, picture, people=len(self.facts.people)))

    def code(self, labels: Sequence[Any]) -> dict[str, Tensor]:
        """The number of each person; of people that training never had a key, negative; -1 is nobody. int64 (N,)"""
        known = self._number
        found = [-1 if label is None else known.get(str(label), -2 - (key(str(label)) >> 2)) for label in labels]
        return {"target": torch.tensor(found, dtype=torch.int64)}

    def checks(self) -> "TurnFaces":
        """The same with few poses: a training looks up often."""
        fewer = {"strip": LEAST, "enrolled": min(self.settings.enrolled, CHECKED)}
        return TurnFaces(replace(self.settings, **fewer), self.facts)

    def turns(self) -> list[Turn]:
        slower = self.settings.judge_rate
        return [Turn("turner", self.turned), Turn("judge", self.judged, rate=lambda done: slower)]

    def turned(self, model: nn.Module, batch: Batch) -> Losses:
        """The turner's turn: the pixels of the second picture, and to be taken for the person in both poses."""
        made = self._made(model, batch)
        sums = {"near": self.settings.near * apart(made.paired, made.wanted).sum()}
        for name, pictures in (("fooled_paired", made.paired), ("fooled_swapped", made.swapped)):
            sums[name] = _pays(model.judge(pictures), batch["target"])  # pyright: ignore
        return Losses(sums)

    def judged(self, model: nn.Module, batch: Batch) -> Losses:
        """The judge's turn: whose the real pictures are, and that made ones are made."""
        with torch.no_grad():
            made = self._made(model, batch)
        judge: Any = model.judge
        nobody = torch.full_like(batch["target"], -1)
        found = _pays(judge(made.paired), nobody) + _pays(judge(made.swapped), nobody)
        return Losses({"person": _pays(judge(made.wanted), batch["target"]), "found": found / 2})

    def _made(self, model: nn.Module, batch: Batch) -> "Made":
        """Each picture in the pose of another of the same person, and in that of another row."""
        draws, turner = batch.draws("turn"), model.turner
        assert isinstance(turner, nn.Module)
        partner, other = partners(batch["target"], draws)
        mirrored = draws.chance("mirror", 0.5 if self.settings.mirror else 0.0)[:, None, None, None]
        first, second = (torch.where(mirrored, x.flip(3), x) for x in (batch["input"], batch["input"][partner]))
        pose = turner.pose(second)  # pyright: ignore
        pose = pose + self.settings.noise * draws.normal("noise", pose.shape[1])
        told = draws.integers("told", 1, pose.shape[1] + 1)
        pose = pose * (torch.arange(pose.shape[1], device=pose.device) < told[:, None])
        both = turner(torch.cat([first, first]), torch.cat([pose, pose[other]]))  # pyright: ignore
        paired, swapped = both.chunk(2)
        return Made(second, paired, swapped)

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """Each picture in S poses, uint8 (B, S, C, H, W); itself and in the poses that are drawn, coarse,
        (B, 1 + E, C, h, w); how far it is from itself in its own pose, as a share of black to white (B,)."""
        pictures, turner = batch["input"], model.turner
        assert isinstance(turner, nn.Module)
        own = turner.pose(pictures)  # pyright: ignore
        again = turner(pictures, own)
        strip = self.looks(model, pictures, strip_of(self.settings.strip, own))
        drawn = self.looks(model, pictures, self.drawn(own.shape[1]))
        known = coarse(torch.cat([as_bytes(pictures)[:, None], drawn], dim=1))
        return {"strip": strip, "known": known, "apart": apart(again, pictures) / 2}

    def looks(self, model: nn.Module, pictures: Tensor, poses: Tensor) -> Tensor:
        """Each of these presented pictures in each of these poses (S, P). uint8 (B, S, C, H, W)"""
        turner = model.turner
        assert isinstance(turner, nn.Module)
        poses = poses.to(pictures)
        made = [as_bytes(turner(pictures, pose.expand(len(pictures), -1))) for pose in poses]
        return torch.stack(made, dim=1) if made else as_bytes(pictures)[:, None][:, :0]

    def drawn(self, numbers: int) -> Tensor:
        """The poses by which recognition is helped, the same for every picture. (E, P)"""
        keys = row_keys(0, "enrolled", 0, self.settings.enrolled)
        return self.settings.spread * Draws(keys).normal("pose", numbers)

    def metrics(self) -> dict[str, Metric]:
        """How many are known; of equal checks that is best whose pictures are nearest to themselves."""
        known, plain = OneShot(turned=True), OneShot(turned=False)
        return {"one_shot": known, "pose_apart": Apart("apart"), "one_shot_plain": plain}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """How many poses, and the strip as an address that holds a PNG."""
        strips = predictions["strip"].cpu().numpy().transpose(0, 3, 1, 4, 2)  # (B, H, S, W, C)
        found: list[dict[str, Any]] = []
        for strip in strips:
            height, count, width, channels = strip.shape
            pixels = strip.reshape(height, count * width, channels)
            said = say("tasks.turned", count=count)
            found.append({"prediction": said, "picture": data_address(Picture(pixels).png(max(pixels.shape)))})
        return found

    def show(self, raw: Any, answer: Mapping[str, Any]) -> list[View]:
        """The strip, and the picture as it came."""
        strip = read_picture(base64.b64decode(answer["picture"].partition(",")[2])).pixels
        return [Picture(strip, answer["prediction"]), Picture(raw.pixels, say("tasks.turned_from"))]


@dataclass(frozen=True)
class Made:
    """Real pictures whose pose was taken, and the other pictures in it and in others'. (B, C, H, W)"""

    wanted: Tensor
    paired: Tensor
    swapped: Tensor


def partners(people: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """For each row another of the same person, or itself where there is none; and any other row. int64 (B,), (B,)"""
    count = len(people)
    scores = draws.uniform("partner", count)  # (B, B)
    itself = torch.eye(count, dtype=torch.bool, device=people.device)
    same = (people[:, None] == people) & ~itself
    alone = ~same.any(1)
    partner = torch.where(alone, torch.arange(count, device=people.device), scores.masked_fill(~same, -1).argmax(1))
    other = draws.uniform("other", count).masked_fill(itself & (count > 1), -1).argmax(1)
    return partner, other


def strip_of(count: int, like: Tensor) -> Tensor:
    """So many poses from one end of the first number to the other; of the others the mean. (S, P)"""
    poses = like.new_zeros(count, like.shape[1])
    poses[:, 0] = torch.linspace(-FARTHEST, FARTHEST, count)
    return poses


def _pays(logits: Tensor, person: Tensor) -> Tensor:
    """Σ_b -log p of the person, or of "made" for -1, whose logit is 0. (B, K), (B,) -> ()"""
    every = F.pad(logits.float(), (0, 1))
    return F.cross_entropy(every, torch.where(person < 0, logits.shape[1], person), reduction="sum")


CATALOGUE = {"turn_faces": TurnFacesSettings()}
