"""Pictures with masks: every layout is found, numbers and colours mean what they should, faults are named."""

import numpy as np
import pytest
from PIL import Image

from deepglass import journey
from deepglass.data.readers.mask import fit_mask, read_classes, stored_mask
from deepglass.data.readers.picture import fit_picture
from deepglass.data.recognise import recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import Override
from deepglass.foundation.words import say

LOOK = DataSettings()
PALETTE = [0, 0, 0, 230, 0, 0, 0, 200, 0, 0, 0, 250]


def picture(number, size=(40, 36)):
    coarse = np.random.default_rng(number).integers(0, 255, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def numbers(number, size=(40, 36), classes=3):
    """Boxes of the classes, all of them there."""
    mask = np.zeros(size[::-1], dtype=np.uint8)
    for one in range(1, classes):
        mask[5 * one : 5 * one + 4, number % 10 : number % 10 + 12] = one
    return mask


def as_png(mask, form):
    if form == "grey":
        return Image.fromarray(mask)
    if form == "binary":
        return Image.fromarray(np.where(mask > 0, np.uint8(255), np.uint8(0)))
    if form == "palette":
        image = Image.fromarray(mask).convert("L")
        image.putpalette(PALETTE)
        return image
    if form == "grey as colour":
        return Image.fromarray(np.repeat(mask[..., None], 3, 2))
    return Image.fromarray(np.array(PALETTE, dtype=np.uint8).reshape(-1, 3)[mask])


def lay(root, pattern=("images/{}.jpg", "masks/{}.png"), count=6, form="grey", classes=3):
    for number in range(count):
        for name, image in zip(pattern, (picture(number), as_png(numbers(number, classes=classes), form)), strict=True):
            file = root / name.format(f"{number:02d}")
            file.parent.mkdir(parents=True, exist_ok=True)
            image.save(file)
    return root


LAYOUTS = [
    ("images/{}.jpg", "masks/{}.png"),
    ("JPEGImages/{}.jpg", "SegmentationClass/{}.png"),
    ("img/{}.png", "label/{}_mask.png"),
    ("{}.jpg", "{}_mask.png"),
    ("scans/{}.jpg", "scans/{}_L.png"),
    ("train/images/{}.jpg", "train/masks/{}.png"),
    ("images/test/{}.jpg", "annotations/test/{}.png"),
    ("val/{}.png", "val_labels/{}_L.png"),
]


@pytest.mark.parametrize("pattern", LAYOUTS)
def test_every_way_of_laying_them_out_is_found(tmp_path, pattern):
    found = recognised(str(lay(tmp_path, pattern)), LOOK)
    assert (found.layout, found.match.task) == ("masks", "segment")
    assert found.sentence().startswith("6 pictures, each with a mask; task segment")
    source = recognise(str(tmp_path), LOOK)
    assert source.index.ids[2] == pattern[0].format("02") and source.index.labels[2] == pattern[1].format("02")
    part = next((name for name in ("train", "val", "test") if name in pattern[0]), "")
    assert set(source.index.parts) == ({part} if part else set())
    np.testing.assert_array_equal(source.read(2).mask, numbers(2))


def test_parts_of_voc_are_read_from_its_lists(tmp_path):
    lay(tmp_path, LAYOUTS[1])
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("00\n01\n02\n03\n")
    (lists / "val.txt").write_text("04\n05\n")
    assert list(recognise(str(tmp_path), LOOK).index.parts) == ["train"] * 4 + ["val"] * 2


def test_two_folders_of_pictures_are_no_masks(tmp_path):
    """Faces with and without a mask: classes, though one of them is called mask."""
    for name in ("mask", "no_mask"):
        (tmp_path / name).mkdir()
        for number in range(4):
            picture(number).save(tmp_path / name / f"{name}{number}.png")
    assert recognised(str(tmp_path), LOOK).layout == "class_folders"


FORMS = {
    "grey": ("background", "1", "2"),
    "palette": ("background", "1", "2"),
    "grey as colour": ("background", "1", "2"),
    "colour": ("#000000", "#00c800", "#e60000"),
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_and_colours_are_classes(tmp_path, form):
    source = recognise(str(lay(tmp_path, form=form)), LOOK)
    assert source.index.classes == FORMS[form]
    order = [0, 2, 1] if form == "colour" else [0, 1, 2]  # without names colours stand in their own order
    np.testing.assert_array_equal(source.read(3).mask, np.array(order, dtype=np.uint8)[numbers(3)])


@pytest.mark.parametrize("form", ["binary", "grey", "colour"])
def test_two_classes_are_background_and_object(tmp_path, form):
    source = recognise(str(lay(tmp_path, form=form, classes=2)), LOOK)
    assert source.index.classes == ("background", "object")
    np.testing.assert_array_equal(source.read(0).mask, numbers(0, classes=2))


def test_255_is_do_not_care_where_there_are_other_numbers(tmp_path):
    lay(tmp_path)
    mask = numbers(0)
    mask[:3] = 255
    Image.fromarray(mask).save(tmp_path / "masks" / "00.png")
    np.testing.assert_array_equal(recognise(str(tmp_path), LOOK).read(0).mask, mask)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "ground 0 0 0\nred roof 230 0 0\ntree 0 200 0\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nground:0,0,0::\nred roof:230,0,0::\ntree:0,200,0::\n"),
        ("class_dict.csv", "name,r,g,b\nground,0,0,0\nred roof,230,0,0\ntree,0,200,0\n"),
    ],
)
def test_a_file_names_classes_and_colours(tmp_path, name, text):
    lay(tmp_path, form="colour")
    (tmp_path / name).write_text(text)
    source = recognise(str(tmp_path), LOOK)
    assert source.index.classes == ("ground", "red roof", "tree")
    np.testing.assert_array_equal(source.read(1).mask, numbers(1))


def test_names_alone_and_with_their_numbers(tmp_path):
    (tmp_path / "classes.txt").write_text("ground\nroof\n\ntree\n")
    (tmp_path / "_classes.csv").write_text("Pixel Value, Class\n0, ground\n2, tree\n")
    assert read_classes(tmp_path / "classes.txt").names == ("ground", "roof", "tree")
    assert read_classes(tmp_path / "_classes.csv").names == ("ground", "1", "tree")


def spoil_size(root):
    Image.fromarray(numbers(4, (20, 18))).save(root / "masks" / "04.png")
    return (
        "The mask has 20 x 18 pixels and its picture 40 x 36: they must be the same. Export it in that size,"
        " or scale it without smoothing (nearest neighbour). (masks/04.png)"
    )


def spoil_value(root):
    (root / "classes.txt").write_text("ground\nroof\ntree\n")
    mask = numbers(4)
    mask[0, 0] = 7
    Image.fromarray(mask).save(root / "masks" / "04.png")
    return (
        'The mask has the number 7, but there are only 3 classes, counted from 0 (255 is "do not care"). Correct it, or'
        " name all classes in a classes.txt. (masks/04.png)"
    )


def spoil_colour(root):
    lay(root, form="colour")
    (root / "classes.txt").write_text("ground 0 0 0\nroof 230 0 0\ntree 0 200 0\n")
    image = as_png(numbers(4), "colour")
    image.paste((9, 9, 9), (0, 0, 10, 3))
    image.save(root / "masks" / "04.png")
    return (
        "The mask has colours that are no class, 1 of them on 2.1 % of its pixels, the first (9, 9, 9). Correct it, or"
        " name the colour in a classes.txt. (masks/04.png)"
    )


def spoil_bytes(root):
    content = (root / "masks" / "04.png").read_bytes()
    (root / "masks" / "04.png").write_bytes(content[: len(content) // 2])
    return "The file is cut short: its end is missing. Copy it again from where it came. (masks/04.png)"


def spoil_by_jpeg(root):
    Image.fromarray(numbers(4)).save(root / "masks" / "04.png", format="JPEG")
    return "The mask is a JPEG, which blurs its numbers: save masks as PNG. (masks/04.png)"


@pytest.mark.parametrize("spoil", [spoil_size, spoil_value, spoil_colour, spoil_bytes, spoil_by_jpeg])
def test_the_doctor_names_what_does_not_go_together(tmp_path, spoil):
    sentence = spoil(lay(tmp_path))
    found = journey.check(str(tmp_path), [Override("data.cache", "false", "test")]).findings
    bad = [(one["file"], one["reason"]) for one in found if one["kind"] == "unreadable"]
    assert bad == [("images/04.jpg", sentence)]


def test_the_doctor_names_pictures_and_masks_that_stand_alone(tmp_path):
    lay(tmp_path)
    (tmp_path / "masks" / "03.png").rename(tmp_path / "masks" / "xx.png")
    source = recognise(str(tmp_path), LOOK)
    assert len(source.index) == 5
    told = {one.kind: say(f"data.{one.kind}", **one.values) for one in source.findings}
    assert told == {
        "picture_without_mask": "Pictures without a mask, which were left out: 1 (images/03.jpg).",
        "mask_without_picture": "Masks without a picture of their name, which were left out: 1 (masks/xx.png).",
    }


def test_shades_are_no_classes(tmp_path):
    lay(tmp_path, form="colour")
    picture(1).save(tmp_path / "masks" / "01.png")
    with pytest.raises(DataError, match=r"have \d+ colours or more; those of masks are at most 64"):
        recognise(str(tmp_path), LOOK)


def test_masks_that_are_all_jpeg_are_refused_with_what_to_do(tmp_path):
    lay(tmp_path, ("images/{}.jpg", "masks/{}.jpg"))
    with pytest.raises(DataError, match=r"are JPEG files, .*\(masks/00\.jpg is one\)\. Save them as PNG"):
        recognise(str(tmp_path), LOOK)


def test_one_mask_in_colours_among_palettes_spoils_none(tmp_path):
    lay(tmp_path, form="palette")
    as_png(numbers(4, classes=2), "colour").save(tmp_path / "masks" / "04.png")
    source = recognise(str(tmp_path), LOOK)
    assert source.index.classes == FORMS["colour"]
    np.testing.assert_array_equal(source.read(4).mask > 0, numbers(4, classes=2) > 0)
    np.testing.assert_array_equal(source.read(2).mask, np.array([0, 2, 1], dtype=np.uint8)[numbers(2)])


def test_other_numbers_for_the_same_names(tmp_path):
    lay(tmp_path)
    (tmp_path / "classes.txt").write_text("ground\nroof\ntree\n")
    source = recognise(str(tmp_path), LOOK)
    renumbered = source.numbered_as(("ground", "tree", "water", "roof"))
    np.testing.assert_array_equal(renumbered.read(0).mask, np.array([0, 3, 1], dtype=np.uint8)[numbers(0)])
    assert renumbered.fingerprint() != source.fingerprint() == source.numbered_as(source.index.classes).fingerprint()
    with pytest.raises(DataError, match="has classes that training never had: roof"):
        source.numbered_as(("ground", "tree"))


def test_a_changed_mask_changes_the_fingerprint(tmp_path):
    lay(tmp_path)
    before = recognise(str(tmp_path), LOOK).fingerprint()
    assert recognise(str(tmp_path), LOOK).fingerprint() == before
    Image.fromarray(numbers(9)).save(tmp_path / "masks" / "00.png", compress_level=1)
    assert recognise(str(tmp_path), LOOK).fingerprint() != before


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(40, 36), (90, 30), (31, 64)])
def test_a_mask_is_fitted_where_its_picture_is(how, size):
    """Where the fitted picture is of one class alone, the fitted mask says it; around it nobody knows."""
    mask = np.zeros(size[::-1], dtype=np.uint8)
    mask[size[1] // 4 : size[1] // 2, size[0] // 3 :] = 1
    pixels = np.repeat(mask[..., None] * np.uint8(255), 3, 2)
    pixels[..., 1] = 255 - pixels[..., 0]  # so that the filling, a colour of the rim, is of a class as well
    seen = fit_picture(pixels, 3, 32, 48, how)
    fitted = fit_mask(mask, 32, 48, how)
    for number, channel in ((1, 0), (0, 1)):
        pure = (seen[channel] == 255) & (fitted != 255)
        assert pure.any() and (fitted[pure] == number).all()
    assert (fitted == 255).any() == (how == "pad")


@pytest.mark.parametrize("how", ["crop", "pad", "stretch"])
def test_the_way_back_leads_to_the_stored_picture(how):
    mask = np.kron(np.arange(12).reshape(3, 4) % 3, np.ones((20, 30))).astype(np.uint8)  # (60, 120)
    back = stored_mask(fit_mask(mask, 48, 64, how), (120, 60), how)
    assert back.shape == mask.shape
    known = back != 255
    assert known.all() == (how != "crop") and known.mean() > 0.6
    assert (back == mask)[known].mean() > 0.9


def test_a_value_beyond_a_byte_is_named(tmp_path):
    lay(tmp_path)
    Image.fromarray(numbers(0).astype(np.uint16) * 300).save(tmp_path / "masks" / "00.png")
    with pytest.raises(Unreadable) as caught:
        recognise(str(tmp_path), LOOK).read(0)
    assert caught.value.reason == "mask_value" and caught.value.values["at"] == "masks/00.png"


def test_traced_digits_are_those_that_lie_in_their_boxes():
    boxes, traced = recognise("made:scattered", LOOK), recognise("made:traced", LOOK)
    assert traced.index.classes == ("background", *"0123456789") and traced.task == "segment"
    assert recognised("made:traced", LOOK).sentence() == "1200 made pictures with masks; task segment"
    assert list(traced.index.parts) == list(boxes.index.parts)
    for row in (2, 700, 1199):
        pixels, mask = traced.read(row).pixels, traced.read(row).mask
        assert np.array_equal(pixels, boxes.read(row).pixels)
        around = np.zeros_like(mask)
        for box in boxes.index.labels[row]:
            around[int(box.top) : int(box.bottom), int(box.left) : int(box.right)] = 1
            here = mask[int(box.top) : int(box.bottom), int(box.left) : int(box.right)]
            assert (here == int(box.label) + 1).mean() > 0.08
        assert not mask[around == 0].any()
        assert traced.index.labels[row] == tuple(sorted({box.label for box in boxes.index.labels[row]}))
    assert traced.fingerprint() == recognise("made:traced", LOOK).fingerprint() != boxes.fingerprint()
