"""Speech and what is said: sounds with a table, with a text beside each, or as LibriSpeech and Common Voice lay them.

A table has a column of files and one of sentences (`data.path`, `data.text`); a text beside has the sound's name and
ends in .txt. Where nobody says who speaks, sounds of the same sentence are kept on one side of the split.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from deepglass.data.column import Texts
from deepglass.data.readers.delimited import FIRST_LINES, SUFFIXES, Delimited, numbered, open_delimited
from deepglass.data.readers.sound import Sound, header, read_sound
from deepglass.data.readers.text import read_text
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Layout, Match, Unreadable
from deepglass.data.sources.columns import PART_NAMES, PATHS, by_name, chosen, part
from deepglass.data.sources.files import LOOKED, Files, Names, is_sound, nameable
from deepglass.data.transcript import transcript
from deepglass.data.walk import listing, suffix, walk
from deepglass.foundation.errors import DataError

SENTENCES = "transcript transcription sentence text words normalized_text utterance prompt 文本 转写 句子 内容".split()
SPEAKERS = "client_id speaker speaker_id speaker_name 说话人".split()
TOLD = ".trans.txt"
BESIDE = 0.5  # share of the first sounds that have a text beside them for it to be this layout
FOUND = 0.5  # share of a table's first rows whose sound must exist
DIFFERENT = 0.5  # share of a column's cells that differ where it holds sentences and not classes
FASTEST = 40  # letters a second that nobody speaks
RARE, ENOUGH = 3, 2000  # letters that occur less often among so many are worth a word
FEWEST = 20  # different sentences below which they are no groups: a few commands, said again and again


class Utterance(NamedTuple):
    """One recording; an empty text is a missing one."""

    id: str
    text: str
    part: str = ""
    speaker: str = ""


@dataclass(frozen=True)
class Roles:
    """Which column of a table is what."""

    path: int
    text: int
    part: int | None
    speaker: int | None


class Speech(Files):
    """Sounds in files with their transcripts."""

    def read(self, row: int, fit: object = None) -> Sound:
        """The decoded sound; raises Unreadable, also where its transcript cannot be what is said."""
        sound = read_sound(self.root / self.index.ids[row], fit)
        letters = len(transcript(self.index.labels[row] or ""))
        if letters > 2 + FASTEST * sound.seconds:
            raise Unreadable("transcript_too_long", letters=letters, seconds=f"{sound.seconds:.3g}")
        return sound

    def header(self, row: int) -> tuple[int, int, int]:
        """Frames, channels and rate without decoding; raises Unreadable."""
        return header(self.root / self.index.ids[row])


def recognise(place: str, settings: DataSettings) -> Match | None:
    """Sounds, and something that says what is said in each."""
    path = Path(place)
    if not path.exists():
        return None
    if path.is_dir() and next(_common_voice(path), None) is not None:
        return Match(0.97, "layout_common_voice", "transcribe")
    if path.is_dir() and any(name.endswith(TOLD) for name in islice(walk(path), LOOKED)):
        return Match(0.97, "layout_librispeech", "transcribe")
    if table := _table(path, settings):
        opened, roles, _ = table
        values = {"file": opened.file.name, "path": opened.names[roles.path], "text": opened.names[roles.text]}
        return Match(0.94, "layout_sound_table", "transcribe", values)
    if path.is_dir() and _has_texts(path):
        return Match(0.93, "layout_sound_texts", "transcribe")
    return None


def open_speech(place: str, settings: DataSettings) -> Speech:
    """Every recording as an example, its transcript as the answer."""
    path = Path(place)
    findings: list[Finding] = []
    root, utterances = _utterances(path, settings, findings)
    if not utterances:
        raise DataError("data.not_that_layout", place=place, layout="transcripts")
    utterances = _once(utterances, findings)
    labels = [one.text if transcript(one.text) else None for one in utterances]
    parts = [one.part for one in utterances]
    groups = [one.speaker for one in utterances]
    if not any(groups):
        groups = [transcript(one.text) for one in utterances]
        groups = groups if len(set(groups)) >= FEWEST else []
    findings += _rare_letters(utterances)
    ids = [one.id for one in utterances]
    index = Index(ids, Texts(labels), parts if any(parts) else (), groups, kind="sound")
    return Speech("transcripts", "transcribe", root, index, findings)


def _utterances(path: Path, settings: DataSettings, findings: list[Finding]) -> tuple[Path, list[Utterance]]:
    if path.is_dir():
        for found in (_common_voice, _librispeech):
            if utterances := list(found(path)):
                findings += _untold([one.id for one in utterances], path)
                return path, utterances
    if table := _table(path, settings):
        opened, roles, names = table
        utterances = list(_rows(opened, roles, names, findings))
        findings += _untold([one.id for one in utterances], names.root)
        return names.root, utterances
    return path, list(_beside(path, findings))


def _common_voice(root: Path) -> Iterator[Utterance]:
    """clips/ with train.tsv, dev.tsv and test.tsv beside it, or validated.tsv; client_id, path, sentence in each."""
    folders, files = listing(root)
    if "clips" not in folders:
        return
    parts = [name for name in ("train.tsv", "dev.tsv", "test.tsv") if name in files]
    for name in parts if "train.tsv" in parts else [name for name in ("validated.tsv",) if name in files]:
        table = open_delimited(root / name)
        places = [by_name((wanted,), table.names) for wanted in ("path", "sentence", "client_id")]
        path, sentence, speaker = places
        if path is None or sentence is None:
            return
        for _, cells in table.rows():
            if len(cells) == len(table.names):
                clip = cells[path] if suffix(cells[path]) else f"{cells[path]}.mp3"  # the first releases left it out
                who = cells[speaker] if speaker is not None else ""
                yield Utterance(f"clips/{clip}", cells[sentence], part(Path(name).stem), who)


def _librispeech(root: Path) -> Iterator[Utterance]:
    """train-clean-100/103/1240/103-1240.trans.txt with a line "103-1240-0000 CHAPTER ONE" for 103-1240-0000.flac."""
    for name in walk(root):
        if not name.endswith(TOLD):
            continue
        folder, _, _ = name.rpartition("/")
        first = next((word for word in name.split("/")[:-1] if part(word.split("-")[0])), "")
        for line in read_text(root / name).text.splitlines():
            utterance, _, text = line.strip().partition(" ")
            if utterance:
                id = f"{folder}/{utterance}.flac" if folder else f"{utterance}.flac"
                yield Utterance(id, text, part(first.split("-")[0]), utterance.split("-")[0])


def _beside(root: Path, findings: list[Finding]) -> Iterator[Utterance]:
    """a.wav with a.txt beside it."""
    files = [name for name in walk(root) if nameable(name)]
    there = set(files)
    untold: list[str] = []
    for name in files:
        if not is_sound(root, name):
            continue
        text = f"{name.rpartition('.')[0]}.txt"
        if text not in there:
            untold.append(name)
            continue
        try:
            yield Utterance(name, " ".join(read_text(root / text).text.split()), _folder_part(name))
        except Unreadable as reason:
            findings.append(Finding("unreadable_transcript", "warning", text, {"why": reason.reason, **reason.values}))
    if untold:
        findings.append(_without(untold))


def _has_texts(root: Path) -> bool:
    files = set(islice(walk(root), LOOKED))
    sounds = [name for name in files if is_sound(root, name)]
    told = sum(f"{name.rpartition('.')[0]}.txt" in files for name in sounds)
    return bool(sounds) and told >= BESIDE * len(sounds)


def _folder_part(name: str) -> str:
    return part(name.split("/")[0]) if "/" in name else ""


def _table(path: Path, settings: DataSettings) -> tuple[Delimited, Roles, Names] | None:
    """The table, given or alone in its folder, of which a column names sounds and another holds sentences."""
    file = path if path.is_file() else None
    if path.is_dir():
        tables = [name for name in listing(path)[1] if suffix(name) in SUFFIXES]
        file = path / tables[0] if len(tables) == 1 else None
    if file is None or suffix(file.name) not in SUFFIXES:
        return None
    table = open_delimited(file)
    rows = [cells for _, cells in islice(table.rows(), FIRST_LINES)]
    if len(table.names) < 2 or not rows or not (settings.path or path.is_dir() or _names_sounds(rows)):
        return None  # no look around a table of numbers: it may lie in a folder of anything
    names = Names(file.parent, "sound")
    roles = _roles(table, rows, names, settings) if names.ids else None
    if roles is None:
        return None
    if table.has_header and names.find(table.names[roles.path]):  # LJSpeech has none, and its first row looks like one
        table = replace(table, has_header=False, names=numbered(len(table.names)))
    return table, roles, names


def _names_sounds(rows: Sequence[list[str]]) -> bool:
    return any(is_sound("", cell) for cells in rows[:3] for cell in cells)


def _roles(table: Delimited, rows: list[list[str]], names: Names, settings: DataSettings) -> Roles | None:
    columns, file = table.names, table.file
    rows = [cells for cells in rows if len(cells) == len(columns)]
    path = chosen("data.path", settings.path, columns, file)
    if path is None:
        telling = by_name(PATHS, columns)
        order = sorted(range(len(columns)), key=lambda place: place != telling)
        found = {place: sum(names.find(cells[place]) is not None for cells in rows) for place in order}
        path = max(order, key=lambda place: found[place])
        if not rows or found[path] < FOUND * len(rows):
            return None
    text = chosen("data.text", settings.text, columns, file)
    speaker = chosen("data.group", settings.group, columns, file)
    if speaker is None:
        speaker = by_name(SPEAKERS, columns, (path, text))
    if text is None:
        text = by_name(SENTENCES, columns, (path, speaker))
    if text is None:
        text = _longest(rows, {path, speaker})
    if text is None:
        return None
    split = by_name(PART_NAMES, columns, (path, text, speaker))
    return Roles(path, text, split, speaker)


def _longest(rows: list[list[str]], taken: set[int | None]) -> int | None:
    """The column with the longest cells of those that mostly differ; classes come again and again."""
    best, most = None, 0
    for place in range(len(rows[0])):
        cells = [row[place] for row in rows if row[place]]
        if place in taken or len(set(cells)) < DIFFERENT * len(cells):
            continue
        letters = sum(len(transcript(cell)) for cell in cells)
        if letters > most and any(letter.isalpha() for cell in cells for letter in cell):
            best, most = place, letters
    return best


def _rows(table: Delimited, roles: Roles, names: Names, findings: list[Finding]) -> Iterator[Utterance]:
    """Every row; a file that does not exist is found out when it is read."""
    short: list[int] = []
    for line, cells in table.rows():
        if len(cells) != len(table.names):
            short.append(line)
            continue
        id = names.find(cells[roles.path]) or cells[roles.path].replace("\\", "/")
        named = part(cells[roles.part]) if roles.part is not None else ""
        yield Utterance(id, cells[roles.text], named, cells[roles.speaker] if roles.speaker is not None else "")
    if short:
        values = {"count": len(short), "expected": len(table.names), "lines": ", ".join(map(str, short[:3]))}
        findings.append(Finding("rows_cut", "warning", table.file.name, values))


def _once(utterances: list[Utterance], findings: list[Finding]) -> list[Utterance]:
    """Each recording once; of one that is named again the first counts."""
    first = {one.id: one for one in reversed(utterances)}
    if len(first) < len(utterances):
        counts = Counter(one.id for one in utterances)
        again = [id for id, count in counts.items() if count > 1]
        values = {"count": len(utterances) - len(first), "examples": ", ".join(again[:3])}
        findings.append(Finding("rows_repeated", "warning", "", values))
    return list({one.id: first[one.id] for one in utterances}.values())


def _untold(ids: list[str], root: Path) -> list[Finding]:
    known = set(ids)
    left = [name for name in walk(root) if is_sound(root, name) and nameable(name) and name not in known]
    return [_without(left)] if left else []


def _without(names: list[str]) -> Finding:
    return Finding("sound_without_text", "warning", "", {"count": len(names), "examples": ", ".join(names[:3])})


def _rare_letters(utterances: Sequence[Utterance]) -> list[Finding]:
    """Letters that hardly occur: slips, other languages, or what should have been written out."""
    counts = Counter(letter for one in utterances for letter in transcript(one.text))
    rare = sorted(letter for letter, count in counts.items() if count < RARE)
    if not rare or counts.total() < ENOUGH or len(rare) > len(counts) / 2:  # where letters are words, many are rare
        return []
    where = next(one.id for one in utterances if rare[0] in transcript(one.text))
    return [Finding("rare_letters", "note", where, {"letters": " ".join(rare[:20]), "count": len(rare)})]


CATALOGUE = {"transcripts": Layout(recognise, open_speech)}
