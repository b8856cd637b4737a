"""What can be wrong with boxes and masks, in every form that can say it, each with its message in both languages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepglass.data.annotation import Box
from deepglass.data.check import before, sentence
from deepglass.data.decode import Here
from deepglass.data.examiner import Examiner
from deepglass.data.example import Example
from deepglass.data.recognise import layout_for, recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.split import split
from tests.data.scenes import SIZE, annotation, image, instances, picture

PLAIN = DataSettings()
WIDTH, HEIGHT = SIZE
GOOD = Box("cat", 4, 4, 20, 20)
Marks = dict[str, list[Box]]


def coco(root: Path, marks: Marks) -> None:
    """A file for each part that a name's folder says."""
    parts = sorted({name.rpartition("/")[0] for name in marks})
    for part in parts:
        names = [name for name in marks if name.rpartition("/")[0] == part]
        images = [image(place, name.rpartition("/")[2]) for place, name in enumerate(names)]
        boxes = [annotation(place, box) for place, name in enumerate(names) for box in marks[name]]
        instances(root / part / "a.json", images, boxes)


def voc(root: Path, marks: Marks) -> None:
    for name, boxes in marks.items():
        things = "".join(
            f"<object><name>{box.label}</name><bndbox><xmin>{box.left + 1}</xmin><ymin>{box.top + 1}</ymin>"
            f"<xmax>{box.right}</xmax><ymax>{box.bottom}</ymax></bndbox></object>"
            for box in boxes
        )
        size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height></size>"
        page = root / f"{name.removesuffix('.png')}.xml"
        page.write_text(f"<annotation><filename>{name}</filename>{size}{things}</annotation>")


def yolo(root: Path, marks: Marks) -> None:
    (root / "classes.txt").write_text("cat\ndog\n")
    for name, boxes in marks.items():
        lines = [
            f"{('cat', 'dog').index(box.label)} {(box.left + box.right) / 2 / WIDTH:.9f} "
            f"{(box.top + box.bottom) / 2 / HEIGHT:.9f} {(box.right - box.left) / WIDTH:.9f} "
            f"{(box.bottom - box.top) / HEIGHT:.9f}"
            for box in boxes
        ]
        (root / f"{name.removesuffix('.png')}.txt").write_text("\n".join(lines))


def table(root: Path, marks: Marks) -> None:
    rows = [f"{name},{','.join(map(str, box[:5]))}" for name, boxes in marks.items() for box in boxes]
    (root / "a.csv").write_text("\n".join(["path,label,left,top,right,bottom", *rows]) + "\n")


FORMS: dict[str, Callable[[Path, Marks], None]] = {"coco": coco, "voc": voc, "yolo": yolo, "table": table}


def told(place: Path, task: str = "") -> dict[str, tuple[str, str]]:
    """What the doctor says of a place, by kind or by the reason that a picture is left out for, in both languages."""
    source = recognise(str(place), DataSettings(layout=layout_for(task, str(place), PLAIN)))
    parts = split(source.index, PLAIN)
    findings, examiner = [*source.findings, *before(source, parts)], Examiner(source, parts)
    decode = Here(source, lambda raw: Example({}), None)
    for row, result in enumerate(decode(list(range(len(source.index))))):
        examiner.bad(row, result) if isinstance(result, Unreadable) else examiner.see(row, result.seen)
    findings += examiner.findings()
    return {one.values.get("why", one.kind): (sentence(one, "en"), sentence(one, "zh-CN")) for one in findings}


def place(root: Path, form: str, marks: Marks, bare: tuple[str, ...] = ()) -> Path:
    for number, name in enumerate((*marks, *bare)):
        picture(root / name, number)
    FORMS[form](root, marks)
    return root


def says(found: dict[str, tuple[str, str]], kind: str, en: str, zh: str) -> None:
    """Both languages, as far as they are given."""
    assert kind in found, found
    assert found[kind][0].startswith(en) and found[kind][1].startswith(zh), found[kind]


BOXES: list[tuple[str, Box, str, str, tuple[str, ...]]] = [
    (
        "box_cut",
        Box("dog", 50, 10, 70, 30),
        "Boxes that reach beyond their picture and were cut at its border: 1 (a.png: dog 50,10-70,30 (64 x 48)).",
        "有 1 个框超出图片，已在图片边界处截断：a.png: dog 50,10-70,30 (64 x 48)。",
        ("coco", "voc", "yolo", "table"),
    ),
    (
        "box_outside",
        Box("dog", 70, 10, 80, 30),
        "Boxes that lie outside their picture altogether and were left out: 1 (a.png: dog 70,10-80,30 (64 x 48)).",
        "有 1 个框完全在图片之外，未使用：a.png: dog 70,10-80,30 (64 x 48)。",
        ("coco", "voc", "yolo", "table"),
    ),
    (
        "label_not_shares",
        Box("dog", 640, 10, 800, 30),
        "The numbers in line 2 of a.txt are no shares of the picture (1 11.25",
        "a.txt 第 2 行的数值不是相对图片的比例（1 11.25",
        ("yolo",),
    ),
    (
        "box_without_area",
        Box("dog", 30, 10, 30, 20),
        "Boxes without area, which were left out: 1 (a.png: dog 30,10-30,20 (64 x 48)).",
        "有 1 个框面积为零，未使用：a.png: dog 30,10-30,20 (64 x 48)。",
        ("coco", "voc", "yolo", "table"),
    ),
    (
        "box_corners",  # VOC counts pixels, of which both ends are inside
        Box("dog", 40, 10, 30, 20),
        "Boxes whose corners are swapped (right before left, or bottom above top) and were put in order: 1 (a.png: dog",
        "有 1 个框的角点颠倒（右在左前，或下在上前），已调整：a.png: dog 4",
        ("coco", "voc", "yolo", "table"),
    ),
]
CASES = [(form, *case[:4]) for case in BOXES for form in case[4]]


@pytest.mark.parametrize(("form", "kind", "box", "en", "zh"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_impossible_boxes(form: str, kind: str, box: Box, en: str, zh: str, tmp_path: Path) -> None:
    says(told(place(tmp_path, form, {"a.png": [GOOD, box], "b.png": [GOOD]})), kind, en, zh)


def test_class_ids_off_by_one(tmp_path: Path) -> None:
    """Names of VOC and of tables are no numbers; a mask's number beyond the last class is the same fault."""
    marks = {"a.png": [GOOD], "b.png": [Box("dog", 4, 4, 20, 20)]}
    place(tmp_path / "yolo", "yolo", marks)
    (tmp_path / "yolo" / "a.txt").write_text("1 .5 .5 .2 .2\n2 .5 .5 .2 .2\n")
    (tmp_path / "yolo" / "b.txt").write_text("")
    place(tmp_path / "coco", "coco", marks)
    more: dict[str, Any] = {"categories": [{"id": 0, "name": "cat"}]}
    instances(tmp_path / "coco" / "a.json", [image(0, "a.png")], [annotation(0, GOOD)], **more)
    for form in ("yolo", "coco"):
        en, zh = "Class ids are off by one: 1 box has ids that", "类别编号错开了一位：有 1 个框的编号不在"
        says(told(tmp_path / form), "class_ids_shifted", en, zh)
    mask = drawn()
    mask[0, 0] = 2
    en = "The mask has the number 2, but there are only 2 classes, counted from 0"
    says(
        told(masked(tmp_path / "masks", {"a": mask}, "cat\ndog\n")),
        "mask_value",
        en,
        "掩码中出现编号 2，但类别只有 2 个",
    )


@pytest.mark.parametrize("form", ["coco", "voc", "yolo"])
def test_two_annotations_of_one_picture(form: str, tmp_path: Path) -> None:
    """Rows of a table are boxes: all that name a picture are its own."""
    place(tmp_path, form, {"a.png": [GOOD], "b.png": [GOOD]})
    if form == "coco":
        instances(tmp_path / "b.json", [image(0, "a.png")], [])
        first, second = "a.json", "b.json"
    elif form == "voc":
        (tmp_path / "c.xml").write_text((tmp_path / "a.xml").read_text().replace("<xmin>5", "<xmin>6"))
        first, second = "a.xml", "c.xml"
    else:
        (tmp_path / "images").mkdir()
        (tmp_path / "labels").mkdir()
        (tmp_path / "a.png").rename(tmp_path / "images" / "a.png")
        (tmp_path / "a.txt").rename(tmp_path / "labels" / "a.txt")
        (tmp_path / "images" / "a.txt").write_text("1 .5 .5 .2 .2\n")
        first, second = "labels/a.txt", "images/a.txt"
    en = f"Two annotations speak of this picture and do not say the same: {first} and {second}. Keep the right one."
    zh = f"这张图片有两份内容不同的标注：{first} 和 {second}。请只保留正确的一份。"
    says(told(tmp_path), "two_annotations", en, zh)


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_without_an_annotation(form: str, tmp_path: Path) -> None:
    found = told(place(tmp_path, form, {"a.png": [GOOD], "b.png": [GOOD]}, bare=("c.png",)))
    en = "Pictures that no annotation speaks of: 1 (c.png). What is in them is not known; give those that hold nothing"
    says(found, "not_annotated", en, "有 1 张图片没有任何标注（c.png），其中有什么并不清楚")


@pytest.mark.parametrize("form", FORMS)
def test_a_class_of_validation_alone(form: str, tmp_path: Path) -> None:
    marks = {f"train/{number}.png": [GOOD] for number in range(3)} | {"val/9.png": [Box("dog", 4, 4, 20, 20)]}
    en = "Classes that occur in val but never in the training part: dog (1 in all)."
    says(
        told(place(tmp_path, form, marks)), "class_not_in_train", en, "有 1 个类别只出现在 val 中，训练部分没有：dog。"
    )


def drawn(size: tuple[int, int] = SIZE) -> np.ndarray:
    mask = np.zeros(size[::-1], dtype=np.uint8)
    mask[4:20, 4:20] = 1
    return mask


def masked(root: Path, masks: dict[str, np.ndarray], classes: str = "", bare: tuple[str, ...] = ()) -> Path:
    """images/NAME.png and masks/NAME.png; a good pair beside them."""
    masks = {
        "good": drawn() if next(iter(masks.values())).ndim == 2 else np.zeros((HEIGHT, WIDTH, 3), np.uint8),
        **masks,
    }
    for number, (name, mask) in enumerate(masks.items()):
        picture(root / "images" / f"{name}.png", number)
        (root / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
    for number, name in enumerate(bare):
        picture(root / "images" / f"{name}.png", 100 + number)
    if classes:
        (root / "classes.txt").write_text(classes)
    return root


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    en = "The mask has 63 x 48 pixels and its picture 64 x 48: they must be the same. Export it in that size,"
    zh = "掩码为 63 x 48 像素，而图片为 64 x 48 像素：二者必须一致。请按图片的大小重新导出，"
    says(told(masked(tmp_path, {"a": drawn((63, 48))})), "mask_size", en, zh)


def test_colours_that_are_no_class(tmp_path: Path) -> None:
    coloured = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    coloured[:4] = (9, 8, 7)
    en = "The mask has colours that are no class, 1 of them on 8.3 % of its pixels, the first (9, 8, 7)."
    zh = "掩码中有 1 种颜色不对应任何类别，占其像素的 8.3%，首个为 (9, 8, 7)。"
    says(told(masked(tmp_path, {"a": coloured}, "ground 0 0 0\ncat 255 0 0\n")), "mask_colour", en, zh)


def test_two_masks_of_one_picture(tmp_path: Path) -> None:
    masked(tmp_path, {"a": drawn(), "b": drawn()})
    for name in ("a", "b"):
        Image.fromarray(drawn() if name == "b" else drawn() * 0).save(tmp_path / "masks" / f"{name}_mask.png")
    found = told(tmp_path)
    en = "Two annotations speak of this picture and do not say the same: masks/a.png and masks/a_mask.png."
    says(found, "two_annotations", en, "这张图片有两份内容不同的标注：masks/a.png 和 masks/a_mask.png。")
    assert "picture_without_mask" not in found and "mask_without_picture" not in found
    assert recognise(str(tmp_path), PLAIN).read(1).mask is not None  # b's two say the same


def test_a_picture_without_a_mask_and_a_mask_without_a_picture(tmp_path: Path) -> None:
    found = told(masked(tmp_path, {"a": drawn()}, bare=("c",)))
    en = "Pictures without a mask, which were left out: 1 (images/c.png)."
    says(found, "picture_without_mask", en, "有 1 张图片没有掩码，未使用：images/c.png。")
    (tmp_path / "images" / "a.png").unlink()
    en = "Masks without a picture of their name, which were left out: 1 (masks/a.png)."
    says(told(tmp_path), "mask_without_picture", en, "有 1 张掩码找不到同名图片，未使用：masks/a.png。")


def test_a_class_that_only_masks_of_validation_have(tmp_path: Path) -> None:
    for part, number in (("train", 1), ("val", 2)):
        masked(tmp_path / part, {"a": drawn() * number})
        Image.fromarray(drawn()).save(tmp_path / part / "masks" / "good.png")
    (tmp_path / "classes.txt").write_text("ground\ncat\ndog\n")
    en = "Classes that stand in masks of val but in none of the training part: dog (1 in all)."
    says(told(tmp_path), "mask_class_not_in_train", en, "有 1 个类别只出现在 val 的掩码中，训练部分没有：dog。")
