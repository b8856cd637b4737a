"""Sentences with a tag for every token, as CoNLL's shared tasks keep them: a token a line, a blank line between two.

EU       B-ORG      Cells stand between tabs or spaces: the token first, its tag last, what else is known between them.
rejects  O          Lines that begin with -DOCSTART- part documents. CoNLL-U, which has ten cells and remarks behind #,
German   B-MISC     keeps the token in its second cell and the part of speech in its fourth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from deepglass.data.readers.text import Text, text_pieces
from deepglass.data.source import Unreadable
from deepglass.data.walk import suffix

SUFFIXES = frozenset((".conll", ".conllu", ".bio", ".iob", ".iob2", ".bioes"))  # of files that hold nothing else
MAYBE = frozenset((".txt", ".tsv", ".tab"))  # of files that may
DOCUMENT = "-DOCSTART-"
CONLL_U = 10  # cells of a line
EVEN = 0.9  # share of lines that have the usual number of cells
FEWEST = 20  # lines, and
SENTENCES = 2  # sentences that a file without a telling name must hold
FEW = 0.3  # share of such a file's lines up to which their last cells may differ
LETTERS = 0.5  # share of its tags that are no numbers


class Line(NamedTuple):
    """A line with its cells; none of a blank one."""

    number: int
    cells: list[str]


@dataclass
class Sentence:
    """The lines of one sentence, and which document it stands in, counted from 0."""

    document: int
    lines: list[Line] = field(default_factory=list)


class Cells(NamedTuple):
    """How many cells the lines of a file have, and which hold the token and the tag."""

    width: int
    token: int
    tag: int


def looks_tagged(file: Path) -> Cells | None:
    """What its first lines tell: how tokens and tags stand in it; None where it is something else."""
    if suffix(file.name) not in SUFFIXES | MAYBE:
        return None
    try:
        start = next(text_pieces(file), None)
    except Unreadable:
        return None
    sentences = list(_sentences(start.text)) if start else []
    lines = [line for sentence in sentences for line in sentence.lines]
    widths = [len(line.cells) for line in lines]
    usual = max(sorted(set(widths)), key=widths.count, default=0)
    if usual < 2 or widths.count(usual) < EVEN * len(widths):
        return None
    cells = Cells(usual, 1, 3) if usual == CONLL_U and lines[0].cells[0].isdigit() else Cells(usual, 0, usual - 1)
    whole = [line.cells for line in lines if len(line.cells) == usual]
    return cells if suffix(file.name) in SUFFIXES or _reads(whole, cells, len(sentences)) else None


def read_tagged(file: Path) -> Iterator[Sentence]:
    """Every sentence of a file; raises Unreadable where it is no text."""
    return _sentences("".join(piece.text for piece in text_pieces(file)))


def tokens_and_tags(sentence: Sentence, cells: Cells) -> tuple[list[str], list[str]]:
    """A sentence's tokens with their tags; Unreadable names a line that has not the cells that it should."""
    for line in sentence.lines:
        if len(line.cells) != cells.width or not line.cells[cells.token] or not line.cells[cells.tag]:
            shown = " ".join(line.cells)
            values = {"shown": shown, "found": sum(map(bool, line.cells)), "expected": cells.width}
            raise Unreadable("tag_missing", line=line.number, **values)
    return [line.cells[cells.token] for line in sentence.lines], [line.cells[cells.tag] for line in sentence.lines]


def tokens_of(sentence: Sentence, cells: Cells) -> list[str]:
    """A sentence's tokens, tags or not."""
    return [line.cells[cells.token] for line in sentence.lines if len(line.cells) > cells.token]


def written(tokens: Sequence[str]) -> Text:
    """Tokens as a text that has one on every line."""
    return Text("".join(f"{token}\n" for token in tokens), cut=True)


def _reads(lines: Sequence[list[str]], cells: Cells, sentences: int) -> bool:
    """Whether lines of equally many cells are tokens with their tags: several sentences, one word each, few tags."""
    tags = [line[cells.tag] for line in lines]
    words = sum(" " not in line[cells.token] for line in lines)
    named = sum(not tag.replace(".", "").lstrip("+-").isdigit() for tag in tags)
    few = len(set(tags)) <= max(3, FEW * len(tags)) and len(set(tags)) <= len({line[cells.token] for line in lines})
    ends = sum(len(tag) > 1 and tag[-1] in ".,;:!?" for tag in tags)  # of lines of prose or verse, and no tags
    enough = len(lines) >= FEWEST and sentences >= SENTENCES and ends <= (1 - EVEN) * len(tags)
    return enough and words >= EVEN * len(lines) and named >= LETTERS * len(tags) and few


def _sentences(text: str) -> Iterator[Sentence]:
    lines = text.split("\n")
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    universal = first.count("\t") == CONLL_U - 1
    sentence = Sentence(0)
    for number, line in enumerate(lines, start=1):
        if universal and line.startswith("#"):
            continue
        cells = _cells(line)
        begins = cells[:1] == [DOCUMENT]
        if cells and not begins:
            if not universal or _stands(cells[0]):
                sentence.lines.append(Line(number, cells))
            continue
        if sentence.lines:
            yield sentence
        sentence = Sentence(sentence.document + begins)
    if sentence.lines:
        yield sentence


def _cells(line: str) -> list[str]:
    if "\t" in line:
        return [cell.strip() for cell in line.split("\t")] if line.strip() else []
    return [cell for cell in line.split(" ") if cell]


def _stands(number: str) -> bool:
    """Whether a line of CoNLL-U is a token: 3-4 is what the next two are written as together, 5.1 was left unsaid."""
    return not ("-" in number or "." in number)
