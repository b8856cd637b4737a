"""The data doctor: what is wrong with the examples, by name and with the reason; nothing is ever changed.

`before` looks at the index alone. `glance` looks at one decoded example, beside its decoding; the `Examiner` collects
glances in the order of rows and says what they mean together: duplicates across parts, constant pictures and columns.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.duplicates import near_pairs, small_copy
from deepglass.data.readers.picture import to_bytes
from deepglass.data.settings import DataSettings
from deepglass.data.source import PARTS, Finding, Source, Unreadable
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say

UNEVEN = 20  # the largest class against the smallest, from which it is said
FEW = 10  # examples of a class below which it is said
NAMED = 3  # examples that a summary names
MOST_LISTED = 1000  # findings of one kind that are listed one by one
DRAWN = ("duplicate_across_parts", "near_duplicate_across_parts", "same_row_across_parts")
FEWEST_ROWS = 3  # rows of each class before a column is said to give the answer away


class Glance(NamedTuple):
    """What was seen of one example while it was at hand."""

    digest: bytes
    size: tuple[int, int] = (0, 0)  # width, height
    channels: int = 0
    constant: bool = False  # all pixels are the same
    dhash: int = 0
    thumb: bytes = b""  # small colour copy; empty where near duplicates are not looked for
    notes: tuple[str, ...] = ()
    vector: np.ndarray | None = None


def glance(raw: Any) -> Glance:
    """Look at one picture or vector. Pure: runs in the threads that decode."""
    if isinstance(raw, np.ndarray):
        return Glance(hashlib.sha256(raw.tobytes()).digest(), vector=raw)
    height, width, channels = raw.pixels.shape
    state = hashlib.sha256(f"{raw.pixels.shape}{raw.pixels.dtype}".encode())
    state.update(np.ascontiguousarray(raw.pixels).data)
    constant = bool((raw.pixels == raw.pixels[:1, :1]).all())
    dhash, thumb = (0, b"") if constant else small_copy(to_bytes(raw.pixels))
    return Glance(state.digest(), (width, height), channels, constant, dhash, thumb, raw.notes)


class Examiner:
    """Takes every example in the order of rows; `findings()` says what was seen."""

    def __init__(self, source: Source, parts: np.ndarray):
        self.index = source.index
        self.parts = parts
        self.unreadable: list[Finding] = []
        self.same: dict[bytes, list[int]] = defaultdict(list)
        self.copies: list[tuple[int, int, bytes]] = []  # row, dHash, small copy
        self.notes: dict[str, list[int]] = defaultdict(list)
        self.readable = 0
        self.sizes: Counter[tuple[int, int]] = Counter()
        self.channels: Counter[int] = Counter()
        self.vectors: list[tuple[int, np.ndarray]] = []
        self.lines: Sequence[str] = getattr(source, "lines", ())  # where a table of pictures names each

    def see(self, row: int, seen: Glance) -> None:
        """Note one example that could be read; one without an answer is neither trained nor tested on."""
        answered = self.index.labels[row] is not None
        self.readable += 1
        if answered:
            self.same[seen.digest].append(row)
        if seen.vector is not None and answered:
            self.vectors.append((row, seen.vector))
        if seen.vector is not None:
            return
        self.sizes[seen.size] += 1
        self.channels[seen.channels] += 1
        if seen.thumb and answered:
            self.copies.append((row, seen.dhash, seen.thumb))
        for note in seen.notes:
            self.notes[f"note_{note}"].append(row)
        if seen.constant:
            self.notes["constant_picture"].append(row)

    def bad(self, row: int, reason: Unreadable) -> None:
        """Note one example that could not be read: it is left out, and nothing takes its place."""
        values = {**reason.values, "why": reason.reason, **self._at(row)}
        self.unreadable.append(Finding("unreadable", "warning", self.index.ids[row], values))

    def findings(self) -> list[Finding]:
        """All that was seen, the worst first."""
        found = self._many_bad() + self.unreadable + self._twins() + self._near() + self._columns() + self._notes()
        return sorted(found, key=lambda finding: ("error", "warning", "note").index(finding.level))

    def _many_bad(self) -> list[Finding]:
        """That training refuses so many unreadable examples, unless it is told to go on."""
        bad = len(self.unreadable)
        count = bad + self.readable
        limit = DataSettings().max_bad
        if not bad or bad <= limit * count:
            return []
        return [Finding("many_bad", "warning", "", _shares(bad, count, limit))]

    def _at(self, *rows: int) -> dict[str, str]:
        """Where a table of pictures names these, as table:line."""
        return {"at": ", ".join(self.lines[row] for row in rows)} if self.lines else {}

    def _twins(self) -> list[Finding]:
        """The same pixels or numbers twice: with two answers, on both sides of a split, or harmlessly."""
        found: dict[str, list[Finding]] = defaultdict(list)
        harmless: list[int] = []
        vectors = bool(self.vectors)
        differ: list[list[int]] = []
        for rows in self.same.values():
            if len(rows) < 2:
                continue
            answers = {self.index.labels[row] for row in rows}
            if len(answers) > 1 and vectors:
                differ.append(rows)
            elif len(answers) > 1:
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

    def _near(self) -> list[Finding]:
        if len(self.copies) < 2:
            return []
        rows = np.array([row for row, _, _ in self.copies])
        hashes = np.array([dhash for _, dhash, _ in self.copies], dtype=np.uint64)
        twins = {row: rows[0] for rows in self.same.values() for row in rows if len(rows) > 1}
        pairs = near_pairs(hashes, [thumb for _, _, thumb in self.copies], self.parts[rows])
        found = [(int(rows[first]), int(rows[second])) for first, second in pairs]
        fresh = sorted(pair for pair in found if twins.get(pair[0], -1) != twins.get(pair[1], -2))
        return _shortened([self._pair("near_duplicate_across_parts", pair) for pair in fresh])

    def _pair(self, kind: str, rows: Sequence[int]) -> Finding:
        """The first row against the first that differs from it in what matters."""
        first = rows[0]
        marks = self.index.labels if kind == "two_labels" else self.parts
        second = next(row for row in rows if marks[row] != marks[first])
        values = {
            "other": self.index.ids[second],
            "mark": _text(marks[first]),
            "other_mark": _text(marks[second]),
            "count": len(rows),
            **self._at(first, second),
        }
        if kind in DRAWN and not any(self.index.parts[row] for row in (first, second) if self.index.parts):
            values["drawn"] = True
        return Finding(kind, "warning", self.index.ids[first], values)

    def _notes(self) -> list[Finding]:
        found = [self._summary(kind, rows) for kind, rows in sorted(self.notes.items())]
        if len(self.sizes) > 1:
            (width, height), count = self.sizes.most_common(1)[0]
            values = {"kinds": len(self.sizes), "width": width, "height": height, "count": count}
            found.append(Finding("mixed_sizes", "note", "", values))
        if len(self.channels) > 1:
            values = {"grey": self.channels[1], "colour": self.channels[3], "count": self.channels.total()}
            found.append(Finding("mixed_channels", "note", "", values))
        return found

    def _summary(self, kind: str, rows: Sequence[int]) -> Finding:
        level = "warning" if kind == "constant_picture" else "note"
        names = ", ".join(self.index.ids[row] for row in rows[:NAMED])
        return Finding(kind, level, "", {"count": len(rows), "examples": names})

    def _columns(self) -> list[Finding]:
        """Columns that say nothing, and columns that say the answer."""
        if not self.vectors:
            return []
        values = np.stack([vector for _, vector in self.vectors])
        labels = [self.index.labels[row] for row, _ in self.vectors]
        same = np.ptp(values, axis=0) == 0
        found = [Finding("constant_column", "warning", name) for name, flag in self._named(same) if flag]
        tells = _tells(values, labels) & ~same
        return found + [Finding("column_is_answer", "warning", name) for name, flag in self._named(tells) if flag]

    def _named(self, flags: np.ndarray) -> Iterable[tuple[str, bool]]:
        return zip(self.index.columns, flags.tolist(), strict=True)


def before(source: Source, parts: np.ndarray) -> list[Finding]:
    """What the index and the split tell before anything is read."""
    index = source.index
    sets = [label if isinstance(label, tuple) else (label,) for label in index.labels]
    counts: dict[str, Counter[Any]] = {part: Counter() for part in PARTS}
    for names, part in zip(sets, parts, strict=True):
        if part:  # a fold leaves a given test part out of everything
            counts[part].update(name for name in names if name is not None)
    unanswered = [row for row, label in enumerate(index.labels) if label is None]
    places: Sequence[str] = getattr(source, "lines", ()) or index.ids
    values = {"count": len(unanswered), "examples": ", ".join(places[row] for row in unanswered[:NAMED])}
    found = [Finding("no_answer", "warning", "", values)] if unanswered else []
    found += _drawn(index.parts, parts)
    if source.task == "regress":
        return found
    return found + _classes(counts, source.task) + _balance(counts)


def refuse(findings: Sequence[Finding]) -> None:
    """Raise DataError for the first error among the findings."""
    for finding in findings:
        if finding.level == "error":
            raise DataError(f"data.{finding.kind}", **finding.values)


def refuse_unknown(place: str, labels: Sequence[Any], known: Sequence[str]) -> None:
    """Raise DataError where examples have answers that are not among the known ones; numbers are always known."""
    if not known:
        return
    sets = [label if isinstance(label, tuple) else (label,) for label in labels if label is not None]
    strange = [{str(name) for name in names} - set(known) for names in sets]
    if names := sorted(set().union(*strange)):
        values = {"names": ", ".join(names[:5]), "known": ", ".join(known[:5]) + (" ..." if len(known) > 5 else "")}
        raise DataError("run.unknown_answers", place=place, count=sum(map(bool, strange)), of=len(labels), **values)


def too_many_bad(findings: Sequence[Finding], count: int, settings: DataSettings) -> None:
    """Raise DataError where more of `count` examples are unreadable than `data.max_bad` allows."""
    bad = [finding for finding in findings if finding.kind == "unreadable"]
    if not bad or len(bad) <= settings.max_bad * count:
        return
    examples = "\n".join(f"  {finding.file}: {sentence(finding)}" for finding in bad[:NAMED])
    raise DataError(
        "data.too_many_bad",
        examples=examples,
        **_shares(len(bad), count, settings.max_bad),
    )


def sentence(finding: Finding, lang: str | None = None) -> str:
    """What a finding says to people, without its file."""
    kind = finding.values["why"] if finding.kind == "unreadable" else finding.kind
    said = say(f"data.{kind}{'_drawn' if finding.values.get('drawn') else ''}", lang, **finding.values)
    return f"{said} ({finding.values['at']})" if finding.values.get("at") else said


def named(finding: Finding, lang: str | None = None) -> str:
    """A finding with its file in front, where it concerns one."""
    return f"{finding.file}: {sentence(finding, lang)}" if finding.file else sentence(finding, lang)


def report(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as JSON: kind, level, file, reason, and the values that the reason was made of."""
    return [
        {
            "kind": finding.kind,
            "level": finding.level,
            "file": finding.file,
            "reason": sentence(finding),
            "values": finding.values,
        }
        for finding in findings
    ]


def _shares(bad: int, count: int, limit: float) -> dict[str, Any]:
    """What messages on unreadable examples say; `enough` is a data.max_bad that lets them pass."""
    enough = min(100, 100 * bad // count + 1) / 100
    return {
        "bad": bad,
        "count": count,
        "share": f"{100 * bad / count:.3g}",
        "limit": f"{100 * limit:.3g}",
        "enough": f"{enough:g}",
    }


def _drawn(given: Sequence[str], parts: np.ndarray) -> list[Finding]:
    """Which parts were drawn from the rest because the source names only some."""
    named = {part for part in given if part}
    if not named:
        return []
    missing = [part for part in ("val", "test") if part not in named and (parts == part).any()]
    return [Finding("part_drawn", "note", "", {"part": part, "count": int((parts == part).sum())}) for part in missing]


def _classes(counts: Mapping[str, Counter[Any]], task: str) -> list[Finding]:
    train = counts["train"]
    everywhere = set().union(*counts.values())
    if len(everywhere) < 2 and task == "classify":
        label = _text(next(iter(everywhere), ""))
        return [Finding("one_class", "error", "", {"label": label, "count": sum(map(len, counts.values()))})]
    found: list[Finding] = []
    for part in ("val", "test"):
        if unknown := sorted(map(_text, set(counts[part]) - set(train))):
            values = {"part": part, "names": ", ".join(unknown[:5]), "count": len(unknown)}
            found.append(Finding("class_not_in_train", "error", "", values))
        if counts[part] and (absent := sorted(map(_text, set(train) - set(counts[part])))):
            values = {"part": part, "names": ", ".join(absent[:5]), "count": len(absent)}
            found.append(Finding("class_not_in_part", "note", "", values))
    return found


def _balance(counts: Mapping[str, Counter[Any]]) -> list[Finding]:
    whole = sum(counts.values(), Counter[Any]()).most_common()
    if len(whole) < 2:
        return []
    (most, many), (least, few) = whole[0], whole[-1]
    found: list[Finding] = []
    if many > UNEVEN * few:
        values = {"most": _text(most), "many": many, "least": _text(least), "few": few, "times": many // few}
        found.append(Finding("imbalance", "warning", "", values))
    tiny = [(_text(name), count) for name, count in whole if count < FEW]
    if tiny:
        names = ", ".join(f"{name} ({count})" for name, count in tiny[:5])
        found.append(Finding("tiny_classes", "warning", "", {"count": len(tiny), "names": names, "few": FEW}))
    return found


def _shortened(findings: list[Finding]) -> list[Finding]:
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


def _text(mark: Any) -> str:
    return ", ".join(map(str, mark)) if isinstance(mark, tuple) else str(mark)
