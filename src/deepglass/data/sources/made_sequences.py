"""Made texts, sounds and series for lessons, the same on every machine.

made:languages  three numbers in words; which language is it?           "vierundsechzig, neun, achtzig"
made:numbers    numbers in words and figures, to be continued           "forty-two = 42"
made:dates      dates as people write them, into one form               "March 3, 2021" -> "2021-03-03"
made:speech     a number in Esperanto, said by a made voice             "tricent dudek naŭ"
made:tagged     people, days and money in sentences                     "May paid Mark 30 marks in May"
made:waves      a noisy wave of some length; which shape is it?         sine, square or saw
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from deepglass.data.column import Texts
from deepglass.data.readers.sound import Sound
from deepglass.data.readers.text import Text
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index, Layout, Match
from deepglass.data.sources.made_tagged import tagged
from deepglass.data.sources.rows import Rows
from deepglass.data.sources.voice import RATE, Speaker, speak
from deepglass.foundation.seeds import Draws, Permutation, row_keys

NOISE = 150  # of 32,768: how loud the room is in which somebody speaks
ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
GERMAN = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn"
    " achtzehn neunzehn"
).split()
GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()
SPANISH = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete"
    " dieciocho diecinueve"
).split()
SPANISH_TENS = "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
MONTHS = "January February March April May June July August September October November December".split()
ESPERANTO = "nul unu du tri kvar kvin ses sep ok naŭ".split()


class Made(NamedTuple):
    """One set: its task and kind, how many rows, and what a row is, given draws of all rows."""

    task: str
    kind: str
    rows: int
    make: Callable[[Draws, int], list[tuple[Any, Any]]]
    columns: tuple[str, ...] = ()


def english(number: int) -> str:
    """A number below 100 in words.

    >>> english(7), english(42), english(90)
    ('seven', 'forty-two', 'ninety')
    """
    return _worded(number, ENGLISH, ENGLISH_TENS, lambda ten, one: f"{ten}-{one}")


def german(number: int) -> str:
    """
    >>> german(42), german(21)
    ('zweiundvierzig', 'einundzwanzig')
    """
    return _worded(number, GERMAN, GERMAN_TENS, lambda ten, one: f"{'ein' if one == 'eins' else one}und{ten}")


def spanish(number: int) -> str:
    """
    >>> spanish(42), spanish(21), spanish(22)
    ('cuarenta y dos', 'veintiuno', 'veintidós')
    """
    joined = {"dos": "dós", "tres": "trés", "seis": "séis"}  # as the end of one word they bear its stress
    return _worded(
        *(number, SPANISH, SPANISH_TENS),
        lambda ten, one: f"veinti{joined.get(one, one)}" if ten == "veinte" else f"{ten} y {one}",
    )


def esperanto(number: int) -> str:
    """A number below 1000; every letter is a sound of its own.

    >>> esperanto(0), esperanto(111), esperanto(320)
    ('nul', 'cent dek unu', 'tricent dudek')
    """
    hundreds, ones = divmod(number, 100)
    tens, ones = divmod(ones, 10)
    named = ((hundreds, "cent"), (tens, "dek"))
    words = [f"{ESPERANTO[count] if count > 1 else ''}{name}" for count, name in named if count]
    return " ".join([*words, *([ESPERANTO[ones]] if ones or not words else [])])


def _worded(number: int, small: Sequence[str], tens: Sequence[str], join: Callable[[str, str], str]) -> str:
    if number < 20:
        return small[number]
    ten, one = divmod(number, 10)
    return join(tens[ten - 2], small[one]) if one else tens[ten - 2]


def languages(draws: Draws, count: int) -> list[tuple[Text, str]]:
    """Three numbers in one of three languages."""
    written = (("english", english), ("german", german), ("spanish", spanish))
    found = []
    for row, numbers in enumerate(draws.integers("numbers", 0, 100, 3).tolist()):
        name, write = written[row % 3]
        found.append((Text(", ".join(map(write, numbers))), name))
    return found


def numbers(draws: Draws, count: int) -> list[tuple[Text, str]]:
    """Eight lines of a number in words and in figures."""
    rows = draws.integers("numbers", 0, 100, 8).tolist()
    return [(Text("".join(f"{english(number)} = {number}\n" for number in row)), "") for row in rows]


def dates(draws: Draws, count: int) -> list[tuple[Text, str]]:
    """A date in one of five ways of writing it, and in the international one."""
    drawn = zip(
        draws.integers("year", 1950, 2050).tolist(),
        draws.integers("month", 1, 13).tolist(),
        draws.integers("day", 1, 29).tolist(),
        draws.integers("form", 0, 5).tolist(),
        strict=True,
    )
    found = []
    for year, month, day, form in drawn:
        name = MONTHS[month - 1]
        ways = (
            f"{name} {day}, {year}",
            f"{day} {name} {year}",
            f"{name[:3]} {day} {year}",
            f"the {day}. of {name}, {year}",
            f"{day}/{month}/{year}",
        )
        found.append((Text(ways[form]), f"{year}-{month:02d}-{day:02d}"))
    return found


def speech(draws: Draws, count: int) -> list[tuple[Sound, str]]:
    """A number that no other row has, each by another voice, faster or slower, louder or softer, in noise."""
    drawn = zip(
        Permutation(1000, 0, "made/speech")(np.arange(count)).tolist(),
        draws.between("pitch", 90, 220).tolist(),
        draws.between("mouth", 0.9, 1.15).tolist(),
        draws.between("pace", 0.85, 1.2).tolist(),
        draws.between("loudness", 0.2, 0.8).tolist(),
        draws.normal("noise", RATE).numpy(),
        strict=True,
    )
    found = []
    for number, pitch, mouth, pace, loudness, noise in drawn:
        voice = speak(esperanto(number), Speaker(pitch, mouth, pace), noise)
        samples = 20_000 * loudness * voice + NOISE * np.resize(noise, len(voice))
        found.append((Sound(np.rint(samples.clip(-32_000, 32_000)).astype(np.int16)[:, None], RATE), esperanto(number)))
    return found


def waves(draws: Draws, count: int) -> list[tuple[np.ndarray, str]]:
    """A sine, a square or a saw of some length, speed and phase, in noise. float32 (T, 1)"""
    lengths, speeds = draws.integers("length", 60, 120).tolist(), draws.between("speed", 0.15, 0.4).tolist()
    phases, noise = draws.between("phase", 0, 2 * math.pi).tolist(), draws.normal("noise", 120).numpy()
    shapes: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
        ("sine", np.sin),
        ("square", lambda angle: np.sign(np.sin(angle))),
        ("saw", lambda angle: (angle / math.pi) % 2 - 1),
    )
    found = []
    for row in range(count):
        name, shape = shapes[row % 3]
        angle = phases[row] + speeds[row] * np.arange(lengths[row])
        found.append(((shape(angle) + 0.3 * noise[row, : lengths[row]]).astype(np.float32)[:, None], name))
    return found


SETS = {
    "languages": Made("classify", "text", 600, languages, ("text",)),
    "numbers": Made("generate_text", "text", 600, numbers),
    "dates": Made("translate", "text", 4000, dates, ("text",)),
    "speech": Made("transcribe", "sound", 600, speech),
    "tagged": Made("tag", "text", 800, tagged, ("text",)),
    "waves": Made("classify", "series", 450, waves, ("x1",)),
}


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of `SETS`."""
    name = place.removeprefix("made:")
    if not place.startswith("made:") or name not in SETS:
        return None
    return Match(1.0, "layout_made_sequences", SETS[name].task, {"count": SETS[name].rows, "name": name})


def open_made(place: str, settings: DataSettings) -> Rows:
    """The rows of one set; ids are their numbers."""
    name = place.removeprefix("made:")
    made = SETS[name]
    pairs = made.make(Draws(row_keys(0, f"made/{name}", 0, made.rows)), made.rows)
    ids = [f"{row:04d}" for row in range(len(pairs))]
    answers = [answer for _, answer in pairs]
    written = made.task in ("translate", "transcribe", "tag")  # answers that are texts are no classes to split by
    index = Index(ids, Texts(answers) if written else answers, kind=made.kind, columns=made.columns)
    return Rows("made_sequences", made.task, Path(), index, [raw for raw, _ in pairs])


CATALOGUE = {"made_sequences": Layout(recognise, open_made)}
