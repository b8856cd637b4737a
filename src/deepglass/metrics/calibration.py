"""Whether confidence can be believed: of what is said with 80 %, are 80 % right? And one number that mends it.

Guo et al. 2017, arXiv:1706.04599
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from deepglass.metrics.collect import Collected
from deepglass.metrics.figure import Figure, bootstrap, mean, missing

BINS = 15
COLDEST, HOTTEST = 0.05, 20.0  # where temperatures are looked for


class Reliability(NamedTuple):
    """Rows by their confidence in equal bins: how many, how sure on average, how often right; NaN where none is.

    All float64 (BINS,); bin i holds confidences in i/BINS .. (i+1)/BINS.
    """

    counts: Tensor
    confidence: Tensor
    accuracy: Tensor


class CalibrationError:
    """ECE = Σ_bins n_i/N · |accuracy_i - confidence_i|. Reads predictions["logits"] (B, K), targets int (B,).

    A row of a class that the network does not have (-1) is never right.
    """

    def __init__(self, temperature: float = 1.0):
        self.temperature = temperature
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        confidence, predicted = (predictions["logits"].double() / self.temperature).softmax(1).max(1)
        self._rows.add(ids, confidence=confidence, hit=(predicted == targets).double())

    def compute(self) -> Figure:
        """The error with a bootstrap interval."""
        n = len(self._rows)
        if n == 0:
            return missing("down")
        confidence, hit = self._rows.column("confidence"), self._rows.column("hit")
        value = float(calibration_error(confidence, hit, torch.ones(1, n, dtype=torch.float64))[0])
        return bootstrap(value, n, lambda counts: calibration_error(confidence, hit, counts), "down")

    def reliability(self) -> Reliability:
        """The table behind a reliability diagram."""
        return reliability(self._rows.column("confidence"), self._rows.column("hit"))


class NegativeLogLikelihood:
    """The mean of -log softmax(z)_y: the cross-entropy on held-out rows. Reads predictions["logits"], targets (B,).

    Rows of a class that the network does not have (-1) are left out.
    """

    def __init__(self, temperature: float = 1.0):
        self.temperature = temperature
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch; logits (B, K), targets int (B,)."""
        logits = predictions["logits"].double() / self.temperature
        self._rows.add(ids, loss=F.cross_entropy(logits, targets, reduction="none", ignore_index=-1), target=targets)

    def compute(self) -> Figure:
        """The mean with a bootstrap interval."""
        return mean(self._rows.column("loss")[self._rows.column("target") >= 0], "down")


class Brier:
    """The mean of Σ_k (p_k - [k = y])² (Brier 1950), 0 to 2. Reads predictions["logits"] (B, K), targets int (B,)."""

    def __init__(self, temperature: float = 1.0):
        self.temperature = temperature
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch."""
        shares = (predictions["logits"].double() / self.temperature).softmax(1)
        wanted = targets[:, None] == torch.arange(shares.shape[1], device=shares.device)
        self._rows.add(ids, score=(shares - wanted.double()).square().sum(1))

    def compute(self) -> Figure:
        """The mean with a bootstrap interval."""
        return mean(self._rows.column("score"), "down")


def reliability(confidence: Tensor, hit: Tensor) -> Reliability:
    """confidence (N,) in 0 .. 1, hit 0/1 (N,) -> the table"""
    bins, empty = _bins(confidence), torch.zeros(BINS, dtype=torch.float64)
    counts = empty.index_add(0, bins, torch.ones_like(confidence, dtype=torch.float64))
    sure = empty.index_add(0, bins, confidence.double()) / counts
    return Reliability(counts, sure, empty.index_add(0, bins, hit.double()) / counts)


def calibration_error(confidence: Tensor, hit: Tensor, counts: Tensor) -> Tensor:
    """Σ_bins |Σ (hit - confidence)| / N, where each row counts as often as `counts` (R, N) says. -> (R,)"""
    gaps = counts * (hit.double() - confidence.double())
    return counts.new_zeros(len(counts), BINS).index_add(1, _bins(confidence), gaps).abs().sum(1) / counts.sum(1)


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The T > 0 that makes softmax(z / T) most likely on held-out rows; it changes confidence and no answer.

    The likelihood is concave in 1/T, so its slope is followed by Newton's steps, halved back into the bracket where
    they leave it. logits (N, K), labels int (N,)
    """
    if len(labels) == 0:
        return 1.0
    logits = logits.detach().double().cpu()
    own = logits.gather(1, labels.cpu()[:, None])[:, 0]
    low, high, factor = 1 / HOTTEST, 1 / COLDEST, 1.0  # factor is 1/T
    for _ in range(40):
        slope, bend = _slope_and_bend(logits, own, factor)
        low, high = (low, factor) if slope > 0 else (factor, high)
        after = factor - slope / bend if bend > 0 else factor
        if not low < after < high:
            after = (low + high) / 2
        if abs(after - factor) <= 1e-5 * factor:
            break
        factor = after
    return 1 / factor


def _slope_and_bend(logits: Tensor, own: Tensor, factor: float) -> tuple[float, float]:
    """First and second derivative by 1/T of the mean -log p_y: the expected logit minus the own, and its variance."""
    shares = (logits * factor).softmax(1)
    expected = (shares * logits).sum(1)
    spread = (shares * (logits - expected[:, None]).square()).sum(1)
    return float((expected - own).mean()), float(spread.mean())


def _bins(confidence: Tensor) -> Tensor:
    return (confidence * BINS).long().clamp(0, BINS - 1)
