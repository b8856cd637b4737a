"""What a demo is: data that need no network, a model, settings, and the part of the course that it shows."""

from dataclasses import dataclass

from deepglass.foundation.sizes import Size


@dataclass(frozen=True, slots=True)
class Demo:
    """A catalogue entry of demos/. What it shows is said by `demos.<name>` with dashes as underscores."""

    part: str  # of the course: "3.2"
    place: str
    size: Size
    settings: tuple[str, ...] = ()
    next: str = ""  # the demo to look at afterwards
