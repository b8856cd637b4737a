"""A comparison to look at: tables for the terminal, and one page in both languages, light and dark, without network."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from deepglass.explain.compare import Comparison, Moment, Variant
from deepglass.explain.step_health import Remark
from deepglass.foundation.settings import to_json
from deepglass.foundation.words import LANGUAGES, has, language, say
from deepglass.views.curve import Curve, Line
from deepglass.views.table import Table

MOMENTS = ("start", "end")
FLOW = ("not_finite", "lost", "vanishing", "exploding", "no_gradient", "fading", "even")  # kinds of remarks


def document(found: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    told = to_json(found)
    for variant, entry in zip(found.variants, told["variants"], strict=True):
        entry["figure"] = to_json(variant.figure._asdict())
        for moment in MOMENTS:
            entry[moment] = _moment(getattr(variant, moment))
    return told


def _moment(moment: Moment) -> dict[str, Any]:
    said = [{"kind": one.kind, **one.values, "text": one.sentence("en")} for one in moment.remarks]
    return to_json({"ratio": moment.ratio, "layers": moment.layers, "remarks": said})


def text(found: Comparison) -> str:
    """The table, and why, for the terminal."""
    lines = [title(found), "", scores(found).terminal(width=120), "", layers(found).terminal(width=140), ""]
    return "\n".join([*lines, *(f"· {sentence}" for sentence in reasons(found))])


def title(found: Comparison, lang: str | None = None) -> str:
    """ "model.activation compared: mlp on digits, 200 steps each" """
    steps = max((variant.steps for variant in found.variants), default=0)
    return say("compare.title", lang, path=found.path, model=found.model, data=found.data, steps=f"{steps:,}")


def scores(found: Comparison, lang: str | None = None) -> Table:
    """A row for each variant."""
    names = ("value", "figure", "interval", "loss", "ratio_start", "ratio_end", "saturated", "dead", "seconds")
    head = [say(f"compare.column_{name}", lang) for name in names]
    head[0], head[1] = found.path, _metric(found.variants[0].metric, lang)
    return Table(head, [_score(variant) for variant in found.variants], lang=lang)


def _score(variant: Variant) -> list[str | float]:
    figure, end = variant.figure, variant.end.layers
    saturated, dead = (max((getattr(layer, name) for layer in end), default=0.0) for name in ("saturated", "dead"))
    ratios = [f"{moment.ratio:.2g}" for moment in (variant.start, variant.end)]
    loss = f"{variant.loss[-1][1]:.3g}" if variant.loss else "–"
    interval = "–" if math.isnan(figure.low) else f"{figure.low:.3f}–{figure.high:.3f}"
    return [
        variant.value,
        f"{figure.value:.3f}",
        interval,
        loss,
        *ratios,
        f"{saturated:.0%}",
        f"{dead:.0%}",
        f"{variant.seconds:.1f}",
    ]


def layers(found: Comparison, lang: str | None = None) -> Table:
    """The gradient of each layer, untrained → trained, and the share of its units that no longer answer."""
    head = [say("compare.column_layer", lang), *(variant.value for variant in found.variants)]
    rows: list[list[str]] = []
    for place in range(max((len(variant.end.layers) for variant in found.variants), default=0)):
        cells = [_cell(variant, place, lang) for variant in found.variants]
        names = [variant.end.layers[place].name for variant in found.variants if place < len(variant.end.layers)]
        rows.append([names[0], *cells])
    return Table(head, rows, say("compare.layers", lang), lang)


def _cell(variant: Variant, place: int, lang: str | None) -> str:
    if place >= len(variant.end.layers):
        return "–"
    before, after = variant.start.layers[place], variant.end.layers[place]
    units = [
        say(f"step.share_{name}", lang, share=f"{share:.0%}")
        for name, share in (("saturated", after.saturated), ("dead", after.dead))
        if share >= 0.005
    ]
    return ", ".join([f"{before.gradient:.1e} → {after.gradient:.1e}", *units])


def reasons(found: Comparison, lang: str | None = None) -> list[str]:
    """That figures cannot be ranked where that is so, and what is to be said of each variant's layers."""
    return [*_unlike(found, lang), *_of_layers(found, lang)]


def _unlike(found: Comparison, lang: str | None) -> list[str]:
    """Figures that were measured in different ways are not better or worse than each other."""
    ways = [getattr(variant.figure, "by", "") for variant in found.variants]
    if len(set(ways)) < 2:
        return []
    told = zip(found.variants, ways, strict=True)
    named = say("views.list_mark", lang).join(f"{variant.value}: {by or '–'}" for variant, by in told)
    return [say("compare.unlike", lang, ways=named)]


def _of_layers(found: Comparison, lang: str | None) -> list[str]:
    """Each variant's layers, untrained and trained."""
    return [
        say(f"compare.reason_{moment}", lang, value=variant.value, sentence=one.sentence(lang))
        for variant in found.variants
        for moment in MOMENTS
        for one in _chosen(getattr(variant, moment).remarks)
    ]


def _chosen(said: Sequence[Remark]) -> list[Remark]:
    """How the gradient flows, and the layer with the most dead units."""
    flow = [one for one in said if one.kind in FLOW]
    dead = [one for one in said if one.kind == "dead"]
    return [*flow[:1], *sorted(dead, key=lambda one: -one.values["share"])[:1]]


def curves(found: Comparison, lang: str | None = None) -> list[Curve]:
    """Loss, the metric on validation, and the gradient by layer before and after."""
    metric = _metric(found.variants[0].metric, lang)
    step = say("compare.axis_step", lang)
    drawn = [
        _curve(found, "loss", say("compare.loss", lang), step, say("compare.axis_loss", lang), lang),
        _curve(found, "checks", say("compare.checks", lang, metric=metric), step, metric, lang),
    ]
    for moment in MOMENTS:
        lines = [
            Line(
                variant.value,
                [place + 1 for place in range(len(getattr(variant, moment).layers))],
                [layer.gradient for layer in getattr(variant, moment).layers],
            )
            for variant in found.variants
        ]
        names = (say("compare.axis_layer", lang), say("compare.axis_gradient", lang))
        drawn.append(Curve(lines, say(f"compare.gradient_{moment}", lang), *names, log_y=True, lang=lang))
    return drawn


def _curve(found: Comparison, what: str, title: str, x: str, y: str, lang: str | None) -> Curve:
    points = [(variant.value, getattr(variant, what)) for variant in found.variants]
    lines = [Line(name, [step for step, _ in values], [value for _, value in values]) for name, values in points]
    return Curve(lines, title, x, y, lang=lang)


def _metric(name: str, lang: str | None) -> str:
    return say(f"tasks.metric_{name}", lang) if has(f"tasks.metric_{name}") else name


def page(found: Comparison) -> str:
    """One HTML file: the language in force is open, the other one click away."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    house = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    house.globals["say"] = say
    halves = [_half(found, lang) for lang in LANGUAGES]
    return house.get_template("compare.html.jinja").render(lang=language(), title=title(found), halves=halves)


def _half(found: Comparison, lang: str) -> dict[str, Any]:
    return {
        "lang": lang,
        "title": title(found, lang),
        "scores": scores(found, lang).html(),
        "reasons": reasons(found, lang),
        "curves": [(curve.svg(), curve.text()) for curve in curves(found, lang)],
        "layers": layers(found, lang).html(),
    }
