"""Detect: places answer for boxes, boxes come back in the stored picture's pixels, figures are COCO's."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as PILImage
from torch import nn

from deepglass.cli.predict import _write
from deepglass.data.annotation import Box
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.augment.scenes import SceneAugment
from deepglass.data.example import Batch, Ragged, ragged
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Picture
from deepglass.foundation.errors import DataError, MachineError, UsageError
from deepglass.foundation.overlap import overlap
from deepglass.foundation.ports import Image, Places
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.foundation.words import speaking
from deepglass.losses.detection import POSITIVES, assign, detection_loss
from deepglass.metrics.average_precision import AveragePrecision, hits
from deepglass.tasks.detect import DetectFacts, DetectSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.suppress import boxes_of, kept, middles
from deepglass.tasks.task import said, total

LABELS = [
    (Box("cat", 3, 4, 40, 50), Box("dog", 60, 10, 100, 44)),
    (),
    (Box("dog", 10, 10, 30, 52), Box("dog", 70, 20, 90, 40, crowd=True)),
]
IDS = tuple("abc")


def raw():
    return [Picture(np.full((60, 120, 3), 40 * row, dtype=np.uint8)) for row in range(3)]


def made(**changes):
    settings = replace(DetectSettings(), **changes)
    index = Index(IDS, LABELS)
    task = settings.build(settings.learn(index, (64, 64), 3))
    rows = [task.prepare(picture).inputs for picture in raw()]
    columns = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    task = settings.build(task.settle({"input": columns["input"].numpy()}))
    return task, Batch(IDS, {**columns, **task.code(LABELS)}, 0, row_keys(7, "train", 0, 3))


class Fixed(nn.Module):
    """Says the same of every picture."""

    def __init__(self, said):
        super().__init__()
        self.said = nn.Parameter(said)

    def forward(self, images):
        return self.said.expand(len(images), -1, -1)


def truth_teller(task, batch, row):
    """A network that says at the best place what is marked in a row's picture."""
    places, strides = middles((8, 16, 32), 64, 64, torch.device("cpu"))
    said = torch.full((len(places), 6), -9.0)
    said[:, 2:] = 1.0
    for kind, *corners, _ in task.framed(batch)[row].tolist():
        if kind >= 0:
            box = torch.tensor(corners)
            place = int(((places - (box[:2] + box[2:]) / 2).abs().sum(1) + 1000 * (strides != 8)).argmin())
            said[place, int(kind)] = 6.0
            said[place, 2:] = torch.cat([places[place] - box[:2], box[2:] - places[place]]) / 8
    return Fixed(said)


def test_facts_ports_and_json():
    task, _ = made()
    assert task.facts.labels == ("cat", "dog") and task.facts.counts == (1, 2)  # a crowd is not counted
    assert task.asks().takes == Image(3, 64, 64) and task.asks().gives == Places(2, (8, 16, 32))
    assert from_json(DetectFacts, json.loads(json.dumps(to_json(task.facts)))) == task.facts


def test_boxes_come_back_in_the_pixels_of_the_stored_picture():
    task, batch = made()
    found = task.predict(truth_teller(task, batch, 0), task.present(batch))["boxes"]
    for left, top, right, bottom, score, kind in found.each()[0].tolist():
        if score > 0.5:
            box = LABELS[0][int(kind)]
            assert [left, top, right, bottom] == pytest.approx([box.left, box.top, box.right, box.bottom], abs=0.01)
    answer = task.answers({"boxes": found})[0]
    assert sorted(answer["prediction"]) == ["cat", "dog"]
    assert [3.0, 4.0, 40.0, 50.0] in [box["box"] for box in answer["boxes"]]
    view = task.show(raw()[0], answer)[0]
    assert "cat 100 %" in view.text() and view.png()[:4] == b"\x89PNG"


def test_answers_are_written_as_a_table_that_is_read_back(tmp_path):
    task, _ = made()
    box = {"label": "cat", "confidence": 0.75, "box": [3.0, 4.0, 40.0, 50.5]}
    answers = [{"id": "a.png", "boxes": [box, box | {"label": "dog"}]}, {"id": "b.png", "boxes": []}]
    for name in "abc":
        PILImage.fromarray(np.zeros((60, 120, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    _write(tmp_path / "boxes.csv", [*answers, {"id": "c.png", "error": "broken"}], task)
    lines = (tmp_path / "boxes.csv").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["id,label,left,top,right,bottom,confidence,error", "a.png,cat,3.0,4.0,40.0,50.5,0.75,"]
    source = recognise(str(tmp_path), DataSettings())
    found = dict(zip(source.index.ids, source.index.labels, strict=True))
    assert found["a.png"] == (Box("cat", 3, 4, 40, 50.5), Box("dog", 3, 4, 40, 50.5)) and found["b.png"] == ()


def test_the_truth_scores_one_and_others_less():
    task, batch = made()
    metrics = task.metrics()
    whole = task.predict(truth_teller(task, batch, 0), task.present(batch))["boxes"]
    sure = [rows[rows[:, 4] > 0.5].detach() for rows in whole.each()]
    for metric in metrics.values():
        metric.update(IDS[:1], {"boxes": ragged(sure[:1])}, Ragged(*(part for part in batch["boxes"].rows(0, 1))))
    figures = {name: metric.compute() for name, metric in metrics.items()}
    assert figures["map"].value == pytest.approx(1.0) and figures["map50"].by == "COCO"
    assert np.isnan(figures["small"].value)  # none is marked


def test_a_crowd_neither_teaches_nor_counts_and_an_empty_picture_teaches():
    task, batch = made()
    presented = task.present(batch)
    network = truth_teller(task, batch, 0)
    losses = task.loss(network, presented).sums
    assert all(torch.isfinite(value) for value in losses.values())
    crowd = task.loss(network, present_row(task, batch, 2)).sums["class"]
    without = batch.with_columns(boxes=task.code([(), (), (LABELS[2][0],)])["boxes"])
    assert task.loss(network, present_row(task, without, 2)).sums["class"] >= crowd
    assert task.loss(network, present_row(task, batch, 1)).sums["class"] > 0
    assert task.counts(presented) == {"": 3.0 * POSITIVES}


def present_row(task, batch, row):
    return task.present(batch.rows(row, row + 1))


def test_a_network_learns_to_say_where():
    torch.manual_seed(0)
    task, batch = made()
    presented = task.present(batch.rows(0, 1))
    network = Fixed(torch.cat([torch.full((84, 2), -4.0), torch.ones(84, 4)], 1))
    optimizer = torch.optim.Adam(network.parameters(), 0.1)
    for _ in range(150):
        total(task.loss(network, presented), task.counts(presented)).backward()
        optimizer.step()
        optimizer.zero_grad()
    found = task.answers(task.predict(network, presented))[0]["boxes"]
    assert [one["label"] for one in found] in (["cat", "dog"], ["dog", "cat"])
    for one in found:
        box = next(box for box in LABELS[0] if box.label == one["label"])
        assert one["box"] == pytest.approx([box.left, box.top, box.right, box.bottom], abs=3)


def test_with_draws_pictures_and_boxes_move():
    task, batch = made(scene=SceneAugment(flip=True, zoom_in=0.7, mosaic=0.5))
    moved = task.present(batch, batch.draws("augment"))
    assert moved["boxes"].shape[1] == 8 and not moved["input"].equal(task.present(batch)["input"])
    again = task.present(batch, batch.draws("augment"))
    assert moved["input"].equal(again["input"]) and moved["boxes"].equal(again["boxes"])


def test_what_would_part_boxes_from_pictures_is_refused():
    with pytest.raises(UsageError, match="task.picture.fit=crop would cut boxes off at the rim"):
        made(picture=PictureSettings())
    with pytest.raises(UsageError, match="task.picture.augment.flip, task.picture.augment.rotate would move pictures"):
        made(picture=PictureSettings(fit="pad", augment=PictureAugment(flip=True, rotate=5)))
    with pytest.raises(DataError, match="None of the 2 training pictures has a box in it"):
        DetectSettings().learn(Index(("a", "b"), [(), ()]), (64, 64), 3)


def test_overlap_is_that_of_the_books():
    a, b = torch.tensor([0.0, 0, 2, 2]), torch.tensor([1.0, 1, 3, 3])
    iou, generalised = overlap(a, b)
    assert iou.item() == pytest.approx(1 / 7) and generalised.item() == pytest.approx(1 / 7 - 2 / 9)
    assert overlap(a, torch.tensor([5.0, 5, 6, 6]))[1] < -0.5


def test_every_box_has_places_even_a_tiny_one_and_a_place_has_one_box():
    places, strides = middles((8, 16, 32), 64, 64, torch.device("cpu"))
    boxes = boxes_of(torch.ones(1, len(places), 4), places, strides)
    wanted = torch.tensor([[[1.0, 1, 3, 3], [20, 20, 60, 60], [22, 22, 58, 58], [0, 0, 0, 0]]])
    found = assign(torch.full((1, len(places), 2), 0.1), boxes, places, strides, wanted, torch.tensor([[0, 1, 1, -1]]))
    assert set(found.box.unique().tolist()) == {-1, 0, 1, 2}
    assert (found.score[found.box < 0] == 0).all() and (found.score[found.box >= 0] >= 0).all()
    logits = torch.zeros(1, len(places), 2, requires_grad=True)
    what, where = detection_loss(logits, boxes, found, wanted, torch.tensor([[0, 1, 1, -1]]), found.box > -2)
    assert what > 0 and where > 0


def test_of_boxes_that_overlap_the_surest_of_each_class_stays():
    boxes = torch.tensor([[[0.0, 0, 10, 10], [1, 0, 11, 10], [40, 40, 50, 50]]])
    scores = torch.tensor([[[0.9, 0.0], [0.8, 0.7], [0.3, 0.0]]])
    found = kept(boxes, scores, 0.2, 0.5, 100)
    assert [round(one, 1) for one in found.values[:, 4].tolist()] == [0.9, 0.7, 0.3]
    assert found.values[:, 5].tolist() == [0, 1, 0]
    assert kept(boxes, scores, 0.2, 0.5, 1).values[:, 4].tolist() == pytest.approx([0.9])
    two = kept(torch.cat([boxes, boxes.flip(1)]), torch.cat([scores, scores.flip(1)]), 0.2, 0.5, 100)
    assert two.lengths.tolist() == [3, 3] and two.values[:3].equal(found.values)


def test_precision_is_worked_out_by_hand_for_one_class():
    metric = AveragePrecision("map50", 1)
    marked = ragged([torch.tensor([[0.0, 0, 0, 10, 10, 0], [0, 20, 20, 30, 30, 0]])])
    found = ragged([torch.tensor([[0.0, 0, 10, 10, 0.9, 0], [50, 50, 60, 60, 0.8, 0], [20, 20, 30, 30, 0.7, 0]])])
    metric.update(("a",), {"boxes": found}, marked)
    assert metric.compute().value == pytest.approx((51 * 1 + 50 * 2 / 3) / 101, abs=1e-6)  # precision 1, then 2/3
    assert metric.per_class(0.5) == pytest.approx([metric.compute().value])
    empty = AveragePrecision("map", 1)
    empty.update(("a",), {"boxes": ragged([torch.zeros(0, 6)])}, marked)
    assert empty.compute().value == 0


def test_a_found_box_is_right_once_and_only_for_its_class():
    marked = torch.tensor([[0.0, 0, 0, 10, 10, 0], [1, 20, 20, 30, 30, 0]])
    found = torch.tensor([[0.0, 0, 10, 9, 0.9, 0], [0, 0, 10, 10, 0.8, 0], [20, 20, 30, 30, 0.7, 0]])
    right, taken = hits(found, marked, 0.5)
    assert right.tolist() == [True, False, False] and taken.tolist() == [True, False]
    assert not hits(found, marked[:0], 0.5)[0].any() and not hits(found[:0], marked, 0.5)[1].any()


def test_a_missing_judge_is_named_before_anything_is_learned(monkeypatch):
    monkeypatch.setitem(sys.modules, "faster_coco_eval", None)
    with pytest.raises(MachineError, match=r"faster-coco-eval, which is not installed.*deepglass\[detect\]"):
        DetectSettings().learn(Index(IDS, LABELS), (64, 64), 3)


@pytest.mark.parametrize(("lang", "words"), [("en", "nothing found"), ("zh-CN", "未找到任何目标")])
def test_a_picture_without_a_box_is_no_picture_without_a_label(lang, words):
    with speaking(lang):
        assert said({"id": "a.png", "prediction": [], "boxes": []}) == words
        assert said({"id": "a.png", "prediction": []}) != words
