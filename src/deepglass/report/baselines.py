"""The floor: what costs seconds and no depth. The most frequent class, logistic regression, the nearest neighbour."""

import time
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

CHUNK = 512
WORK = 2e11  # multiplications that logistic regression may take; about 10 s on one core at most


class Baseline(NamedTuple):
    """A method's answers for the held-out rows, the numbers it keeps, and how long fitting and answering took."""

    name: str  # report.floor_NAME
    predicted: Tensor  # int64 (M,)
    numbers: int
    seconds: float


def baselines(train: Tensor, classes_of_train: Tensor, held_out: Tensor, classes: int) -> list[Baseline]:
    """All three on the same rows. train (N, F), int (N,), held_out (M, F)"""
    began = time.monotonic()
    most = torch.bincount(classes_of_train, minlength=classes).argmax()
    found = [Baseline("majority", most.expand(len(held_out)), 1, time.monotonic() - began)]

    fit_logistic(train[:2], classes_of_train[:2], classes, steps=1)  # a process's first optimizer loads half of torch
    began = time.monotonic()
    weight, bias = fit_logistic(train, classes_of_train, classes)
    answers = (held_out @ weight.T + bias).argmax(1)
    found.append(Baseline("logistic", answers, weight.numel() + bias.numel(), time.monotonic() - began))

    began = time.monotonic()
    answers = classes_of_train[nearest(train, held_out)]
    return [*found, Baseline("nearest", answers, train.numel(), time.monotonic() - began)]


def fit_logistic(x: Tensor, y: Tensor, classes: int, steps: int = 200) -> tuple[Tensor, Tensor]:
    """Multinomial logistic regression by LBFGS: min Σ -log softmax(Wx + b)_y + ½ |W|². -> W (K, F), b (K,)"""
    steps = max(10, min(steps, int(WORK / (6 * x.numel() * classes))))
    weight = torch.zeros(classes, x.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=steps, history_size=10, tolerance_grad=1e-4, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(x @ weight.T + bias, y) + weight.square().sum() / (2 * len(x))
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # pyright: ignore
    return weight.detach(), bias.detach()


def nearest(known: Tensor, asked: Tensor) -> Tensor:
    """The row of `known` (N, F) that lies closest to each row of `asked` (M, F). -> int64 (M,)"""
    lengths = known.square().sum(1)
    return torch.cat([(lengths - 2 * part @ known.T).argmin(1) for part in asked.split(CHUNK)])
