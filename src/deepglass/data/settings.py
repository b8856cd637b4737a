"""Settings of the data: which part is what, and how much may be unreadable."""

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le, Lt, MinLen

Share = Annotated[float, Ge(0), Lt(1)]
PlateKind = Literal["blue", "yellow", "green", "white"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateSettings:
    """What the places made:plates, made:plates-unseen and made:plates-font show."""

    pictures: Annotated[int, Ge(10), Le(1_000_000)] = 3000
    width: Annotated[int, Ge(160), Le(4096)] = 320
    height: Annotated[int, Ge(96), Le(4096)] = 192
    seed: int = 0
    kinds: Annotated[tuple[PlateKind, ...], MinLen(1)] = ("blue", "yellow", "green", "white")
    photos: str = ""  # a folder of photographs that plates are pasted onto; empty: grounds are made as well
    fonts: tuple[str, ...] = ()  # names or files; empty: every font found that has all characters
    held_back: tuple[str, ...] = ()  # fonts that no picture shows but those of made:plates-font


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSettings:
    """Where answers stand, how examples are split, and what is tolerated."""

    place: str = ""  # a folder, a file, or a name such as "digits"
    layout: str = ""  # a name of `deepglass ls data.sources`; empty: recognised
    target: str = ""  # the column that holds the answer; empty: guessed, and said
    text: str = ""  # the column that holds the text to be read; empty: guessed
    path: str = ""  # the column that holds a file's name; empty: guessed, and said
    group: str = ""  # the column that holds people, patients, scenes: never on both sides of a split
    history: Annotated[int, Ge(0)] = 0  # steps of a series that a forecast looks back on; 0: chosen by the season
    horizon: Annotated[int, Ge(0)] = 0  # steps that are foretold; 0: a season of up to 48, or 12
    season: Annotated[int, Ge(0)] = 0  # steps after which a series comes back; 0: found, 1: it does not
    passage: Annotated[int, Ge(16), Le(1 << 20)] = 256  # letters of one example, where a long text is cut into many
    val: Share = 0.1
    test: Share = 0.2
    split: Literal["examples", "classes"] = "examples"  # classes: each lies whole in one part; what is tested is new
    split_seed: int = 0  # the split is kept apart from `seed`, so that runs with other seeds share their test part
    folds: Annotated[int, Ge(0), Le(50)] = 0
    max_bad: Annotated[float, Ge(0), Le(1)] = 0.05
    sampling: Literal["shuffled", "balanced"] = "shuffled"
    together: Annotated[int, Ge(1), Le(1024)] = 1  # sampling=balanced: rows of a class that come one after the other
    cache: bool = True
    workers: Annotated[int, Ge(-1), Le(64)] = -1  # processes that decode; 0: threads; -1: whichever is quicker here
    plates: PlateSettings = PlateSettings()
