"""The floor: what costs seconds and no depth. The most frequent class, logistic regression, the nearest neighbour.

Of texts: bags of words weighed by TF-IDF, (1 + ln tf) · (1 + ln((1 + N) / (1 + df))), each of length 1; the class whose
mean bag lies nearest, and logistic regression over the bags.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.data.example import Ragged

CHUNK = 512
WORK = 2e11  # multiplications that logistic regression may take; about 10 s on one core at most
ADDITIONS = 4e9  # numbers that it may add up over bags, each from its own place; about 5 s
FREE = 10.0  # how much more freely weights of words may grow: bags of length 1 are small numbers


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
    return _fitted(lambda weight: x @ weight.T, torch.zeros(classes, x.shape[1]), y, classes, steps)


def _fitted(
    scores: Callable[[Tensor], Tensor], weight: Tensor, y: Tensor, classes: int, steps: int, free: float = 1.0
) -> tuple[Tensor, Tensor]:
    """The weights and biases from which the scores of rows with classes y (N,) follow best."""
    weight.requires_grad_()
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=steps, history_size=10, tolerance_grad=1e-4 / free, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(scores(weight) + bias, y) + weight.square().sum() / (2 * free * len(y))
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)  # pyright: ignore
    return weight.detach(), bias.detach()


def nearest(known: Tensor, asked: Tensor) -> Tensor:
    """The row of `known` (N, F) that lies closest to each row of `asked` (M, F). -> int64 (M,)"""
    lengths = known.square().sum(1)
    return torch.cat([(lengths - 2 * part @ known.T).argmin(1) for part in asked.split(CHUNK)])


class Bags(NamedTuple):
    """Texts as the words that are in them: words (M,) end to end, where each text begins (N,), their weights (M,)."""

    words: Tensor
    starts: Tensor
    weights: Tensor

    def scores(self, weight: Tensor) -> Tensor:
        """Σ weights · rows of `weight` over each bag. (V, K) -> (N, K)"""
        return F.embedding_bag(self.words, weight, self.starts, mode="sum", per_sample_weights=self.weights)


def bags(train: Ragged, held_out: Ragged, vocabulary: int) -> list[Bags]:
    """Both weighed by how many texts of the training part a word is in; number 0, the unknown, is no word."""
    counted = [_counted(texts, vocabulary) for texts in (train, held_out)]
    texts = torch.bincount(counted[0][1], minlength=vocabulary)  # in how many each word is
    idf = 1 + ((1 + len(train.lengths)) / (1 + texts)).log()
    found: list[Bags] = []
    for (owner, words, times), rows in zip(counted, (len(train.lengths), len(held_out.lengths)), strict=True):
        weights = (1 + times.float().log()) * idf[words]
        lengths = torch.zeros(rows).index_add_(0, owner, weights.square()).sqrt()
        sizes = torch.bincount(owner, minlength=rows)
        found.append(Bags(words, sizes.cumsum(0) - sizes, weights / lengths[owner]))
    return found


def _counted(texts: Ragged, vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which text, which word, how often; every pair once, text by text. int64 (M,) each"""
    owner = torch.repeat_interleave(texts.lengths)
    known = texts.values > 0
    pairs, times = torch.unique(owner[known] * vocabulary + texts.values[known].long(), return_counts=True)
    return pairs // vocabulary, pairs % vocabulary, times


def baselines_of_texts(train: Bags, y: Tensor, held_out: Bags, vocabulary: int, classes: int) -> list[Baseline]:
    """The most frequent class, the nearest mean bag, logistic regression."""
    began = time.monotonic()
    most = torch.bincount(y, minlength=classes).argmax()
    found = [Baseline("majority", most.expand(len(held_out.starts)), 1, time.monotonic() - began)]

    began = time.monotonic()
    sizes = torch.diff(train.starts, append=torch.tensor([len(train.words)]))
    owner = y.repeat_interleave(sizes)
    means = torch.zeros(vocabulary * classes).index_add_(0, train.words * classes + owner, train.weights)
    centres = F.normalize(means.view(vocabulary, classes), dim=0)  # the angle counts, so sums do as well as means
    answers = held_out.scores(centres).argmax(1)
    found.append(Baseline("centre", answers, centres.numel(), time.monotonic() - began))

    began = time.monotonic()
    steps = max(10, min(60, int(ADDITIONS / max(1, 6 * len(train.words) * classes))))
    weight, bias = _fitted(train.scores, torch.zeros(vocabulary, classes), y, classes, steps, FREE)
    answers = (held_out.scores(weight) + bias).argmax(1)
    return [*found, Baseline("bags", answers, weight.numel() + bias.numel(), time.monotonic() - began)]
