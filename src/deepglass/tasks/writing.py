"""What writes token by token: what is written so far and what comes next, checks under teacher forcing, what it knows.

Letters: B rows, L tokens of what is written, V vocabulary.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepglass.data.example import Batch, Ragged, padded, ragged
from deepglass.data.vocabulary import Mark, Vocabulary
from deepglass.foundation.errors import UsageError
from deepglass.foundation.padded import Padded
from deepglass.losses.tokens import row_cross_entropy, token_cross_entropy
from deepglass.metrics.cloze import ClozeAccuracy
from deepglass.metrics.language import Language
from deepglass.tasks.beam import Beam
from deepglass.tasks.task import Losses, Metric, Predictions, Task

MARKS: tuple[Mark, ...] = ("begin", "end")
ROOM = 1 << 25  # logits that are held at once where sentences are only judged


def written_rows(vocabulary: Vocabulary, texts: Sequence[np.ndarray], whole: Sequence[bool], most: int) -> list[Any]:
    """Each text's tokens between begin and end, at most `most` of them; of one that is cut, before or here, no end."""
    begin, end = (np.array([vocabulary.mark(mark)], dtype=np.int32) for mark in MARKS)
    rows = zip(vocabulary.encode_all(texts), whole, strict=True)
    return [np.concatenate([begin, tokens, end[:kept]])[: most + 2] for tokens, kept in rows]


def shifted(whole: Padded) -> dict[str, Any]:
    """What is written so far and what comes next, of rows between begin and end. Padded (B, L + 1) -> (B, L) each"""
    values, lengths = whole.values.long(), whole.lengths - 1
    following = Padded(values[:, 1:], lengths)
    return {"so_far": following.with_values(values[:, :-1]), "following": following}


def next_token_loss(model: nn.Module, batch: Batch, smoothing: float) -> Losses:
    """Cross-entropy of what comes next, summed over the tokens."""
    logits = model(batch["input"], batch["so_far"])
    return Losses({"loss": token_cross_entropy(logits, batch["following"], smoothing)})


def token_counts(batch: Batch) -> dict[str, float]:
    """Tokens that come next, the end among them."""
    return {"loss": float(batch["following"].lengths.sum())}


def beam_of(vocabulary: Vocabulary, width: int, norm: float, never: tuple[int, ...] = ()) -> Beam:
    """The search for rows of these tokens."""
    begin, end = map(vocabulary.mark, MARKS)
    return Beam(begin=begin, end=end, width=width, norm=norm, never=never)


def retold(vocabulary: Vocabulary, batch: Batch, predictions: Predictions) -> Batch:
    """The batch with what was predicted in the place of what is written so far."""
    begin = torch.tensor([vocabulary.mark("begin")])
    rows = padded(ragged([torch.cat([begin, tokens]) for tokens in predictions["tokens"].each()]))
    device = _device_of(batch["input"])
    return batch.with_columns(so_far=Padded(rows.values.to(device), rows.lengths.to(device)))  # pyright: ignore


def utf8(texts: Iterable[str]) -> Ragged:
    """Texts as bytes end to end. Ragged uint8"""
    return as_ragged([np.frombuffer(text.encode(), dtype=np.uint8) for text in texts])


def as_ragged(rows: Sequence[np.ndarray]) -> Ragged:
    """Arrays end to end."""
    return ragged([torch.from_numpy(row.copy()) for row in rows])


def refuse_silent(model: nn.Module) -> None:
    """Raise UsageError for a network that cannot write token by token: the first check finds one of the user's own."""
    if not (hasattr(model, "encode") and hasattr(model, "step")):
        raise UsageError("tasks.cannot_write", model=type(model).__name__)


class TeacherForced:
    """The quick question of a training's checks: which token comes next, given the true ones before it.

    One pass over all steps at once, where a search takes one for each step and beam: a check then costs about what
    training on its rows does, and does not depend on how long a network writes that has not learned to stop. How often
    the next token is found decides which check is the best: unlike the loss it does not suffer from smoothing or from
    growing sure of oneself, which do BLEU no harm.
    """

    def __init__(self, task: Task):
        self.task = task
        self.present = task.present
        self.truth = task.truth

    def predict(self, model: nn.Module, batch: Batch) -> Predictions:
        """How many of a row's tokens were found, what all cost in nats, and how many they are. (B,) each"""
        refuse_silent(model)
        found: list[Tensor] = []
        nats: list[Tensor] = []
        for source, so_far, following in self._slices(batch):
            logits: Padded = model(source, so_far)
            found.append(((logits.values.argmax(2) == following.values) & following.mask).sum(1))
            nats.append(row_cross_entropy(logits, following))
        asked = batch["following"].lengths
        columns = {"found": torch.cat(found), "nats": torch.cat(nats)}
        return {**columns, "asked": asked, "tokens": asked, "letters": asked}

    def metrics(self) -> dict[str, Metric]:
        return {"next_token": ClozeAccuracy(), "perplexity": Language("perplexity")}  # pyright: ignore

    def _slices(self, batch: Batch) -> Iterable[tuple[Any, ...]]:
        """The rows in groups whose logits have room."""
        columns = [batch[name] for name in ("input", "so_far", "following")]
        size = max(1, ROOM // (columns[2].values.shape[1] * self.task.asks().gives.size))  # pyright: ignore
        for start in range(0, len(batch), size):
            yield tuple(_some(column, start, start + size) for column in columns)


def _some(column: Any, start: int, stop: int) -> Any:
    if isinstance(column, Padded):
        return Padded(*(part[start:stop] for part in column))
    return column[start:stop]


def _device_of(column: Any) -> torch.device:
    return (column.values if isinstance(column, Padded) else column).device
