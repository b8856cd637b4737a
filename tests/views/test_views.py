"""One contract over every view: terminal, SVG, PNG, JSON and a sentence, in both languages, with odd content too."""

import io
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepglass.foundation.words import say
from deepglass.views import chart
from deepglass.views.alignment import Alignment
from deepglass.views.bars import Bars
from deepglass.views.boxes import Boxes
from deepglass.views.boxes import Mark as BoxMark
from deepglass.views.cells import columns
from deepglass.views.curve import Curve, Line
from deepglass.views.heat import Heat
from deepglass.views.levels import Level, Levels
from deepglass.views.looked import Looked
from deepglass.views.mask import Mask
from deepglass.views.matrix import Matrix
from deepglass.views.moving import Moving
from deepglass.views.picture import Gallery, Picture, as_bytes, fitted
from deepglass.views.scatter import Regions, Scatter
from deepglass.views.slices import Slices
from deepglass.views.spectrogram import Mark, Spectrogram
from deepglass.views.table import Table
from deepglass.views.text import Sentence
from deepglass.views.timeline import Band, Bands
from deepglass.views.tracks import Tracks
from deepglass.views.view import number

NAMES = ["rose", "郁金香", '<b>&"daisy"</b>']
MAKER = np.random.default_rng(0)
PIXELS = MAKER.integers(0, 256, (20, 30, 3), dtype=np.uint8)
POINTS, CLASSES = MAKER.normal(size=(30, 2)), np.arange(30) % 3
NAN = math.nan
RING = ((2.0, 5.0), (20.0, 3.0), (19.0, 13.0), (3.0, 15.0))
BODY = MAKER.integers(0, 256, (20, 6, 8), dtype=np.uint8)
HOT = np.zeros((20, 6, 8))
HOT[7, 2, 3], HOT[8, 2, 3] = 5.0, 1.0
CLIP, SECONDS = MAKER.integers(0, 256, (20, 6, 8, 3), dtype=np.uint8), [place / 8 for place in range(20)]
LOOKS = np.array([[0.9, 0.1, 0.0, 0.0], [0.0, 0.7, 0.3, 0.0], [0.25, 0.25, 0.25, 0.25]])
BANDS = [Band("郁金香", 0.0, 3.25, 0.87, 1), Band(NAMES[2], 2.0, 12.5, 0.5, 2)]
WARM, CHANNELS = Heat(PIXELS, np.eye(5)), [(3, np.eye(4)), (0, LOOKS)]
MARKS = [Mark(0.5, "h"), Mark(0.6, "i"), Mark(0.7, " "), Mark(8.9, "你")]


def make(lang: str) -> dict[str, Any]:
    region = Regions(np.arange(16).reshape(4, 4) % 3, (-3.0, 3.0), (-3.0, 3.0))
    pictures = [Picture(PIXELS, name, lang) for name in NAMES]
    lines = [Line("a", [1, 2, 3], [3.0, NAN, 1.0]), Line("损失", [1, 2], [2.0, 1.0], [1.0, 0.5], [3.0, 2.0])]
    many = [f"class {number}" for number in range(100)]
    matrix = np.arange(9).reshape(3, 3)
    return {
        "curve": Curve(lines, "Loss", "step", "nats", lang=lang),
        "boxes": Boxes(PIXELS, [BoxMark("cat <b>", (2, 3, 20, 15), 1), BoxMark("猫", (0, 0, 9, 9))], "2", lang=lang),
        "boxes outlined": Boxes(PIXELS, [BoxMark("京A1", (2, 3, 20, 15), 0.9, 1, RING)], lang=lang),
        "boxes none": Boxes(PIXELS, [], lang=lang),
        "mask": Mask(PIXELS, np.arange(600).reshape(20, 30).astype(np.uint8) // 8 % 5, NAMES, "rose", lang),
        "looked": Looked(PIXELS, NAMES, np.eye(9).reshape(9, 3, 3)[[0, 4, 8]], "Looks", lang),
        "looked none": Looked(PIXELS, [], np.zeros((0, 3, 3)), lang=lang),
        "curve log": Curve([Line("a", [1, 10, 100], [1e-3, 0.0, 10.0])], "Rates", "step", "rate", True, True, lang),
        "curve empty": Curve([Line("a", [], [])], "Nothing", lang=lang),
        "curve none": Curve([], "Nothing", lang=lang),
        "curve flat": Curve([Line("a", [5], [2.0])], "Flat", lang=lang),
        "bars": Bars(NAMES, [0.5, NAN, 1.0], "Recall", "share", [0.4, NAN, 0.9], [0.6, NAN, 1.0], lang),
        "bars negative": Bars(NAMES, [-1.0, 0.0, 2.0], "Change", lang=lang),
        "bars empty": Bars([], [], "None", lang=lang),
        "matrix": Matrix(matrix, NAMES, "Confusion", lang),
        "matrix clean": Matrix(np.diag([3, 4, 5]), NAMES, lang=lang),
        "matrix empty": Matrix(np.zeros((3, 3), int), NAMES, lang=lang),
        "matrix large": Matrix(MAKER.poisson(1, (100, 100)), many, "Many", lang),
        "scatter": Scatter(POINTS, CLASSES, NAMES, "Iris", "length (cm)", "width (cm)", region, lang),
        "scatter empty": Scatter(np.zeros((0, 2)), np.zeros(0, int), ["a"], "None", lang=lang),
        "scatter many": Scatter(MAKER.normal(size=(2000, 2)), np.arange(2000) % 60, many[:60], lang=lang),
        "picture": Picture(PIXELS, "郁金香 & rose", lang),
        "picture grey": Picture(MAKER.random((28, 28)), lang=lang),
        "gallery": Gallery(pictures, "Mistakes", lang=lang),
        "gallery empty": Gallery([], "Mistakes", lang=lang),
        "heat": Heat(PIXELS, np.eye(5), "Why", lang),
        "heat flat": Heat(PIXELS[:, :, :1], np.zeros((3, 3)), "Why", lang),
        "heat marked": Heat(PIXELS, np.eye(5), "Why", lang, [BoxMark("猫", (2, 3, 20, 15), 0.5)]),
        "levels": Levels([Level(name, ["20 x 30", "好"], WARM, CHANNELS) for name in NAMES], "Seen", lang),
        "levels empty": Levels([], "Seen", lang),
        "table": Table(["name", "n"], [[NAMES[1], 3], [NAMES[2], NAN], [None, 10_000]], "Rows", lang),
        "table empty": Table(["name"], [], "Rows", lang),
        "timeline": Bands(NAMES, BANDS, 12.5, [Band("rose", 1.0, 4.0, None, 0)], "a.mp4", lang),
        "timeline alone": Bands(NAMES, BANDS, 12.5, lang=lang),
        "timeline empty": Bands(NAMES, [], 0.0, lang=lang),
        "sentence": Sentence("All <is> well & 好。"),
        "alignment": Alignment(LOOKS, ["le", "猫", "<b>"], ["the", "cat", "&", "[end]"], "Looks", lang),
        "alignment long": Alignment(np.eye(100), [f"w{n}" for n in range(100)], many, lang=lang),
        "alignment empty": Alignment(np.zeros((0, 4)), [], ["the", "cat", "&", "[end]"], lang=lang),
        "curve read": Curve([Line("a", [1, 2, 3], [0.1, 0.9, 0.5])], "Open", lang=lang, read=["[begin]", "猫", "<"]),
        "tracks": Tracks({"f": MAKER.normal(size=(5, 3)), "好": LOOKS[:, :3]}, ["the", "猫", "<b>"], lang=lang),
        "tracks unread": Tracks({"h": np.full((2, 70), NAN)}, title="Gates", lang=lang),
        "tracks empty": Tracks({}, title="Gates", lang=lang),
        "spectrogram": Spectrogram(MAKER.normal(size=(900, 64)), range(64), 9.0, "好 <b>", MARKS, lang),
        "spectrogram short": Spectrogram(np.array([[-math.inf, 2.0]]), [100.0, 200.0], 0.01, lang=lang),
        "slices": Slices(BODY, "好 <b>", lang),
        "slices hot": Slices(BODY, "Why", lang, heat=HOT),
        "slices cold": Slices(BODY[:1], lang=lang, heat=np.zeros((1, 6, 8))),
        "moving": Moving(CLIP, HOT, SECONDS, "好 <b>", lang),
        "moving flat": Moving(CLIP[:1], HOT[:1], SECONDS[:1], lang=lang),
        "slices found": Slices(BODY, "What", lang, mask=BODY % 3, classes=NAMES),
        "spectrogram silent": Spectrogram(np.zeros((5, 3)), [1.0, 2.0, 3.0], 0.5, "Hush", lang=lang),
    }  # fmt: skip


VIEWS = {lang: make(lang) for lang in ("en", "zh-CN")}
EACH = pytest.mark.parametrize("name", VIEWS["en"])
DRAWN = ("curve", "bars", "matrix", "scatter", "spectrogram", "alignment", "tracks", "levels")
CHARTS = [name for name in VIEWS["en"] if name.split()[0] in DRAWN]


@EACH
@pytest.mark.parametrize("lang", VIEWS)
def test_words_are_there_in_the_asked_language(name: str, lang: str):
    view = VIEWS[lang][name]
    terminal, text = view.terminal(), view.text()
    assert all(line == line.rstrip() for line in terminal.split("\n")) and "\x1b" not in terminal
    assert text.endswith((".", "。")) and "\n" not in text and "{" not in text
    if name not in ("sentence",):
        assert text.endswith("。") == (lang == "zh-CN")
    document = json.dumps(view.json(), allow_nan=False)
    assert json.loads(document)["kind"] == {"sentence": "text"}.get(name, name.split()[0])


@EACH
def test_the_svg_stands_alone_and_fits_light_and_dark(name: str):
    drawn = VIEWS["zh-CN"][name].svg()
    root = ElementTree.fromstring(drawn)
    assert root.get("role") == "img" and "max-width:100%" in root.get("style", "")
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text and root.find(f"{space}desc").text.endswith("。")  # pyright: ignore
    assert chart.INK not in drawn and "metadata" not in drawn and "http-equiv" not in drawn
    assert not re.search(r"(fill|stroke): ?(#000000|black|#ffffff|white)", drawn)
    assert len(drawn) < 150_000


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_a_picture_too(name: str):
    picture = Image.open(io.BytesIO(VIEWS["en"][name].png()))
    assert picture.format == "PNG" and picture.width >= 800


def test_letters_stay_letters_and_are_escaped():
    drawn = VIEWS["en"]["bars"].svg()
    assert "郁金香" in drawn and "&lt;b&gt;" in drawn and "<b>" not in drawn
    assert "system-ui" in drawn and "DejaVu" not in drawn
    assert "currentColor" in drawn and "var(--accent" in drawn


def test_charts_drawn_in_threads_are_the_same_bytes():
    names = CHARTS[:6] * 2
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda name: VIEWS["en"][name].svg(), names))
    assert together == [VIEWS["en"][name].svg() for name in names]


def test_without_a_chinese_font_there_is_a_hint_and_letters_in_the_svg(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chart, "cjk_font", lambda: None)
    assert chart.font_hint("abc", lang="en") == ""
    assert "fonts-noto-cjk" in chart.font_hint("猫", lang="en")
    assert chart.font_hint("猫", lang="zh-CN").startswith("没有安装中文字体")
    hints: list[str] = []
    real = chart.Figure.text
    monkeypatch.setattr(chart.Figure, "text", lambda self, x, y, s, **k: (hints.append(s), real(self, x, y, s, **k))[1])
    with pytest.warns(UserWarning, match="Glyph"):
        VIEWS["en"]["bars"].png()
        assert "郁金香" in VIEWS["en"]["bars"].svg()
    assert hints == [say("views.no_cjk_font", "en")]


@pytest.mark.parametrize("shape", [(300, 400), (400, 300), (100, 400)])
def test_names_of_boxes_are_as_large_in_a_card_over_a_wide_picture_as_over_a_narrow_one(shape):
    marks = [BoxMark("cat", (0, 0, 9, 9))]
    shapes, (width, _) = Boxes(np.zeros((*shape, 3), np.uint8), marks).shapes(480)
    letter = float(shapes.split("font-size: ")[1].split("px")[0])
    assert letter * 300 / width == pytest.approx(13, abs=0.1) and f'y="{letter:.1f}"' in shapes


def test_slices_show_the_hottest_among_evenly_spread_ones():
    view = Slices(BODY, heat=HOT, lang="en")
    assert Slices(BODY).places() == [1, 3, 5, 7, 10, 12, 14, 16, 18] and Slices(BODY[:2]).places() == [0, 1]
    assert Slices(BODY, heat=np.roll(HOT, 1, 0)).places() == [1, 3, 5, 8, 10, 12, 14, 16, 18]
    assert view.peak() == (7, 2, 3) and "slice 8" in view.text() and "slice 8 of 20" in view.svg()
    strongest = [np.abs(view.slice_of(place) - as_bytes(BODY[place]) / 255).max() for place in (7, 8)]
    assert strongest[0] > 2 * strongest[1] and np.array_equal(view.slice_of(3), BODY[3])
    assert Slices(BODY, mask=np.zeros_like(BODY)).peak() is None


def test_frames_are_shown_on_one_scale_the_hottest_among_them():
    view = Moving(CLIP, HOT, SECONDS, "Why", "en")
    assert view.peak() == 7 and 7 in view.places() and len(view.places()) == 12 and view.places(4)[1] == 7
    assert view.strength()[7] == pytest.approx(5 / 6) and view.text() == (
        "20 frames from 0 to 2.38 s: Why; most of the heat lies at 0.875 s, there in the middle."
    )
    strongest = [np.abs(view.frame_of(place) - as_bytes(CLIP[place]) / 255).max() for place in (7, 8, 3)]
    assert strongest[0] > 2 * strongest[1] > strongest[2] == 0
    sheet = Image.open(io.BytesIO(view.png()))
    assert sheet.format == "PNG" and sheet.width > 4 * 150 and "0.88 s" in view.svg()
    assert Moving(CLIP, HOT * 0, SECONDS).peak() is None and Moving(CLIP[:3], HOT[:3], SECONDS).places() == [0, 1, 2]


def test_a_long_line_is_thinned_but_keeps_its_ends_and_peaks():
    y = np.zeros(100_000)
    y[54_321] = 9
    drawn = Curve([Line("a", range(100_000), y)], "Long").svg()
    assert len(drawn) < 30_000 and ">9<" in drawn.replace("\n", "") or ">8<" in drawn.replace("\n", "")


def test_two_curves_can_have_one_axis_of_values():
    low, high = (
        Curve([Line("a", [1, 2, 3], [at, 2 * at, at])], "One", lang="en", y_ends=(0.0, 40.0)) for at in (1, 20)
    )
    for curve in (low, high):
        rows = curve.terminal().splitlines()
        assert "40 │" in rows[1] and " 0 │" in rows[-4]
        assert ">40<" in curve.svg().replace("\n", "")
    assert "40 │" not in Curve(low.lines, lang="en").terminal()


def test_folding_keeps_the_counts_and_the_most_confused():
    counts = np.diag(np.full(30, 10))
    counts[3, 17] = 7
    folded = Matrix(counts, [str(i) for i in range(30)], lang="en").fold(5)
    assert folded.counts.sum() == counts.sum() and len(folded.labels) == 5
    assert {"3", "17"} <= set(folded.labels) and folded.labels[-1] == "others (26)"
    row, column = folded.labels.index("3"), folded.labels.index("17")
    assert folded.counts[row, column] == 7
    assert "3 is taken for 17" in Matrix(counts, [str(i) for i in range(30)], lang="en").text()


def test_the_terminal_keeps_to_its_width():
    for name in (*DRAWN[:3], "matrix large", "table", "gallery", *DRAWN[4:], "alignment long"):
        for width in (40, 60, 100):
            lines = VIEWS["zh-CN"][name].terminal(width=width).split("\n")
            assert max(map(columns, lines)) <= width + 2, name


def test_heat_names_the_place_where_it_is():
    heat = np.zeros((9, 9))
    heat[0, 8] = 1
    assert Heat(PIXELS, heat, "Why", "en").text() == "Why: what counts most lies at the upper right of the picture."
    assert Heat(PIXELS, heat.T, "原因", "zh-CN").text() == "原因：影响最大的区域在图片的左下方。"
    overlay = Heat(PIXELS, heat).overlay().pixels
    np.testing.assert_allclose(overlay[-1, 0], PIXELS[-1, 0] / 255)  # where nothing counts, the picture itself
    assert np.abs(overlay[0, -1] - PIXELS[0, -1] / 255).max() > 0.05


@pytest.mark.parametrize(
    "make_pixels",
    [
        lambda: np.full((4, 6), 0.5),
        lambda: np.full((4, 6, 1), 128, np.uint8),
        lambda: np.dstack([np.zeros((4, 6, 3)), np.full((4, 6), 0.5)]),
        lambda: np.full((4, 6, 3), 0.5, np.float32),
    ],
)
def test_any_picture_becomes_bytes(make_pixels: Callable[[], np.ndarray]):
    made = as_bytes(make_pixels())
    assert made.shape == (4, 6, 3) and made.dtype == np.uint8 and (abs(made.astype(int) - 128) <= 1).all()


def test_pictures_are_shrunk_or_enlarged_in_whole_steps():
    assert fitted(np.zeros((1000, 500)), 320).size == (160, 320)
    assert fitted(np.zeros((28, 28)), 320).size == (308, 308)
    assert fitted(np.zeros((200, 200)), 320).size == (200, 200)


def test_ansi_pictures_use_colours():
    assert "\x1b[38;2;" in VIEWS["en"]["picture"].terminal(ansi=True)
    assert "\x1b[38;2;" in VIEWS["en"]["heat"].terminal(ansi=True)
    assert "\x1b[38;2;" in VIEWS["en"]["gallery"].terminal(ansi=True)


def test_letters_stand_where_they_were_heard():
    levels = np.zeros((100, 8))
    levels[50:, 6] = 9
    view = Spectrogram(levels, [float(hertz) for hertz in range(100, 900, 100)], 1.0, marks=MARKS[:1], lang="en")
    rows = view.terminal(width=58, height=8).split("\n")
    assert rows[1][8:] == " " * 25 + "█" * 25 and all("█" not in row for row in rows[2:8])
    assert rows[9].index("h") == 8 + 25 and rows[10].split() == ["0", "1", "s"]
    assert view.text() == (
        "Spectrogram: 1 s of sound, on average loudest about 700 Hz, with the letters read above: h."
    )


def test_an_alignment_names_what_each_token_looked_at():
    view = VIEWS["en"]["alignment"]
    first, second, _ = view.terminal().split("\n")[1:]
    assert first == "le  │█   │ the 90 %" and second == "猫  │ ▓░ │ cat 70 %"
    assert view.text() == (
        "Looks: on average 61.7 % of each look fell on one token; le was written looking at the, <b> looking at the."
    )
    assert view.json()["weights"][0] == [0.9, 0.1, 0.0, 0.0]
    assert VIEWS["en"]["alignment empty"].text() == "Where the network looked: nothing was written."


def test_a_table_for_a_page_is_escaped():
    page = VIEWS["en"]["table"].html()
    assert "&lt;b&gt;" in page and "<caption>Rows</caption>" in page
    assert '<td class="number" data-value="10000">10,000</td>' in page


def test_numbers_in_words():
    assert [number(value) for value in (math.inf, -math.inf, 0.5, -2.0, 123456.7)] == [
        "∞",
        "-∞",
        "0.5",
        "-2",
        "123,457",
    ]


def test_the_package_itself_is_light():
    code = (
        "import sys, deepglass.views; print([n for n in ('matplotlib', 'numpy', 'PIL', 'torch') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_long_name_of_a_bar_has_room_and_the_longest_is_cut():
    name = "interpolated 6-gram of letters and more"
    drawn, plain = Bars([name, "x" * 90], [1.0, 2.0]), Bars(["rose"], [1.0])
    labels = chart._figure(drawn._draw, "", drawn._size()).axes[0].get_yticklabels()
    assert labels[0].get_text() == name and len(labels[1].get_text()) == 48
    assert drawn._size()[0] == chart.WIDTH + 6 * 26 and plain._size()[0] == chart.WIDTH


def test_letters_stand_upright_under_their_steps_and_words_are_turned():
    tokens = ["[begin]", "f", "o", "↵", "ninety"]
    shown = Tracks({"forget gate f": np.eye(5)}, tokens)
    figure = chart._figure(shown._draw, "", shown._size())
    labels = figure.axes[0].get_xticklabels()
    assert [label.get_text() for label in labels] == tokens
    assert [label.get_rotation() for label in labels] == [90, 0, 0, 0, 90]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["forget gate f"]
    assert Tracks({}, ["x"] * 60)._size()[0] == 910 and Tracks({}, ["x"] * 600)._size()[0] == 1000


def test_tracks_are_told_by_strength_over_what_was_read():
    band = np.array([[0.0, 1.0, -1.0], [0.0, 1.0, -1.0]])
    drawn = Tracks({"h": band}, ["a", "b", "word"], "Gates", "en")
    assert drawn.terminal().split("\n") == ["Gates", "h │ ██│", "   ab·"]
    assert drawn.text() == "Gates: h over 3 steps."


def test_an_outline_is_drawn_as_it_goes_and_told():
    outlined = Boxes(np.zeros((20, 30, 3), dtype=np.uint8), [BoxMark("A1", (2, 3, 20, 15), None, 0, RING)])
    assert outlined.json()["boxes"][0]["outline"] == [list(point) for point in RING]
    drawn = outlined.drawn(320).pixels
    scale = 320 / 30
    on, off = (round(9 * scale), round(11 * scale)), (round(13 * scale), round(3 * scale))  # column, row
    assert drawn[round(14 * scale), on[1]].max() > 0 and drawn[off[1], round(3 * scale)].max() == 0
    upright = Boxes(np.zeros((20, 30, 3), dtype=np.uint8), [BoxMark("A1", (2, 3, 20, 15))])
    assert "outline" not in upright.json()["boxes"][0]
    assert 'points="21.3,32.0 213.3,32.0 213.3,160.0 21.3,160.0"' in upright.svg()


def test_a_font_that_was_installed_since_matplotlib_looked_is_found(monkeypatch):
    manager = SimpleNamespace(ttflist=[SimpleNamespace(name="DejaVu Sans", fname="old.ttf")])

    def add(file):
        if file == "broken.ttf":
            raise RuntimeError(file)
        assert file != "old.ttf"
        manager.ttflist.append(SimpleNamespace(name="Noto Sans CJK SC", fname=file))

    manager.addfont = add
    fake = SimpleNamespace(fontManager=manager, findSystemFonts=lambda: ["old.ttf", "new.ttc", "broken.ttf"])
    monkeypatch.setattr(chart, "font_manager", fake)
    assert chart.cjk_font.__wrapped__() == "Noto Sans CJK SC"
    fake.findSystemFonts = lambda: ["old.ttf"]
    del manager.ttflist[1:]
    assert chart.cjk_font.__wrapped__() is None


def test_a_gallery_without_a_title_begins_with_how_many() -> None:
    pictures = [Picture(np.zeros((4, 4, 3), np.uint8))] * 2
    assert Gallery(pictures, lang="en").text() == "2 pictures: …."
    assert Gallery(pictures, lang="zh-CN").text() == "2 张图片：…。"
