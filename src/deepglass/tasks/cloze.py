"""Cloze: which word fills a blank, told by the words on both sides of it.

loss = Σ -log softmax(z_t)_{x_t} / known words, z_t from all words but the one at t

A network for it gives V numbers at every place without having looked at that place, and so learns from every word of a
text at once. It is judged by words left out of whole texts: the right one among five that come up about as often, for
which chance is one in five, and the right one among all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.example import Batch, Column, Encoder, Ragged
from deepglass.data.source import Index
from deepglass.data.vocabulary import Vocabulary, VocabularySettings
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Tokens
from deepglass.foundation.seeds import Draws, text_keys
from deepglass.foundation.words import say
from deepglass.losses.tokens import PADDING, token_cross_entropy
from deepglass.metrics.cloze import ClozeAccuracy
from deepglass.tasks.inputs import OneInput
from deepglass.tasks.kinds.text import TextFacts, TextSettings, some_token, text_facts, with_vocabulary
from deepglass.tasks.task import Losses, Metric, Predictions

BLANK = re.compile(r"_{2,}|＿+|\[blank\]|\[空\]")
AMONG = 5  # words to choose from
TOP = 5  # words that are offered for a blank
ROOM = 1 << 25  # logits that are held at once where texts are only judged


@dataclass(frozen=True, kw_only=True, slots=True)
class ClozeFacts:
    """What was learned once from the training part."""

    inputs: TextFacts


@dataclass(frozen=True, kw_only=True, slots=True)
class ClozeSettings:
    """What is asked of a network that fills blanks."""

    facts_type: ClassVar = ClozeFacts

    text: TextSettings = TextSettings(vocabulary=VocabularySettings(level="words", size=10_000, least=3, lower=True))

    def learn(self, index: Index, size: tuple[int, int], channels: int) -> ClozeFacts:
        """The inputs' facts; the vocabulary follows when the texts are read."""
        if self.text.vocabulary.level != "words":
            raise DataError("tasks.cloze_wants_words", level=self.text.vocabulary.level)
        return ClozeFacts(inputs=text_facts(index, "cloze"))

    def build(self, facts: ClozeFacts) -> "Cloze":
        """The task with what it learned."""
        return Cloze(self, facts)


class Cloze(OneInput):
    """The task of filling blanks."""

    settings: ClozeSettings
    facts: ClozeFacts

    @property
    def vocabulary(self) -> Vocabulary:
        """The words; there once the texts are read."""
        assert self.facts.inputs.vocabulary is not None
        return self.facts.inputs.vocabulary

    def asks(self) -> Ports:
        takes = self.takes()
        assert isinstance(takes, Tokens)
        return Ports(takes, Steps(takes.vocabulary, "own"))

    def code(self, labels: Sequence[Any]) -> dict[str, Column]:
        """Nothing: a text is its own answer."""
        return {}

    def settle(self, columns: Mapping[str, Any]) -> ClozeFacts:
        facts = replace(self.facts, inputs=with_vocabulary(self.facts.inputs, self.settings.text, columns["input"]))
        words = len(Bands(facts.inputs.vocabulary).ranked)  # pyright: ignore
        if words < AMONG:
            raise DataError("tasks.few_words", words=words, among=AMONG)
        return facts

    def encoder(self) -> Encoder | None:
        return None if self.facts.inputs.vocabulary is None else self._encoded

    def unseen(self, text: str) -> dict[str, Any]:
        """As of any text; a blank is no word."""
        return super().unseen(BLANK.sub(" ", text))

    def loss(self, model: nn.Module, batch: Batch) -> Losses:
        """Cross-entropy, summed over the known words."""
        told: Padded = batch["target"]
        return Losses({"loss": token_cross_entropy(model(batch["input"]), told)})

    def counts(self, batch: Batch) -> dict[str, float]:
        """Known words."""
        return {"loss": float((batch["target"].values != PADDING).sum())}

    def present(self, batch: Batch, draws: Draws | None = None) -> Batch:
        """The words, and the known ones among them as what is to be told. Padded (B, T)"""
        whole = self.kind.present(batch["input"], self.facts.inputs, self.settings, None)
        seen = self.kind.present(batch["input"], self.facts.inputs, self.settings, draws)  # of which some may be lost
        told = whole.values.masked_fill((whole.values == 0) | ~whole.mask, PADDING)
        return batch.with_columns(input=seen, target=Padded(told, whole.lengths))  # pyright: ignore

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """How many words of each row were asked, found among five and found among all (B,); and the best for blanks.

        Asked is every known word that has a neighbour on either side. Blanks: the numbers of the likeliest words and
        their probabilities, (ΣN, TOP), as many as a row has blanks.
        """
        told, places = batch["target"], batch["blanks"].each()
        keys = torch.from_numpy(text_keys(0, list(batch.ids)).view(np.int64)).to(told.values.device)
        others = self._bands.others(told.values.clamp(min=0), Draws(keys, "cloze"))
        asked = self._bands.known(told.values.clamp(min=0)) & told.mask
        asked[:, 0] = False
        asked &= torch.arange(asked.shape[1], device=asked.device) < told.lengths[:, None] - 1
        found: list[Tensor] = []
        exact: list[Tensor] = []
        best: list[Tensor] = []
        for rows, logits in self._slices(model, batch["input"]):
            own = logits.gather(2, told.values[rows].clamp(min=0)[:, :, None])  # (b, T, 1)
            found.append(((own > logits.gather(2, others[rows])).all(2) & asked[rows]).sum(1))
            exact.append(((own[:, :, 0] >= logits.amax(2)) & asked[rows]).sum(1))
            some = zip(logits, places[rows], strict=True)
            best += [one[place.long()].softmax(1) for one, place in some]
        shares, words = torch.cat(best).topk(min(TOP, len(self.vocabulary)), dim=1)
        lengths = batch["blanks"].lengths
        return {
            **{"asked": asked.sum(1), "found": torch.cat(found), "exact": torch.cat(exact)},
            **{"words": Ragged(words, lengths), "shares": Ragged(shares, lengths)},
        }

    def truth(self, batch: Batch) -> None:
        """Nothing that the predictions do not say."""

    def metrics(self) -> dict[str, Metric]:
        return {"cloze": ClozeAccuracy("found"), "cloze_exact": ClozeAccuracy("exact")}

    def answers(self, predictions: Predictions) -> list[dict[str, Any]]:
        """The likeliest words of each blank; the first blank's stand in front."""
        words, shares = (predictions[name].each() for name in ("words", "shares"))  # pyright: ignore
        return [self._answer(own, sure) for own, sure in zip(words, shares, strict=True)]

    def _answer(self, words: Tensor, shares: Tensor) -> dict[str, Any]:
        if not len(words):
            return {"error": say("tasks.no_blank")}
        blanks = [
            [{"label": self.vocabulary.shown(word), "confidence": share} for word, share in zip(*pair, strict=True)]
            for pair in zip(words.tolist(), shares.tolist(), strict=True)
        ]
        first = blanks[0]
        return {"prediction": first[0]["label"], "confidence": first[0]["confidence"], "top": first, "blanks": blanks}

    @cached_property
    def _bands(self) -> "Bands":
        return Bands(self.vocabulary)

    def _slices(self, model: nn.Module, seen: Padded) -> Iterator[tuple[slice, Tensor]]:
        """Rows in groups whose logits have room, and what the network says of them; never the unknown. (b, T, V)"""
        size = max(1, ROOM // max(1, seen.values.shape[1] * len(self.vocabulary)))
        for start in range(0, len(seen.values), size):
            rows = slice(start, start + size)
            logits = model(Padded(seen.values[rows], seen.lengths[rows])).values.float()
            logits[:, :, 0] = float("-inf")
            yield rows, logits

    def _encoded(self, columns: Mapping[str, Sequence[np.ndarray]]) -> Mapping[str, Sequence[np.ndarray]]:
        """The words, and the places of blanks among them, which are unknown words. int32 (T,), (N,)"""
        longest = self.settings.text.longest
        texts = [bytes(text).decode() for text in columns["input"]]
        between = [BLANK.split(text) for text in texts]
        encoded = iter(self.vocabulary.encode_all([piece for pieces in between for piece in pieces]))
        tokens: list[np.ndarray] = []
        blanks: list[np.ndarray] = []
        for pieces in between:
            own = [next(encoded) for _ in pieces]
            ends = np.cumsum([len(piece) + 1 for piece in own[:-1]], dtype=np.int32) - 1
            blank = np.zeros(1, dtype=np.int32)
            whole = np.concatenate([part for piece in own for part in (piece, blank)][:-1])
            tokens.append(some_token(whole[:longest]))
            blanks.append(ends[ends < longest].astype(np.int32))
        return {"input": tokens, "blanks": blanks}


class Bands:
    """Words in bands of similar frequency, each twice as wide as the one before: ranks 0 to 7, 8 to 15, 16 to 31 ..."""

    def __init__(self, vocabulary: Vocabulary):
        words = [number for number in range(1, len(vocabulary)) if vocabulary.shown(number)[0].isalpha()]
        self.ranked = torch.tensor(words, dtype=torch.int64)  # the tokens that are words, the most frequent first
        self.rank = torch.full((len(vocabulary),), -1)
        self.rank[self.ranked] = torch.arange(len(words))
        starts = [0, *(start for start in (8 << k for k in range(24)) if start + AMONG <= len(words))]
        self.starts = torch.tensor([*starts, len(words)])

    def known(self, tokens: Tensor) -> Tensor:
        """Whether each token is a word that can be asked for. -> bool, the same shape"""
        return self.rank.to(tokens.device)[tokens] >= 0

    def others(self, tokens: Tensor, draws: Draws) -> Tensor:
        """Four other words of each word's band, no two the same. (B, T) -> (B, T, AMONG - 1)"""
        device = tokens.device
        rank = self.rank.to(device)[tokens].clamp(min=0)
        starts = self.starts.to(device)
        band = torch.searchsorted(starts, rank, right=True) - 1
        start, width = starts[band][..., None], (starts[band + 1] - starts[band])[..., None]
        stratum = torch.arange(AMONG, device=device) * (width - 1) // (AMONG - 1)  # (B, T, AMONG)
        low, high = stratum[..., :-1], stratum[..., 1:]
        drawn = draws.uniform("others", tokens.shape[1], AMONG - 1)
        further = 1 + low + (drawn * (high - low)).long().clamp(max=high - low - 1)
        return self.ranked.to(device)[start + (rank[..., None] - start + further) % width]


CATALOGUE = {"cloze": ClozeSettings()}
