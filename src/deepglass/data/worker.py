"""A process that decodes pictures: `python -m deepglass.data.worker` reads requests, a JSON line each, and answers.

First {"root": FOLDER, "fit": [...]}, then {"names": [...]} again and again; each answer is a JSON line, an entry for
each name, and then for each name that could be read its digest, its small copy and its pixels. It ends with its input.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from deepglass.data.glance import SMALL, Glance, glance, glances
from deepglass.data.readers.picture import Fit, read_picture
from deepglass.data.source import Picture, Unreadable

Told = tuple[dict[str, Any], list[bytes]]


def answer(root: str, fit: Fit, names: list[str]) -> list[Told]:
    """For each name what is said of it, and the bytes that follow."""
    told: dict[int, Told] = {}
    small: dict[int, Picture] = {}  # kept to be looked at together; large ones are let go at once
    for place, name in enumerate(names):
        try:
            raw = read_picture(os.path.join(root, name), fit)
        except Unreadable as reason:
            told[place] = {"reason": reason.reason, "values": reason.values}, []
            continue
        if raw.pixels.nbytes <= SMALL:
            small[place] = raw
        else:
            told[place] = _told(fit, raw, glance(raw))
    seen: Iterator[Glance] = iter(glances(list(small.values())) if small else [])
    told |= {place: _told(fit, raw, next(seen)) for place, raw in small.items()}
    return [told[place] for place in range(len(names))]


def _told(fit: Fit, raw: Picture, seen: Glance) -> Told:
    said = {"size": seen.size, "channels": seen.channels, "constant": seen.constant, "dhash": seen.dhash}
    said |= {"notes": seen.notes, "thumb": len(seen.thumb)}
    return said, [seen.digest, seen.thumb, fit(raw).tobytes()]


def main() -> None:
    """Answer until the input ends."""
    requests = (json.loads(line) for line in sys.stdin.buffer)
    first = next(requests, None)
    if first is None:
        return
    fit = Fit(*first["fit"])
    for request in requests:
        told = answer(first["root"], fit, request["names"])
        said = json.dumps([one for one, _ in told], default=str).encode()
        sys.stdout.buffer.write(b"".join([said, b"\n", *(piece for _, pieces in told for piece in pieces)]))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
