"""Transcribing: what is learned of transcripts, losses, answers with times; a small network learns a made speech."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from deepglass.data.augment.sound import speech
from deepglass.data.example import Batch, Ragged, columns_of
from deepglass.data.features import SoundFeatures
from deepglass.data.readers.sound import Sound
from deepglass.data.source import Index
from deepglass.data.transcript import transcript
from deepglass.foundation.errors import DataError, RunFailed
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Series, Steps
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import from_json, to_json
from deepglass.foundation.words import choose_language
from deepglass.losses.ctc import disagreement
from deepglass.metrics.error_rate import texts
from deepglass.tasks.kinds.sound import SoundSettings
from deepglass.tasks.task import total
from deepglass.tasks.transcribe import Transcribe, TranscribeFacts, TranscribeSettings, timed_words
from tests.data.sounds import spelled

SOUND = SoundSettings(features=SoundFeatures(rate=8000, bands=24), longest=0)
SETTINGS = TranscribeSettings(sound=SOUND, order=3, beam=8)
LINES = ["a bad cab", "dad", "a cab", "bad", "cab a dad", "abba", "c d c", "dab a bad cad"]
IDS = tuple(f"{number}.wav" for number in range(len(LINES)))


class Ear(nn.Module):
    """Two convolutions over time that halve the steps."""

    def __init__(self, bands: int, symbols: int):
        super().__init__()
        self.first = nn.Conv1d(bands, 48, 5, stride=2, padding=2)
        self.second = nn.Conv1d(48, symbols, 5, padding=2)

    def forward(self, heard: Padded) -> Padded:
        lengths = (heard.lengths + 1) // 2
        h = self.first(heard.values.transpose(1, 2)).relu()
        h = h * (torch.arange(h.shape[2]) < lengths[:, None])[:, None]
        return Padded(self.second(h).transpose(1, 2), lengths)


def made(settings: TranscribeSettings = SETTINGS, lines: list[str] = LINES) -> tuple[Transcribe, Batch]:
    index = Index([f"{number}.wav" for number in range(len(lines))], lines, kind="sound")
    task = settings.build(settings.learn(index, (0, 0), 0))
    raws = [Sound(spelled(line)[:, None], 8000) for line in lines]
    columns = columns_of([task.prepare(raw).inputs for raw in raws])
    rows = [task.prepare(raw).inputs["input"].numpy() for raw in raws]
    task = settings.build(task.settle({"input": rows}))
    return task, Batch(tuple(index.ids), {**columns, **task.code(lines)}, 0, row_keys(7, "train", 0, len(lines)))


def network(task: Transcribe) -> Ear:
    asked = task.asks()
    assert isinstance(asked.takes, Series) and isinstance(asked.gives, Steps)
    torch.manual_seed(0)
    return Ear(asked.takes.channels, asked.gives.size)


@pytest.mark.parametrize(
    ("text", "spoken", "written"),
    [
        ("Hello,  World!", "hello world", "Hello, World!"),
        ("It’s 5 o'clock.", "it's 5 o'clock", "It’s 5 o'clock."),
        ("'quoted' — well...", "quoted well", "'quoted' — well..."),
        ("ÉTÉ\u0301", "été\u0301", "ÉTÉ\u0301"),
        ("e\u0301", "é", "é"),
        ("你好，世界。", "你好 世界", "你好，世界。"),
        ("مرحبا!", "مرحبا", "مرحبا!"),
        ("😀 ok", "ok", "😀 ok"),
        ("...", "", "..."),
        ("", "", ""),
    ],
)
def test_what_counts_as_said(text: str, spoken: str, written: str):
    assert transcript(text) == spoken and transcript(text, "written") == written
    assert transcript(spoken) == spoken


def test_the_alphabet_is_what_training_transcripts_hold():
    task, _ = made(lines=["B a!", "c"])
    assert task.facts.alphabet == " abc" and task.asks().gives == Steps(5)
    written, _ = made(replace(SETTINGS, letters="written"), ["B a!", "c"])
    assert written.facts.alphabet == " !Bac"


def test_transcripts_without_letters_and_other_kinds_are_refused():
    choose_language("en")
    with pytest.raises(
        DataError, match=r"None of the 2 transcripts of the training part holds a letter. Check the col"
    ):
        SETTINGS.learn(Index(["a", "b"], ["...", ""], kind="sound"), (0, 0), 0)
    with pytest.raises(DataError, match=r"Only sounds can be transcribed, and these examples are of the kind picture."):
        SETTINGS.learn(Index(["a"], ["x"]), (0, 0), 0)


def test_facts_survive_as_json_and_the_language_with_them():
    task, batch = made()
    again = from_json(TranscribeFacts, json.loads(json.dumps(to_json(task.facts))))
    assert again == task.facts and len(json.dumps(to_json(task.facts))) < 20_000
    first, second = (one._listening.language.log_probs((0, 1)) for one in (task, SETTINGS.build(again)))
    assert np.array_equal(first, second) and np.exp(first).sum() == pytest.approx(1, abs=1e-5)


def test_answers_as_numbers_and_letters_that_training_never_had():
    task, _ = made()
    target = task.code(["Dad, a!", None, "xaz", "é"])["target"]
    assert texts(target) == ["dad a", "", "xaz", "é"]
    symbols = task._alphabet.symbols(target)
    assert symbols.lengths.tolist() == [5, 0, 1, 0]  # x, z and é are no letters of the network
    assert symbols.values[2].tolist() == [task.facts.alphabet.index("a") + 1, 0, 0, 0, 0]


def test_losses_of_shards_sum_to_the_batch():
    task, batch = made()
    model, shown = network(task), task.present(batch)
    (turn,) = task.turns()
    whole = turn.counts(shown)
    assert whole == {"loss": float(sum(map(len, LINES)))}
    shards = [task.present(batch.shard(place, 3)) for place in range(3)]
    assert sum(turn.counts(shard)["loss"] for shard in shards) == whole["loss"]
    together = sum(total(turn.loss(model, shard), whole) for shard in shards)
    torch.testing.assert_close(together, total(turn.loss(model, shown), whole))


def test_presenting_is_standard_and_a_row_alone_is_the_same():
    task, batch = made()
    shown = task.present(batch)["input"]
    heard = shown.values[shown.mask]
    torch.testing.assert_close(heard.mean(0), torch.zeros(24), rtol=0, atol=1e-3)
    torch.testing.assert_close(heard.std(0), torch.ones(24), rtol=0, atol=1e-2)
    alone = task.present(batch.rows(1, 2))["input"]
    torch.testing.assert_close(alone.values[0], shown.values[1, : alone.values.shape[1]], rtol=0, atol=1e-4)


def test_augmentation_goes_by_the_rows_own_draws():
    task, batch = made(replace(SETTINGS, sound=replace(SOUND, augment=speech())))
    draws = batch.draws("augment")
    shown = task.present(batch, draws)["input"]
    assert torch.equal(shown.values, task.present(batch, draws)["input"].values)
    assert not torch.equal(shown.lengths, task.present(batch)["input"].lengths)
    alone = batch.rows(3, 4)
    other = task.present(alone, alone.draws("augment"))["input"]
    torch.testing.assert_close(other.values[0], shown.values[3, : other.values.shape[1]], rtol=0, atol=1e-4)


def test_two_hearings_differ_by_their_masks_alone_and_are_to_agree():
    task, batch = made(replace(SETTINGS, agreement=0.5, sound=replace(SOUND, augment=speech())))
    model, draws = network(task), batch.draws("augment")
    shown = task.present(batch, draws)
    once, again = shown["input"], shown["again"]
    both = (once.values != 0) & (again.values != 0)
    assert torch.equal(once.lengths, again.lengths) and not torch.equal(once.values, again.values)
    assert torch.equal(once.values[both], again.values[both])
    alone = replace(task.settings, agreement=0.0).build(task.facts)
    assert torch.equal(once.values, alone.present(batch, draws)["input"].values) and "again" not in task.present(batch)
    each = [task.loss(model, batch.with_columns(input=heard)).sums["loss"] for heard in (once, again)]
    apart = disagreement(model(once), model(again))
    torch.testing.assert_close(task.loss(model, shown).sums["loss"], sum(each) / 2 + 0.5 * apart)


def test_a_batch_that_fits_nowhere_is_refused_in_words_and_one_that_fits_in_part_is_not():
    choose_language("en")
    task, batch = made()
    model = network(task)
    long = task.code(["abcd" * 50] * len(LINES))["target"]
    with pytest.raises(
        RunFailed, match=r"No transcript of this batch fits its sound: '0.wav' and others have up to 200 l"
    ):
        task.loss(model, task.present(batch.with_columns(target=long)))
    mixed = task.code(["abcd" * 50, *LINES[1:]])["target"]
    assert task.loss(model, task.present(batch.with_columns(target=mixed))).sums["loss"].isfinite()


def test_a_small_network_learns_a_made_speech_and_says_when():
    task, batch = made()
    model, shown = network(task), task.present(batch)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(150):
        loss = total(task.loss(model, shown), task.counts(shown))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        predictions = task.predict(model, shown)
        alone = task.predict(model, task.present(batch.rows(2, 3)))
    assert texts(predictions["text"]) == LINES == texts(predictions["greedy"])
    answers = task.answers(predictions)
    assert task.answers(alone)[0]["prediction"] == LINES[2]
    assert answers[0]["prediction"] == "a bad cab" and 0.5 < answers[0]["confidence"] <= 1
    words = answers[0]["words"]
    assert [word["word"] for word in words] == ["a", "bad", "cab"]
    for word, place in zip(words, (0, 2, 6), strict=True):  # letters are 0.12 s long, spaces 0.15
        spaces = LINES[0][:place].count(" ")
        begins = 0.025 + 0.12 * (place - spaces) + 0.15 * spaces
        assert word["start"] == pytest.approx(begins, abs=0.13) and word["letters"][0] == word["start"] < word["end"]
    json.dumps(answers)
    for name, metric in task.metrics().items():
        metric.update(batch.ids, predictions, task.truth(shown))
        assert metric.compute().value == 0, name
    views = task.show(Sound(spelled(LINES[0])[:, None], 8000), answers[0])
    assert "a bad cab" in views[0].text() and "cab" in views[1].terminal()
    assert len(views[0].svg()) < 150_000


def test_one_sample_and_silence_are_answered_with_a_text():
    task, _ = made()
    model = network(task)
    raws = [Sound(np.zeros((count, 1), np.int16), 8000) for count in (1, 3, 16_000)]
    columns = columns_of([task.prepare(raw).inputs for raw in raws])
    with torch.no_grad():
        predictions = task.predict(model, task.present(Batch(("a", "b", "c"), columns)))
    answers = task.answers(predictions)
    assert len(answers) == 3 and all(isinstance(answer["prediction"], str) for answer in answers)
    assert all(np.isfinite(answer["confidence"]) for answer in answers)
    views = task.show(raws[0], {"prediction": "", "confidence": 1.0, "words": []})
    assert len(views) == 1 and "(nothing said)" in views[0].text()


def test_without_a_beam_the_best_path_is_the_text_and_without_spaces_there_are_no_words():
    task, batch = made(replace(SETTINGS, beam=1, order=0), ["ab", "ba"])
    assert task.facts.language == () and list(task.metrics()) == ["cer"]
    assert list(made()[0].metrics()) == ["cer", "wer", "cer_greedy"]
    with torch.no_grad():
        predictions = task.predict(network(task), task.present(batch))
    assert all(torch.equal(one, two) for one, two in zip(predictions["text"], predictions["greedy"], strict=True))


def test_words_in_time():
    words = timed_words("hi  you", [0, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 7], [0.0] * 7)
    assert [(word["word"], word["start"], word["end"]) for word in words] == [("hi", 0, 2), ("you", 4, 7)]
    assert words[1]["letters"] == [4, 5, 6] and words[0]["confidence"] == 1
    assert timed_words("", [], [], []) == []


def test_targets_travel_as_ragged_rows():
    _, batch = made()
    assert isinstance(batch["target"], Ragged) and batch["target"].values.dtype == torch.int32
    assert texts(batch.rows(2, 4)["target"]) == LINES[2:4]
