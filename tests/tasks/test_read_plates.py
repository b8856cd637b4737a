"""Reading plates: two players, answers in pixels of the stored picture; a small network learns to find and read."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as PILImage
from torch import nn

from deepglass.cli.predict import _found_again, _write
from deepglass.data.annotation import Plate
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.augment.street import StreetAugment
from deepglass.data.example import Batch, Ragged, columns_of
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Picture
from deepglass.engine.state import trainable
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Image, Plates
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.losses.ctc import ctc, flat_start
from deepglass.metrics.plates import lines_of
from deepglass.models.plate_net import PlateNetConfig
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.read_plates import ReadPlatesFacts, ReadPlatesSettings
from deepglass.tasks.task import said, total
from tests.data.street import painted

COUNT = 8
SCENES = [painted(number) for number in range(COUNT)]
LABELS = [plates for _, plates in SCENES]
IDS = tuple(f"{number}.png" for number in range(COUNT))
SETTINGS = ReadPlatesSettings(flat=40, tall=16, wide=64)
SMALL = PlateNetConfig(widths=(6, 10, 16, 24, 32), maps=8, hidden=0, dropout=0.0)


def made(labels=LABELS, sizes=None, **changes):
    settings = replace(SETTINGS, **changes)
    ids = tuple(f"{number}.png" for number in range(len(labels)))
    task = settings.build(settings.learn(Index(ids, labels), (96, 128), 3))
    pixels = [np.array(picture.resize(sizes[row]) if sizes else picture) for row, (picture, _) in enumerate(SCENES)]
    columns = columns_of([task.prepare(Picture(one)).inputs for one in pixels[: len(labels)]])
    keys = row_keys(7, "train", 0, len(labels))
    return task, Batch(ids, {**columns, **task.code(labels)}, 0, keys)


def shown(task, batch, step=0):
    return replace(task.present(batch, batch.draws("augment")), step=step)


def network(task):
    torch.manual_seed(0)
    return SMALL.fitted(task.asks()).build()


class Fixed(nn.Module):
    """A finder that sees one plate at a place of its map, and a reader that reads one symbol."""

    def __init__(self, corners, kind, symbol, task):
        super().__init__()
        self.finder, self.reader = nn.Identity(), nn.Identity()
        self.corners, self.kind, self.symbol = torch.tensor(corners).flatten(), kind, symbol
        self.kinds, self.symbols = task.asks().gives.kinds, task.asks().gives.symbols
        self.seen = []
        self.finder.forward, self.reader.forward = self.find, self.read

    def find(self, images):
        rows, columns = -(-images.shape[2] // 8), -(-images.shape[3] // 8)
        said = torch.full((len(images), self.kinds + 8, rows, columns), -9.0)
        said[:, self.kind, 3, 4], said[:, self.kind, 3, 5] = 4.0, 3.0  # its neighbour is no second plate
        said[:, self.kinds :] = self.corners[:, None, None]
        return said

    def read(self, lines):
        self.seen.append(lines)
        said = torch.zeros(len(lines), 6, self.symbols)
        said[:, :, 0], said[:, 2, self.symbol] = 9.0, 20.0
        return Padded(said, torch.full((len(lines),), 6))


def test_alphabet_and_kinds_are_what_training_plates_show():
    task, _ = made()
    assert task.facts.alphabet == "4ACX"
    assert list(zip(task.facts.kinds, task.facts.lines, strict=True)) == [("blue", 1), ("yellow", 1), ("yellow", 2)]
    assert sum(task.facts.counts) == sum(map(len, LABELS))
    assert task.asks() == (Image(3, 96, 128), Plates(3, 5, 8, 16, 64, 0.4))
    document = json.loads(json.dumps(to_json(task.facts)))
    assert from_json(ReadPlatesFacts, document) == task.facts


def test_what_cannot_be_learned_is_refused_in_words():
    with pytest.raises(DataError, match=r"None of the 2 training pictures has a number plate with its text"):
        SETTINGS.learn(Index(("a", "b"), [(), None]), (96, 128), 3)
    moved = PictureSettings(fit="pad", augment=PictureAugment(flip=True, rotate=3))
    task, _ = made()
    with pytest.raises(UsageError, match=r"task.picture.augment.flip, task.picture.augment.rotate would move pictures"):
        replace(SETTINGS, picture=moved).build(task.facts)


def test_texts_and_corners_are_coded_plate_by_plate():
    task, batch = made()
    plates, text = batch["plates"], batch["text"]
    assert plates.lengths.tolist() == [len(label) for label in LABELS]
    assert lines_of(text) == [[plate.text for plate in label] for label in LABELS]
    assert plates.values[0, 2:].view(4, 2).tolist() == [list(corner) for corner in LABELS[0][0].corners]
    symbols = task._symbols(batch)
    first = [1 + task.facts.alphabet.index(letter) for letter in LABELS[0][0].text]
    assert symbols.values[0].tolist() == first and len(symbols.lengths) == sum(map(len, LABELS))
    strange = task.code([(Plate("A?", LABELS[0][0].corners, "pink", 2), Plate("", LABELS[0][0].corners)), None])
    assert strange["plates"].values[:, 0].tolist() == [0, 0] and strange["plates"].lengths.tolist() == [2, 0]
    assert lines_of(strange["text"]) == [["A?", ""], []]


def test_large_pictures_are_kept_smaller_and_their_plates_stay_in_place():
    """A picture of 256 x 192 of which 128 x 96 is kept: the plates upright are those of the small picture."""
    task, batch = made()
    doubled = [
        tuple(plate._replace(corners=tuple((2 * x, 2 * y) for x, y in plate.corners)) for plate in label)
        for label in LABELS
    ]
    large, other = made(doubled, [(256, 192)] * COUNT, kept=128)
    assert other["input"].shape == batch["input"].shape and other["whole"][0].tolist() == [256, 192]
    assert other["size"][0].tolist() == [128, 96]
    one, two = (task_.present(b, b.draws("augment"))["lines"].values for task_, b in ((task, batch), (large, other)))
    assert float((one - two).abs().mean()) < 12


def test_upright_plates_show_what_stands_on_them():
    """The ink of each plate's characters is where its upright picture has them: of two lines side by side."""
    task, batch = made()
    lines = shown(task, batch)["lines"]
    assert lines.values.shape == (sum(map(len, LABELS)), 3, 16, 64)
    every = [plate for label in LABELS for plate in label]
    for cut, plate in zip(lines.values, every, strict=True):
        contrast = (cut - cut.median()).abs().amax((0, 1))  # by column
        halves = contrast[:32].max(), contrast[32:].max()
        assert min(halves) > 60, plate


def test_windows_hold_their_plates_and_are_keyed():
    task, batch = made(street=StreetAugment(zoom_in=1.2, zoom_out=1.2, turn=4, jitter=0.1))
    one, again = shown(task, batch), shown(task, batch)
    assert torch.equal(one["input"], again["input"]) and torch.equal(one["lines"].values, again["lines"].values)
    assert one["input"].shape == (COUNT, 3, 96, 128) and one["plates"].shape == (COUNT, 2, 10)
    whole = one["plates"][..., 0] >= 0
    assert whole.sum() >= 5 and not whole[3].any()  # the fourth picture has none


def test_two_players_and_each_has_its_own_weights():
    task, batch = made()
    model, window = network(task), shown(task, batch)
    for turn, others in zip(task.turns(), ("reader", "finder"), strict=True):
        mine = trainable(model, turn.updates)
        total(turn.loss(model, window), turn.counts(window)).backward(inputs=list(mine.values()))
        assert all(one.grad is not None and torch.isfinite(one.grad).all() for one in mine.values())
        assert not any(name.startswith(others) for name in mine)
        model.zero_grad()


def test_losses_of_shards_sum_to_the_batch():
    task, batch = made()
    model = network(task).eval()
    for turn in task.turns():
        whole = shown(task, batch, 99)
        parts = [shown(task, batch.shard(place, 3), 99) for place in range(3)]
        counts = turn.counts(whole)
        assert sum(turn.counts(part)[""] for part in parts) == counts[""]
        together = sum(total(turn.loss(model, part), counts) for part in parts)
        torch.testing.assert_close(together, total(turn.loss(model, whole), counts), rtol=1e-3, atol=1e-4)


def test_the_reader_begins_flat_and_skips_what_nobody_could_read():
    labels = [(plate._replace(text="") if row == 0 else plate,) for row, (plate, *_) in enumerate(LABELS[:3])]
    task, batch = made(labels)
    model = network(task).eval()
    window = shown(task, batch)
    symbols = task._symbols(batch)
    logits = model.reader(window["lines"].values[1:])
    wanted = Padded(symbols.values[1:], symbols.lengths[1:])
    for step, expected in ((39, flat_start), (40, ctc)):
        found = task.read(model, replace(window, step=step)).sums["letters"]
        torch.testing.assert_close(found, expected(logits, wanted), rtol=1e-3, atol=1e-3)


def test_pictures_without_plates_teach_that_there_are_none():
    task, batch = made()
    batch = replace(batch.rows(3, 4), keys=batch.keys[3:4])
    assert not len(batch["plates"].values)
    model, window = network(task), shown(task, batch)
    for turn in task.turns():
        loss = total(turn.loss(model, window), turn.counts(window))
        loss.backward(inputs=list(trainable(model, turn.updates).values()))
    assert model.finder.logits.bias.grad.min() > 0 and not model.reader.output.bias.grad.any()


def test_answers_are_in_pixels_of_the_stored_picture():
    """A finder that looks at 64 x 48 of a picture of 256 x 192, of which 128 x 96 is kept."""
    task, batch = made(sizes=[(256, 192)] * COUNT, kept=128, search=64)
    model = Fixed([[10.0, 20], [40, 20], [40, 30], [10, 30]], 2, 3, task)
    predictions = task.predict(model, task.present(batch))
    assert predictions["corners"].lengths.tolist() == [1] * COUNT
    answer = task.answers(predictions)[0]
    (plate,) = answer["plates"]
    assert plate["corners"] == [[40.0, 80.0], [160.0, 80.0], [160.0, 120.0], [40.0, 120.0]]
    assert (plate["text"], plate["kind"], plate["lines"]) == ("C", "yellow", 2) and answer["prediction"] == ["C"]
    assert plate["confidence"] == pytest.approx(torch.tensor(4.0).sigmoid().item(), abs=0.01)
    own = task.upright(
        np.array(SCENES[0][0].resize((128, 96))),
        torch.tensor([[[20.0, 40], [80, 40], [80, 60], [20, 60]]]),
        torch.tensor([2]),
    )
    assert float((torch.from_numpy(own[0]).permute(2, 0, 1) - model.seen[0][0]).abs().mean()) < 1
    assert said(answer).startswith("C (") and said({"prediction": [], "plates": []}) == "no plate"


def test_pictures_of_several_sizes_are_answered_as_each_alone():
    sizes = [(128, 96), (200, 120), (96, 128), (128, 96), (64, 64), (128, 96), (150, 90), (130, 100)]
    task, batch = made(sizes=sizes, search=96)
    assert isinstance(batch["input"], Ragged)
    model = network(task).eval()
    model.finder.logits.bias.data += 3.0
    with torch.no_grad():
        together = task.predict(model, task.present(batch))
        for row in range(COUNT):
            alone = task.predict(model, task.present(batch.rows(row, row + 1)))
            assert torch.equal(alone["corners"].values, together["corners"].each()[row])
    assert len(together["corners"].values) > COUNT


def test_rows_of_a_table_and_a_drawing():
    task, _ = made()
    plate = {"text": "A4", "kind": "blue", "lines": 1, "confidence": 0.5, "corners": [[1.0, 2], [9, 2], [9, 5], [1, 5]]}
    (row,) = task.rows({"id": "a.png", "plates": [plate]})
    assert [row.get(name) for name in task.columns] == ["a.png", "A4", "blue", 1, 0.5, 1, 2, 9, 2, 9, 5, 1, 5, None]
    assert task.rows({"id": "b.png", "plates": []}) == [{"id": "b.png"}]  # looked at, and there is none
    (view,) = task.show(Picture(np.zeros((20, 30, 3), dtype=np.uint8)), {"plates": [plate]})
    assert "<polygon" in view.svg() and "A4 50 %" in view.svg()


def test_a_table_beside_drawn_pictures_speaks_of_those_that_were_asked_about(tmp_path, monkeypatch):
    """The drawn ones have the same names, and are of another size."""
    task, _ = made()
    for name, size in (("asked", (64, 48)), ("drawn", (320, 240))):
        (tmp_path / name).mkdir()
        for file in ("a.png", "b.png"):
            PILImage.new("RGB", size).save(tmp_path / name / file)
    monkeypatch.chdir(tmp_path)
    plate = {"text": "A4", "kind": "blue", "lines": 1, "confidence": 0.5, "corners": [[1.0, 2], [9, 2], [9, 5], [1, 5]]}
    answers = [{"id": "asked/a.png", "plates": [plate]}, {"id": "asked/b.png", "plates": []}]
    _write(tmp_path / "drawn" / "answers.csv", _found_again(answers), task)
    source = recognise(str(tmp_path / "drawn"), DataSettings())
    assert source.index.ids == [str(tmp_path / "asked" / name) for name in ("a.png", "b.png")]
    assert [plate.text for plate in source.index.labels[0]] == ["A4"] and source.index.labels[1] == ()


def test_a_small_network_learns_to_find_and_read():
    task, batch = made(confidence=0.2)
    model = network(task)
    optimizers = {
        turn.updates: torch.optim.AdamW(trainable(model, turn.updates).values(), lr=4e-3) for turn in task.turns()
    }
    for step in range(110):
        window = shown(task, replace(batch, keys=row_keys(7, "train", step, COUNT)), step)
        for turn in task.turns():
            optimizers[turn.updates].zero_grad()
            total(turn.loss(model.train(), window), turn.counts(window)).backward()
            optimizers[turn.updates].step()
    with torch.no_grad():
        predictions = task.predict(model.eval(), task.present(batch))
    found = {}
    for name, metric in task.metrics().items():
        metric.update(IDS, predictions, task.truth(batch))
        found[name] = metric.compute().value
    assert found["found"] > 0.7 and found["map50"] > 0.6 and found["plate_accuracy"] > 0.5


def test_a_plate_is_read_several_times_and_the_mean_of_what_was_seen_counts():
    """Of three looks two see a C: it is answered, and less surely than where all of them do."""
    corners = [[10.0, 20], [70, 20], [70, 50], [10, 50]]
    found = {}
    for looks in (1, 3):
        task, batch = made(sizes=[(128, 96)] * COUNT, looks=looks)
        model = Fixed(corners, 0, 3, task)
        shown = task.present(batch)
        whole = model.read

        def doubting(lines, model=model, whole=whole):
            model.symbol = 1 if len(model.seen) == 2 else 3
            return whole(lines)

        model.reader.forward = doubting
        (plate,) = task.answers(task.predict(model, shown))[0]["plates"]
        assert plate["text"] == "C" and len(model.seen) == looks
        found[looks] = plate["confidence"]
        assert len({float(lines.sum()) for lines in model.seen}) == looks  # each look is another one
    assert found[3] < 0.8 * found[1]
