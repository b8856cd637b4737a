"""The doctor names what is planted, exactly, and raises no false alarm; files stay as they were."""

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deepglass.data.check import before, refuse, report, sentence, told_first, too_many_bad
from deepglass.data.examiner import Examiner
from deepglass.data.glance import Glance, glance
from deepglass.data.recognise import recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Source, Unreadable
from deepglass.data.split import split
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language

PLAIN = DataSettings()


@pytest.fixture(autouse=True)
def english() -> None:
    choose_language("en")


def scene(number: int, size: int = 64) -> np.ndarray:
    """A picture of its own: smooth, coloured, unlike every other."""
    generator = np.random.default_rng(number)
    coarse = Image.fromarray(generator.integers(0, 255, (5, 5, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def put(file: Path, pixels: np.ndarray, **options: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file, **options)
    return file


def parted(root: Path, count: int = 6) -> Path:
    """train and test folders of two classes, all pictures different."""
    number = 0
    for part in ("train", "val", "test"):
        for name in ("a", "b"):
            for place in range(count):
                put(root / part / name / f"{place}.png", scene(number := number + 1))
    return root


def examine(source: Source, settings: DataSettings = PLAIN) -> tuple[list[Finding], list[Finding]]:
    """All findings, those from before reading first."""
    parts = split(source.index, settings)
    examiner = Examiner(source, parts)
    for row in range(len(source.index)):
        try:
            examiner.see(row, glance(source.read(row)))
        except Unreadable as reason:
            examiner.bad(row, reason)
    return source.findings + before(source, parts), examiner.findings()


def of_kind(kind: str, findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.kind == kind]


def test_sound_data_has_no_findings(tmp_path: Path) -> None:
    early, late = examine(recognise(str(parted(tmp_path, 10)), PLAIN))
    assert early == [] and late == []


def test_planted_faults_are_named_exactly(tmp_path: Path) -> None:
    """Truncated, text, empty, foreign, bomb: each by name with its reason; and no file is touched."""
    root = parted(tmp_path)
    whole = (root / "train/a/0.png").read_bytes()
    stream = io.BytesIO()
    Image.fromarray(scene(77)).save(stream, "JPEG")
    planted = {
        "train/a/cut.jpg": (stream.getvalue()[: len(stream.getvalue()) // 2], "cut short"),
        "train/a/text.png": (b"these are words", "text file"),
        "train/b/empty.png": (b"", "empty (0 bytes)"),
        "val/a/phone.heic": (b"\0\0\0\x18ftypheic", "HEIC"),
        "val/b/bomb.png": (whole[:16] + (30_000).to_bytes(4, "big") * 2 + whole[24:], "damaged|too large"),
        "test/a/zeros.bmp": (b"\0" * 100, "zero bytes"),
    }
    for name, (content, _) in planted.items():
        (root / name).write_bytes(content)
    state = {file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).digest()) for file in root.rglob("*.*")}
    _, late = examine(recognise(str(root), PLAIN))
    bad = of_kind("unreadable", late)
    (many,) = of_kind("many_bad", late)
    assert "6 of 42 examples (14.3 %) cannot be used." in sentence(many) and "data.max_bad=0.15" in sentence(many)
    assert {finding.file for finding in bad} == set(planted) and len(bad) + 1 == len(late)
    for finding in bad:
        expected = planted[finding.file][1].split("|")
        assert any(words in sentence(finding) for words in expected), sentence(finding)
        assert "文件" in sentence(finding, "zh-CN") or "图片" in sentence(finding, "zh-CN")
    assert state == {file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).digest()) for file in state}


def test_too_many_bad_stops(tmp_path: Path) -> None:
    findings = [Finding("unreadable", "warning", f"{place}.png", {"why": "truncated"}) for place in range(6)]
    too_many_bad(findings, 120, PLAIN)
    with pytest.raises(DataError) as caught:
        too_many_bad(findings, 100, PLAIN)
    assert caught.value.exit_code == 3 and "or accept the loss: data.max_bad=0.07. The" in str(caught.value)
    too_many_bad(findings, 100, DataSettings(max_bad=0.07))
    assert "6 of 100 examples (6 %) cannot be used, more than data.max_bad allows (5 %)" in str(caught.value)
    assert "0.png: The file is cut short" in str(caught.value) and "3.png" not in str(caught.value)
    too_many_bad(findings, 6, DataSettings(max_bad=1.0))


def test_too_many_bad_of_a_sample_are_told_as_such() -> None:
    findings = [Finding("unreadable", "warning", f"{place}.png", {"why": "truncated"}) for place in range(6)]
    said = r"Of 200 examples a sample of 16 was read, and 6 of these \(37.5 %\) cannot be used.*allows \(5 %\)"
    with pytest.raises(DataError, match=said):
        too_many_bad(findings, 16, PLAIN, 200)
    too_many_bad(findings[:3], 16, PLAIN, 200)  # one time in 25 where one of 20 is bad
    with pytest.raises(DataError, match="cannot be used"):
        too_many_bad(findings[:4], 16, PLAIN, 200)  # once in 140
    with pytest.raises(DataError, match="sample of 1 was read, and not one of these can be used"):
        too_many_bad(findings[:1], 1, PLAIN, 200)
    with pytest.raises(DataError, match=r"^6 of 16 examples"):
        too_many_bad(findings, 16, PLAIN, 16)


def test_a_sample_of_any_size_is_judged_by_chance() -> None:
    findings = [Finding("unreadable", "warning", f"{place}.png", {"why": "truncated"}) for place in range(200)]
    with pytest.raises(DataError, match=r"a sample of 1600 was read, and 200 of these \(12.5 %\) cannot be used"):
        too_many_bad(findings, 1600, PLAIN, 60_000)
    too_many_bad(findings[:85], 1600, PLAIN, 60_000)  # more than one of 20, and one time in three
    with pytest.raises(DataError, match="1 of these"):
        too_many_bad(findings[:1], 1600, DataSettings(max_bad=0.0), 60_000)


def test_duplicates_within_across_and_under_two_labels(tmp_path: Path) -> None:
    root = parted(tmp_path)
    put(root / "test/a/leak.bmp", scene(1))  # train/a/0.png in another format
    put(root / "train/a/copy.png", scene(2))  # train/a/1.png again: harmless
    put(root / "val/b/mixed.png", scene(13))  # val/a/0.png under another name
    _, late = examine(recognise(str(root), PLAIN))
    (leak,) = of_kind("duplicate_across_parts", late)
    assert {leak.file, leak.values["other"]} == {"test/a/leak.bmp", "train/a/0.png"} and leak.level == "warning"
    assert "the figures would flatter" in sentence(leak) and "指标会虚高" in sentence(leak, "zh-CN")
    (labels,) = of_kind("two_labels", late)
    assert {labels.file, labels.values["other"]} == {"val/a/0.png", "val/b/mixed.png"}
    assert sentence(labels).startswith("The same example stands under two labels: 'a' here and 'b' as val/b/mixed.png")
    (harmless,) = of_kind("duplicates", late)
    assert harmless.values == {"count": 1, "examples": "train/a/copy.png"} and harmless.level == "note"
    assert len(late) == 3


def test_near_duplicates_across_parts(tmp_path: Path) -> None:
    """20 re-encoded copies among 200: at least nine in ten are found, and at most one in a hundred is invented."""
    for number in range(200):
        part = "test" if number % 4 == 0 else "train"
        put(tmp_path / part / "ab"[number % 2] / f"{number}.png", scene(number, 48 + number % 30))
    copies = [number for number in range(200) if number % 4][:20]
    for number in copies:
        put(tmp_path / "test" / "ab"[number % 2] / f"copy{number}.jpg", scene(number, 48 + number % 30), quality=60)
    _, late = examine(recognise(str(tmp_path), PLAIN))
    found = of_kind("near_duplicate_across_parts", late)
    pairs = {frozenset((Path(item.file).stem, Path(item.values["other"]).stem)) for item in found}
    planted = {frozenset((f"{number}", f"copy{number}")) for number in copies}
    assert len(pairs & planted) >= 18 and len(pairs - planted) <= 2
    assert of_kind("duplicate_across_parts", late) == []


def test_small_and_flat_pictures_raise_no_false_alarm() -> None:
    source = recognise("digits", PLAIN)
    early, late = examine(source)
    assert [finding.kind for finding in early] == ["part_drawn"] and late == []


def test_plain_backgrounds_raise_no_false_alarm(tmp_path: Path) -> None:
    """Different marks on one background, some in one place: near by hash, and still different pictures."""
    generator = np.random.default_rng(0)
    for number in range(60):
        pixels = np.full((64, 64, 3), 250, dtype=np.uint8)
        y, x = 10 * generator.integers(0, 5, 2)
        pixels[y : y + 20, x : x + 20] = (number % 3 * 80, number // 3 % 4 * 60, number // 12 * 50)
        put(tmp_path / ("test" if number % 3 == 0 else "train") / "ab"[number % 2] / f"{number}.png", pixels)
    _, late = examine(recognise(str(tmp_path), PLAIN))
    assert late == []


def test_constant_pictures_sizes_channels_and_notes(tmp_path: Path) -> None:
    root = parted(tmp_path)
    put(root / "train/a/black.png", np.zeros((64, 64, 3), dtype=np.uint8))
    put(root / "train/a/grey.png", scene(300, 50)[..., 0])
    frames = [Image.fromarray(scene(place)) for place in (301, 302)]
    frames[0].save(root / "train/b/moving.gif", save_all=True, append_images=frames[1:])
    frames[0].convert("CMYK").save(root / "train/b/print.tif")
    put(root / "train/a/dark.png", scene(310, 50)[..., 0].astype(np.uint16) * 16)
    put(root / "train/a/dim.png", scene(312, 50)[..., 0].astype(np.uint16) * 2)
    put(root / "train/a/deep.png", scene(311, 50)[..., 0].astype(np.uint16) * 257)
    _, late = examine(recognise(str(root), PLAIN))
    said = {finding.kind: sentence(finding) for finding in late}
    assert "1 (train/a/deep.png)" in said["note_deep"]
    dark = (
        "2, such as train/a/dark.png, train/a/dim.png. The brightest of them needs 12 bits; they are taken as 16 bits"
    )
    assert dark in said["note_dark"] and "of 12 bits, multiply the values of all of them by 16 " in said["note_dark"]
    assert said["note_dark"] in told_first(late, "note")
    assert "train/a/black.png" in said["constant_picture"]
    assert said["mixed_sizes"].startswith("The pictures have 2 different sizes, most often 64 x 64.")
    assert said["mixed_channels"].startswith("Pictures in grey: 4, in colour: 39.")
    assert "train/b/moving.gif" in said["note_first_frame"] and "train/b/print.tif" in said["note_cmyk"]


def test_what_the_index_tells(tmp_path: Path) -> None:
    root = parted(tmp_path, 2)
    put(root / "val/c/0.png", scene(400))
    (root / "train/d").mkdir()
    source = recognise(str(root), PLAIN)
    early, _ = examine(source)
    (wrong,) = of_kind("class_not_in_train", early)
    assert wrong.level == "error"
    with pytest.raises(DataError, match=r"Classes that occur in val but never in the training part: c \(1 in all\)"):
        refuse(early)
    assert [finding.file for finding in of_kind("empty_class", early)] == ["train/d"]
    (tiny,) = of_kind("tiny_classes", early)
    assert sentence(tiny).startswith("Classes with fewer than 10 examples: 3, namely a (6), b (6), c (1).")


def test_one_class_and_imbalance(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("x,label\n" + "".join(f"{row},same\n" for row in range(40)))
    with pytest.raises(DataError, match="Every example has the same answer, 'same'"):
        refuse(examine(recognise(str(tmp_path / "one.csv"), PLAIN))[0])
    rows = "".join(f"{row},{'rare' if row % 50 == 0 else 'usual'}\n" for row in range(1000))
    (tmp_path / "two.csv").write_text("x,label\n" + rows)
    (uneven,) = of_kind("imbalance", examine(recognise(str(tmp_path / "two.csv"), PLAIN))[0])
    assert sentence(uneven).startswith("The classes are very uneven: usual has 980 examples, rare has 20 (49 to 1).")
    assert sentence(uneven).endswith("data.sampling=balanced, and for pictures recipe=sorting.")


def test_classes_that_validation_says_little_of(tmp_path: Path) -> None:
    rows = "".join(f"{row},{'usual' if row % 10 else 'abc'[row // 10 % 3]}\n" for row in range(600))
    (tmp_path / "t.csv").write_text("x,label\n" + rows)
    (few,) = of_kind("hardly_validated", examine(recognise(str(tmp_path / "t.csv"), PLAIN))[0])
    assert few.level == "note" and few.values["count"] == 3
    assert "fewer than 5 examples in validation: 3 (" in sentence(few) and "a (2)" in sentence(few)
    assert "with data.folds=5 every example is held out once" in sentence(few)
    alone = DataSettings(val=0.0, cache=False)
    assert not of_kind("hardly_validated", examine(recognise(str(tmp_path / "t.csv"), alone), alone)[0])


def test_tables(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    lines = [f"{generator.normal():.6f},5,{row % 3},{'abc'[row % 3]}" for row in range(60)]
    lines[40:50] = lines[10:20]  # the same rows again: some land on the other side of the split
    lines[7] = "oops,5,1,b"
    (tmp_path / "t.csv").write_text("x,same,code,label\n" + "\n".join(lines) + "\nnan,5,0,a\n,5,0,a\n")
    early, late = examine(recognise(str(tmp_path / "t.csv"), PLAIN))
    assert [finding.file for finding in of_kind("unreadable", late)] == ["t.csv:9", "t.csv:62", "t.csv:63"]
    assert [finding.file for finding in of_kind("constant_column", late)] == ["same"]
    assert [finding.file for finding in of_kind("column_is_answer", late)] == ["code"]
    (shared,) = of_kind("same_row_across_parts", late)
    assert 1 <= shared.values["count"] <= 10 and "keep them together with data.group" in sentence(shared)
    assert "occur with the same numbers in more than one part, as the split was drawn: " in sentence(shared)
    assert "answer_by_name" in {finding.kind for finding in early}


def test_rows_with_equal_inputs_say_whether_their_answers_agree(tmp_path: Path) -> None:
    for name, answers in (("classes", ("no", "yes")), ("numbers", ("1.25", "7.5"))):
        rows = [f"{row},{answers[row % 2]}" for row in range(40)]
        rows += [f"0,{answers[0]}", f"1,{answers[0]}", f"5,{answers[1]}"]
        table = tmp_path / f"{name}.csv"
        table.write_text("x,label\n" + "\n".join(rows) + "\n")
        settings = DataSettings(val=0, test=0, target="label")
        _, late = examine(recognise(str(table), settings), settings)
        (same,) = of_kind("same_rows", late)
        assert same.values["count"] == 2 and same.level == "note" and "and the same answer" in sentence(same)
        (differ,) = of_kind("same_inputs_differ", late)
        assert differ.values["count"] == 2 and differ.level == "warning"
        assert f"({answers[1]})" in sentence(differ) and f"（{answers[0]}）" in sentence(differ, "zh-CN")
        assert not of_kind("duplicates", late)


def test_answers_that_are_missing_are_counted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,label\n" + "".join(f"{row},{'ab'[row % 2]}\n" for row in range(40)) + "1,\n")
    (missing,) = of_kind("no_answer", examine(recognise(str(tmp_path / "t.csv"), PLAIN))[0])
    assert missing.values == {"count": 1, "examples": "t.csv:42"}


def test_a_picture_without_an_answer_is_under_no_label_and_a_table_of_pictures_names_its_lines(tmp_path: Path) -> None:
    rows = [f"{place}.png,{'ab'[place % 2]}" for place in range(30)] + ["again.png,", "no.png,a", "other.png,a"]
    for place in range(30):
        put(tmp_path / f"{place}.png", scene(place))
    put(tmp_path / "again.png", scene(4))
    put(tmp_path / "other.png", scene(1))
    (tmp_path / "shown.csv").write_text("file,label\n" + "\n".join(rows) + "\nno.png,b\na,b,c\n")
    source = recognise(str(tmp_path), PLAIN)
    early, late = examine(source)
    (labels,) = of_kind("two_labels", late)
    assert sentence(labels).endswith("'b' here and 'a' as other.png. One of them is wrong. (shown.csv:3, shown.csv:34)")
    assert sentence(of_kind("unreadable", late)[0]) == "The file does not exist. (shown.csv:33)"
    assert of_kind("no_answer", early)[0].values["examples"] == "shown.csv:32"
    assert of_kind("rows_repeated", early)[0].values["examples"] == "shown.csv:35 no.png"
    assert of_kind("rows_cut", early)[0].values["lines"] == "36"


def test_copies_on_both_sides_of_a_split_that_was_drawn_say_how_to_keep_them_together(tmp_path: Path) -> None:
    for place in range(30):
        put(tmp_path / "ab"[place % 2] / f"{place}.png", scene(place))
        put(tmp_path / "ab"[place % 2] / f"{place}copy.png", scene(place))
    _, late = examine(recognise(str(tmp_path), PLAIN))
    found = of_kind("duplicate_across_parts", late)
    assert len(found) > 1 and {finding.level for finding in found} == {"warning"}
    (head,) = of_kind("duplicate_across_parts_many", late)  # what to do is said once
    assert sentence(head).startswith(f"Examples that are in more than one part, as the split was drawn: {len(found)}. ")
    assert "data.group=COLUMN. They are:" in sentence(head) and late.index(head) == late.index(found[0]) - 1
    values = found[0].values
    assert sentence(found[0]) == f"In {values['mark']}, and as {values['other']} in {values['other_mark']}."
    assert "data.group=列名" in sentence(head, "zh-CN") and values["other"] in sentence(found[0], "zh-CN")


def test_several_examples_under_two_labels_are_named_below_one_sentence(tmp_path: Path) -> None:
    for place in range(20):
        put(tmp_path / "ab"[place % 2] / f"{place}.png", scene(place))
    for place in (0, 2):
        put(tmp_path / "b" / f"{place}again.png", scene(place))
    _, late = examine(recognise(str(tmp_path), PLAIN))
    head, *pairs = [finding for finding in late if finding.kind.startswith("two_labels")]
    assert sentence(head) == "Examples that stand under two labels: 2. One label of each is wrong; they are:"
    assert [sentence(pair) for pair in pairs] == [f"'a' here and 'b' as b/{place}again.png." for place in (0, 2)]


def test_sounds_of_other_rates_are_said_once_with_their_rates(tmp_path: Path) -> None:
    source = recognise(str(parted(tmp_path)), PLAIN)
    examiner = Examiner(source, split(source.index, PLAIN))
    for row in range(8):
        rates = ("44100 → 16000", "8000 → 16000")[row % 4 == 0]
        note = (f"resampled:{rates}",) if row < 6 else ("short_sound",)
        examiner.see(row, Glance(bytes([row]) * 16, notes=note))
    resampled, short = examiner.findings()
    assert resampled.values["details"] == "8000 → 16000: 2, 44100 → 16000: 4" and "details" not in short.values
    said = "Sounds at another rate, which were resampled: 6 (8000 → 16000: 2, 44100 → 16000: 4 a second), such as"
    assert sentence(resampled).startswith(said)


def test_report_is_json_in_either_language(tmp_path: Path) -> None:
    root = parted(tmp_path)
    (root / "train/a/text.png").write_text("words")
    early, late = examine(recognise(str(root), PLAIN))
    for language, words in (("en", "It is a text file"), ("zh-CN", "这是文本文件")):
        choose_language(language)
        document = json.loads(json.dumps(report(early + late)))
        entry = next(item for item in document if item["kind"] == "unreadable")
        assert entry["file"] == "train/a/text.png" and entry["level"] == "warning" and words in entry["reason"]
        assert entry["values"] == {"format": "", "why": "is_text"}
    choose_language("en")


def test_glances_do_not_depend_on_threads(tmp_path: Path) -> None:
    source = recognise(str(parted(tmp_path)), PLAIN)
    rows = range(len(source.index))
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda row: glance(source.read(row)), rows))
    assert together == [glance(source.read(row)) for row in rows]
