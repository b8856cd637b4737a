"""What the data is: how many of each class in each part, a few of them to look at, and what the doctor found."""

from collections import Counter
from typing import Any

from deepglass.data.annotation import names_of
from deepglass.data.check import report as as_documents
from deepglass.data.check import sentence
from deepglass.data.source import Finding, Unreadable
from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Card, Exhibit, Note, Section, sentences
from deepglass.report.thumbnail import thumbnail
from deepglass.views.bars import Bars
from deepglass.views.table import Table
from deepglass.views.view import number

MOST_BARS = 20
MOST_NOTES = 8
MOST_LISTED = 200
SIDES = {"picture": 96, "clip": 200}  # pixels of the longer side of an example
EXAMPLES = 20
HEADERS = 256  # files whose size is looked at


def data(case: Case) -> Section:
    """Counts, examples, findings."""
    rows = case.material.rows
    sizes = {part: len(rows[part]) for part in case.parts}
    findings = case.material.findings
    counts = _counts(case)
    left_out = sum(finding.kind == "unreadable" for finding in findings)
    lead = say("report.lead_data", total=number(sum(sizes.values())), kind=_kind(case), **_sizes(case))
    notes = [_note(finding) for finding in findings[:MOST_NOTES]] or [Note("note", say("report.healthy"))]
    rest = [[finding.file, sentence(finding)] for finding in findings[MOST_NOTES:MOST_LISTED]]
    heads = [say("report.column_file"), say("report.column_finding")]
    return Section(
        "data",
        sentences(lead, say("report.left_out", count=left_out) if left_out else ""),
        exhibits=[_bars(counts, case)] if counts else (),
        thumbs=_examples(case),
        notes=notes,
        folded=[
            *([Table(heads, rest, say("report.more_findings", count=len(findings) - MOST_NOTES))] if rest else []),
            *_columns(case),
        ],
        figures={"parts": sizes, "classes": counts, "left_out": left_out, "findings": as_documents(findings)},
    )


def _sizes(case: Case) -> dict[str, str]:
    return {part: number(len(case.material.rows[part])) for part in ("train", "val", "test")}


def _kind(case: Case) -> str:
    if case.kind in ("text", "series", "sound", "volume"):
        facts = case.task.facts.inputs  # pyright: ignore
        values = {"vocabulary": number(len(facts.vocabulary))} if case.kind == "text" else {}
        if case.kind == "volume":
            values = {"size": f"{facts.depth} × {facts.height} × {facts.width}"}
        return say(f"report.kind_{case.kind}", channels=max(1, len(facts.columns)), **values)
    if case.kind == "clip":
        clips: Any = case.task
        facts, chosen = clips.facts.inputs, clips.settings.clip
        colour = say("report.grey" if facts.channels == 1 else "report.colour")
        values = {"frames": facts.frames, "rate": number(chosen.rate), "size": f"{facts.width} × {facts.height}"}
        return say("report.kind_clip", colour=colour, **values)
    inputs = case.inputs
    if inputs is None and case.kind == "picture":
        facts = case.task.facts.inputs  # pyright: ignore
        colour, size = say("report.grey" if facts.channels == 1 else "report.colour"), f"{facts.width} × {facts.height}"
        return say("report.kind_tiles", own=own_size(case), size=size, colour=colour)
    if inputs is None:
        return say("report.kind_other")
    if inputs.kind == "picture":
        made, own = f"{inputs.width} × {inputs.height}", own_size(case)
        colour = say("report.grey" if inputs.channels == 1 else "report.colour")
        if own in ("", made):
            return say("report.kind_picture", size=made, colour=colour)
        return say("report.kind_made", own=own, size=made, colour=colour)
    return say("report.kind_vector", columns=len(inputs.columns))


def own_size(case: Case) -> str:
    """Width and height of the files themselves, from the smallest to the largest; nothing where they are gone."""
    rows = case.material.rows["train"][case.sample("train", HEADERS)]
    sizes: set[tuple[int, int]] = set()
    for row in rows.tolist():
        try:
            width, height, _ = case.material.source.header(row)
        except (Unreadable, OSError):
            continue
        sizes.add((width, height))
    if not sizes:
        return ""
    least, most = min(sizes, key=_area), max(sizes, key=_area)
    ends = [f"{width} × {height}" for width, height in (least, most)]
    return ends[0] if len(sizes) == 1 else say("report.size_range", small=ends[0], large=ends[1])


def _area(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] * size[1], size[0]


def _counts(case: Case) -> list[dict[str, Any]]:
    """Examples of each class by part; nothing for answers that are numbers."""
    if case.labels is None:
        return []
    index = case.material.store.index
    counted: dict[str, Counter[str]] = {}
    for part in case.parts:
        found = (index.labels[row] for row in case.material.rows[part].tolist())
        counted[part] = Counter(str(name) for label in found for name in names_of(label))
    return [{"label": label, **{part: counted[part][label] for part in case.parts}} for label in case.labels]


def _bars(counts: list[dict[str, Any]], case: Case) -> Exhibit:
    kept = counts if len(counts) <= MOST_BARS else sorted(counts, key=lambda row: row["train"])[:MOST_BARS]
    title = say("report.train_by_class") if len(kept) == len(counts) else say("report.rarest", count=MOST_BARS)
    bars = Bars([row["label"] for row in kept], [row["train"] for row in kept], title, say("report.column_examples"))
    heads = [say("report.column_class"), *(say(f"report.part_{part}") for part in case.parts)]
    table = Table(heads, [list(row.values()) for row in counts])
    few, many = min(counts, key=lambda row: row["train"]), max(counts, key=lambda row: row["train"])
    if few["train"] == many["train"]:
        return Exhibit(bars, say("report.words_counts_equal", count=number(few["train"])), table)
    values = {"fewest": few["label"], "few": number(few["train"]), "most": many["label"], "many": number(many["train"])}
    return Exhibit(bars, say("report.words_counts", **values), table)


def _examples(case: Case) -> list[Card]:
    """Training pictures of every class in turn."""
    found = case.classified("train")
    if found is None or case.pixels(int(found.rows[0])) is None:
        return []
    each = max(1, EXAMPLES // len(found.labels))
    taken: Counter[int] = Counter()
    cards: dict[int, list[Card]] = {}
    for place in case.sample("train", 4000).tolist():
        owner = int(found.targets[place])
        if taken[owner] < each and (owner in cards or len(cards) < EXAMPLES):
            taken[owner] += 1
            pixels = case.pixels(int(found.rows[place]))
            assert pixels is not None
            name = found.labels[owner]
            described = say("report.described_example", id=found.ids[place], label=name)
            cards.setdefault(owner, []).append(Card((thumbnail(pixels, SIDES[case.kind]),), described, name))
    return [card for owner in sorted(cards) for card in cards[owner]]


def _note(finding: Finding) -> Note:
    words = sentence(finding)
    return Note(finding.level, say("report.finding", file=finding.file, words=words) if finding.file else words)


def _columns(case: Case) -> list[Table]:
    """Mean and spread of every column of a table, of the training part."""
    if case.inputs is None or case.inputs.kind != "vector":
        return []
    heads = [say(f"report.{name}") for name in ("column_column", "column_mean", "column_spread")]
    rows = [list(row) for row in zip(case.inputs.columns, case.inputs.mean, case.inputs.std, strict=True)]
    return [Table(heads, rows, say("report.columns"))]
