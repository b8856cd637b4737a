"""The first thing on the page: the figure that counts, how sure it is, and one sentence that says what it means."""

import math
from typing import Any, NamedTuple

from deepglass.engine.journal import read_events
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import say
from deepglass.metrics.figure import Figure
from deepglass.report.case import Case
from deepglass.report.section import Note, percent
from deepglass.views.alarm import gone_back, in_words
from deepglass.views.view import number

SHARES = ("accuracy",)  # figures that are read as a share of the examples


class Headline(NamedTuple):
    """Large type, the line under it, and short facts."""

    title: str
    large: str
    small: str
    sentence: str
    facts: list[tuple[str, str]]
    notes: list[Note]  # what went wrong while it learned
    figures: dict[str, Any]


def headline(case: Case) -> Headline:
    """The task's first metric on the part that counts."""
    name, figure = next(iter(case.results[case.part][0].items()))
    words, part = say(f"tasks.metric_{name}"), say(f"report.part_{case.part}")
    show = percent if name in SHARES else number
    ends = {"low": show(figure.low), "high": show(figure.high)}
    key = "headline_few" if figure.few else "headline_alone" if math.isnan(figure.low) else "headline"
    return Headline(
        title=case.run.settings.data.place,
        large=show(figure.value),
        small=say(f"report.{key}", name=words, part=part, n=number(figure.n), **ends),
        sentence=_sentence(case, name, figure),
        facts=_facts(case),
        notes=_notes(case),
        figures={"metric": name, "part": case.part, **to_json(figure._asdict())},
    )


def _sentence(case: Case, name: str, figure: Figure) -> str:
    seen = say("report.seen" if case.part == "train" else "report.unseen")
    if name in SHARES:
        right = number(round(figure.value * figure.n))
        return say("report.sentence_share", right=right, n=number(figure.n), seen=seen)
    direction = say(f"report.better_{figure.better}")
    said = say("report.sentence", n=number(figure.n), seen=seen, direction=direction)
    if name.startswith("kid") and figure.low <= 0:  # never where nothing is known of it
        ends = {"low": number(figure.low), "high": number(figure.high)}
        said += say("report.not_told_apart", n=number(figure.n), **ends)
    return said


def _notes(case: Case) -> list[Note]:
    """Every alarm, and every time that the training went back, in the order of what happened."""
    events = read_events(case.run.folder, "alarm", "rollback")
    backs = max((event["setbacks"] for event in events if event["kind"] == "rollback"), key=len, default=[])
    found = [Note("warning", gone_back(setback, count)) for count, setback in enumerate(backs, 1)]
    return found + [Note("warning", in_words(event)) for event in events if event["kind"] == "alarm"]


def _facts(case: Case) -> list[tuple[str, str]]:
    parameters = sum(parameter.numel() for parameter in case.model.parameters())
    found = [
        (say("report.fact_model"), case.run.settings.model.name),
        (say("report.fact_parameters"), number(parameters)),
        (say("report.fact_examples"), _examples(case)),
        (say("report.fact_time"), duration(training_seconds(case))),
    ]
    return [*found, (say("report.fact_device"), str(case.run.device))]


def _examples(case: Case) -> str:
    """How many training examples have an answer, and how many more were made, or learned from without an answer."""
    material, answered = case.material, number(len(case.material.rows["train"]))
    if len(material.made):
        return say("report.examples_made", answered=answered, made=number(len(material.made)))
    taken = any(stream.wants(None) for stream in case.task.streams().values())
    without = int(material.store.readable(material.unanswered).sum()) if taken else 0
    return say("report.examples_beside", answered=answered, without=number(without)) if without else answered


def training_seconds(case: Case) -> float:
    """From the first step to the last of every life, by the journal; what lies between lives is no training."""
    lives: dict[int, list[float]] = {}
    for event in read_events(case.run.folder, "start", "train", "end"):
        lives.setdefault(event["life"], []).append(event["time"])
    return sum(max(times) - min(times) for times in lives.values())


def duration(seconds: float) -> str:
    """Seconds, or minutes and seconds, as people say them."""
    if seconds < 0.01:
        return say("report.instant")
    if seconds < 90:
        return say("report.seconds", count=number(float(f"{seconds:.2g}")))
    if seconds < 5400:
        return say("report.minutes", count=number(round(seconds / 60)))
    return say("report.hours", count=number(float(f"{seconds / 3600:.2g}")))
