"""The language model: what its figures count, and that it writes what it was taught."""

import math

import pytest
import torch

from deepglass.data.readers.text import Text
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.padded import Padded
from deepglass.losses.tokens import row_cross_entropy
from deepglass.networks import check_own, choose_model, fit_model
from deepglass.tasks.sampling import SamplingSettings
from deepglass.tasks.task import said
from tests.tasks.text_nets import LINES, Ahead, BothSides, Rereading, batch_of, learned, network, taught


def test_each_token_is_foretold_from_those_before_it_alone():
    task = learned("generate_text")
    shown = task.present(batch_of(task))
    seen, told = shown["input"], shown["target"]
    assert (seen.values[:, 0] == task.vocabulary.mark("begin")).all() and torch.equal(seen.lengths, told.lengths)
    inside = told.mask[:, 1:]
    assert torch.equal(seen.values[:, 1:][inside], told.values[:, :-1][inside])
    assert task.vocabulary.decode(told.values[3, : told.lengths[3]].tolist()) == LINES[3]


@pytest.mark.parametrize("name", ["tagger_lstm", "cloze_bilstm"])
def test_a_network_that_sees_what_comes_is_refused_before_anything_is_read(name: str):
    asks = learned("generate_text").asks()
    refusal = (
        rf"{name} sees at every step what stands behind it.* worthless\. Models that fit this data: char_lm, word_lm\."
    )
    with pytest.raises(UsageError, match=refusal):
        fit_model(choose_model(name), asks)
    assert fit_model(choose_model("char_lm"), asks).settings.outputs == asks.gives.size


def test_a_network_of_ones_own_that_sees_what_comes_is_refused_as_well():
    task = learned("generate_text")
    row = task.present(batch_of(task).rows(0, 1))["input"]
    check_own(Ahead(len(task.vocabulary)), task.asks(), row)
    with pytest.raises(UsageError, match="Your network sees at every step what stands behind it.* char_lm, word_lm"):
        check_own(BothSides(len(task.vocabulary)), task.asks(), row)


def uniform(task) -> torch.nn.Module:
    """A network that finds every token equally likely."""
    model = Ahead(len(task.vocabulary))
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    return model.eval()


@pytest.mark.parametrize("level", ["characters", "pieces", "words"])
def test_bits_per_character_count_letters_whatever_the_tokens(level: str):
    task = learned("generate_text", level=level)
    batch = batch_of(task)
    predictions = task.predict(uniform(task), task.present(batch))
    assert predictions["letters"].tolist() == [len(line) for line in LINES]
    tokens = [len(task.vocabulary.encode(line)) for line in LINES]
    assert predictions["tokens"].tolist() == tokens
    metric = task.metrics()["bits_per_character"]
    metric.update(batch.ids, predictions, None)
    wanted = sum(tokens) * math.log2(len(task.vocabulary)) / sum(map(len, LINES))
    assert metric.compute().value == pytest.approx(wanted, rel=1e-5)
    answer = task.answers(predictions)[0]
    assert answer["prediction"] == pytest.approx(tokens[0] * math.log2(len(task.vocabulary)) / len(LINES[0]), rel=1e-5)
    assert answer["perplexity"] == pytest.approx(len(task.vocabulary), rel=1e-4)
    assert said(answer).endswith(" bits per character")


def test_unknown_words_cost_what_their_letters_cost():
    task = learned("generate_text", level="words")
    model = uniform(task)
    known, unknown = (task.predict(model, task.present(batch_of(task, [text]))) for text in ("The cat.", "The zebu."))
    alphabet = len({letter for line in LINES for letter in line})
    assert task.facts.alphabet == alphabet
    assert float((unknown["nats"] - known["nats"]).detach()) == pytest.approx(4 * math.log(alphabet), rel=1e-4)


def test_it_judges_many_rows_in_slices(monkeypatch: pytest.MonkeyPatch):
    task = learned("generate_text")
    model, shown = network("generate_text", task).eval(), task.present(batch_of(task))
    whole = task.predict(model, shown)["nats"]
    monkeypatch.setattr("deepglass.tasks.generate_text.ROOM", 5 * len(task.vocabulary) * shown["input"].values.shape[1])
    torch.testing.assert_close(task.predict(model, shown)["nats"], whole)


def test_a_text_longer_than_any_of_training_is_judged_in_stretches(monkeypatch: pytest.MonkeyPatch):
    """Each goes on from the token before it; what stood earlier is forgotten, as it is where a training cuts."""
    task = learned("generate_text")
    longest = task.facts.longest
    monkeypatch.setattr("deepglass.tasks.generate_text.STRETCH", 8)
    text = "The cat sees the small mouse. " * 9
    batch = batch_of(task, [LINES[0], text, LINES[1]])
    model, widths = Rereading(network("generate_text", task)).eval(), []
    model.register_forward_hook(lambda module, given, gave: widths.append(given[0].values.shape[1]))
    told = task.predict(model, task.present(batch))
    assert max(widths) == longest < len(text) and told["tokens"].tolist()[1] == len(text)
    shown = task.present(batch_of(task, [text]))
    by_hand = 0.0
    for start in range(0, len(text), longest):
        part = Padded(
            shown["input"].values[:, start : start + longest], torch.tensor([min(longest, len(text) - start)])
        )
        true = Padded(shown["target"].values[:, start : start + longest], part.lengths)
        by_hand += float(row_cross_entropy(model(part), true).detach())
    assert float(told["nats"][1].detach()) == pytest.approx(by_hand, rel=1e-5)
    alone = task.predict(model, task.present(batch_of(task, [LINES[0]])))["nats"]
    assert float(told["nats"][0].detach()) == pytest.approx(float(alone[0].detach()), rel=1e-5)


@pytest.mark.parametrize("level", ["characters", "pieces", "words"])
def test_it_writes_what_it_was_taught(level: str):
    task = learned("generate_text", level=level)
    model = taught("generate_text", task)
    rest = "".join(task.write(model, "我的朋友 wants the", 60, SamplingSettings(temperature=0)))
    assert rest.startswith(" green")
    begun = "".join(task.write(model, "", 60, SamplingSettings(temperature=0.3, seed=5)))
    assert begun[:2] in {line[:2] for line in LINES} and "\ufffd" not in begun


def test_the_same_seed_writes_the_same_and_a_network_without_a_state_too():
    task = learned("generate_text")
    model = taught("generate_text", task, steps=60)
    settings = SamplingSettings(temperature=1.0, seed=3)
    text = "".join(task.write(model, "The cat", 25, settings))
    assert len(text) == 25 and text == "".join(task.write(Rereading(model), "The cat", 25, settings))
    others = {"".join(task.write(model, "The cat", 25, SamplingSettings(temperature=1.0, seed=s))) for s in range(4, 9)}
    assert len(others | {text}) > 3


def test_it_streams():
    task = learned("generate_text")
    seen: list[int] = []
    model = network("generate_text", task)
    step = model.step
    model.step = lambda token, state: (seen.append(int(token)), step(token, state))[1]  # pyright: ignore
    pieces = task.write(model, "The", 100, SamplingSettings())
    assert len(next(pieces)) == 1 and len(seen) <= 5  # the mark, the prompt and what was just written
    pieces.close()


def test_prompts_are_read_as_texts_are():
    task = learned("generate_text")
    model = taught("generate_text", task, steps=30)
    settings = SamplingSettings(temperature=0)
    composed, apart = ("".join(task.write(model, prompt, 5, settings)) for prompt in ("caf\u00e9", "cafe\u0301"))
    assert composed == apart
    with pytest.raises(DataError, match="half of a pair"):
        next(task.write(model, "a\ud83d", 5, settings))
    assert task.prepare(Text("é")).inputs["input"].tolist() == [0xC3, 0xA9]
