"""What judges said of made pictures: kept by `evaluate RUN judge=JUDGE`, told as long as the bundle is the same."""

import json
import math
from collections.abc import Mapping
from typing import Any

from deepglass.foundation.sealed import write_text
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.figure import Figure
from deepglass.report.case import Case
from deepglass.report.scores import signed
from deepglass.report.section import Note, Section
from deepglass.run import Run
from deepglass.tasks.task import called
from deepglass.views.table import Table

FILE = "judged.json"


def keep(run: Run, figures: Mapping[str, Figure]) -> None:
    """Write these figures beside those that other judges gave of the same bundle."""
    known = _kept(run) | {name: to_json(figure._asdict()) for name, figure in figures.items()}
    document = {"bundle": run.bundle.digest, "figures": known}
    write_text(run.folder / FILE, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def judged(case: Case) -> Section | None:
    """Every figure with its interval, and what it depends on."""
    kept = _kept(case.run)
    if not kept:
        return None
    figures = {name: _figure(**one) for name, one in kept.items()}
    rows: list[list[str | float]] = [[called(name), one.value, one.low, one.high] for name, one in figures.items()]
    heads = [say("report.figure"), say("report.column_value"), say("report.low"), say("report.high")]
    notes = [
        Note("note", say("report.measured_by", name=say("views.list_mark").join(names), by=by))
        for by, names in signed(figures).items()
    ]
    return Section("judged", say("report.lead_judged"), notes=notes, tables=[Table(heads, rows)], figures=kept)


def _kept(run: Run) -> dict[str, dict[str, Any]]:
    """Figures by their names; of another bundle than the run's, none."""
    file = run.folder / FILE
    document = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return document["figures"] if document.get("bundle") == run.bundle.digest else {}


def _figure(value: float | None, low: float | None, high: float | None, n: int, better: Any, by: str) -> Figure:
    """As JSON keeps it, which knows no NaN."""
    value, low, high = (math.nan if one is None else one for one in (value, low, high))
    return Figure(value, low, high, n, better, by)
