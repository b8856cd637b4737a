"""Beam search: the likeliest row that a network writes token by token, with length normalisation (Wu et al. 2016).

s(Y) = log P(Y | X) / lp(Y),  lp(Y) = ((5 + |Y|) / 6)^α,  |Y| counts the end as well   (arXiv:1609.08144, section 7)

Of all ways to go on the K best are kept for each row; those of them that write the end are finished. A row is done
when K are finished, or when nothing that is still being written can come to a better score. K = 1 is the greedy row.

Letters: B rows, R rows that are searched still, K beams, V vocabulary, T steps of the source, L tokens written.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from deepglass.foundation.padded import Padded


class Writer(Protocol):
    """A network that writes one token after another. A state is tensors with rows first, in tuples as it likes."""

    def encode(self, source: Any) -> Any:
        """What is known before the first token. Padded (B, T), or a picture (B, C, H, W) -> state"""
        ...

    def step(self, token: Tensor, state: Any) -> tuple[Tensor, Any, Tensor]:
        """The last token (B,) -> logits of the next (B, V), the state after it, where it looked (B, T) or (B, h, w)."""
        ...


class Written(NamedTuple):
    """The best row of each source, without begin and end; what it scores, and where each of its tokens looked."""

    tokens: Padded  # int64 (B, L)
    score: Tensor  # (B,)
    attention: Tensor  # (B, L, T), of pictures (B, L, h, w)


class _Step(NamedTuple):
    """What one step wrote, and for each beam where it came from."""

    place: Tensor  # int64 (B,): where each row stood among those searched
    parents: Tensor  # int64 (R, K)
    tokens: Tensor  # int64 (R, K)
    attention: Tensor  # (R, K, T) or (R, K, h, w), of the parents


@dataclass(frozen=True, kw_only=True, slots=True)
class Beam:
    """How to search: the tokens that begin and end a row, how many ways are kept, and α of the length's norm."""

    begin: int
    end: int
    width: int = 1
    norm: float = 0.0
    never: tuple[int, ...] = ()  # tokens that are not written, beside begin

    @torch.no_grad()
    def search(self, model: Writer, source: Any, limits: Tensor) -> Written:
        """The best row of each source, its end among at most `limits` (B,) tokens: the last one can only be the end."""
        search = _Search(self, model, source, limits)
        while len(search.rows):
            search.step()
        return search.written()

    def penalty(self, length: Tensor) -> Tensor:
        """lp(Y) of rows of these lengths."""
        return ((5 + length) / 6) ** self.norm


class _Search:
    """One search under way."""

    def __init__(self, beam: Beam, model: Writer, source: Any, limits: Tensor):
        rows, width = len(limits), beam.width
        self.beam, self.model, self.limits = beam, model, limits
        device = limits.device
        self.rows = torch.arange(rows, device=device)  # those that are searched
        self.state = at_rows(model.encode(source), self.rows.repeat_interleave(width))
        self.tokens = torch.full((rows * width,), beam.begin, device=device)
        self.live = torch.full((rows, width), -torch.inf, device=device)  # log P of what is being written
        self.live[:, 0] = 0  # all beams begin alike: one is enough
        self.open = torch.ones(rows, dtype=torch.bool, device=device)  # of `rows`: those done may stay for a while
        self.finished = torch.zeros(rows, dtype=torch.int64, device=device)
        self.best = torch.full((rows,), -torch.inf, device=device)
        self.lengths = torch.zeros(rows, dtype=torch.int64, device=device)  # of the best rows, without end
        self.slots = torch.zeros(rows, dtype=torch.int64, device=device)  # the beams of their last tokens
        self.steps: list[_Step] = []

    def step(self) -> None:
        """Write one more token in every beam of every row."""
        beam, rows, width = self.beam, self.rows, self.beam.width
        logits, state, attention = self.model.step(self.tokens, self.state)
        total = (self.live[:, :, None] + self._spread(logits)).flatten(1)  # (R, KV)
        values, places = total.topk(2 * width, dim=1)  # at most half of them write the end
        parents, tokens = places // logits.shape[1], places % logits.shape[1]
        ends = tokens == beam.end
        counts = ends[:, :width] & self.open[:, None]
        self._finish(values[:, :width].masked_fill(~counts, -torch.inf), parents)

        going = ends.int().argsort(dim=1, stable=True)[:, :width]  # the best that go on, in their order
        parents, tokens = parents.gather(1, going), tokens.gather(1, going)
        self.live = values.gather(1, going)
        place = torch.zeros_like(self.lengths).index_put((rows,), torch.arange(len(rows), device=rows.device))
        self.steps.append(_Step(place, parents, tokens, attention.unflatten(0, (len(rows), width))))
        self._go_on(state, parents, tokens)

    def written(self) -> Written:
        """The best rows, traced from their last tokens back to the first."""
        length = int(self.lengths.max())
        tokens = self.lengths.new_zeros(len(self.lengths), length)
        attention = self.best.new_zeros(len(self.lengths), length, *self.steps[0].attention.shape[2:])
        slots = self.slots
        for number in reversed(range(length)):
            step = self.steps[number]
            parents = step.parents[step.place, slots]
            mine = self.lengths > number
            tokens[mine, number] = step.tokens[step.place, slots][mine]
            attention[mine, number] = step.attention[step.place, parents].to(attention.dtype)[mine]
            slots = torch.where(mine, parents, slots)
        return Written(Padded(tokens, self.lengths), self.best, attention)

    def _spread(self, logits: Tensor) -> Tensor:
        """log p of the next token, of which a row's last can only be its end. (RK, V) -> (R, K, V)"""
        spread = logits.float().log_softmax(1).view(len(self.rows), self.beam.width, -1)
        spread[:, :, [self.beam.begin, *self.beam.never]] = -torch.inf
        last = self.limits[self.rows] <= len(self.steps) + 1
        only_end = torch.arange(spread.shape[2], device=spread.device) == self.beam.end
        return spread.masked_fill(last[:, None, None] & ~only_end, -torch.inf)

    def _finish(self, ended: Tensor, parents: Tensor) -> None:
        """Count the rows that end here; one that beats the best so far takes its place. (R, K)"""
        rows, length = self.rows, len(self.steps)
        self.finished[rows] += ended.isfinite().sum(1)
        score, beam = (ended / self.beam.penalty(torch.tensor(length + 1.0))).max(1)
        better = score > self.best[rows]
        self.best[rows] = torch.where(better, score, self.best[rows])
        self.lengths[rows] = torch.where(better, length, self.lengths[rows])
        self.slots[rows] = torch.where(better, parents.gather(1, beam[:, None])[:, 0], self.slots[rows])

    def _go_on(self, state: Any, parents: Tensor, tokens: Tensor) -> None:
        """Keep the beams that were chosen, and let go of rows that are done once they are half of all."""
        rows, width = self.rows, self.beam.width
        hope = self.live[:, 0] / self.beam.penalty(self.limits[rows])  # what is written can only lose probability
        self.open = self.open & (self.finished[rows] < width) & (hope > self.best[rows])
        kept = self.open.nonzero()[:, 0]
        if len(kept) > len(rows) // 2:  # smaller tensors pay only where they are much smaller
            kept = torch.arange(len(rows), device=rows.device)
        if width > 1 or len(kept) < len(rows):
            state = at_rows(state, (kept[:, None] * width + parents[kept]).flatten())
        self.state, self.tokens = state, tokens[kept].flatten()
        self.rows, self.open, self.live = rows[kept], self.open[kept], self.live[kept]


def at_rows(state: Any, rows: Tensor) -> Any:
    """A state's rows in another order or number: of every tensor in it."""
    if isinstance(state, Tensor):
        return state.index_select(0, rows)
    parts = [at_rows(part, rows) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)
