"""The data doctor: what is wrong with the examples, by name and with the reason; nothing is ever changed.

`before` looks at the index alone; glance.py looks at one decoded example, examiner.py says what all mean together.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepglass.data.annotation import in_words, names_of
from deepglass.data.column import Parts, tally_parts, where
from deepglass.data.settings import DataSettings
from deepglass.data.source import PARTS, Finding, Source
from deepglass.data.transcript import transcript
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import say

UNEVEN = 20  # the largest class against the smallest, from which it is said
ALONE = 0.5  # share of a table's pictures with an answer that no other has, from which answers are no classes
FEW = 10  # examples of a class below which it is said
VALIDATED = 5  # of these in validation, below which nothing can be said of the class there
UNDERSTOOD = frozenset(
    ("series_by_column", "columns_unused", "gaps_bridged", "series_uneven", "note_resampled", "pictures_shrunk")
    + ("made_pictures", "table_gb18030", "note_dark")
)
BY_CLASS = ("classify", "semi_supervised")
IMITATED = 100  # examples to learn from, below which what is made like them is a copy of one
RARELY = 0.01  # a probability below which something is not put down to chance
NAMED = 3  # examples that a summary names


def before(source: Source, parts: Parts, learner: object = None) -> list[Finding]:
    """What the index and the split tell before anything is read, to a task or its settings.

    One that `embeds` may meet new classes after training; where it learns from what is `unlabelled`, that is no
    mistake; where it `imitates`, a few are too few.
    """
    new_classes, unlabelled, imitates = (hasattr(learner, name) for name in ("embeds", "unlabelled", "imitates"))
    index = source.index
    counts: dict[str, Counter[Any]] = {part: Counter() for part in PARTS}
    for part, found in tally_parts(index.labels, parts).items():  # a fold leaves a given test part out of everything
        for label, count in found.items():
            for name in names_of(label):
                counts[part][name] += count
    unanswered = np.flatnonzero(where(index.labels, lambda label: label is None))
    places: Sequence[str] = getattr(source, "lines", ()) or index.ids
    values = {"count": len(unanswered), "examples": ", ".join(places[int(row)] for row in unanswered[:NAMED])}
    level, kind = ("note", "unlabelled") if unlabelled else ("warning", "no_answer")
    found = [Finding(kind, level, "", values)] if len(unanswered) else []
    found += _drawn(index.parts, parts) + (_by_heart(parts) if imitates else [])
    if source.task == "regress":
        return found
    if source.task == "transcribe":
        return found + _shared_transcripts(source, parts)
    if source.task in ("read_plates", "read_text"):
        return found + _characters(source, parts)
    if new_classes:
        return found + _apart(counts)
    found += _texts_for_classes(counts) if source.layout == "picture_table" and source.task == "classify" else []
    return found + _classes(counts, source.task) + _balance(counts, source.task)


def refuse(findings: Sequence[Finding]) -> None:
    """Raise DataError for the first error among the findings."""
    for finding in findings:
        if finding.level == "error":
            raise DataError(f"data.{finding.kind}", **finding.values)


def refuse_unknown(place: str, labels: Sequence[Any], known: Sequence[str]) -> None:
    """Raise DataError where examples have answers that are not among the known ones; numbers are always known."""
    if not known:
        return
    strange = [set(map(str, names_of(label))) - set(known) for label in labels]
    if names := sorted(set().union(*strange)):
        values = {"names": ", ".join(names[:5]), "known": ", ".join(known[:5]) + (" ..." if len(known) > 5 else "")}
        raise DataError("run.unknown_answers", place=place, count=sum(map(bool, strange)), of=len(labels), **values)


def refuse_unusable(source: Source, rows: Sequence[int]) -> None:
    """Raise DataError where annotations alone tell that none of these rows with an answer can be used."""
    faults = getattr(getattr(source, "annotated", None), "faults", {})
    answered = [row for row in rows if source.index.labels[row] is not None]
    if not answered or any(row not in faults for row in answered):
        return
    reasons = ((source.index.ids[row], faults[row]) for row in answered[:NAMED])
    examples = "\n".join(f"  {id}: {say(f'data.{reason.reason}', **reason.values)}" for id, reason in reasons)
    raise DataError("data.none_usable", examples=examples, count=len(answered))


def too_many_bad(findings: Sequence[Finding], count: int, settings: DataSettings, whole: int = 0) -> None:
    """Raise DataError where more of `count` examples are unreadable than `data.max_bad` allows.

    Where they are a sample of a `whole`, it is said, and so many must be bad that chance does not explain it.
    """
    bad = [finding for finding in findings if finding.kind == "unreadable"]
    if not bad or len(bad) <= settings.max_bad * count:
        return
    none, sample = len(bad) == count, "_sampled" if whole > count else ""
    if sample and not none and _by_chance(len(bad), count, settings.max_bad) > RARELY:
        return
    examples = "\n".join(f"  {finding.file}: {sentence(finding)}" for finding in bad[:NAMED])
    values = {"examples": examples, "whole": whole} | shares(len(bad), count, settings.max_bad)
    raise DataError(f"data.none_usable{sample}" if none else f"data.too_many_bad{sample}", **values)


def _by_chance(bad: int, count: int, share: float) -> float:
    """How probable so many bad ones or more are in a sample where their share of all is no larger than this."""
    if not 0 < share < 1:
        return float(share >= 1)
    good, odd = math.log1p(-share), math.log(share)
    ways = math.lgamma(count + 1)  # as logarithms: of 1,030 examples there are more ways than a float can count
    return sum(
        math.exp(ways - math.lgamma(more + 1) - math.lgamma(count - more + 1) + more * odd + (count - more) * good)
        for more in range(bad, count + 1)
    )


def sentence(finding: Finding, lang: str | None = None) -> str:
    """What a finding says to people, without its file."""
    values, why = finding.values, finding.values.get("why")
    said = say(f"data.{why}", lang, **values) if why else ""
    if finding.kind != "unreadable":
        said = say(f"data.{_key(finding)}", lang, **{"reason": said, **values})
    return f"{said} ({values['at']})" if values.get("at") else said


def _key(finding: Finding) -> str:
    """Which words say it: shorter ones where what to do was said of all such pairs before."""
    if finding.values.get("told"):
        return "pair_of_labels" if finding.kind == "two_labels" else "pair_of_parts"
    return f"{finding.kind}_drawn" if finding.values.get("drawn") else finding.kind


def named(finding: Finding, lang: str | None = None) -> str:
    """A finding with its file in front, where it concerns one."""
    return f"{finding.file}: {sentence(finding, lang)}" if finding.file else sentence(finding, lang)


def told_first(findings: Sequence[Finding], level: str) -> list[str]:
    """What a training says before it begins: its warnings, and those notes that say what it does not see as it is."""
    chosen = [one for one in findings if one.level == level]
    if level == "note":
        chosen = [one for one in chosen if one.kind in UNDERSTOOD or one.kind.startswith("column_")]
    return [named(one) for one in chosen]


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


def shares(bad: int, count: int, limit: float) -> dict[str, Any]:
    """What messages on unreadable examples say; `enough` is a data.max_bad that lets them pass."""
    enough = min(100, 100 * bad // count + 1) / 100
    return {
        "bad": bad,
        "count": count,
        "share": f"{100 * bad / count:.3g}",
        "limit": f"{100 * limit:.3g}",
        "enough": f"{enough:g}",
    }


def _drawn(given: Sequence[str], parts: Parts) -> list[Finding]:
    """Which parts were drawn from the rest because the source names only some."""
    named = {part for part in given if part}
    if not named:
        return []
    missing = [part for part in ("val", "test") if part not in named and (parts == part).any()]
    return [Finding("part_drawn", "note", "", {"part": part, "count": int((parts == part).sum())}) for part in missing]


def _by_heart(parts: Parts) -> list[Finding]:
    """That there are so few to learn from that none but copies of them will be made."""
    count = int((parts == "train").sum())
    return [Finding("few_to_imitate", "warning", "", {"count": count})] if count < IMITATED else []


def _apart(counts: Mapping[str, Counter[Any]]) -> list[Finding]:
    """How many classes of a part are new to the training part."""
    found: list[Finding] = []
    for part in ("val", "test"):
        if new := set(counts[part]) - set(counts["train"]):
            found.append(Finding("new_classes", "note", "", {"part": part, "count": len(new), "of": len(counts[part])}))
    return found


def _classes(counts: Mapping[str, Counter[Any]], task: str) -> list[Finding]:
    train = counts["train"]
    everywhere = set().union(*counts.values())
    if len(everywhere) < 2 and task in BY_CLASS:
        label = in_words(next(iter(everywhere), ""))
        return [Finding("one_class", "error", "", {"label": label, "count": sum(map(len, counts.values()))})]
    found: list[Finding] = []
    for part in ("val", "test"):
        if unknown := sorted(map(in_words, set(counts[part]) - set(train))):
            values = {"part": part, "names": ", ".join(unknown[:5]), "count": len(unknown)}
            found.append(Finding("class_not_in_train", "error", "", values))
        if counts[part] and (absent := sorted(map(in_words, set(train) - set(counts[part])))):
            values = {"part": part, "names": ", ".join(absent[:5]), "count": len(absent)}
            found.append(Finding("class_not_in_part", "note", "", values))
    return found + (_hardly_validated(counts) if task in BY_CLASS else [])


def _hardly_validated(counts: Mapping[str, Counter[Any]]) -> list[Finding]:
    """Classes of which validation has too few examples to choose anything by; those without any are told of already."""
    few = [(in_words(name), count) for name, count in counts["val"].most_common() if 0 < count < VALIDATED]
    if not few:
        return []
    names = ", ".join(f"{name} ({count})" for name, count in few[::-1][:5])
    return [Finding("hardly_validated", "note", "", {"count": len(few), "names": names, "few": VALIDATED})]


def _shared_transcripts(source: Source, parts: Parts) -> list[Finding]:
    """Transcripts that are both learned and tested on: then a network need only know them by heart."""
    texts = [None if label is None else transcript(str(label)) for label in source.index.labels]
    known = {text for text, part in zip(texts, parts, strict=True) if part == "train" and text}
    found: list[Finding] = []
    for name in ("val", "test"):
        rows = [row for row, text in enumerate(texts) if parts[row] == name and text in known]
        if rows:
            values = {"part": name, "count": len(rows), "of": int((parts == name).sum())}
            found.append(Finding("transcript_across_parts", "warning", source.index.ids[rows[0]], values))
    return found


def _characters(source: Source, parts: Parts) -> list[Finding]:
    """Characters that cannot be learned: those that other parts alone have, and those that training hardly has."""
    counts: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    for part, answers in tally_parts(source.index.labels, parts).items():
        for answer, count in answers.items():
            for text in map(str, names_of(answer)):
                counts[part].update(
                    {letter: count * text.count(letter) for letter in set(text) if not letter.isspace()}
                )
    train, found = counts["train"], list[Finding]()
    for part in ("val", "test"):
        if unknown := sorted(set(counts[part]) - set(train)):
            values = {"part": part, "characters": " ".join(unknown[:20]), "count": len(unknown)}
            found.append(Finding("characters_not_in_train", "warning", "", values))
    rare = sorted((letter for letter in train if train[letter] < FEW), key=lambda letter: (train[letter], letter))
    if rare:
        characters = ", ".join(f"{letter} ({train[letter]})" for letter in rare[:10])
        found.append(Finding("rare_characters", "note", "", {"count": len(rare), "characters": characters, "few": FEW}))
    return found


def _texts_for_classes(counts: Mapping[str, Counter[Any]]) -> list[Finding]:
    """That nearly every picture of a table has an answer of its own, which is then a text and no class."""
    whole = sum(counts.values(), Counter[Any]())
    once = sum(count == 1 for count in whole.values())
    if once < ALONE * whole.total() or once < FEW:
        return []
    return [Finding("texts_for_classes", "warning", "", {"once": once, "count": whole.total()})]


def _balance(counts: Mapping[str, Counter[Any]], task: str) -> list[Finding]:
    whole = sum(counts.values(), Counter[Any]()).most_common()
    if len(whole) < 2:
        return []
    (most, many), (least, few) = whole[0], whole[-1]
    found: list[Finding] = []
    if many > UNEVEN * few:
        values = {"most": in_words(most), "many": many, "least": in_words(least), "few": few, "times": many // few}
        kind = {"detect": "uneven_boxes", "segment": "uneven_outlines"}.get(task, "imbalance")
        found.append(Finding(kind, "warning", "", values))
    tiny = [(in_words(name), count) for name, count in whole if count < FEW]
    if tiny:
        names = ", ".join(f"{name} ({count})" for name, count in tiny[:5])
        found.append(Finding("tiny_classes", "warning", "", {"count": len(tiny), "names": names, "few": FEW}))
    return found
