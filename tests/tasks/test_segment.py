"""Segment: from a picture with its mask to a loss over pixels, an answer at the picture's own size, and a whole run."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.example import Batch
from deepglass.data.recognise import Survey
from deepglass.data.source import Index, Picture
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Image as ImagePort
from deepglass.foundation.ports import Map, Ports
from deepglass.foundation.seeds import row_keys
from deepglass.networks import fit_model
from deepglass.recipes.segment import segment
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.segment import SegmentSettings
from deepglass.tasks.task import said
from deepglass.views.mask import unrolled
from tests.kill.data import _masks

CLASSES = ("background", "bright", "dark")
INDEX = Index(("a", "b"), ("a.png", "b.png"), classes=CLASSES)


def raws(size=(20, 30)):
    mask = np.zeros(size, dtype=np.uint8)
    mask[4:9, 3:20], mask[12:, :5], mask[:2] = 1, 2, 255
    pixels = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    return [Picture(pixels, mask=mask), Picture(pixels[::-1].copy(), size=size[::-1], mask=mask[::-1].copy())]


def made(**changes):
    settings = replace(SegmentSettings(), **changes)
    task = settings.build(settings.learn(INDEX, (16, 16), 3))
    rows = [task.prepare(raw).inputs for raw in raws()]
    columns = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
    task = settings.build(task.settle({name: column.numpy() for name, column in columns.items()}))
    return task, Batch(INDEX.ids, columns, 0, row_keys(7, "train", 0, 2))


class Sure(nn.Module):
    """Says the class of the number of the red channel's sign, or always one class."""

    def __init__(self, number=None):
        super().__init__()
        self.number = number
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, image):
        told = (image[:, 0] > 0).long() if self.number is None else torch.full_like(image[:, 0], self.number).long()
        return nn.functional.one_hot(told, 3).permute(0, 3, 1, 2).float() * 9 * self.weight


def test_it_asks_for_a_class_at_every_pixel_and_learns_their_counts():
    task, batch = made()
    assert task.asks() == (ImagePort(3, 16, 16), Map(3))
    assert batch["mask"].shape == (2, 16, 16) and batch["size"].tolist() == [[30, 20], [30, 20]]
    assert task.facts.pixels == tuple(int((batch["mask"] == number).sum()) for number in range(3))
    assert min(task.facts.pixels) > 0 and (batch["mask"] == 255).any()  # around the padded picture nobody knows


def test_augmentation_changes_picture_and_mask_alike():
    task, batch = made(picture=PictureSettings(fit="stretch", augment=PictureAugment(flip=True, alternate=True)))
    shown = task.present(batch, batch.draws("augment"))
    plain = task.present(batch)
    assert torch.equal(plain["mask"], batch["mask"])
    for row in range(2):
        moved = not torch.equal(shown["input"][row], plain["input"][row])
        assert torch.equal(shown["input"][row], plain["input"][row].flip(-1) if moved else plain["input"][row])
        assert torch.equal(shown["mask"][row], batch["mask"][row].flip(-1) if moved else batch["mask"][row])


@pytest.mark.parametrize("changes", [{}, {"loss": "focal"}, {"class_weights": "balanced"}, {"dice": 0.5}])
def test_the_loss_of_two_shards_is_that_of_the_whole(changes):
    task, batch = made(**changes)
    (turn,) = task.turns()
    network = nn.Conv2d(3, 3, 1)
    shown = task.present(batch)
    whole, counts = turn.loss(network, shown).sums, turn.counts(shown)
    parts = [turn.loss(network, shown.rows(row, row + 1)).sums for row in range(2)]
    halves = [turn.counts(shown.rows(row, row + 1)) for row in range(2)]
    assert set(whole) == ({"loss", "dice"} if "dice" in changes else {"loss"})
    for name in whole:
        torch.testing.assert_close(whole[name], parts[0][name] + parts[1][name])
        assert counts[name] == pytest.approx(halves[0][name] + halves[1][name])


def test_answers_are_of_the_stored_picture():
    task, batch = made()
    told = task.answers(task.predict(Sure(1), task.present(batch)))
    assert told[0]["prediction"] == ["bright"] and told[0]["shares"]["bright"] == 1
    assert unrolled(told[0]["mask"]).shape == (20, 30)
    assert said(told[0]) == "bright 100.0 %"
    assert json.loads(json.dumps(told)) == told
    (view,) = task.show(raws()[0], told[0])
    assert view.text() == "The picture's pixels by class: bright 100.0 %." and "bright 100.0 %" in view.terminal()


class Doubtful(nn.Module):
    """Is sure of the rows of the frame that a picture of 30 x 20 takes, and of no class beside it."""

    def forward(self, image):
        logits = torch.zeros(len(image), 3, *image.shape[-2:])
        logits[:, 1, 2:13] = 20.0
        return logits


def test_what_lies_beside_a_picture_takes_nothing_from_its_confidence():
    task, batch = made()
    assert (batch["mask"][0, [0, 1, 13, 14, 15]] == 255).all()  # of 16 rows these are beside it
    (first, second) = task.answers(task.predict(Doubtful(), task.present(batch)))
    assert first["confidence"] == second["confidence"] == pytest.approx(1.0)


def test_a_mean_with_the_mirror_image_turns_the_answer_back():
    plain, batch = made(picture=PictureSettings(fit="stretch"))
    mirror, _ = made(picture=PictureSettings(fit="stretch"), test_views="mirror")
    shown = plain.present(batch)
    assert torch.equal(plain.predict(Sure(), shown)["mask"], mirror.predict(Sure(), shown)["mask"])


def test_figures_are_exact_over_all_pictures():
    task, batch = made()
    for name, metric in task.metrics().items():
        metric.update(batch.ids, {"mask": torch.where(batch["mask"] == 255, 0, batch["mask"])}, task.truth(batch))
        assert metric.compute().value == pytest.approx(1.0), name


def test_what_cannot_be_is_refused_in_words():
    with pytest.raises(DataError, match="every picture needs a mask with two classes or more; 0 were found"):
        SegmentSettings().learn(replace(INDEX, classes=()), (16, 16), 3)
    settings = SegmentSettings(picture=PictureSettings(augment=PictureAugment(mixup=0.2, randaugment=1)))
    with pytest.raises(UsageError, match="Masks do not follow these changes of pictures: randaugment, mixup"):
        settings.learn(INDEX, (16, 16), 3)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segment")
    _masks(folder)
    settings = {"train.plan": "plain", "train.epochs": "25", "model.widths": "[8, 16, 32]", "data.cache": "false"}
    return folder, dg.train(folder / "masks", size="tiny", out=str(folder / "run"), settings=settings)


def test_a_folder_of_masks_becomes_a_network_that_finds_them(run):
    folder, outcome = run
    figures = outcome.figures["test"]
    assert list(figures) == ["mean_iou", "dice", "boundary_f1", "pixel_accuracy"]
    assert figures["mean_iou"].value > 0.7 and figures["pixel_accuracy"].value > 0.9
    document = json.loads((folder / "run" / "report.json").read_text())["masks"]
    assert [row["class"] for row in document["classes"]] == ["background", "1", "2"]
    assert document["worst"][0]["iou"] <= document["worst"][-1]["iou"]
    assert outcome.report is not None
    page = outcome.report.read_text()
    assert "Intersection over union by class" in page
    for name in ("photo", "true", "said", "wrong"):
        assert f'class="show-{name}" id="masks-{name}" name="masks-shown" type="radio"' in page
        assert (page.count(f'class="over over-{name}" src="data:image/png;base64,') == 8) == (name != "photo")
    assert 'data-of="opacity"' in page and page.count("<li><i style=") == 2  # classes in the legend


def test_predict_writes_masks_of_each_pictures_own_size(run, monkeypatch, capsys):
    folder, _ = run
    asked = [
        "deepglass",
        "predict",
        str(folder / "run"),
        str(folder / "masks" / "images"),
        "--out",
        str(folder / "out"),
    ]
    monkeypatch.setattr("sys.argv", asked)
    main()
    assert "Answers: 40; inputs without one: 0." in capsys.readouterr().out
    assert (folder / "out" / "classes.txt").read_text() == "background\n1\n2\n"
    for number in (0, 1, 2):
        with Image.open(folder / "out" / f"{number:02d}.png") as mask:
            true = np.asarray(Image.open(folder / "masks" / "masks" / f"{number:02d}.png"))
            assert mask.mode == "P" and np.asarray(mask).shape == true.shape
            assert (np.asarray(mask) == true)[true != 255].mean() > 0.8


def test_masks_of_pictures_with_one_name_do_not_take_each_others_place(run, tmp_path, monkeypatch, capsys):
    folder, _ = run
    monkeypatch.chdir(tmp_path)
    shutil.copy(folder / "masks" / "images" / "00.png", tmp_path / "2.png")
    for name in ("a/1.png", "b/1.png", "b/1.bmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.open(tmp_path / "2.png").save(tmp_path / name)
    main(["predict", str(folder / "run"), "a/1.png", "b/1.png", "b/1.bmp", "2.png", "--out", "out"])
    assert "Answers: 4; inputs without one: 0." in capsys.readouterr().out
    written = sorted(file.name for file in (tmp_path / "out").glob("*.png"))
    assert written == ["2.png", "a_1.png", "b_1.png", "b_1_2.png"]


def test_masks_are_not_written_over_the_pictures_they_are_of(run, tmp_path, capsys):
    folder, _ = run
    shutil.copy(folder / "masks" / "images" / "00.png", tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(folder / "run"), str(tmp_path), "--out", str(tmp_path)])
    assert ended.value.code == 2 and "a.png is one of the files that are asked about" in capsys.readouterr().err
    assert (tmp_path / "a.png").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_evaluated_elsewhere_it_knows_its_classes(run, tmp_path):
    folder, _ = run
    _masks(tmp_path)
    Image.fromarray(np.full((24, 30), 3, dtype=np.uint8)).save(tmp_path / "masks" / "masks" / "00.png")
    with pytest.raises(DataError, match="has classes that training never had: 3. Known are background, 1, 2"):
        journey.evaluate(folder / "run", str(tmp_path / "masks"))
    (tmp_path / "masks" / "classes.txt").write_text("background\n1\n2\n")  # then the mask is at fault
    found = journey.evaluate(folder / "run", str(tmp_path / "masks"))
    assert found.figures["test"]["mean_iou"].value > 0.7 and found.left_out == ["images/00.png"]


@pytest.mark.parametrize("model", ["fcn", "unet_small"])
@pytest.mark.parametrize("sides", [(400, 100), (60, 640), (1024, 64), (20, 90), (12, 8), (640, 480)])
def test_the_recipe_asks_for_no_less_than_the_network_takes(model, sides):
    width, height = sides
    survey = Survey("picture", width, height, True, (3,), {}, 40, 40, 40)
    chosen = segment("segment", survey, "tiny", model).model
    takes = fit_model(chosen, Ports(chosen.settings.ports().takes, Map(3))).settings.ports().takes
    assert min(takes.height, takes.width) >= (32 if model == "fcn" else 16)
    if min(sides) >= 60:  # large enough for its own proportion
        assert takes.width / takes.height == pytest.approx(width / height, rel=0.05)
