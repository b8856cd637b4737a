"""Reading lines: the alphabet, two lines laid behind each other, a flat start, answers; a small network learns to."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from deepglass.data.column import Texts
from deepglass.data.example import Batch, columns_of
from deepglass.data.source import Index, Picture
from deepglass.foundation.errors import DataError, RunFailed
from deepglass.foundation.ports import Image as Pictured
from deepglass.foundation.ports import Steps
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.losses.ctc import ctc, flat_start
from deepglass.metrics.error_rate import texts
from deepglass.models.crnn import CRNNConfig
from deepglass.tasks.read_text import ReadTextFacts, ReadTextSettings
from deepglass.tasks.task import said, total

TEXTS = ["AB", "BAC", "CAB", "A", "CB", "ACB"]
IDS = tuple(f"{number}.png" for number in range(len(TEXTS)))
SETTINGS = ReadTextSettings(flat=40)


def drawn(text, size=(64, 16)):
    picture = Image.new("L", size, 220)
    for place, letter in enumerate(text):
        ImageDraw.Draw(picture).text(
            (12 + 16 * place, 8), letter, fill=10, font=ImageFont.load_default(14), anchor="mm"
        )
    return Picture(np.array(picture)[..., None])


def made(settings=SETTINGS, labels=TEXTS, size=(16, 64)):
    task = settings.build(settings.learn(Index(IDS[: len(labels)], Texts(labels)), size, 1))
    columns = columns_of([task.prepare(drawn(label or "")).inputs for label in labels])
    task = settings.build(task.settle({"input": columns["input"].numpy()}))
    batch = Batch(IDS[: len(labels)], {**columns, **task.code(labels)}, 0, row_keys(7, "train", 0, len(labels)))
    return task, batch


def network(task):
    torch.manual_seed(0)
    return CRNNConfig(maps=8, hidden=0, dropout=0.0).fitted(task.asks()).build()


def test_the_alphabet_is_what_training_texts_hold():
    task, _ = made(labels=["AB", " B  A ", None, "京b"])
    assert task.facts.alphabet == " ABb京"
    assert task.asks() == (Pictured(1, 16, 64), Steps(6))
    document = json.loads(json.dumps(to_json(task.facts)))
    assert from_json(ReadTextFacts, document) == task.facts


@pytest.mark.parametrize(
    ("index", "sentence"),
    [
        (Index(("a",), Texts(["x"]), kind="sound"), r"Only pictures of text can be read, .* of the kind sound"),
        (Index(("a", "b"), Texts([None, " "])), r"None of the 2 texts of the training part holds a character"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(index, sentence):
    with pytest.raises(DataError, match=sentence):
        SETTINGS.learn(index, (16, 64), 1)


def test_two_lines_become_one():
    task, batch = made(replace(SETTINGS, lines=2), ["AB"], (16, 64))
    assert batch["input"].shape == (1, 1, 32, 32)
    stored = torch.arange(32 * 32, dtype=torch.float32).view(1, 1, 32, 32).div(5).to(torch.uint8)
    shown = task.present(batch.with_columns(input=stored))["input"]
    assert shown.shape == (1, 1, 16, 64)
    mean, std = task.facts.inputs.mean[0], task.facts.inputs.std[0]
    torch.testing.assert_close(shown[0, 0, :, 32:] * std + mean, stored[0, 0, 16:] / 255)
    assert task.preparation() != made()[0].preparation()


def test_letters_are_looked_for_evenly_spread_before_they_are_found():
    task, batch = made()
    model = network(task)
    shown = task.present(batch)
    symbols = task._alphabet.symbols(batch["target"])
    logits = model(shown["input"])
    for step, expected in ((39, flat_start), (40, ctc)):
        found = task.loss(model, replace(shown, step=step)).sums["loss"]
        torch.testing.assert_close(found, expected(logits, symbols))


def test_shards_sum_to_the_batch_and_unknown_letters_count_as_errors():
    task, batch = made()
    model, shown = network(task).eval(), replace(task.present(batch), step=99)
    whole = task.counts(shown)
    parts = [shown.shard(place, 3) for place in range(3)]
    together = sum(total(task.loss(model, part), whole) for part in parts)
    torch.testing.assert_close(together, total(task.loss(model, shown), whole))
    coded = task.code(["A?B", None])["target"]
    assert texts(coded) == ["A?B", ""]
    assert task._alphabet.symbols(coded).values.tolist() == [[1, 2], [0, 0]]


def test_a_text_longer_than_its_picture_is_told_of():
    task, batch = made(labels=["ABCABCABCABCABCABCA"])
    with pytest.raises(RunFailed, match=r"'0.png' and others have up to 19 characters for 16 columns .* model.width"):
        task.loss(network(task), replace(task.present(batch), step=99))


def test_a_small_network_learns_to_read():
    task, batch = made()
    model = network(task)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    shown = task.present(batch)
    for step in range(90):
        optimizer.zero_grad()
        total(task.loss(model.train(), replace(shown, step=step)), task.counts(shown)).backward()
        optimizer.step()
    with torch.no_grad():
        predictions = task.predict(model.eval(), shown)
    answers = task.answers(predictions)
    assert [answer["prediction"] for answer in answers] == TEXTS
    assert all(0.3 < answer["confidence"] <= 1 for answer in answers)
    figures = task.metrics()
    for metric in figures.values():
        metric.update(IDS, predictions, task.truth(batch))
    assert figures["cer"].compute().value == 0 and figures["whole_text"].compute().value == 1
    (view,) = task.show(drawn("AB"), answers[0])
    assert view.caption == "AB" and said(answers[0]).startswith("AB (")
