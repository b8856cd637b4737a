"""JPEGs that are damaged in the middle: their decoder fills up what it lacks with grey and tells nobody.

So it is watched. Where a picture lies in one stretch of codes, the end of the file is taken away and the last bytes are
held back: a decoder that lacks codes comes to the end, and one that has too many never asks for the last bytes. That
costs a search for the end. Progressive pictures and those with restarts have many stretches, each of which may lack
something: bytes put behind each are skipped in a sound file, and change the picture where the decoder needs them. That
is a second decoding. Neither asks more of the codes than the picture that is made of them needs.
"""

import io
import re
from typing import NamedTuple

import numpy as np

MARK = b"\xff\xd8\xff"
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2  # Huffman codes; arithmetic ones may end early, and are not watched
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
SCAN, END, RESTARTS = 0xDA, 0xD9, 0xDD
BARE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length
RESTART = re.compile(rb"\xff+[\xd0-\xd7]")
ONES = b"\xff\0" * 8  # as many bits as a decoder reads ahead, and no code
FILL = bytes((37 * place + 11) % 251 for place in range(32))  # without a marker
HELD = 64  # so many bytes too many are nothing: some cameras fill up the end


class Codes(NamedTuple):
    """Where the codes of a JPEG lie."""

    stretches: tuple[tuple[int, int], ...]  # from, to; of progressive pictures one for each scan
    whole: bool  # all in one, without restarts
    ordered: bool  # restarts count from 0 to 7 and again from 0


class Watched(io.BytesIO):
    """A JPEG of one stretch without its end; `asked` says whether the last bytes of codes were wanted."""

    def __init__(self, content: bytes, stretch: tuple[int, int]):
        start, end = stretch
        super().__init__(content[:end] + ONES)
        codes = len(content[start:end].rstrip(b"\0\xff"))
        self.held = start + max(0, codes - HELD)
        self.asked = False

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any stream, but never beyond what is held back together with what comes before it."""
        room = self.held - self.tell()
        if room <= 0:
            self.asked = True
        elif size is None or size < 0 or size > room:
            size = room
        return super().read(size)


def codes(content: bytes) -> Codes | None:
    """Where the codes lie; None where it is no JPEG, of a kind that is not watched, or ends before its end."""
    if not content.startswith(MARK):
        return None
    frame, place, ordered, restarts = 0, 2, True, False
    stretches: list[tuple[int, int]] = []
    marks, kinds = _marks(content)
    while True:
        kind, place = _marker(content, place)
        if kind == END:
            break
        length = int.from_bytes(content[place : place + 2], "big")
        if not kind or length < 2:
            return None
        frame = kind if kind in FRAMES else frame
        restarts |= kind == RESTARTS and content[place + 2 : place + 4] != b"\0\0"
        place += length
        if kind == SCAN:
            first = int(np.searchsorted(marks, place))
            ends = (kinds[first:] < 0xD0) | (kinds[first:] > 0xD7)  # a restart is no end
            stop = first + int(ends.argmax()) if ends.any() else 0
            if not stop:
                return None
            stretches.append((place, int(marks[stop])))
            ordered &= _counts((kinds[first:stop] - 0xD0).tolist(), restarts)
            place = int(marks[stop])
    if frame not in (BASELINE, EXTENDED, PROGRESSIVE) or not stretches:
        return None
    return Codes(tuple(stretches), len(stretches) == 1 and frame != PROGRESSIVE and not restarts, ordered)


def filled(content: bytes, found: Codes) -> bytes:
    """The same JPEG with bytes behind every stretch and before every restart that a decoder of a sound one skips."""
    pieces: list[bytes] = []
    last = 0
    for start, end in found.stretches:
        within = RESTART.sub(lambda mark: FILL + mark[0], content[start:end])
        pieces += [content[last:start], within, FILL]
        last = end
    return b"".join([*pieces, content[last:]])


def _marker(content: bytes, place: int) -> tuple[int, int]:
    """The next marker that has a body, or the end, and where its body begins; 0 where there is none."""
    while content[place : place + 1] == b"\xff":
        while content[place : place + 1] == b"\xff":
            place += 1
        kind = content[place] if place < len(content) else 0
        place += 1
        if kind not in BARE:
            return kind, place
    return 0, place


def _marks(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Where markers may stand, and which: 255 and neither a stuffed zero nor another 255."""
    values = np.frombuffer(content, dtype=np.uint8)
    places = np.flatnonzero(values[:-1] == 0xFF)
    kinds = values[places + 1]
    chosen = (kinds != 0) & (kinds != 0xFF)
    return places[chosen], kinds[chosen]


def _counts(seen: list[int], restarts: bool) -> bool:
    return seen == [number % 8 for number in range(len(seen))] and (restarts or not seen)
