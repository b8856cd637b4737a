"""Sources of sounds: every layout that is recognised, what is found in it, what is said where something is amiss."""

from pathlib import Path

import numpy as np
import pytest

from deepglass.data.check import before, sentence
from deepglass.data.files import open_inputs
from deepglass.data.glance import glance
from deepglass.data.readers.sound import Sound, Wave
from deepglass.data.recognise import recognise, recognised, survey
from deepglass.data.settings import DataSettings
from deepglass.data.source import Unreadable
from deepglass.data.split import parts_of
from deepglass.foundation.errors import DataError
from deepglass.foundation.words import choose_language
from tests.data.sounds import save, spelled, stored, tone

PLAIN = DataSettings()
LINES = [
    f"{one} {two}" for one in ("go", "stop", "wait", "turn", "look", "sit") for two in ("left", "right", "now", "here")
]


def beside(root: Path, lines: list[str] = LINES) -> Path:
    for number, line in enumerate(lines):
        save(root / f"{number:03d}.wav", spelled(line, each=0.05))
        (root / f"{number:03d}.txt").write_text(line + "\n", encoding="utf-8")
    return root


def tabled(root: Path, header: str = "path\tsentence\n", lines: list[str] = LINES, ending: str = ".wav") -> Path:
    for number, line in enumerate(lines):
        save(root / "wavs" / f"{number:03d}.wav", spelled(line, each=0.05))
    rows = "".join(f"{number:03d}{ending}\t{line}\n" for number, line in enumerate(lines))
    (root / "metadata.tsv").write_text(header + rows, encoding="utf-8")
    return root


def kinds(findings) -> list[str]:
    return [finding.kind for finding in findings]


def test_texts_beside_sounds(tmp_path):
    choose_language("en")
    found = recognised(str(beside(tmp_path)), PLAIN)
    assert found.sentence() == "speech: sounds with a text beside each; task transcribe"
    source = recognise(str(tmp_path), PLAIN)
    assert source.index.kind == "sound" and list(source.index.labels) == LINES and source.index.ids[3] == "003.wav"
    assert source.read(0, Wave(8000)).rate == 8000 and source.header(0)[1:] == (1, 8000)
    seen = survey(source, 0)
    assert (seen.kind, seen.channels, seen.counts, seen.examples) == ("sound", (8000,), {"": 24}, 24)
    (tmp_path / "005.txt").unlink()
    (tmp_path / "007.txt").write_text("...")
    (tmp_path / "009.txt").write_bytes(b"\xff\xff\xff")
    source = recognise(str(tmp_path), PLAIN)
    assert len(source.index) == 22 and source.index.labels[6] is None
    assert kinds(source.findings) == ["unreadable_transcript", "sound_without_text"]
    assert "what it belongs to was left out. The text is not UTF-8: the byte at 0 does not fit." in sentence(
        source.findings[0]
    )
    assert sentence(source.findings[1]).startswith("Sounds without a transcript, which were left out: 1 (005.wav).")


@pytest.mark.parametrize("ending", [".wav", ""])
@pytest.mark.parametrize("header", ["path\tsentence\n", "file_name\tanything\n", ""])
def test_a_table_of_sounds_and_sentences(tmp_path, header, ending):
    tabled(tmp_path, header, ending=ending)
    for place in (tmp_path, tmp_path / "metadata.tsv"):
        if place.is_file() and not ending:
            continue  # nothing in the table says that it is one of sounds
        source = recognise(str(place), PLAIN)
        assert source.layout == "transcripts" and list(source.index.labels) == LINES
        assert source.index.ids[0] == "wavs/000.wav" and source.read(0).samples.shape[1] == 1


def test_columns_of_a_table_may_be_named_and_parts_and_speakers_are_used(tmp_path):
    rows = [
        f"{number:03d}.wav\t{'ab'[number % 2]}\t{line}\t{line[::-1]}\t{('train', 'test')[number % 4 == 0]}\n"
        for number, line in enumerate(LINES)
    ]
    tabled(tmp_path)
    (tmp_path / "metadata.tsv").write_text("id\tspeaker\tone\ttwo\tsplit\n" + "".join(rows))
    source = recognise(str(tmp_path), DataSettings(text="two"))
    assert source.index.labels[0] == LINES[0][::-1] and source.index.groups[:3] == ["a", "b", "a"]
    assert source.index.parts.count("test") == 6
    with pytest.raises(DataError, match="data.text"):
        recognise(str(tmp_path), DataSettings(text="tow"))


def test_librispeech(tmp_path):
    for part, chapter in (("train-clean-100", "103-1240"), ("train-clean-100", "26-495"), ("dev-clean", "84-121")):
        folder = tmp_path / part / chapter.split("-")[0] / chapter.split("-")[1]
        for number in range(3):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{chapter}-{number:04d}.flac").write_bytes(stored(tone(0.6, 16000), 16000, "FLAC"))
        told = "".join(f"{chapter}-{number:04d} CHAPTER {'ONE TWO THREE'.split()[number]}\n" for number in range(3))
        (folder / f"{chapter}.trans.txt").write_text(told)
    source = recognise(str(tmp_path), PLAIN)
    assert recognised(str(tmp_path), PLAIN).match.reason == "layout_librispeech"
    assert source.index.parts == ["val"] * 3 + ["train"] * 6 and source.index.groups[3:] == ["103"] * 3 + ["26"] * 3
    assert source.index.labels[1] == "CHAPTER TWO" and source.read(1).rate == 16000
    assert source.findings == []


def test_common_voice(tmp_path):
    (tmp_path / "clips").mkdir()
    for number in range(9):
        (tmp_path / "clips" / f"common_voice_en_{number}.mp3").write_bytes(stored(tone(0.6), kind="MP3"))
    head = "client_id\tpath\tsentence\tup_votes\n"
    for place, name in enumerate(("train", "dev", "test")):
        rows = [
            f"c{number % 2}\tcommon_voice_en_{3 * place + number}.mp3\tSay {name} {number}.\t2\n" for number in range(3)
        ]
        (tmp_path / f"{name}.tsv").write_text(head + "".join(rows))
    source = recognise(str(tmp_path), PLAIN)
    assert source.index.parts == ["train"] * 3 + ["val"] * 3 + ["test"] * 3
    assert source.index.ids[4] == "clips/common_voice_en_4.mp3" and source.index.labels[4] == "Say dev 1."
    assert source.index.groups[:2] == ["c0", "c1"] and source.read(0).seconds > 0.5
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.tsv").unlink()
    (tmp_path / "validated.tsv").write_text(head + "c0\tcommon_voice_en_0\tOld.\t1\n")
    source = recognise(str(tmp_path), PLAIN)
    assert source.index.ids == ["clips/common_voice_en_0.mp3"]
    assert kinds(source.findings) == ["sound_without_text"]


def test_without_speakers_a_sentence_stays_on_one_side_of_the_split(tmp_path):
    source = recognise(str(beside(tmp_path, LINES + [line.upper() + "!" for line in LINES])), PLAIN)
    parts = parts_of(source.index, PLAIN)
    assert [str(part) for part in parts[:24]] == [str(part) for part in parts[24:]]
    assert set(map(str, parts)) == {"train", "val", "test"}
    assert "transcript_across_parts" not in kinds(before(source, parts))


def test_few_commands_are_split_by_recording_and_said_to_be_shared(tmp_path):
    choose_language("en")
    source = recognise(str(beside(tmp_path, LINES[:3] * 14)), PLAIN)
    parts = parts_of(source.index, PLAIN)
    assert list(source.index.groups) == [] and set(map(str, parts)) == {"train", "val", "test"}
    found = [finding for finding in before(source, parts) if finding.kind == "transcript_across_parts"]
    assert len(found) == 2 and "say what is also said in training" in sentence(found[0])


def test_many_sentences_are_no_classes(tmp_path):
    lines = [f"number {number} of many" for number in range(130)]
    source = recognise(
        str(beside(tmp_path, [line.translate(str.maketrans("0123456789", "abcdefghij")) for line in lines])), PLAIN
    )
    parts = parts_of(source.index, PLAIN)
    assert list(map(str, parts)).count("test") == 26 and list(map(str, parts)).count("val") == 13
    assert kinds(before(source, parts)) == []


def test_a_transcript_that_nobody_could_say_and_a_missing_file_are_unreadable(tmp_path):
    tabled(tmp_path)
    text = (tmp_path / "metadata.tsv").read_text()
    (tmp_path / "metadata.tsv").write_text(text.replace("003.wav\t" + LINES[3], "003.wav\t" + "far too long " * 40))
    (tmp_path / "wavs" / "005.wav").unlink()
    source = recognise(str(tmp_path), PLAIN)
    for row, reason in ((3, "transcript_too_long"), (5, "missing_file")):
        with pytest.raises(Unreadable) as caught:
            source.read(row)
        assert caught.value.reason == reason


def test_a_recording_named_twice_counts_once_and_rare_letters_are_named(tmp_path):
    choose_language("en")
    tabled(tmp_path, lines=[f"{line} and so it goes on and on for a long while and more" for line in LINES * 2])
    text = (tmp_path / "metadata.tsv").read_text()
    (tmp_path / "metadata.tsv").write_text(text.replace("while", "whilé", 1) + "000.wav\tsomething else\n")
    source = recognise(str(tmp_path), PLAIN)
    assert len(source.index) == 48 and source.index.labels[0].startswith("go left")
    assert kinds(source.findings) == ["rows_repeated", "rare_letters"]
    assert sentence(source.findings[1]) == "Letters that hardly occur and may be slips: é (1 in all)."


def test_class_folders_of_sounds(tmp_path):
    for name, pitch in (("low", 200), ("high", 900)):
        for number in range(4):
            save(tmp_path / name / f"{number}.wav", tone(0.3, pitch=pitch))
        (tmp_path / name / "cover.jpg").write_bytes(b"x")
    source = recognise(str(tmp_path), PLAIN)
    assert (source.layout, source.task, source.index.kind) == ("class_folders", "classify", "sound")
    assert source.index.labels == ["high"] * 4 + ["low"] * 4 and source.read(0).rate == 8000
    assert kinds(source.findings) == ["stray_files", "stray_files"]
    for part in ("train", "test"):
        for name in ("low", "high"):
            save(tmp_path / "split" / part / name / "0.wav", tone(0.3))
    assert recognise(str(tmp_path / "split"), PLAIN).layout == "part_folders"


def test_sounds_of_which_nothing_is_said_are_refused(tmp_path):
    choose_language("en")
    save(tmp_path / "some" / "0.wav", tone())
    for place in (tmp_path, tmp_path / "some"):
        with pytest.raises(
            DataError, match="holds sounds but nothing says what they are. Sort them into one folder for"
        ):
            recognise(str(place), PLAIN)


def test_a_glance_tells_equal_sounds_and_keeps_the_notes():
    one, same, other = (Sound(tone(pitch=pitch)[:, None], 8000, ("clipped",)) for pitch in (300, 300, 301))
    assert glance(one).digest == glance(same).digest != glance(other).digest
    assert glance(one).notes == ("clipped",)
    assert glance(Sound(one.samples, 16000)).digest != glance(one).digest


def test_what_is_asked_about_may_be_files_folders_bytes_or_samples(tmp_path):
    choose_language("en")
    save(tmp_path / "a.wav", tone())
    (tmp_path / "b.wav").write_bytes(b"not a sound")
    asked = list(open_inputs([str(tmp_path / "a.wav"), tmp_path, stored(tone())], "sound", ()))
    assert [one.id.rsplit("/")[-1] for one in asked] == ["a.wav", "a.wav", "b.wav", "2"]
    assert asked[2].error().startswith("It is a text file, not a sound.")
    samples = next(open_inputs(tone(), "sound", (), fit=Wave(8000))).raw
    assert samples.rate == 8000 and np.array_equal(samples.samples[:, 0], tone())
    stereo = next(open_inputs(np.zeros((50, 2)), "sound", ())).raw
    assert stereo.samples.dtype == np.float32 and stereo.samples.shape == (50, 2)
    for odd in (np.zeros(5, dtype=np.int64), np.zeros((0, 1)), np.array([np.nan, 1.0]), np.zeros((5, 99))):
        assert "is no sound" in next(open_inputs([odd], "sound", ())).error()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no sound. Give a sound"):
        list(open_inputs(tmp_path / "empty", "sound", ()))
