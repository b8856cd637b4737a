"""Generate text: a language model foretells each token of a text from those before it, and so can write on.

loss = Σ -log softmax(z_t)_{x_t} / tokens, z_t from the tokens before t; the first is foretold from a mark alone.

Bits per character is the first metric: it is the same whether the text was cut into characters, pieces or words. For
that, a token that the vocabulary does not know is charged as if each of its letters had been drawn from all letters of
the training part. Words leave their spaces out, so their figure is of the words alone.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepglass.data.example import Batch, Column, Encoder
from deepglass.data.readers.text import clean
from deepglass.data.source import Index, Unreadable
from deepglass.data.vocabulary import Mark, Vocabulary, VocabularySettings, Writer, learn_vocabulary
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Tokens
from deepglass.foundation.seeds import Draws
from deepglass.foundation.words import say
from deepglass.losses.tokens import row_cross_entropy, token_cross_entropy
from deepglass.metrics.language import Language
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.kinds.text import TextFacts, TextSettings, some_token, text_facts, with_vocabulary
from deepglass.tasks.sampling import SamplingSettings, sampled
from deepglass.tasks.task import Losses, Metric, Predictions

MARKS: tuple[Mark, ...] = ("begin",)
ROOM = 1 << 25  # logits that are held at once where texts are only judged
STRETCH = 1 << 12  # tokens that are read on end, or as many as training ever did; a longer text is judged in stretches


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateTextFacts:
    """What was learned once from the training part."""

    inputs: TextFacts
    alphabet: int = 1  # different letters
    longest: int = 0  # tokens of the longest text, and so as many as a network has ever looked back on


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateTextSettings:
    """What is asked of a language model."""

    facts_type: ClassVar = GenerateTextFacts

    text: TextSettings = TextSettings(vocabulary=VocabularySettings(level="characters"), longest=1 << 16)

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> GenerateTextFacts:
        """The inputs' facts; what is learned of the texts follows when they are read."""
        return GenerateTextFacts(inputs=text_facts(index, "generate_text"))

    def build(self, facts: GenerateTextFacts) -> "GenerateText":
        """The task with what it learned."""
        return GenerateText(self, facts)


class GenerateText(OneInput):
    """The task of foretelling a text token by token."""

    settings: GenerateTextSettings
    facts: GenerateTextFacts

    @property
    def vocabulary(self) -> Vocabulary:
        """The tokens; there once the texts are read."""
        assert self.facts.inputs.vocabulary is not None
        return self.facts.inputs.vocabulary

    def asks(self) -> Ports:
        takes = self.takes()
        assert isinstance(takes, Tokens)
        return Ports(takes, Steps(takes.vocabulary, "later"))

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """Nothing: a text is its own answer."""
        return {}

    def settle(self, columns: Mapping[str, Any]) -> GenerateTextFacts:
        texts = columns["input"]
        facts = replace(self.facts, inputs=with_vocabulary(self.facts.inputs, self.settings.text, texts, MARKS))
        letters = learn_vocabulary(texts, VocabularySettings(level="characters", size=1 << 20, least=1))
        longest = max(map(len, facts.inputs.vocabulary.encode_all(texts)))  # pyright: ignore
        return replace(facts, alphabet=len(letters.tokens), longest=longest)

    def encoder(self) -> Encoder | None:
        if self.facts.inputs.vocabulary is None:
            return None
        return self._encoded

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """The tokens, and what stands before each of them. Padded (B, T)"""
        target = self.kind.present(batch["input"], self.facts.inputs, self.settings, None)
        seen = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)  # of which some may be lost
        begin = torch.full_like(seen.values[:, :1], self.vocabulary.mark("begin"))
        before = target.with_values(torch.cat([begin, seen.values[:, :-1]], 1))
        return batch.with_columns(input=before, target=target)  # pyright: ignore

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Cross-entropy, summed over the tokens."""
        return Losses({"loss": token_cross_entropy(model(batch["input"]), batch["target"])})

    def counts(self, batch: Batch) -> dict[str, float]:
        """Tokens."""
        return {"loss": float(batch["target"].lengths.sum())}

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """What each row costs in nats, and its tokens and letters. (B,) each"""
        target: Padded = batch["target"]
        nats = torch.zeros(len(batch), device=target.lengths.device)
        for rows, seen, told in self._stretches(batch):
            nats.index_add_(0, rows, row_cross_entropy(model(seen), told).to(nats))
        letters = batch["letters"].values.view(-1, 2)  # of the text, and of its unknown tokens
        spelled = letters[:, 1] * math.log(self.facts.alphabet)
        return {"nats": nats + spelled.to(nats), "tokens": target.lengths, "letters": letters[:, 0]}

    def truth(self, batch: Batch) -> None:
        """Nothing that the predictions do not say."""

    def metrics(self) -> dict[str, Metric]:
        return {"bits_per_character": Language("bits_per_character"), "perplexity": Language("perplexity")}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """How much each text surprised, in bits per character."""
        nats, tokens, letters = (
            torch.as_tensor(predictions[name]).double().cpu() for name in ("nats", "tokens", "letters")
        )
        bits, perplexity = nats / letters.clamp(min=1) / math.log(2), (nats / tokens).exp()
        pairs = zip(bits.tolist(), perplexity.tolist(), strict=True)
        unit = say("tasks.metric_bits_per_character")
        return [{"prediction": one, "unit": unit, "perplexity": other} for one, other in pairs]

    def write(self, model: nn.Module, prompt: str, tokens: int, settings: SamplingSettings) -> Iterator[str]:
        """What goes on from the prompt, in pieces as they are written; they end after so many tokens."""
        vocabulary = self.vocabulary
        known = vocabulary.encode(_cleaned(prompt)).tolist()
        writer = Writer(vocabulary)
        for number in known:
            writer.write(number)  # so that the first word knows what stands before it
        model.eval()
        begun, first = [vocabulary.mark("begin"), *known], 1 + len(MARKS)
        drawn = sampled(model, begun, first, max(1, self.facts.longest), settings)
        for number in islice(drawn, tokens):
            yield writer.write(number)
        yield writer.end()

    def _encoded(self, columns: Mapping[str, Sequence[np.ndarray]]) -> Mapping[str, Sequence[np.ndarray]]:
        """The tokens, and how many letters the text has in all and in its unknown tokens. int32 (T,), (2,)"""
        texts, vocabulary = columns["input"], self.vocabulary
        tokens = [some_token(one) for one in vocabulary.encode_all(texts)]
        letters = [
            np.array([_letters(text), vocabulary.unknown(text, one)], dtype=np.int32)
            for text, one in zip(texts, tokens, strict=True)
        ]
        return {"input": tokens, "letters": letters}

    def _stretches(self, batch: Batch) -> Iterator[tuple[Tensor, Padded, Padded]]:
        """Stretches of the rows in groups whose logits have room: whose each is, what is seen, what is to be told."""
        lengths, steps = batch["target"].lengths, batch["target"].values.shape[1]
        width = min(steps, max(STRETCH, self.facts.longest))
        count = -(-steps // width)
        seen, told = (
            F.pad(batch[name].values, (0, count * width - steps)).view(-1, width) for name in ("input", "target")
        )
        starts = torch.arange(count, device=lengths.device) * width
        left = (lengths[:, None] - starts).clamp(0, width).flatten()  # (B · count,)
        for some in left.nonzero()[:, 0].split(max(1, ROOM // (width * len(self.vocabulary)))):
            yield some // count, Padded(seen[some], left[some]), Padded(told[some], left[some])


def _cleaned(prompt: str) -> str:
    """The prompt as the texts were read."""
    try:
        return clean(prompt).text if prompt.strip() else prompt
    except Unreadable as reason:
        raise DataError(f"data.{reason.reason}", **reason.values) from None


def _letters(text: np.ndarray) -> int:
    return int((text & 0xC0 != 0x80).sum())


CATALOGUE = {"generate_text": GenerateTextSettings()}
