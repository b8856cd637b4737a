"""Large pictures are looked at tile by tile: cut at random to learn from, put together again to be answered."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

import deepglass as dg
from deepglass import journey
from deepglass.data.annotation import Box
from deepglass.data.augment.scenes import NOTHING
from deepglass.data.check import sentence
from deepglass.data.example import Batch, Ragged, columns_of
from deepglass.data.source import Index, Picture
from deepglass.data.tiles import GREY, TileSettings, cut, starts
from deepglass.foundation.seeds import Draws, row_keys
from deepglass.foundation.settings import Override
from deepglass.metrics.iou import MeanIou, cells, cells_of_runs, rolled, unrolled_runs
from deepglass.tasks.detect import CROWD, DetectSettings
from deepglass.tasks.segment import SegmentSettings
from deepglass.tasks.suppress import merged, whole
from deepglass.tasks.tiles import Tiles, pictures
from deepglass.views.mask import unrolled

TILED = TileSettings(cut=True)
CLASSES = ("background", "bright", "dark")
SIZES = ((70, 50), (90, 40), (20, 30))  # height and width


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 900), st.integers(1, 200), st.floats(0, 0.5))
def test_tiles_cover_a_side_and_have_enough_in_common(length, tile, overlap):
    found = starts(length, tile, overlap)
    assert found[0] == 0 and found[-1] + tile >= length and found == sorted(set(found))
    assert all(begin + tile <= length for begin in found) or len(found) == 1
    shared = [first + tile - second for first, second in zip(found, found[1:], strict=False)]
    assert all(part >= int(overlap * tile) - 1 and part >= 0 for part in shared)


def raws():
    found = []
    for number, (height, width) in enumerate(SIZES):
        random = np.random.default_rng(number)
        pixels = random.integers(60, 160, (height, width, 3), dtype=np.uint8)
        mask = np.zeros((height, width), dtype=np.uint8)
        pixels[3:15, 4:20], mask[3:15, 4:20] = 250, 1
        pixels[-9:, -20:], mask[-9:, -20:] = 5, 2
        mask[0] = 255
        found.append(Picture(pixels, size=(width, height), mask=mask))
    return found


def segmenting(**changes):
    asked = replace(SegmentSettings(), tiles=TILED, **changes)
    task = asked.build(asked.learn(Index(("a", "b", "c"), ("a", "b", "c"), classes=CLASSES), (32, 24), 3))
    rows = [task.prepare(raw).inputs for raw in raws()]
    stats = {name: [row[name].numpy() for row in rows] for name in rows[0]}
    return asked.build(task.settle(stats)), Batch(("a", "b", "c"), columns_of(rows))


class ByLight(nn.Module):
    """Says of every pixel whether it is bright or dark."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, images):
        light = images.mean(1) * self.weight
        return torch.stack([torch.zeros_like(light), light * 9 - 12, -light * 9 - 12], 1)


def asked(task, batch):
    with torch.no_grad():
        return task.predict(ByLight(), task.present(batch))


def test_masks_of_whole_pictures_are_what_is_said_of_their_pixels():
    task, batch = segmenting()
    predictions = asked(task, batch)
    assert isinstance(predictions["mask"], Ragged)
    for raw, answer in zip(raws(), task.answers(predictions), strict=True):
        mask = unrolled(answer["mask"])
        assert mask.shape == raw.mask.shape and answer["confidence"] > 0.9
        assert ((mask == raw.mask) | (raw.mask == 255)).mean() > 0.999
        assert answer["prediction"][0] == "background" and sorted(answer["prediction"][1:]) == ["bright", "dark"]
    alone = [task.answers(asked(task, batch.rows(row, row + 1)))[0] for row in range(3)]
    assert alone == task.answers(predictions)


@pytest.mark.parametrize("size", [(1, 1), (32, 24), (33, 24), (70, 91)])
def test_blending_weighs_every_tile_by_its_middle(size):
    """Against all tiles laid over each other at once."""
    torch.manual_seed(0)
    picture = torch.randint(0, 255, (*size, 3), dtype=torch.uint8)
    net = nn.Conv2d(3, 4, 5, padding=2)
    shares = lambda part: net(part.float() / 255).softmax(1)  # noqa: E731
    with torch.no_grad():
        mask, sure = Tiles(0.25, (32, 24), 2 * 32 * 24).masks(shares, picture)
        total, weight = torch.zeros(4, size[0] + 32, size[1] + 24), torch.zeros(size[0] + 32, size[1] + 24)
        ramps = [1 - abs((torch.arange(n) + 0.5) * 2 / n - 1) for n in (32, 24)]
        for top in starts(size[0], 32, 0.25):
            for left in starts(size[1], 24, 0.25):
                part = cut(picture, top, left, (32, 24)).permute(2, 0, 1)[None]
                total[:, top : top + 32, left : left + 24] += shares(part)[0] * ramps[0][:, None] * ramps[1]
                weight[top : top + 32, left : left + 24] += ramps[0][:, None] * ramps[1]
    wanted = (total / weight)[:, : size[0], : size[1]].max(0)
    assert (mask != wanted.indices).float().mean() < 1e-3
    assert sure == pytest.approx(wanted.values.mean().item(), abs=1e-5)


def test_training_sees_parts_and_moves_masks_with_them():
    task, batch = segmenting()
    inputs = {
        name: [values.numpy() for values in column.each()] for name, column in batch.columns.items() if name != "size"
    }
    inputs["size"] = list(batch["size"].numpy())
    draws = Draws(row_keys(7, "train", 3, 3), "cut")
    found, again = task.crops()(inputs, {}, draws), task.crops()(inputs, {}, draws)
    assert found["input"].shape == (3, 3, 32, 24) and found["mask"].shape == (3, 32, 24)
    assert all(torch.equal(found[name], again[name]) for name in found)
    for pixels, mask in zip(found["input"], found["mask"], strict=True):
        light = pixels.float().mean(0)
        assert ((light > 240) == (mask == 1))[mask != 255].all() and ((light < 20) == (mask == 2))[mask != 255].all()
    small = found["input"][2], found["mask"][2]  # 20 x 30: what is below it is grey, and nobody knows
    assert (small[0][:, 20:] == GREY).all() and (small[1][20:] == 255).all() and not (small[1][1:20] == 255).any()
    shown = task.present(Batch(batch.ids, found, 0, row_keys(7, "train", 3, 3)), draws)
    assert shown["input"].dtype == torch.float32 and shown["input"].shape == (3, 3, 32, 24)
    assert task.loss(ByLight(), shown).sums["loss"].item() > 0


def test_runs_are_counted_as_masks_are():
    torch.manual_seed(0)
    said, true = (torch.randint(0, 3, (37, 41), dtype=torch.uint8).sort(0).values for _ in range(2))
    true[:3] = 255
    told = rolled(said)
    assert torch.equal(unrolled_runs(told, said.numel()).view(37, 41), said) and told[:, 1].sum() == said.numel()
    assert torch.equal(cells_of_runs(told, true, 3), cells(said[None], true[None], 3))
    plain, tiled = MeanIou(3), MeanIou(3)
    plain.update(["a"], {"mask": said[None]}, true[None])
    tiled.update(["a"], {"mask": Ragged(told, torch.tensor([len(told)]))}, [true])
    assert plain.compute() == tiled.compute()


LABELS = (
    (Box("cat", 10, 20, 40, 50), Box("dog", 150, 90, 170, 110)),
    (Box("cat", 100, 10, 130, 60, crowd=True),),
    (),
)
WIDE, HIGH = 200, 130


def detecting():
    asked = replace(DetectSettings(), tiles=TILED)
    task = asked.build(asked.learn(Index(("a", "b", "c"), LABELS), (64, 64), 3))
    pixels = np.random.default_rng(0).integers(0, 255, (HIGH, WIDE, 3), dtype=np.uint8)
    for boxes in LABELS:
        for box in boxes:
            pixels[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 255 if box.label == "cat" else 0
    rows = [task.prepare(Picture(pixels)).inputs for _ in LABELS]
    task = asked.build(task.settle({"input": [row["input"].numpy() for row in rows]}))
    return task, Batch(("a", "b", "c"), columns_of(rows) | task.code(LABELS), 0, row_keys(7, "train", 0, 3))


def test_parts_to_learn_from_keep_boxes_where_they_are():
    task, batch = detecting()
    inputs = {name: list(batch[name].numpy()) for name in ("input", "size")}
    seen = 0
    for step in range(8):
        draws = Draws(row_keys(7, "train", step, 3), "cut")
        found = Batch(
            batch.ids, task.crops()(inputs, {"boxes": batch["boxes"]}, draws), 0, row_keys(7, "train", step, 3)
        )
        assert found["input"].shape == (3, 3, 64, 64)
        for pixels, boxes in zip(found["input"], task.framed(found), strict=True):
            for kind, left, top, right, bottom, _ in boxes.tolist():
                if kind == NOTHING:
                    continue
                inside = pixels[:, round(top) : round(bottom), round(left) : round(right)]
                assert inside.float().mean() > 254 or inside.float().mean() < 1
                assert 0 <= left < right <= 64 and 0 <= top < bottom <= 64
                seen += kind != CROWD
        shown = task.present(found, found.draws("augment"))
        assert task.counts(shown)[""] >= 1
    assert seen >= 5  # half of the parts lie around a box


class Everywhere(nn.Module):
    """Says a box where the picture is white (cat) or black (dog), as a tile shows it."""

    def __init__(self, task):
        super().__init__()
        self.task = task
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, images):
        facts = self.task.facts.inputs
        mean, std = (torch.tensor(values)[:, None, None] for values in (facts.mean, facts.std))
        light = (images * std + mean).mean(1)
        said = torch.full((len(images), 64 + 16 + 4, 6), -9.0)
        said[..., 2:] = 0
        for row, seen in enumerate(light):
            for kind, there in enumerate((seen > 0.999, seen < 0.001)):
                down, across = there.nonzero().T
                if len(down):
                    corners = torch.stack([across.min(), down.min(), across.max() + 1, down.max() + 1]).float()
                    middle = (corners[:2] + corners[2:]) / 2
                    place = int(middle[1].clamp(max=63) // 8) * 8 + int(middle[0].clamp(max=63) // 8)
                    at = torch.tensor([place % 8, place // 8]) * 8 + 4.0
                    said[row, place, kind] = 6
                    said[row, place, 2:] = torch.cat([at - corners[:2], corners[2:] - at]) / 8
        return said


def test_boxes_of_tiles_become_boxes_of_the_picture():
    task, batch = detecting()
    found = task.predict(Everywhere(task), task.present(batch))["boxes"]
    first = found.each()[0]
    kept = first[first[:, 4] > 0.9]
    assert {tuple(row[:4]) for row in kept.round().tolist()} == {
        (10.0, 20.0, 40.0, 50.0),
        (150.0, 90.0, 170.0, 110.0),
        (100.0, 10.0, 130.0, 60.0),
    }
    answer = task.answers({"boxes": found})[0]
    assert sorted(answer["prediction"]) == ["cat", "cat", "dog"]
    assert torch.equal(task.predict(Everywhere(task), batch.rows(1, 2))["boxes"].values, found.each()[1])


def test_a_box_that_an_edge_cuts_is_left_to_the_neighbour_that_sees_it_whole():
    tile, nobody = (50.0, 0.0, 114.0, 64.0), torch.tensor([float("nan")] * 2)
    boxes = torch.tensor([[90.0, 5, 114, 20], [60, 5, 114, 20], [50, 5, 60, 20], [50, 5, 80, 20], [70, 0, 90, 64]])
    before, behind = torch.tensor([66.0, float("nan")]), torch.tensor([82.0, float("nan")])
    assert whole(boxes, tile, before, behind).tolist() == [False, True, False, True, True]
    assert whole(boxes, tile, nobody, nobody).all()


def test_the_surest_of_what_several_tiles_saw_stays():
    found = torch.tensor(
        [[0.0, 0, 10, 10, 0.5, 0], [0, 0, 10, 10.5, 0.9, 0], [0, 0, 10, 10, 0.8, 1], [40, 40, 50, 50, 0.2, 0]]
    )
    assert merged(found, 0.6, 9)[:, 4].tolist() == pytest.approx([0.9, 0.8, 0.2])
    assert len(merged(found, 0.6, 2)) == 2 and not len(merged(found[:0], 0.6, 2))


def test_whole_pictures_are_read_from_rows_of_one_or_of_several_lengths():
    task, batch = segmenting()
    assert [tuple(one.shape) for one in pictures(batch)] == [(*size, 3) for size in SIZES]
    same = Batch(("a",), {"input": torch.zeros(1, 12, 3), "size": torch.tensor([[4, 3]])})
    assert pictures(same)[0].shape == (3, 4, 3)
    assert task.preparation() != replace(SegmentSettings()).build(task.facts).preparation()


def lay(root, count=14, size=(90, 120)):
    """Pictures larger than the network looks at, each with bright discs on a dark ground, and their masks."""
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number in range(count):
        random = np.random.default_rng(number)
        height, width = size[0] + number % 3 * 5, size[1]
        pixels, mask = (
            random.integers(40, 120, (height, width, 3), dtype=np.uint8),
            np.zeros((height, width), dtype=np.uint8),
        )
        for _ in range(8):
            top, left = int(random.integers(0, height - 12)), int(random.integers(0, width - 12))
            pixels[top : top + 12, left : left + 12], mask[top : top + 12, left : left + 12] = 240, 1
        Image.fromarray(pixels).save(root / "images" / f"{number:02d}.png")
        Image.fromarray(mask).save(root / "masks" / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = lay(tmp_path_factory.mktemp("tiles") / "data")
    settings = {"task.tiles.cut": "true", "task.picture.size": "32", "train.steps": "30", "train.plan": "plain"}
    settings |= {"model.widths": "[8, 16]", "data.cache": "false", "train.batch": "8"}
    return root, dg.train(root, size="tiny", out=str(root.parent / "run"), settings=settings)


def test_a_run_in_tiles_learns_and_says_of_files_what_it_was_judged_by(run):
    root, outcome = run
    figures = outcome.figures["test"]
    assert list(figures) == ["mean_iou", "dice", "pixel_accuracy"] and figures["mean_iou"].value > 0.7
    rows = outcome.material.rows["test"].tolist()
    ids = [outcome.material.source.index.ids[row] for row in rows]
    answers = outcome.predict([str(root / id) for id in ids])
    metric = MeanIou(2)
    for id, answer in zip(ids, answers, strict=True):
        said = torch.from_numpy(unrolled(answer["mask"]))
        true = torch.from_numpy(np.asarray(Image.open(root / id.replace("images", "masks"))).copy())
        metric.update([id], {"mask": said[None]}, true[None])
    assert metric.compute() == figures["mean_iou"]
    page = outcome.report.read_text()
    assert "looked at in tiles of 32 × 32" in page and 'class="over over-wrong"' in page


def test_small_things_of_large_pictures_are_spoken_of_before_training(tmp_path):
    root = lay(tmp_path / "data", count=4, size=(400, 500))
    settled = [Override("train.steps", 1, "test")]
    noted = {one.kind: one for one in journey.propose(str(root), settled, "tiny").source.findings}
    assert sentence(noted["pictures_shrunk"], "en") == (
        "Pictures of 500 x 402 pixels are looked at as 96 x 77: small things are lost. task.tiles.cut=true looks at "
        "them as they are, tile by tile, which takes longer."
    )
    assert sentence(noted["pictures_shrunk"], "zh-CN").startswith("500 x 402 像素的图片会缩小到 96 x 77 再输入网络")
    tiled = journey.propose(str(root), [*settled, Override("task.tiles.cut", True, "test")], "tiny")
    assert "pictures_shrunk" not in {one.kind for one in tiled.source.findings}
    assert "pictures_shrunk" not in {one.kind for one in journey.propose(str(root), settled, "small").source.findings}
