"""Text written token by token: each is drawn from what the network says comes next, by a key and not by a generator.

p ∝ exp(z / temperature), cut to the k likeliest tokens and to the fewest that hold a share p of it together
(nucleus sampling, Holtzman et al. 2020, arXiv:1904.09751). Temperature 0 takes the likeliest.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Le
from torch import Tensor, nn

from deepglass.foundation.padded import Padded
from deepglass.foundation.seeds import Draws, row_keys


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingSettings:
    """How freely the next token is drawn."""

    temperature: Annotated[float, Ge(0), Le(100)] = 0.8
    top_k: Annotated[int, Ge(0)] = 0  # so many of the likeliest; 0: all
    top_p: Annotated[float, Gt(0), Le(1)] = 1.0  # the likeliest that hold this share together
    seed: Annotated[int, Ge(0)] = 0


def sampled(
    model: nn.Module, begun: Sequence[int], first: int, context: int, settings: SamplingSettings
) -> Iterator[int]:
    """Tokens that go on from those `begun`, without end; none below `first`, where the unknown and the marks are.

    A network with `step(token, state)` is shown each token once; any other sees the last `context` of them again.
    """
    ahead = (_stepped if hasattr(model, "step") else _reread)(model, context)
    device = next(model.parameters()).device
    logits = torch.zeros(0)
    for number in begun:
        logits = ahead(torch.tensor([number], device=device))
    place = 0
    while True:
        number = pick(logits.double().cpu(), first, place, settings)
        yield number
        place += 1
        logits = ahead(torch.tensor([number], device=device))


def pick(logits: Tensor, first: int, place: int, settings: SamplingSettings) -> int:
    """The token at a place of the text, drawn by the key of seed and place. float (V,)"""
    logits = logits[first:]
    if settings.temperature == 0:
        return first + int(logits.argmax())
    shares, order = (logits / settings.temperature).softmax(0).sort(descending=True, stable=True)
    before = shares.cumsum(0) - shares
    kept = before < settings.top_p  # and so the likeliest always
    if settings.top_k:
        kept[settings.top_k :] = False
    shares = shares * kept
    draw = Draws(row_keys(settings.seed, "generate", place, 1)).uniform("token").double()
    drawn = int(torch.searchsorted(shares.cumsum(0), draw * shares.sum(), right=True))
    return first + int(order[min(drawn, int(kept.sum()) - 1)])


def _stepped(model: nn.Module, context: int) -> Callable[[Tensor], Tensor]:
    """What comes next, by a network that carries a state from token to token. (1,) -> (V,)"""
    state: Any = None

    def ahead(token: Tensor) -> Tensor:
        nonlocal state
        with torch.no_grad():
            logits, state = model.step(token, state)  # pyright: ignore
        return logits[0]

    return ahead


def _reread(model: nn.Module, context: int) -> Callable[[Tensor], Tensor]:
    """What comes next, by a network that reads all of its context again for each token. (1,) -> (V,)"""
    read = torch.zeros(0, dtype=torch.int64)

    def ahead(token: Tensor) -> Tensor:
        nonlocal read
        read = torch.cat([read.to(token.device), token])[-context:]
        with torch.no_grad():
            found: Padded = model(Padded(read[None], torch.tensor([len(read)], device=token.device)))
        return found.values[0, -1]

    return ahead
