"""Whether its confidence can be believed, and the one number that mends it."""

import numpy as np
import torch
from torch import Tensor

from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.calibration import CalibrationError, Reliability, calibration_error, fit_temperature
from deepglass.metrics.figure import Figure
from deepglass.report.case import Case, Classified
from deepglass.report.section import Exhibit, Section, percent, sentences
from deepglass.views.bars import Bars
from deepglass.views.curve import Curve, Line
from deepglass.views.table import Table
from deepglass.views.view import finite, number

SMALL = 0.02  # an error that nobody needs to mend
BLURRED = 0.05  # where chance alone makes an error like this, nothing can be said
DRAWS = 200


def calibration(case: Case) -> Section | None:
    """The reliability diagram before and after a temperature that was fitted on validation."""
    found = case.classified()
    tuned = case.classified("val") if case.part == "test" else None
    if found is None or not len(found.targets):
        return None
    before = _error(found, 1.0)
    figure, table = before.compute(), before.reliability()
    lines = [Line(say("report.ideal"), [0, 1], [0, 1]), _line(say("report.as_it_is"), table)]
    figures = {"ece": to_json(figure._asdict())}
    chance = by_chance(found.shares.max(1).values)
    verdict = judge(figure, chance)
    ends = {"low": percent(figure.low), "high": percent(figure.high), "n": number(figure.n), "chance": percent(chance)}
    leaning = _leaning(found) if verdict == "off" else verdict
    words = [say(f"report.confidence_{leaning}", ece=percent(figure.value), **ends)]
    figures |= {"verdict": verdict, "ece_by_chance": chance}
    if tuned is not None and len(tuned.targets):
        known = tuned.targets >= 0
        temperature = fit_temperature(tuned.logits[known], tuned.targets[known])
        after = _error(found, temperature)
        mended = after.compute()
        helps = verdict == "off" and mended.value < 0.9 * figure.value  # a tenth less at least
        if helps:
            lines.append(_line(say("report.with_temperature"), after.reliability()))
            said = {"before": percent(figure.value), "after": percent(mended.value)}
            words.append(say("report.temperature", temperature=number(temperature), **said))
        elif verdict == "off":
            words.append(say("report.temperature_useless"))
        figures |= {"temperature": temperature, "ece_after": to_json(mended._asdict()), "temperature_helps": helps}
    curve = Curve(lines, say("report.reliability"), say("report.confidence"), say("report.accuracy"))
    bins = _bins(table)
    figures["bins"] = [dict(zip(("confidence", "accuracy", "n"), row, strict=True)) for row in bins]
    heads = [say(f"report.{name}") for name in ("confidence", "accuracy", "column_examples")]
    exhibits = [Exhibit(curve, sentences(*words), Table(heads, bins)), _how_sure(found)]
    return Section("calibration", say("report.lead_calibration"), exhibits, figures=figures)


def by_chance(confidence: Tensor) -> float:
    """The error that a network which keeps its word shows in at most one of twenty such samples. float64 (N,)"""
    generator = torch.Generator().manual_seed(0)
    once = torch.ones(1, len(confidence), dtype=torch.float64)
    found = [
        float(calibration_error(confidence, torch.rand(len(confidence), generator=generator) < confidence, once)[0])
        for _ in range(DRAWS)
    ]
    return float(np.quantile(found, 0.95))


def judge(error: Figure, chance: float) -> str:
    """ "off", "good", or "few" where so few examples cannot tell one from the other."""
    if error.value > chance and error.high > SMALL:
        return "off"
    return "few" if chance > BLURRED else "good"


def _how_sure(found: Classified) -> Exhibit:
    """How many answers were given with which confidence."""
    sure = found.shares.max(1).values
    first = int(10 / len(found.labels))  # below 1/K no answer can lie
    places = (sure * 10).long().clamp(max=9)
    counts = [int((places == place).sum()) for place in range(first, 10)]
    names = [f"{10 * place} – {10 * place + 10} %" for place in range(first, 10)]
    bars = Bars(names, counts, say("report.how_sure"), say("report.column_examples"))
    most = percent(float((sure > 0.9).double().mean()))
    return Exhibit(bars, say("report.words_how_sure", share=most))


def _error(found: Classified, temperature: float) -> CalibrationError:
    metric = CalibrationError(temperature)
    metric.update(found.ids, {"logits": found.logits}, found.targets)
    return metric


def _line(name: str, table: Reliability) -> Line:
    kept = (table.counts > 0).numpy()
    return Line(name, table.confidence.numpy()[kept].tolist(), table.accuracy.numpy()[kept].tolist())


def _bins(table: Reliability) -> list[list[float | None]]:
    rows = np.stack([table.confidence.numpy(), table.accuracy.numpy(), table.counts.numpy()], axis=1)
    return [[finite(sure), finite(right), int(count)] for sure, right, count in rows.tolist() if count]


def _leaning(found: Classified) -> str:
    """ "over", "under" or "mixed": mean confidence against accuracy."""
    gap = float(found.shares.max(1).values.mean() - (found.predicted == found.targets).double().mean())
    return "over" if gap > 0.02 else "under" if gap < -0.02 else "mixed"
