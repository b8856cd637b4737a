"""What is laid over a picture and switched: classes as colours that let it through, boxes as shapes with scores."""

import io

import numpy as np
from PIL import Image

from deepglass.views.boxes import Boxes, Mark
from deepglass.views.mask import Mask, layer_png
from deepglass.views.palette import colour, rgb

PIXELS = np.zeros((40, 60, 3), dtype=np.uint8)


def seen(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def test_colours_let_the_picture_through_where_nothing_is():
    numbers = np.array([[0, 1], [2, 255]], dtype=np.uint8)
    shown = seen(Mask(PIXELS, numbers, ("background", "cat", "dog")).layer())
    assert shown[0, 0, 3] == 0 and shown[1, 1, 3] == 0
    for place, kind in (((0, 1), 0), ((1, 0), 1)):
        assert shown[place].tolist() == [*(round(255 * share) for share in rgb(colour(kind))), 255]
    every = seen(Mask(PIXELS, numbers, ("sky", "cat", "dog")).layer())
    assert every[..., 3].tolist() == [[255, 255], [255, 0]]
    wrong = seen(layer_png(numbers.clip(max=1), ["", "#d55e00"]))
    assert wrong[0, 1].tolist() == [213, 94, 0, 255] and wrong[0, 0, 3] == 0


def test_the_legend_names_what_is_coloured():
    assert Mask(PIXELS, PIXELS[..., 0], ("Background", "cat")).legend() == [(colour(0), "cat")]
    assert Mask(PIXELS, PIXELS[..., 0], ("0", "1")).legend() == [(colour(0), "0"), (colour(1), "1")]


def test_shapes_say_how_sure_they_are():
    marks = [Mark("cat", (0, 0, 30, 20), 0.91), Mark("cat", (0, 0, 9, 9), 0.2), Mark("<b>", (10, 10, 20, 20), None, 1)]
    shapes, size = Boxes(PIXELS, marks, size=(120, 80)).shapes(480, least=0.3)
    assert size == (480, 320)
    assert '<g data-score="0.910"><polygon points="0.0,0.0 120.0,0.0 120.0,80.0 0.0,80.0"' in shapes
    assert '<g data-score="0.200" class="below">' in shapes and "&lt;b&gt;" in shapes
    assert shapes.count("stroke-dasharray") == 1  # what people marked is dashed
    assert shapes.index("&lt;b&gt;") < shapes.index("20 %") < shapes.index("91 %")
