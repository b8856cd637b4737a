"""Settings: by path, all mistakes at once, nearest name, origin of each value, the same after a trip through TOML."""

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from annotated_types import Ge
from hypothesis import given
from hypothesis import strategies as st

from deepglass.foundation import catalogue
from deepglass.foundation.errors import DeepglassError, SettingsError, UsageError
from deepglass.foundation.settings import flatten, from_json, parse_assignments, read_toml, resolve, to_json, to_toml
from deepglass.foundation.sizes import SIZES
from deepglass.run import RunSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainSettings:
    lr: float = 0.1
    precision: Literal["fp32", "bf16"] = "fp32"
    steps: Annotated[int, Ge(1)] | None = None
    widths: tuple[int, ...] = (3, 4)
    name: str = "x"
    clip: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    seed: int = 0
    train: TrainSettings = TrainSettings()


def applied(*words: str) -> Whole:
    return resolve(Whole(), parse_assignments(words))[0]


def test_values_are_set_by_path_and_typed():
    found = applied("seed=7", "train.lr=1e-3", "train.widths=64,32", "train.name=7", "train.clip=true")
    assert found == Whole(seed=7, train=TrainSettings(lr=1e-3, widths=(64, 32), name="7", clip=True))


def test_a_list_of_one_needs_no_comma():
    assert applied("train.widths=64").train.widths == (64,)
    with pytest.raises(SettingsError, match="must be a list, such as a,b,c"):
        applied("train.widths=wide")


def test_all_mistakes_are_said_at_once():
    with pytest.raises(SettingsError) as error:
        applied("train.lrr=1", "train.precision=fp8", "train.steps=0", "sed=3", "seed=2")
    text = str(error.value)
    assert "Train has no setting 'lrr' (in 'train.lrr'). Did you mean lr? It has: lr, precision" in text
    assert "train.precision=fp8 is not allowed. Choose one of fp32, bf16." in text
    assert "train.steps=0 is not allowed: it must be 1 or more." in text
    assert "'sed'" in text and error.value.exit_code == 2


def test_a_word_that_is_no_setting_is_named():
    with pytest.raises(SettingsError, match="'faster' is neither a flag nor a setting"):
        parse_assignments(["faster"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixed:
    """A section before a field of its own level."""

    inner: TrainSettings = TrainSettings()
    after: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    """Two levels above fields."""

    mixed: Mixed = Mixed()


def test_a_section_may_stand_before_a_field(tmp_path):
    chosen = Outer(mixed=Mixed(after=5))
    (tmp_path / "run.toml").write_text(to_toml(chosen, {}), encoding="utf-8")
    assert resolve(Outer(), read_toml(tmp_path / "run.toml"))[0] == chosen


def test_origins_and_toml_survive_a_round_trip(tmp_path):
    chosen, origins = resolve(Whole(), parse_assignments(["train.lr=0.5", 'train.name=a "quoted" \\ name']))
    (tmp_path / "run.toml").write_text(to_toml(chosen, origins), encoding="utf-8")
    again, _ = resolve(Whole(), read_toml(tmp_path / "run.toml"))
    assert again == chosen
    assert origins == {"train.lr": "command line", "train.name": "command line"}
    assert '"train.clip" = "default"' in (tmp_path / "run.toml").read_text()


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.text(max_size=20))
def test_any_value_survives_toml(tmp_path_factory, number, text):
    if any(0xD800 <= ord(letter) < 0xE000 for letter in text):
        return
    file = tmp_path_factory.mktemp("toml") / "run.toml"
    chosen = Whole(train=TrainSettings(lr=number, name=text))
    file.write_text(to_toml(chosen, {}), encoding="utf-8", newline="")
    assert resolve(Whole(), read_toml(file))[0] == chosen


@pytest.mark.parametrize("room", ["models", "tasks"])
def test_every_entry_survives_json_and_toml(room, tmp_path):
    for name in catalogue.entries(room):
        entry = catalogue.find(room, name)
        assert from_json(type(entry), to_json(entry)) == entry
        section = room.removesuffix("s")
        settings, _ = resolve(RunSettings(), parse_assignments([f"{section}.name={name}"]))
        (tmp_path / "run.toml").write_text(to_toml(settings, {}), encoding="utf-8")
        assert resolve(RunSettings(), read_toml(tmp_path / "run.toml"))[0] == settings


def test_an_unknown_name_is_answered_with_its_neighbours():
    with pytest.raises(UsageError, match=r"No entry 'resnet8' in models. Did you mean .*resnet\d+"):
        catalogue.find("models", "resnet8")


def test_a_clash_names_both_files(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    for file in ("one", "two"):
        (tmp_path / "models" / f"{file}.py").write_text('"""x"""\nCATALOGUE = {"same": 1}\n')
    monkeypatch.setattr(catalogue, "PACKAGE", tmp_path)
    with pytest.raises(UsageError, match="'same' is offered by both deepglass.models.one and deepglass.models.two"):
        catalogue.entries("models")


def test_a_broken_file_fails_alone(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "good.py").write_text('"""Good."""\nCATALOGUE = {"good": 1}\n')
    (tmp_path / "models" / "broken.py").write_text("def (:\n")
    monkeypatch.setattr(catalogue, "PACKAGE", tmp_path)
    assert list(catalogue.entries("models")) == ["good"]


def test_optional_settings_default_to_none():
    """TOML has no word for None, so a setting that may be None must be None by default."""
    for path, value in flatten(RunSettings()).items():
        assert value is not None or path == "train.steps"
    assert SIZES == ("tiny", "small", "paper")


def test_chinese_is_said_where_it_is_chosen():
    from deepglass.foundation import words

    words.choose_language("zh-CN")
    try:
        with pytest.raises(DeepglassError, match="models 中没有“resnet8”"):
            catalogue.find("models", "resnet8")
    finally:
        words.choose_language("en")
