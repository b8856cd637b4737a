"""Made street pictures with Chinese licence plates, for those who have none: the place "made:plates".

Every picture is a function of (data.plates.seed, row): its text, its place and all that spoils it are keyed draws, so
nothing is stored and any number of them costs only the time to paint them. Of ten rows eight are of the training part,
one is of validation, and one of the test part, whose grounds and weather are of families that no other part shows.
made:plates-unseen has only such rows, and made:plates-font only rows in fonts that data.plates.held_back names.
"""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from deepglass.data.annotation import Plate
from deepglass.data.readers.picture import Fit, read_picture
from deepglass.data.settings import DataSettings, PlateSettings
from deepglass.data.source import Finding, Index, Layout, Match, Picture
from deepglass.data.sources import plate_street as street
from deepglass.data.sources.dice import Dice
from deepglass.data.sources.files import changed, is_picture
from deepglass.data.sources.plate_fonts import find_fonts
from deepglass.data.sources.plate_ink import face_of, paint_plate, write_plate
from deepglass.data.sources.plate_place import HOW_MANY, homography, place_plates
from deepglass.data.sources.plate_vehicle import paint_vehicle
from deepglass.data.sources.plate_weather import through_weather
from deepglass.data.walk import walk
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.seeds import Draws, row_keys

VERSION = 1  # of what is painted: one more where the same row looks otherwise, so that no older copy is used
PLACES = ("plates", "plates-unseen", "plates-font")
TURN = ("train",) * 8 + ("val", "test")  # parts of made:plates, by the last digit of the row
VEHICLE, SIGN = 0.6, 0.25  # how often a plate hangs on one, and a picture shows one
SMOOTH = 0.6  # pixels over which the edges of what was drawn are spread
RIM = 2  # pixels without plate around a painted one, over which its edge runs out
SHARP = 1.25  # pixels of a painted plate for each pixel of its place in the picture


class MadePlates:
    """Pictures that are painted when they are read."""

    layout = "plates"
    task = "read_plates"
    root = Path()

    def __init__(self, name: str, settings: PlateSettings, fonts: Sequence[str], photos: Sequence[str]):
        self.settings = settings
        self.fonts = fonts
        self.photos = photos
        self.findings: list[Finding] = []
        self.rows = row_keys(settings.seed, f"made/{name}", 0, settings.pictures)
        numbers = range(settings.pictures)
        parts = [TURN[row % len(TURN)] for row in numbers] if name == "plates" else ()
        self.unseen = [name == "plates-unseen" or bool(parts and parts[row] == "test") for row in numbers]
        self.index = Index([f"{row:05d}" for row in numbers], [self._plates(row) for row in numbers], parts)

    def read(self, row: int, fit: object = None) -> Picture:
        """Ground, vehicles, plates, weather."""
        dice, size = self._dice(row, "street"), (self.settings.width, self.settings.height)
        plates: tuple[Plate, ...] = self.index.labels[row]
        picture = self._ground(dice, row, size)
        for _ in range(2):
            if dice.chance(SIGN):
                street.paint_sign(dice, picture)
        for plate in sorted(plates, key=_fine):  # what is far first
            if dice.chance(VEHICLE):
                wide, tall = face_of(plate).size
                matrix = homography(((0, 0), (wide, 0), (wide, tall), (0, tall)), plate.corners)
                paint_vehicle(dice, picture, matrix, (wide, tall))
        picture = picture.filter(ImageFilter.BoxBlur(SMOOTH))
        for plate in plates:
            self._hang(dice, picture, plate)
        fine = min(map(_fine, plates), default=1.0)
        return Picture(np.array(through_weather(dice, picture, fine, self.unseen[row])))

    def header(self, row: int) -> tuple[int, int, int]:
        """Every picture has the size of the settings."""
        return self.settings.width, self.settings.height, 3

    def fingerprint(self) -> str:
        """A hash over the settings, the answers, and the way, the fonts and the photographs that are painted with."""
        state = hashlib.blake2b(repr((VERSION, self.settings, self.index.parts)).encode(), digest_size=16)
        state.update(repr(self.index.labels).encode())
        for file in (*self.fonts, *self.photos):
            state.update(f"{Path(file).name} {changed(file)}\n".encode())
        return state.hexdigest()

    def _dice(self, row: int, name: str) -> Dice:
        return Dice(Draws(self.rows[row : row + 1]), name)

    def _plates(self, row: int) -> tuple[Plate, ...]:
        dice = self._dice(row, "plates")
        written = [write_plate(dice, self.settings.kinds) for _ in range(dice.weighted(HOW_MANY))]
        return place_plates(dice, written, self.settings.width, self.settings.height)

    def _ground(self, dice: Dice, row: int, size: tuple[int, int]) -> Image.Image:
        photos = self.photos[1::2] if self.unseen[row] else self.photos[::2]
        if photos:
            pixels = read_picture(dice.pick(photos), Fit(3, size[1], size[0])).pixels
            return Image.fromarray(Fit(3, size[1], size[0])(Picture(pixels)).transpose(1, 2, 0))
        return dice.pick(street.UNSEEN if self.unseen[row] else street.KNOWN)(dice, size)

    def _hang(self, dice: Dice, picture: Image.Image, plate: Plate) -> None:
        """Paint a plate into its place."""
        painted = paint_plate(dice, plate, dice.pick(self.fonts), SHARP * _fine(plate))
        height, width = painted.shape[:2]
        painted = np.pad(painted, ((RIM, RIM), (RIM, RIM), (0, 0)), mode="edge")
        for edge in (slice(RIM), slice(-RIM, None)):
            painted[edge, :, 3] = painted[:, edge, 3] = 0
        corners = np.array(plate.corners)
        left, top = np.floor(corners.min(0)).astype(int) - 1
        right, bottom = np.ceil(corners.max(0)).astype(int) + 1
        inside = tuple((x - left, y - top) for x, y in plate.corners)
        right_end, lower_end = width + RIM, height + RIM
        back = homography(inside, ((RIM, RIM), (right_end, RIM), (right_end, lower_end), (RIM, lower_end)))
        image = Image.fromarray((painted * 255).round().astype(np.uint8), "RGBA")
        size = (int(right - left), int(bottom - top))
        patch = image.transform(size, Image.Transform.PERSPECTIVE, back.ravel()[:8].tolist(), Image.Resampling.BICUBIC)
        picture.paste(patch, (int(left), int(top)), patch)


def _fine(plate: Plate) -> float:
    """How many pixels a millimetre of the plate takes, along the longer of its level sides."""
    upper, right, lower, left = plate.corners
    return max(math.dist(upper, right), math.dist(lower, left)) / face_of(plate).size[0]


def recognise(place: str, settings: DataSettings) -> Match | None:
    """The places of PLACES."""
    name = place.removeprefix("made:")
    if not place.startswith("made:") or name not in PLACES:
        return None
    made = settings.plates
    values = {"count": made.pictures, "width": made.width, "height": made.height}
    return Match(1.0, "layout_plates", "read_plates", values)


def open_plates(place: str, settings: DataSettings) -> MadePlates:
    """The pictures of one place; ids are their numbers."""
    name, made = place.removeprefix("made:"), settings.plates
    if name == "plates-font" and not made.held_back:
        raise UsageError("data.no_font_held_back", place=place)
    fonts = find_fonts(made.held_back) if name == "plates-font" else find_fonts(made.fonts, made.held_back)
    return MadePlates(name, made, fonts, _photos(made.photos))


def _photos(folder: str) -> list[str]:
    """The photographs of a folder, in the order of their names."""
    if not folder:
        return []
    root = Path(folder)
    found = [str(root / name) for name in sorted(walk(root)) if is_picture(root, name)] if root.is_dir() else []
    if len(found) < 2:
        raise DataError("data.no_photos", place=folder, count=len(found))
    return found


CATALOGUE = {"plates": Layout(recognise, open_plates)}
