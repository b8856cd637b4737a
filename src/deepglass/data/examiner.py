"""What the examples say together: duplicates across parts, constant pictures and columns, sizes, what was unreadable.

Glances come in any order, from threads and processes; what is said of them does not depend on it.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from deepglass.data.annotation import in_words, unordered
from deepglass.data.check import NAMED, shares
from deepglass.data.column import Parts, Texts, where
from deepglass.data.duplicates import THUMB, near_pairs
from deepglass.data.glance import Glance
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Source, Unreadable
from deepglass.data.space import room

MOST_LISTED = 1000  # findings of one kind that are listed one by one
DRAWN = ("duplicate_across_parts", "near_duplicate_across_parts", "same_row_across_parts")
WARNED = frozenset(  # more than notes
    (
        *("constant_picture", "note_silent", "note_clipped", "note_one_sample", "note_outline_corners"),
        *("note_outline_crosses", "note_outline_outside", "note_outline_without_area", "note_outline_missing"),
        *("note_constant_volume", "note_mask_unknown"),
    )
)
NOTHING: Mapping[str, str] = MappingProxyType({})
FEWEST_ROWS = 3  # rows of each class before a column is said to give the answer away


class Examiner:
    """Takes one glance for each example; `findings()` says what was seen."""

    def __init__(self, source: Source, parts: Parts):
        count = len(source.index)
        self.index = source.index
        self.parts = parts
        self.lines: Sequence[str] = getattr(source, "lines", ())  # where a table of pictures names each
        self.lock = threading.Lock()
        self.unreadable: dict[int, Finding] = {}
        self.readable = np.zeros(count, dtype=bool)
        self.digests = np.zeros((count, 2), dtype=np.uint64)
        self.sizes = np.zeros((count, 3), dtype=np.uint16)  # width, height, channels
        self.dhashes = np.zeros(count, dtype=np.uint64)
        self.copied = np.zeros(count, dtype=bool)  # those with a small copy
        self.copies: np.ndarray | None = None
        self.vectors: np.ndarray | None = None
        self.notes: dict[str, list[int]] = defaultdict(list)
        self.classes: dict[str, set[int]] = defaultdict(set)  # numbers in the masks of each part
        self.details: dict[str, Counter[str]] = defaultdict(Counter)  # what notes of a kind say behind their colon

    def see(self, row: int, seen: Glance) -> None:
        """Note one example that could be read."""
        with self.lock:
            self.digests[row] = np.frombuffer(seen.digest, dtype=np.uint64)
            self.readable[row] = True
            if seen.vector is not None:
                if self.vectors is None:
                    self.vectors = room((len(self.readable), len(seen.vector)), np.dtype(np.float32))
                self.vectors[row] = seen.vector
                return
            self.sizes[row] = (*seen.size, seen.channels)
            if seen.thumb:
                self._copy(row, seen)
            for note in seen.notes:
                kind, _, detail = note.partition(":")
                self.notes[f"note_{kind}"].append(row)
                self.details[f"note_{kind}"][detail] += 1
            self.classes[self.parts[row]].update(seen.classes)
            if seen.constant:
                self.notes["constant_picture"].append(row)

    def bad(self, row: int, reason: Unreadable) -> None:
        """Note one example that could not be read: it is left out, and nothing takes its place."""
        with self.lock:
            self.unreadable[row] = unreadable(self.index, row, reason, self._at(row))

    def left_out(self) -> list[Finding]:
        """What could not be read so far, in the order of rows."""
        with self.lock:
            return [self.unreadable[row] for row in sorted(self.unreadable)]

    def findings(self) -> list[Finding]:
        """All that was seen, the worst first."""
        answered = where(self.index.labels, lambda label: label is not None)
        rows = np.flatnonzero(self.readable & answered)  # one without an answer is neither trained nor tested on
        twins = _equal(self.digests, rows)
        found = self._many_bad() + self.left_out() + self._twins(twins) + self._near(rows, twins)
        found += self._columns(rows) + self._notes() + self._masks()
        return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.level))

    def _copy(self, row: int, seen: Glance) -> None:
        if self.copies is None:
            self.copies = room((len(self.readable), THUMB * THUMB * 3), np.dtype(np.uint8))
        self.copies[row] = np.frombuffer(seen.thumb, dtype=np.uint8)
        self.dhashes[row] = seen.dhash
        self.copied[row] = True

    def _many_bad(self) -> list[Finding]:
        """That training refuses so many unreadable examples, unless it is told to go on."""
        bad = len(self.unreadable)
        count = bad + int(self.readable.sum())
        limit = DataSettings().max_bad
        if not bad or bad <= limit * count:
            return []
        return [Finding("many_bad", "warning", "", shares(bad, count, limit))]

    def _at(self, *rows: int) -> dict[str, str]:
        """Where a table of pictures names these, as table:line."""
        return {"at": ", ".join(self.lines[row] for row in rows)} if self.lines else {}

    def _twins(self, twins: list[list[int]]) -> list[Finding]:
        """The same pixels or numbers twice: with two answers, on both sides of a split, or harmlessly."""
        found: dict[str, list[Finding]] = defaultdict(list)
        harmless: list[int] = []
        vectors = self.vectors is not None
        differ: list[list[int]] = []
        for rows in twins:
            answers = {unordered(self.index.labels[row]) for row in rows}
            several = len(answers) > 1 and not isinstance(self.index.labels, Texts)  # a text may well be put two ways
            if several and vectors:
                differ.append(rows)
            elif several:
                found["two_labels"].append(self._pair("two_labels", rows))
            if len({self.parts[row] for row in rows}) > 1:
                found["leak"].append(self._pair("same_row_across_parts" if vectors else "duplicate_across_parts", rows))
            elif len(answers) == 1:
                harmless += rows[1:]
        if vectors and found["leak"]:  # rows of a short table may well agree by chance: one sentence for all
            leaks = found.pop("leak")
            values = {**leaks[0].values, "count": len(leaks), "first": leaks[0].file}
            found["leak"] = [Finding("same_row_across_parts", "warning", "", values)]
        summary = [self._summary("same_rows" if vectors else "duplicates", harmless)] if harmless else []
        return (
            [finding for findings in found.values() for finding in _shortened(findings)]
            + self._differ(differ)
            + summary
        )

    def _differ(self, groups: list[list[int]]) -> list[Finding]:
        """Rows whose inputs are equal and whose answers are not, in one sentence with the first pair as its example."""
        if not groups:
            return []
        first = self._pair("two_labels", groups[0])
        values = {**first.values, "first": first.file, "count": sum(map(len, groups)), "groups": len(groups)}
        return [Finding("same_inputs_differ", "warning", "", values)]

    def _near(self, rows: np.ndarray, twins: list[list[int]]) -> list[Finding]:
        rows = rows[self.copied[rows]]
        copies = self.copies
        if len(rows) < 2 or copies is None:
            return []
        first_of = {row: group[0] for group in twins for row in group}
        pairs = near_pairs(self.dhashes[rows], lambda place: copies[rows[place]], self.parts.codes[rows])
        found = [(int(rows[first]), int(rows[second])) for first, second in pairs]
        fresh = sorted(pair for pair in found if first_of.get(pair[0], -1) != first_of.get(pair[1], -2))
        return _shortened([self._pair("near_duplicate_across_parts", pair) for pair in fresh])

    def _pair(self, kind: str, rows: Sequence[int]) -> Finding:
        """The first row against the first that differs from it in what matters."""
        first = rows[0]
        marks = {row: unordered(self.index.labels[row]) if kind == "two_labels" else self.parts[row] for row in rows}
        second = next(row for row in rows if marks[row] != marks[first])
        values = {
            "other": self.index.ids[second],
            "mark": in_words(marks[first]),
            "other_mark": in_words(marks[second]),
            "count": len(rows),
            **self._at(first, second),
        }
        if kind in DRAWN and not any(self.index.parts[row] for row in (first, second) if self.index.parts):
            values["drawn"] = True
        return Finding(kind, "warning", self.index.ids[first], values)

    def _notes(self) -> list[Finding]:
        found = [self._summary(kind, sorted(rows)) for kind, rows in sorted(self.notes.items())]
        pictures = self.sizes[self.readable & (self.sizes[:, 2] > 0)]
        sizes = Counter(map(tuple, pictures[:, :2].tolist()))
        if len(sizes) > 1:
            (width, height), count = sizes.most_common(1)[0]
            values = {"kinds": len(sizes), "width": width, "height": height, "count": count}
            found.append(Finding("mixed_sizes", "note", "", values))
        channels = Counter(pictures[:, 2].tolist())
        if len(channels) > 1:
            values = {"grey": channels[1], "colour": channels[3], "count": channels.total()}
            found.append(Finding("mixed_channels", "note", "", values))
        return found

    def _masks(self) -> list[Finding]:
        """Classes that a later part has in its masks and training has not."""
        found: list[Finding] = []
        for part in ("val", "test"):
            strange = sorted(self.classes[part] - self.classes["train"])
            if names := [self.index.classes[number] for number in strange if number < len(self.index.classes)]:
                values = {"part": part, "names": ", ".join(names[:5]), "count": len(names)}
                found.append(Finding("mask_class_not_in_train", "warning", "", values))
        return found

    def _summary(self, kind: str, rows: Sequence[int]) -> Finding:
        level = "warning" if kind in WARNED else "note"
        names = ", ".join(self.index.ids[row] for row in rows[:NAMED])
        told = {detail: count for detail, count in self.details[kind].items() if detail}
        return Finding(kind, level, "", {"count": len(rows), "examples": names, **_details(kind, told)})

    def _columns(self, rows: np.ndarray) -> list[Finding]:
        """Columns that say nothing, and columns that say the answer."""
        if self.vectors is None or not len(rows):
            return []
        values = self.vectors[rows]
        same = np.ptp(values, axis=0) == 0
        found = [Finding("constant_column", "warning", name) for name, flag in self._named(same) if flag]
        tells = _tells(values, [self.index.labels[row] for row in rows.tolist()]) & ~same
        return found + [Finding("column_is_answer", "warning", name) for name, flag in self._named(tells) if flag]

    def _named(self, flags: np.ndarray) -> Iterable[tuple[str, bool]]:
        return zip(self.index.columns, flags.tolist(), strict=True)


def unreadable(index: Index, row: int, reason: Unreadable, at: Mapping[str, str] = NOTHING) -> Finding:
    """That an example cannot be used, and why; `at` is where a table names it, if the reason knows no better place."""
    return Finding("unreadable", "warning", index.ids[row], {**at, **reason.values, "why": reason.reason})


def _details(kind: str, told: Mapping[str, int]) -> dict[str, Any]:
    """What notes of a kind say behind their colon: each and how many say so, or the bits that all dark pictures need.

    A camera's bits are those of its brightest picture: a dim one by itself needs fewer.
    """
    if kind == "note_dark":
        bits = max(map(int, told))
        return {"bits": bits, "times": 1 << (16 - bits)}
    numbers = {detail: detail.split(" ")[0] for detail in told}  # 8000 → 16000 comes before 44100 → 16000
    order = sorted(told, key=lambda detail: (int(numbers[detail]) if numbers[detail].isdecimal() else 0, detail))
    return {"details": ", ".join(f"{detail}: {told[detail]}" for detail in order)} if told else {}


def _equal(digests: np.ndarray, rows: np.ndarray) -> list[list[int]]:
    """Rows whose digests are equal, two or more together, in the order of the first of each."""
    mine = digests[rows]
    order = np.lexsort((rows, mine[:, 1], mine[:, 0]))
    again = (mine[order][1:] == mine[order][:-1]).all(axis=1)  # equal to the one before
    members = np.flatnonzero(np.concatenate([again, [False]]) | np.concatenate([[False], again]))
    starts = np.flatnonzero(~np.concatenate([[False], again])[members])
    groups = np.split(rows[order[members]], starts[1:]) if len(members) else []
    return sorted(group.tolist() for group in groups)


def _shortened(findings: list[Finding]) -> list[Finding]:
    """Several pairs of one kind: what to do is said once, before they are named."""
    if len(findings) < 2:
        return findings
    drawn = {"drawn": True} if all(finding.values.get("drawn") for finding in findings) else {}
    head = Finding(f"{findings[0].kind}_many", "warning", "", {"count": len(findings), **drawn})
    findings = [head, *(one._replace(values={**one.values, "told": True}) for one in findings)]
    if len(findings) <= MOST_LISTED:
        return findings
    more = Finding("and_more", "warning", "", {"count": len(findings) - MOST_LISTED})
    return [*findings[:MOST_LISTED], more]


def _tells(values: np.ndarray, labels: Sequence[Any]) -> np.ndarray:
    """Which columns never change within a label: bool (K,). Numbers as answers: which columns equal them."""
    if all(isinstance(label, float) for label in labels):
        answers = np.array(labels, dtype=np.float32)
        return (values == answers[:, None]).all(axis=0)
    rows: dict[Any, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        rows[label].append(place)
    if min(map(len, rows.values())) < FEWEST_ROWS:
        return np.zeros(values.shape[1], dtype=bool)
    return np.all([np.ptp(values[places], axis=0) == 0 for places in rows.values()], axis=0)
