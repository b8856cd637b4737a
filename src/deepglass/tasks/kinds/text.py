"""Texts as numbers of words, pieces or characters, by a vocabulary that the training part taught.

Kept on the disk is the text's UTF-8, so that another vocabulary, or another fold's, needs no file to be read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le, Lt

from deepglass.data.example import Column, Encoder, Form, padded
from deepglass.data.readers.text import Bytes
from deepglass.data.source import Index
from deepglass.data.vocabulary import Mark, Vocabulary, VocabularySettings, learn_vocabulary
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Port, Tokens
from deepglass.foundation.seeds import Draws
from deepglass.tasks.kinds.kind import Seen
from deepglass.views.text import Sentence
from deepglass.views.view import View

SHOWN = 400  # letters of a text that are shown


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSettings:
    """How texts become numbers and, in training, lose some of their words."""

    vocabulary: VocabularySettings = VocabularySettings(size=30_000, lower=True)
    longest: Annotated[int, Ge(1), Le(1 << 20)] = 400  # tokens of a text that are read, from its start
    drop: Annotated[float, Ge(0), Lt(1)] = 0.0  # share of tokens that training makes unknown, each time others

    @property
    def bytes_kept(self) -> int:
        """So many of a text's bytes are kept, whatever the vocabulary will be."""
        return 16 * self.longest


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFacts:
    """What was learned of texts from the training part."""

    kind: Literal["text"] = "text"
    columns: tuple[str, ...] = ()  # the table's column that texts stand in, where they come from a table
    vocabulary: Vocabulary | None = None


class TextKind:
    """uint8 (bytes,) kept, int32 (T,) encoded; Padded int64 (B, T) for the network."""

    def learn(self, index: Index, settings: Any, seen: Seen) -> TextFacts:
        return TextFacts(columns=tuple(index.columns))

    def form(self, facts: TextFacts, settings: Any) -> Form:
        return Bytes(settings.text.bytes_kept)

    def depends(self, facts: TextFacts, settings: Any) -> Any:
        return [facts.kind, settings.text.bytes_kept]

    def settle(self, facts: TextFacts, settings: Any, values: Any) -> TextFacts:
        return with_vocabulary(facts, settings.text, values)

    def encoder(self, facts: TextFacts, settings: Any) -> Encoder | None:
        vocabulary, longest = facts.vocabulary, settings.text.longest
        if vocabulary is None:
            return None

        def encode(columns: Mapping[str, Sequence[np.ndarray]]) -> Mapping[str, Sequence[np.ndarray]]:
            return {"input": [some_token(tokens[:longest]) for tokens in vocabulary.encode_all(columns["input"])]}

        return encode

    def port(self, facts: TextFacts) -> Port:
        return Tokens(len(facts.vocabulary) if facts.vocabulary is not None else 2)  # not known before it is learned

    def present(self, values: Column, facts: TextFacts, settings: Any, draws: Draws | None) -> Padded:
        tokens = padded(values)
        tokens = Padded(tokens.values.long(), tokens.lengths)
        if draws is None or not settings.text.drop:
            return tokens
        lost = draws.uniform("drop", tokens.values.shape[1]) < settings.text.drop
        return tokens.with_values(tokens.values.masked_fill(lost, 0))

    def show(self, raw: Any, facts: TextFacts, caption: str) -> View:
        text = raw.text if len(raw.text) <= SHOWN else f"{raw.text[:SHOWN]} …"
        return Sentence(f"{caption}: {' '.join(text.split())}")


def text_facts(index: Index, task: str) -> TextFacts:
    """The facts of a task that learns from texts alone; DataError where the data are no texts."""
    if index.kind != "text":
        raise DataError("tasks.wants_texts", task=task, kind=index.kind)
    return TextFacts(columns=tuple(index.columns))


def with_vocabulary(
    facts: TextFacts, settings: TextSettings, texts: Iterable[np.ndarray], marks: tuple[Mark, ...] = ()
) -> TextFacts:
    """The facts with a vocabulary that these texts teach; one that is known already stays."""
    if facts.vocabulary is not None:
        return facts
    return replace(facts, vocabulary=learn_vocabulary(texts, settings.vocabulary, marks))


def some_token(tokens: np.ndarray) -> np.ndarray:
    """At least one token, for no network reads nothing: a text of spaces is one unknown word."""
    return tokens if len(tokens) else np.zeros(1, dtype=np.int32)


CATALOGUE = {"text": TextKind()}
