"""Every layout is recognised by its content and opened; what fits none is answered with one sentence."""

import os
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepglass.data.recognise import layout_for, recognise, recognised, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.sources.pictures import open_pictures
from deepglass.data.walk import walk
from deepglass.foundation.errors import DataError
from deepglass.foundation.settings import Override
from deepglass.foundation.words import choose_language, say
from deepglass.journey import propose

PLAIN = DataSettings()


def paint(file: Path, shade: int = 0, size: tuple[int, int] = (12, 10), mode: str = "RGB") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    kind = {".JPG": "JPEG"}.get(file.suffix)
    Image.new(mode, size, shade if mode == "L" else (shade, 0, 255 - shade)).save(file, kind)
    return file


def flowers(root: Path, count: int = 4, classes: tuple[str, ...] = ("玫瑰", "tulips x")) -> Path:
    for place, name in enumerate(classes):
        for number in range(count):
            paint(root / name / f"{number}.png", 20 * number + place)
    return root


def refusal(place: Path | str, settings: DataSettings = PLAIN) -> str:
    choose_language("en")
    with pytest.raises(DataError) as caught:
        recognise(str(place), settings)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_class_folders(tmp_path: Path) -> None:
    root = flowers(tmp_path / "花 朵")
    paint(root / "玫瑰" / "deep" / "er" / "a.JPG")
    for name in (".DS_Store", "Thumbs.db", "._0.png"):
        (root / "玫瑰" / name).write_bytes(b"left by a system")
    paint(root / "__MACOSX" / "玫瑰" / "0.png")
    (root / "tulips x" / "notes.txt").write_text("a stray")
    (root / "empty").mkdir()
    bare = paint(root / "tulips x" / "bare.png")
    bare.rename(bare.with_suffix(""))
    found = recognised(str(root), PLAIN)
    assert found.layout == "class_folders" and found.match.task == "classify"
    assert say("data.layout_class_folders", "en", **found.match.values) == "class folders with 2 classes"
    source = recognise(str(root), PLAIN)
    assert Counter(source.index.labels) == {"玫瑰": 5, "tulips x": 5}
    assert "玫瑰/deep/er/a.JPG" in source.index.ids and "tulips x/bare" in source.index.ids
    kinds = {finding.kind: finding for finding in source.findings}
    assert kinds["empty_class"].file == "empty"
    assert kinds["stray_files"].values == {"count": 1, "examples": "tulips x/notes.txt"}
    assert source.read(0).pixels.shape == (10, 12, 3) and source.header(0) == (12, 10, 3)


def test_loops_and_broken_links(tmp_path: Path) -> None:
    root = flowers(tmp_path / "f")
    (root / "玫瑰" / "again").symlink_to(root)
    (root / "玫瑰" / "self").symlink_to(root / "玫瑰" / "self")
    (root / "玫瑰" / "gone.png").symlink_to(root / "nowhere.png")
    source = recognise(str(root), PLAIN)
    assert len(source.index) == 9
    with pytest.raises(Unreadable) as caught:
        source.read(list(source.index.ids).index("玫瑰/gone.png"))
    assert caught.value.reason == "missing_file"


def test_names_that_are_not_utf8_are_said(tmp_path: Path) -> None:
    root = flowers(tmp_path)
    os.rename(os.fsencode(paint(root / "玫瑰" / "x.png")), os.fsencode(root / "玫瑰") + b"/\xff.png")
    source = recognise(str(root), PLAIN)
    assert len(source.index) == 8
    assert [finding.values["count"] for finding in source.findings if finding.kind == "name_not_utf8"] == [1]


def test_fingerprint_follows_the_files(tmp_path: Path) -> None:
    root = flowers(tmp_path)
    before = recognise(str(root), PLAIN).fingerprint()
    assert recognise(str(root), PLAIN).fingerprint() == before
    os.utime(root / "玫瑰" / "0.png", ns=(1, 1))
    changed = recognise(str(root), PLAIN).fingerprint()
    assert changed != before
    (root / "玫瑰" / "0.png").rename(root / "tulips x" / "9.png")
    assert recognise(str(root), PLAIN).fingerprint() not in (before, changed)


@pytest.mark.parametrize("val", ["val", "valid", "Validation", "验证集"])
def test_part_folders(val: str, tmp_path: Path) -> None:
    for part in ("train", val, "test"):
        flowers(tmp_path / part)
    paint(tmp_path / "spare" / "a.png")
    found = recognised(str(tmp_path), PLAIN)
    assert found.layout == "part_folders"
    source = recognise(str(tmp_path), PLAIN)
    assert Counter(source.index.parts) == {"train": 8, "val": 8, "test": 8}
    assert set(source.index.labels) == {"玫瑰", "tulips x"}
    assert [(finding.kind, finding.file) for finding in source.findings] == [("not_a_part", "spare")]


def test_digits() -> None:
    source = recognise("digits", PLAIN)
    assert len(source.index) == 10_000 and source.rows.nbytes < 8_000_000  # pyright: ignore
    test = Counter(label for label, part in zip(source.index.labels, source.index.parts, strict=True) if part)
    assert test == {str(digit): 200 for digit in range(10)}
    assert source.header(0) == (28, 28, 1) and source.read(0).pixels.max() > 200
    # the first test digits are these for good
    parts = source.index.parts
    assert [source.index.labels[row] for row in range(10) if parts[row] == "test"] == list(source.index.labels[:10])
    assert source.fingerprint() == recognise("digits", PLAIN).fingerprint()


@pytest.mark.parametrize(("name", "counts"), [("xor", [100, 100]), ("moons", [100, 100]), ("blobs", [100] * 3)])
def test_made_sets(name: str, counts: list[int]) -> None:
    source = recognise(f"made:{name}", PLAIN)
    assert list(Counter(source.index.labels).values()) == counts
    assert (source.read(7) == recognise(f"made:{name}", PLAIN).read(7)).all()
    if name == "xor":
        points = np.stack([source.read(row) for row in range(200)])
        truth = (points[:, 0] > 0.5) ^ (points[:, 1] > 0.5)
        assert (truth == np.array([label == "1" for label in source.index.labels])).mean() > 0.99
    assert "Did you mean made:xor" not in refusal("made:xr") and "xor" in refusal("made:xr")


def test_made_pictures_of_very_uneven_classes() -> None:
    source = recognise("made:skewed", PLAIN)
    parts = np.array(source.index.parts)
    counts = {part: Counter(np.array(source.index.labels)[parts == part].tolist()) for part in ("", "test")}
    wanted = (300, 204, 138, 94, 64, 43, 29, 20)
    assert [counts[""][str(digit)] for digit in range(8)] == list(wanted) and counts[""]["none"] == 120
    assert [counts["test"][str(digit)] for digit in range(8)] == [round(count / 2) for count in wanted]
    assert (
        recognised("made:skewed", PLAIN).sentence().startswith("made pictures in very uneven classes, 300 of the larg")
    )
    pixels = source.read(3).pixels
    assert pixels.shape == (28, 28, 3) and pixels.max() > 120 and len(np.unique(pixels[0, 0])) > 1
    assert source.fingerprint() == recognise("made:skewed", PLAIN).fingerprint()
    assert "made:skewed" in refusal("made:skewd")


def test_made_pictures_of_two_sides_share_no_digit() -> None:
    source = recognise("made:chalk", PLAIN)
    sides, parts = np.array(source.index.labels), np.array(source.index.parts)
    counts = Counter(zip(sides.tolist(), parts.tolist(), strict=True))
    assert counts == {("chalk", ""): 1000, ("ink", ""): 1000, ("chalk", "test"): 200, ("ink", "test"): 200}
    digits = [str(name).rpartition("/")[2] for name in source.index.ids]
    assert len(set(digits)) == 2400 and Counter(str(name).split("/")[1] for name in source.index.ids)["7"] == 240
    corner = {
        side: np.mean([source.read(row).pixels[0, 0] for row in np.flatnonzero(sides == side)], 0) for side in sides
    }
    assert corner["ink"].min() > 200 and corner["chalk"].max() < 100  # strokes on paper are dark, on the board light
    assert recognised("made:chalk", PLAIN).sentence() == (
        "made pictures of two sides, digits in chalk and other digits in ink: 1000 of each to learn from, "
        "200 to test with; task image_to_image"
    )
    assert source.fingerprint() == recognise("made:chalk", PLAIN).fingerprint()
    assert "Did you mean made:chalk?" in refusal("made:chalc") or "chalk" in refusal("made:chalc")


def write_npz(file: Path, **arrays: object) -> str:
    np.savez(file, **arrays)  # pyright: ignore
    return str(file)


def test_npz_pictures_with_parts(tmp_path: Path) -> None:
    x = np.arange(6 * 8 * 8, dtype=np.uint8).reshape(6, 8, 8)
    place = write_npz(tmp_path / "a.npz", x_train=x, y_train=np.arange(6) % 2, x_test=x[:2], y_test=np.array([0, 1]))
    source = recognise(place, PLAIN)
    assert source.layout == "npz" and Counter(source.index.parts) == {"train": 6, "test": 2}
    assert source.read(1).pixels.shape == (8, 8, 1) and source.index.labels[:3] == ["0", "1", "0"]


def test_npz_shapes_and_answers(tmp_path: Path) -> None:
    x = np.linspace(0, 1, 4 * 3 * 8 * 9).reshape(4, 3, 8, 9)
    flags = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]])
    place = write_npz(tmp_path / "a.npz", images=x, labels=flags, class_names=np.array(["a", "b", "c"]))
    source = recognise(place, PLAIN)
    assert source.task == "multilabel" and source.index.labels[0] == ("a", "c") and source.index.labels[1] == ()
    assert source.read(3).pixels.shape == (8, 9, 3) and source.read(3).pixels.max() == 255
    onehot = recognise(write_npz(tmp_path / "b.npz", arr_0=x[:3], arr_1=np.eye(3)), PLAIN)
    assert onehot.task == "classify" and onehot.index.labels == ["0", "1", "2"]
    vectors = recognise(write_npz(tmp_path / "c.npz", x=np.ones((3, 2)), y=np.array([0.5, 1.5, 2.0])), PLAIN)
    assert vectors.task == "regress" and vectors.index.kind == "vector" and vectors.index.columns == ("x1", "x2")


def test_npz_refusals(tmp_path: Path) -> None:
    pickled = write_npz(tmp_path / "a.npz", x=np.ones((2, 2)), y=np.array([{"a": 1}, None], dtype=object))
    assert "holds Python objects, which are refused because reading them would run code" in refusal(pickled)
    assert "holds the arrays a, b; none are a pair" in refusal(write_npz(tmp_path / "b.npz", a=[1], b=[2]))
    assert "rows of x: 3, rows of y: 2" in refusal(write_npz(tmp_path / "c.npz", x=np.ones((3, 2)), y=[0, 1]))
    assert "pixels run from -1 to 1" in refusal(
        write_npz(tmp_path / "d.npz", x=np.linspace(-1, 1, 128).reshape(2, 8, 8), y=[0, 1])
    )
    (tmp_path / "e.npz").write_bytes(b"PK\x03\x04 no archive")
    assert "cannot be read" in refusal(tmp_path / "e.npz")
    content = bytearray((tmp_path / "c.npz").read_bytes())
    content[200] ^= 255
    (tmp_path / "f.npz").write_bytes(content)
    assert "Save it again with numpy.savez" in refusal(tmp_path / "f.npz")


def test_nothing_fits(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    assert refusal(root) == f"{root} is an empty folder. Put one folder of pictures for each class into it."
    (root / "a.zip").write_bytes(b"PK\x03\x04")
    assert "holds only archives. Unpack a.zip first" in refusal(root)
    assert "is an archive. Unpack it first" in refusal(root / "a.zip")
    (root / "a.bin").write_text("words")
    assert "holds nothing that deepglass can learn from (it has a.bin, a.zip)" in refusal(root)
    assert "no kind of data that deepglass knows" in refusal(root / "a.bin")
    assert f"There is nothing at {tmp_path / 'dat'}. Did you mean {root}?" in refusal(tmp_path / "dat")
    paint(root / "one" / "a.png")
    assert refusal(root).startswith(f"{root} holds one class only, one.")
    (root / "one" / "a.png").rename(root / "a.png")
    assert "holds pictures but nothing says what they show" in refusal(root)
    choose_language("zh-CN")
    with pytest.raises(DataError, match="高了一层|没有标明内容"):
        recognise(str(root), PLAIN)
    choose_language("en")


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("turn_faces", "whom they show. turn_faces learns from one folder for each person"),
        ("semi_supervised", "what they show. semi_supervised learns from one folder for each class"),
        ("image_to_image", "which side they belong to. image_to_image learns from two folders, trainA and trainB"),
        ("classify", "what they show. Sort them into one folder for each class"),
    ],
)
def test_of_a_heap_a_task_says_what_it_needs(task: str, said: str, tmp_path: Path) -> None:
    paint(tmp_path / "a.png"), paint(tmp_path / "b.png")
    with pytest.raises(DataError) as caught:
        propose(str(tmp_path), [Override("task.name", task, "command line")])
    assert f"{tmp_path} holds pictures but nothing says {said}" in str(caught.value)


def test_one_level_too_high(tmp_path: Path) -> None:
    inner = flowers(tmp_path / "download" / "flowers")
    sentence = f"is one level too high: the classes are folders of {inner}. Use that folder."
    assert sentence in refusal(tmp_path / "download")
    assert sentence in refusal(tmp_path)
    with pytest.raises(DataError) as caught:
        recognise(str(tmp_path), PLAIN)
    assert f"{tmp_path} 高了一层：类别文件夹在 {inner} 里" in say(caught.value.code, "zh-CN", **caught.value.values)


def test_parts_without_classes_are_not_taken_for_classes(tmp_path: Path) -> None:
    paint(tmp_path / "train" / "a.png"), paint(tmp_path / "test" / "b.png")
    assert "holds pictures but nothing says what they show" in refusal(tmp_path)


def test_a_broken_table_beside_class_folders_does_not_matter(tmp_path: Path) -> None:
    flowers(tmp_path)
    (tmp_path / "notes.csv").write_bytes("名,类\n一,二\n".encode("gb18030"))
    assert recognised(str(tmp_path), PLAIN).layout == "class_folders"


def test_several_tables_are_a_question(tmp_path: Path) -> None:
    for name in ("red.csv", "white.csv"):
        (tmp_path / name).write_text("a,y\n1,x\n2,z\n")
    assert (
        f"holds several tables (red.csv, white.csv). Give the one to learn from, for example {tmp_path / 'red.csv'}"
        in (refusal(tmp_path))
    )


def test_sets_taken_for_classes_are_questioned(tmp_path: Path) -> None:
    for name in ("first", "second"):
        flowers(tmp_path / name)
    source = recognise(str(tmp_path), PLAIN)
    assert [finding.kind for finding in source.findings] == ["same_folders_inside"]


def test_layout_can_be_chosen(tmp_path: Path) -> None:
    flowers(tmp_path / "train"), flowers(tmp_path / "val")
    source = recognise(str(tmp_path), DataSettings(layout="class_folders", target="kind"))
    assert set(source.index.labels) == {"train", "val"}
    assert "setting_unused" in {finding.kind for finding in source.findings}
    assert "does not look like npz" in refusal(tmp_path, DataSettings(layout="npz"))


def test_survey(tmp_path: Path) -> None:
    flowers(tmp_path)
    paint(tmp_path / "grey" / "a.png", size=(40, 30), mode="L")
    (tmp_path / "grey" / "b.png").write_bytes(b"")
    found = survey(recognise(str(tmp_path), PLAIN), seed=0)
    assert (found.kind, found.width, found.height, found.same_size) == ("picture", 12, 10, False)
    assert found.channels == (1, 3) and found.looked_at == 9
    assert found.counts == {"tulips x": 4, "玫瑰": 4, "grey": 2}
    assert survey(recognise(str(tmp_path), PLAIN), seed=0) == found


def test_sixty_thousand_files_open_quickly(tmp_path: Path) -> None:
    """Opening looks at names only: a tenth of the files in a tenth of the time."""
    for place in range(6):
        folder = tmp_path / str(place)
        folder.mkdir()
        for number in range(1000):
            (folder / f"{number}.png").touch()
    began = time.perf_counter()
    source = recognise(str(tmp_path), PLAIN)
    assert time.perf_counter() - began < 1.0 and len(source.index) == 6000
    assert list(source.index.ids) == [
        f"{place}/{name}" for place in range(6) for name in sorted(os.listdir(tmp_path / str(place)))
    ]


def test_walk_is_sorted_and_unreadable_folders_are_named(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(walk(tmp_path)) == ["a", "c.txt", "b/1", "b/2"]
    with pytest.raises(DataError, match="cannot be opened"):
        list(walk(tmp_path / "nothing"))


def test_made_signs_are_the_same_everywhere_and_no_two_are_alike():
    source = recognise("made:symbols", DataSettings())
    assert len(source.index) == 960 and len(set(source.index.labels)) == 80
    assert source.rows.dtype == np.uint8 and source.rows.shape == (960, 32, 32, 1)
    rows = source.rows.reshape(80, 12, -1).astype(float)
    means = rows.mean(1)
    apart = np.linalg.norm(means[:, None] - means[None], axis=2) + 1e9 * np.eye(80)
    assert apart.min() > 100
    assert rows.std(1).mean() > 10  # but no sign is written twice the same
    assert source.fingerprint() == recognise("made:symbols", DataSettings()).fingerprint()


def test_pictures_of_which_nothing_is_said_are_taken_where_pictures_like_them_are_asked_for(tmp_path: Path) -> None:
    heap = tmp_path / "heap"
    paint(heap / "a.png"), (heap / "notes.txt").write_text("x")
    assert "or, to make pictures like them, use --task generate_images" in refusal(heap)
    paint(heap / "deep" / "b.png")
    assert layout_for("classify", str(heap), PLAIN) == ""
    assert layout_for("generate_images", str(heap), PLAIN) == "pictures"
    source = recognise(str(heap), replace(PLAIN, layout="pictures"))
    assert sorted(source.index.ids) == ["a.png", "deep/b.png"] and set(source.index.labels) == {"heap"}
    assert [finding.kind for finding in source.findings] == ["stray_files"] and not len(source.index.parts)
    halves = tmp_path / "halves"
    paint(halves / "train" / "c.png"), paint(halves / "test" / "d.png")
    parts = recognise(str(halves), replace(PLAIN, layout="pictures")).index
    assert dict(zip(parts.ids, parts.parts, strict=True)) == {"train/c.png": "train", "test/d.png": "test"}
    classes = flowers(tmp_path / "download" / "flowers")
    assert layout_for("generate_images", str(classes), PLAIN) == ""
    with pytest.raises(DataError, match="one level too high"):
        recognise(str(classes.parent), replace(PLAIN, layout=layout_for("generate_images", str(classes.parent), PLAIN)))


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["a/x/1.png", "b/x/2.png"], "heap"),
        (["a/x/1.png", "a/x/2.png"], "x"),
        (["train/x/1.png", "test/x/2.png"], "x"),
        (["train/a/x/1.png", "test/b/x/2.png"], "heap"),
        (["train/1.png", "test/2.png"], "heap"),
        (["x/1.png", "2.png"], "heap"),
    ],
)
def test_a_heap_is_named_for_the_one_folder_that_holds_it_all(files: list[str], name: str, tmp_path: Path) -> None:
    for file in files:
        paint(tmp_path / "heap" / file)
    assert set(open_pictures(str(tmp_path / "heap"), PLAIN).index.labels) == {name}
