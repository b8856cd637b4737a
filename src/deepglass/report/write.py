"""report.html and report.json of a run: every section that has something to say, in one language, in one file each."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import jinja2
from markupsafe import Markup

from deepglass.foundation.sealed import write_text
from deepglass.foundation.words import language, say, speaking
from deepglass.material import Material
from deepglass.report.balls import balls
from deepglass.report.boundary import boundary
from deepglass.report.boxes import boxes
from deepglass.report.calibration import calibration
from deepglass.report.captions import captions
from deepglass.report.case import Case, Results
from deepglass.report.curves import curves
from deepglass.report.data import data
from deepglass.report.decisions import decisions
from deepglass.report.embedding import embedding
from deepglass.report.flight import flight
from deepglass.report.floor import floor
from deepglass.report.gates import gates
from deepglass.report.groups import groups
from deepglass.report.headline import headline
from deepglass.report.judged import judged
from deepglass.report.made import made
from deepglass.report.made_series import made_series
from deepglass.report.masks import masks
from deepglass.report.mislabelled import mislabelled
from deepglass.report.mistakes import mistakes
from deepglass.report.network import network
from deepglass.report.ngrams import ngrams
from deepglass.report.plates import plates
from deepglass.report.retrieval import retrieval
from deepglass.report.samples import samples
from deepglass.report.scores import scores
from deepglass.report.screening import screening
from deepglass.report.section import Section
from deepglass.report.settings import settings
from deepglass.report.slices import slices
from deepglass.report.timelines import timelines
from deepglass.report.transcripts import transcripts
from deepglass.report.translated import translated
from deepglass.report.translations import translations
from deepglass.report.turned import turned
from deepglass.run import Run

VERSION = 1
SECTIONS: tuple[Callable[[Case], Section | None], ...] = (
    scores,
    judged,
    decisions,
    screening,
    boundary,
    samples,
    made,
    made_series,
    flight,
    translated,
    turned,
    translations,
    transcripts,
    captions,
    boxes,
    plates,
    masks,
    retrieval,
    slices,
    balls,
    timelines,
    mistakes,
    groups,
    floor,
    ngrams,
    embedding,
    gates,
    calibration,
    mislabelled,
    curves,
    data,
    network,
    settings,
)


def write_report(run: Run, material: Material, results: Results, lang: str | None = None) -> Path:
    """Write both files into the run's folder, in `lang` or the language in force; the place of the page."""
    case = Case(run, material, results)
    file = run.folder / "report.html"
    with speaking(lang):
        head = headline(case)
        sections = [section for make in SECTIONS if (section := make(case))]
        page = _template().render(lang=language(), head=head, sections=sections)
    figures = {section.name: section.figures for section in sections}
    document = {"version": VERSION, "run": run.folder.name, "headline": head.figures, **figures}
    write_text(file, page)
    write_text(run.folder / "report.json", json.dumps(document, ensure_ascii=False, indent=1) + "\n")
    return file


def _template() -> jinja2.Template:
    """The page; everything put into it is escaped but the drawings and tables of views, which escape themselves."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    house = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    house.globals["say"] = say
    house.filters["inside"] = inside
    return house.get_template("page.html.jinja")


def inside(svg: str) -> Markup:
    """A drawing as part of a page, where its namespaces are known: no address is left in it."""
    return Markup(re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg))
