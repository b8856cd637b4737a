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


class Calibration:
    """Expected calibration error, negative log-likelihood and Brier score. Reads predictions["logits"], targets (B,).

    ECE = Σ_bins n_i/N · |accuracy_i - confidence_i|;  NLL = mean -log p_y;  Brier = mean Σ_k (p_k - [k = y])²
    """

    def __init__(self, temperature: float = 1.0):
        self.temperature = temperature
        self._rows = Collected()

    def update(self, ids: Sequence[str], predictions: Mapping[str, Tensor], targets: Tensor) -> None:
        """A batch; logits (B, K), targets int (B,)."""
        logits = predictions["logits"].double() / self.temperature
        shares = logits.softmax(1)
        confidence, predicted = shares.max(1)
        own = shares.gather(1, targets[:, None])[:, 0]
        self._rows.add(
            ids,
            confidence=confidence,
            hit=(predicted == targets).double(),
            nll=F.cross_entropy(logits, targets, reduction="none"),
            brier=shares.square().sum(1) - 2 * own + 1,
        )

    def compute(self) -> dict[str, Figure]:
        """ "ece", "nll" and "brier"; less is better in all three."""
        n = len(self._rows)
        if n == 0:
            return dict.fromkeys(("ece", "nll", "brier"), missing("down"))
        confidence, hit = self._rows.column("confidence"), self._rows.column("hit")
        value = float(calibration_error(confidence, hit, torch.ones(1, n, dtype=torch.float64))[0])
        return {
            "ece": bootstrap(value, n, lambda counts: calibration_error(confidence, hit, counts), "down"),
            "nll": mean(self._rows.column("nll"), "down"),
            "brier": mean(self._rows.column("brier"), "down"),
        }

    def reliability(self) -> Reliability:
        """The table behind a reliability diagram."""
        return reliability(self._rows.column("confidence"), self._rows.column("hit"))


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
    for _ in range(60):
        slope, bend = _slope_and_bend(logits, own, factor)
        low, high = (low, factor) if slope > 0 else (factor, high)
        after = factor - slope / bend if bend > 0 else factor
        if not low < after < high:
            after = (low + high) / 2
        if abs(after - factor) <= 1e-7 * factor:
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
