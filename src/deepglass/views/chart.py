"""The look of every chart, and the only file that knows matplotlib: axes in, a small SVG for light and dark out.

Text, axes and grid take the colour of the text around them (currentColor), the accent is the page's `--accent` where it
has one, and letters stay letters. Nothing here touches pyplot, and drawing holds a lock, because matplotlib's settings
are shared by all threads.
"""

import contextlib
import functools
import io
import re
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle as Rectangle  # for the charts: matplotlib is named here only
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from deepglass.foundation.words import say
from deepglass.views.cells import columns, pad
from deepglass.views.frame import SYSTEM_FONTS, frame
from deepglass.views.palette import ACCENT
from deepglass.views.view import number

WIDTH, HEIGHT = 420, 270  # pixels; readable down to 360
WIDEST, STEP = 1000, 13  # pixels of a chart under whose steps tokens stand, and of such a step
LONGEST = 14  # cells of a token's name
INK = "#010203"  # stands for the colour of the text around the chart
LATIN = ("DejaVu Sans",)
CJK = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "Noto Sans CJK JP",
)
CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")

_lock = threading.Lock()

warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # said once, in words, by `font_hint`

Draw = Callable[[Axes], None]


@functools.cache
def cjk_font() -> str | None:
    """The name of an installed font with Chinese characters, or None."""
    return _listed() or _listed_anew()


def _listed() -> str | None:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in CJK if name in installed), None)


def _listed_anew() -> str | None:
    """The same once the list, which Matplotlib keeps on the disk for good, knows what was installed since."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for file in sorted(set(font_manager.findSystemFonts()) - known):
        with contextlib.suppress(Exception):  # whatever a broken font brings about
            font_manager.fontManager.addfont(file)
    return _listed()


@functools.cache
def cjk_file() -> str | None:
    """The file of that font."""
    found = cjk_font()
    return font_manager.findfont(found) if found else None


def font_hint(*texts: str, lang: str | None = None) -> str:
    """What to install when these texts hold Chinese and no font for it is there; otherwise nothing."""
    return "" if cjk_font() or not any(CHINESE.search(text) for text in texts) else say("views.no_cjk_font", lang)


def svg(draw: Draw, title: str, description: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    """What `draw` puts on the axes, as an SVG element with a title and a description for screen readers."""
    with _lock, mpl.rc_context(_settings()):
        file = io.StringIO()
        _figure(draw, title, size).savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return _house_svg(file.getvalue(), title, description)


def png(draw: Draw, title: str, size: tuple[int, int] = (WIDTH, HEIGHT), scale: float = 2.0) -> bytes:
    """What `draw` puts on the axes, as PNG on white, with a note on fonts where it needs one."""
    with _lock, mpl.rc_context(_settings()):
        figure = _figure(draw, title, size)
        hint = font_hint(*(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)), lang="en")
        if hint:
            figure.text(0.01, 0.005, hint, fontsize=6, wrap=True, color="#b00020")
        file = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(file, format="png", dpi=72 * scale, facecolor="white", metadata={"Software": None})
    return file.getvalue()


def dress(axes: Axes, x_label: str = "", y_label: str = "", grid: str = "y") -> None:
    """House style for axes: names with units, quiet frame, quiet grid, figures with three digits."""
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_alpha(0.4)
    axes.tick_params(length=0, pad=4)
    if grid:
        axes.grid(axis=grid, color=INK, alpha=0.12, linewidth=0.8)  # pyright: ignore
    axes.set_axisbelow(True)


def number_axis(axes: Axes, which: str, whole: bool = False, log: bool = False) -> None:
    """Figures along "x" or "y": whole numbers only where the data is whole, three digits otherwise."""
    if log:
        axes.set_xscale("log") if which == "x" else axes.set_yscale("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value, 12))))
    if log:
        axis.set_minor_formatter(FuncFormatter(lambda _value, _place: ""))
    else:
        axis.set_major_locator(MaxNLocator(nbins=6, integer=whole, min_n_ticks=2))


def width_of(tokens: Sequence[str]) -> int:
    """How wide a chart is under whose steps these tokens stand. -> pixels"""
    return int(min(WIDEST, max(WIDTH, 130 + STEP * len(tokens))))


def name_steps(axes: Axes, tokens: Sequence[str]) -> None:
    """The tokens that were read under the steps 1, 2, 3 ...; words turned, letters upright."""
    names = [pad(token, LONGEST).rstrip() for token in tokens]
    axes.set_xticks(range(1, 1 + len(names)), names, size=9 if len(names) <= 60 else 7.5)
    for name, drawn in zip(names, axes.get_xticklabels(), strict=True):
        drawn.set_rotation(90 if columns(name) > 2 else 0)


def legend(axes: Axes, names: list[str]) -> None:
    """Names under the chart, as many beside each other as fit."""
    longest = max(map(len, names))
    across = max(1, min(len(names), 44 // (longest + 5)))
    rows = -(-len(names) // across)
    across = -(-len(names) // rows)  # as even as it can be
    handles, labels = axes.get_legend_handles_labels()
    order = [row * across + column for column in range(across) for row in range(rows)]  # read in rows
    handles, labels = ([every[place] for place in order if place < len(every)] for every in (handles, labels))
    figure = axes.get_figure()
    assert figure is not None
    shown = figure.legend(handles, labels, loc="outside lower center", ncols=across, frameon=False, handlelength=1.6)  # pyright: ignore
    for handle in shown.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set_sizes([36])  # points in the chart may be too small to know their shape


def _settings() -> Any:
    found = cjk_font()
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "deepglass",
        "font.family": [*LATIN, *([found] if found else [])],
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlepad": 10,
        "axes.unicode_minus": False,
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    }


def _figure(draw: Draw, title: str, size: tuple[int, int]) -> Figure:
    figure = Figure(figsize=(size[0] / 72, size[1] / 72), dpi=72, layout="constrained")
    axes = figure.add_subplot()
    axes.set_facecolor("none")
    if title:
        axes.set_title(title)
    draw(axes)
    return figure


def _house_svg(document: str, title: str, description: str) -> str:
    """matplotlib's document without what a page has already, with the page's colours and fonts, rounded to 0.01 px."""
    opening, body = re.findall(r"(<svg.*?>)(.*)</svg>", document, flags=re.DOTALL)[0]
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', opening)
    assert box is not None
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*>", _rounded, body)
    body = body.replace(INK, "currentColor").replace(ACCENT, f"var(--accent, {ACCENT})")
    body = re.sub(r"font-family: [^;\"]+;? ?", "", body)  # every text inherits the page's fonts from one group
    body = re.sub(r"(font: [^;\"]*?px )[^;\"]+", rf"\g<1>{SYSTEM_FONTS}", body)  # matplotlib before 3.11
    body = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", body)
    body = re.sub(r"\n\s+", "\n", body)
    body = f'<g style="font-family: {SYSTEM_FONTS}">{body}</g>'
    return frame(body, float(box.group(1)), float(box.group(2)), title, description)


def _rounded(tag: re.Match[str]) -> str:
    """A tag with places to 0.01 px; the words between tags stay as they are."""
    return re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found.group()):.2f}".rstrip("0").rstrip("."), tag.group())
