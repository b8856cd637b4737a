"""What is done with an answer: sorted as one class, handed to a person, or set aside as none of the classes.

With p = softmax(z / T), T fitted on validation, and C_ij what it costs to take class i for j (1 where nobody says):
    sorted as  argmin_j Σ_i p_i · C_ij                     what costs least on average (Elkan 2001)
    a person   where that cost is above a limit            (Chow 1970)
    none       where T · log Σ exp(z / T) is below a floor: no class speaks for it (the energy of arXiv:2010.03759)
Limit and floor are chosen on validation and nowhere else. With equal costs the limit is one on confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
from annotated_types import Ge, Lt
from torch import Tensor

from deepglass.foundation.errors import DataError, UsageError
from deepglass.metrics.calibration import fit_temperature
from deepglass.tasks.costs import Costs, read_costs

ASK, NONE = "ask", "none"
NAMES_OF_NONE = ("none", "none of these", "nothing", "无", "都不是", "其他", "其它")  # a class that means no class

Share = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionSettings:
    """When a person is asked, and what mistakes cost; everything off is no decision, just an answer."""

    abstain: Share = 0.0  # this share of the validation part goes to a person: where a mistake is to be feared most
    error: Share = 0.0  # instead: as few as leave at most this share of mistakes among what is sorted there
    price: Annotated[float, Ge(0)] = 0.0  # instead: what asking costs; equal costs and 0.2: asked below 80 % sure
    costs: str = ""  # a TOML or CSV file of what it costs to take one class for another; empty: 1 for every mistake
    none: Share = 0.0  # this share of the validation part is strange enough to be called none of the classes; 0 is off

    @property
    def made(self) -> bool:
        """Whether there is anything to decide."""
        return self != DecisionSettings()

    @property
    def chosen(self) -> bool:
        """Whether a limit or a floor has to be chosen by held-out answers."""
        return bool(self.abstain or self.error or self.none)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecisionFacts:
    """What decides: the costs, and what validation said."""

    costs: Costs = ()  # empty: 1 for every mistake
    none: str = ""  # the class that means none of the others
    temperature: float = 1.0
    limit: float | None = None  # a person is asked where a mistake is expected to cost more
    floor: float | None = None  # below it an answer is none of the classes
    judged: int = 0  # validation rows by which these were chosen; 0: none were


class Decided(NamedTuple):
    """Decisions of rows and what led to them."""

    taken: Tensor  # int64 (N,): a class, K to ask, K + 1 for none
    best: Tensor  # int64 (N,): the class that costs least
    cost: Tensor  # float (N,): what it is expected to cost to take it for that


def learn_decision(settings: DecisionSettings, labels: Sequence[str]) -> DecisionFacts:
    """What is known before anything is learned."""
    if not settings.made:
        return DecisionFacts()
    ways = [name for name in ("abstain", "error", "price") if getattr(settings, name)]
    if len(ways) > 1:
        raise UsageError("tasks.decision_ways", names=", ".join(f"task.decision.{name}" for name in ways))
    if ASK in labels:
        raise DataError("tasks.decision_label", name=ASK)
    named = next((label for label in labels if label.strip().lower() in NAMES_OF_NONE), "")
    costs = read_costs(Path(settings.costs), labels) if settings.costs else ()
    return DecisionFacts(costs=costs, none=named, limit=settings.price or None)


def decide(logits: Tensor, labels: Sequence[str], facts: DecisionFacts) -> Decided:
    """What is done with each row. logits (N, K), tempered"""
    logits = logits.detach().cpu().double()
    cost, best = expected_costs(logits.softmax(1), facts.costs).min(1)
    taken = best if facts.limit is None else torch.where(cost > facts.limit, len(labels), best)
    if facts.none:
        taken = torch.where(taken == labels.index(facts.none), len(labels) + 1, taken)
    if facts.floor is not None:
        taken = torch.where(facts.temperature * logits.logsumexp(1) < facts.floor, len(labels) + 1, taken)
    return Decided(taken, best, cost)


def expected_costs(shares: Tensor, costs: Costs) -> Tensor:
    """What it costs on average to take each row for each class. (N, K) -> (N, K)

    Equal costs are summed over the other classes: 1 - p would be 0 for all that are nearly certain.
    """
    classes = shares.shape[1]
    return shares @ (shares.new_tensor(costs) if costs else 1 - torch.eye(classes, dtype=shares.dtype))


def settle_decision(settings: DecisionSettings, facts: DecisionFacts, logits: Tensor, targets: Tensor) -> DecisionFacts:
    """The facts with temperature, limit and floor by held-out answers. logits (N, K) as the network gives them"""
    known = targets >= 0
    logits, targets = logits[known].cpu().double(), targets[known].cpu()
    temperature = fit_temperature(logits, targets)
    logits = logits / temperature
    cost, taken = expected_costs(logits.softmax(1), facts.costs).min(1)
    limit, floor = facts.limit, facts.floor
    if settings.abstain:
        limit = -_below(-cost, settings.abstain)
    if settings.error:
        limit = _limit_for(cost, taken != targets, settings.error)
    if settings.none:
        floor = _below(temperature * logits.logsumexp(1), settings.none)
    return replace(facts, temperature=temperature, limit=limit, floor=floor, judged=len(targets))


def _below(values: Tensor, share: float) -> float:
    """A border that this share of the values lies below, halfway between two of them."""
    ordered = values.sort().values
    count = min(len(values) - 1, round(share * len(values)))
    below = ordered[count - 1] if count else ordered[0] - 1
    return float((below + ordered[count]) / 2)


def _limit_for(cost: Tensor, wrong: Tensor, most: float) -> float:
    """The highest limit under which at most this share of what is sorted is wrong; below all costs if there is none."""
    order = cost.argsort(stable=True)
    ordered = cost[order]
    shares = wrong[order].double().cumsum(0) / torch.arange(1, len(cost) + 1)
    ends = torch.cat([ordered[1:] > ordered[:-1], torch.ones(1, dtype=torch.bool)])  # equal costs stay together
    good = torch.nonzero(ends & (shares <= most))[:, 0]
    if not len(good):
        return -1.0
    last = int(good[-1])
    return float(ordered[last : last + 2].mean())
