"""Generate series: two players over time, series that follow from seed and class, a whole run, and its table."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import deepglass as dg
from deepglass.cli.main import main
from deepglass.data.example import Batch, ragged
from deepglass.data.recognise import Survey, recognise
from deepglass.data.settings import DataSettings
from deepglass.data.source import Index
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import LatentSteps, Players, Series
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.words import speaking
from deepglass.networks import choose_model, fit_model
from deepglass.recipes.generate_series import generate_series
from deepglass.report.case import Case
from deepglass.report.made_series import made_series
from deepglass.tasks.generate_series import GenerateSeriesSettings
from deepglass.tasks.kinds.series import SeriesSettings
from deepglass.tasks.task import said as in_words
from tests.data.texts import ts_file

LABELS = ("slow", "fast", "slow", "fast", None, "slow")
INDEX = Index(tuple("abcdef"), LABELS, kind="series", columns=("x", "y"))
LENGTHS = (9, 5, 7, 12, 1, 7)


def made(index=INDEX, **changes):
    settings = replace(GenerateSeriesSettings(latent=6, kept=2), **changes)
    task = settings.build(settings.learn(index, (0, 0), 1))
    random = np.random.default_rng(0)
    rows = [(3 + 2 * random.normal(size=(length, 2))).astype(np.float32) for length in LENGTHS]
    task = settings.build(task.settle({"input": rows}))
    columns = {"input": ragged([torch.from_numpy(row) for row in rows]), **task.code(LABELS)}
    return task, Batch(INDEX.ids, columns, 0, row_keys(7, "train", 0, len(LABELS)))


def network(task):
    torch.manual_seed(0)
    chosen = choose_model("series_gan")
    small = replace(chosen, settings=replace(chosen.settings, hidden=8, judged=8))
    return fit_model(small, task.asks()).settings.build()


def test_it_asks_for_two_players_and_learns_how_long_series_are():
    task, batch = made()
    assert task.asks() == (LatentSteps(6, 0), Players(("generator", "discriminator"), Series(2)))
    assert "target" not in batch and task.facts.labels == ()
    assert task.facts.lengths[0] == 1 and task.facts.lengths[-1] == 12 and set(task.facts.lengths) == set(LENGTHS)
    task, batch = made(by_class=True)
    assert task.asks().takes == LatentSteps(6, 2) and task.facts.labels == ("fast", "slow")
    assert batch["target"].tolist() == [1, 0, 1, 0, -1, 1]


def test_a_steps_numbers_are_its_own_but_for_those_that_are_kept_and_follow_from_the_row_alone():
    task, batch = made(by_class=True)
    shown, again = task.present(batch), task.present(batch.rows(1, 3))
    latent = shown["latent"]
    assert latent.values.shape == (6, 12, 6) and latent.lengths.tolist() == list(LENGTHS)
    assert torch.equal(latent.values[1, :5], again["latent"].values[0, :5])  # beside shorter ones as beside longer
    first = latent.values[0, :9]
    assert (first[:, :2] == first[0, :2]).all() and len(first[:, 2].unique()) == 9
    assert not latent.values[4, 1:].any() and shown["label"][:4].tolist() == [1, 0, 1, 0]
    assert abs(shown["input"].values[shown["input"].mask].mean()) < 1e-5
    training = task.present(batch, batch.draws("augment"))
    assert not torch.equal(training["latent"].values, latent.values)
    assert torch.equal(training["latent"].values, task.present(batch, batch.draws("augment"))["latent"].values)
    none, _ = made(kept=0)
    every, _ = made(kept=6)
    assert none.present(batch)["latent"].values.shape == every.present(batch)["latent"].values.shape == (6, 12, 6)


@pytest.mark.parametrize("game", ["non_saturating", "hinge", "least_squares"])
@pytest.mark.parametrize("by_class", [False, True])
def test_each_player_learns_in_its_own_turn_alone(game, by_class):
    task, batch = made(game=game, by_class=by_class, discriminator_rate=0.5)
    model, shown = network(task), task.present(batch, batch.draws("augment"))
    assert [(turn.updates, turn.rate(0.3)) for turn in task.turns()] == [("discriminator", 0.5), ("generator", 1.0)]
    for turn in task.turns():
        model.zero_grad()
        losses = turn.loss(model, shown)
        assert all(torch.isfinite(value) for value in losses.sums.values())
        sum(losses.sums.values()).backward(inputs=list(model.get_submodule(turn.updates).parameters()))
        for name, parameter in model.named_parameters():
            assert (parameter.grad is not None) == name.startswith(turn.updates), name


def test_what_is_judged_is_roughened_as_the_settings_say():
    plain, batch = made(noise=0.0)
    rough, _ = made(noise=0.5)
    model, shown = network(plain), plain.present(batch, batch.draws("augment"))
    assert plain._roughened(shown["input"], shown, "real") is shown["input"]
    apart = rough._roughened(shown["input"], shown, "real").values - shown["input"].values
    assert apart[shown["input"].mask].std() == pytest.approx(0.5, abs=0.1) and not apart[~shown["input"].mask].any()
    assert plain.judged(model, shown).sums["discriminator"] != rough.judged(model, shown).sums["discriminator"]


def test_recording_is_a_function_of_class_and_seed_in_the_datas_own_units():
    task, _ = made(by_class=True)
    model = network(task)
    first = list(task.record(model, 70, "fast", 3))
    assert len(first) == 70 and first[0].dtype == np.float32 and first[0].shape[1] == 2
    assert {len(row) for row in first} <= set(LENGTHS) and len({len(row) for row in first}) > 2
    for one, other in zip(first[:5], task.record(model, 5, "fast", 3), strict=True):
        assert np.allclose(one, other, atol=1e-5)
    for label, seed in (("fast", 4), ("slow", 3)):
        other = list(task.record(model, 5, label, seed))
        assert not all(a.shape == b.shape and np.array_equal(a, b) for a, b in zip(first, other, strict=False))
    assert 1 < np.concatenate(first).mean() < 5  # real ones are about 3
    with pytest.raises(UsageError, match=r"no class 'up' that could be asked for\. The network knows fast, slow\."):
        next(task.record(model, 1, "up"))
    plain, _ = made()
    with pytest.raises(UsageError, match=r"knows no classes, so 'up' cannot be asked for\."):
        next(plain.record(network(plain), 1, "up"))


def test_what_cannot_be_imitated_is_refused():
    pictures = Index(("a",), ("cat",))
    with pytest.raises(UsageError, match="The task generate_series looks at series; here is data of the kind picture"):
        made(pictures)
    with pytest.raises(UsageError, match="Of the 6 numbers that a step is made of, 7 cannot be the same"):
        made(kept=7)
    with pytest.raises(UsageError, match=r"Set task\.series\.standardise=channel\."):
        made(series=SeriesSettings(standardise="row"))
    with pytest.raises(DataError, match="class"):
        made(Index(("a",), ("up",), kind="series", columns=("x",)), by_class=True)
    with pytest.raises(UsageError, match="series_gan makes series, but the task asks for rows of 2 numbers"):
        fit_model(choose_model("series_gan"), choose_model("series_lstm").settings.ports())


def test_the_recipe_asks_for_classes_where_there_are_any_and_holds_nothing_back_of_few():
    few = Survey("series", 24, 1, True, (1,), {"a": 40, "b": 27}, 67, 67, 67)
    many = Survey("series", 24, 1, True, (1,), {}, 256, 5000, 5000)
    small, large = (generate_series("generate_series", one, "small", "") for one in (few, many))
    assert small.task.settings.by_class and small.data.val == 0 and small.train.batch == 32
    assert not large.task.settings.by_class and large.data.val > 0
    assert generate_series("generate_series", few, "tiny", "").model.settings.hidden < small.model.settings.hidden


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = ts_file(tmp_path_factory.mktemp("waves") / "waves.ts", 60)
    settings = {"train.steps": 12, "train.plan": "plain", "train.average": 0.5}
    return dg.train(place, task="generate_series", size="tiny", out=place.parent / "run", settings=settings)


def test_a_set_becomes_a_run_that_makes_series_and_a_table_to_learn_from(run, capsys, tmp_path):
    assert run.run.settings.model.name == "series_gan" and run.run.bundle.task.facts.labels == ("fast", "slow")
    assert list(run.figures["test"]) == ["kid_series", "variety", "roughness", "taken_real", "taken_made"]
    file = tmp_path / "made.csv"
    main(["generate", str(run.run.folder), "seed=2", "--count", "11", "--out", str(file), "--json"])
    assert json.loads(capsys.readouterr().out) == {"label": "", "seed": 2, "count": 11, "file": str(file)}
    source = recognise(str(file), DataSettings())
    assert source.layout == "series_table" and sorted(source.index.labels) == ["fast"] * 6 + ["slow"] * 5
    bundle = run.run.bundle
    for row, own in enumerate(bundle.series(6, "fast", 2)):
        assert np.allclose(source.read(row), own, atol=1e-5)
    with pytest.raises(UsageError, match="The task generate_series makes no pictures"):
        bundle.pictures(1)
    file = tmp_path / "slow.csv"
    main(["generate", str(run.run.folder), "slow", "--count", "2", "--out", str(file)])
    said = capsys.readouterr()
    assert "2 series written to" in said.out + said.err and file.read_text().splitlines()[0] == "series,step,x1,label"
    assert {line.split(",")[0] for line in file.read_text().splitlines()[1:]} == {"slow-0-1", "slow-0-2"}
    before = file.read_bytes()
    with pytest.raises(SystemExit, match="2"):
        main(["generate", str(run.run.folder), "fast", "--out", str(file)])
    assert "slow.csv is there already" in capsys.readouterr().err and file.read_bytes() == before


def test_the_report_shows_made_series_beside_real_ones_and_how_near_they_are(run):
    page = run.report.read_text(encoding="utf-8")
    assert all(words in page for words in ("What it makes", "made fast", "real fast", "made slow", "real slow"))
    curves = [exhibit.view for exhibit in made_series(Case(run.run, run.run.material(), {})).exhibits]
    ends = [curve.y_ends for curve in curves]
    assert len(ends) == 4 and ends[0] == ends[1] and ends[2] == ends[3]
    for curve, (low, high) in zip(curves, ends, strict=True):
        assert all(low < min(line.y) and max(line.y) < high for line in curve.lines)
    told = json.loads(run.report.with_suffix(".json").read_text())["made"]
    assert told["nearest_of_made"] > 0 and told["nearest_of_real"] > 0
    assert "Half of the made series are nearer than" in page


def test_what_is_asked_wrongly_is_said(run, capsys, tmp_path):
    folder, file = str(run.run.folder), str(tmp_path / "made.csv")
    for words, said in [
        ([folder], "say which file they are to be written into: --out FILE.csv"),
        ([folder, "temperature=2", "--out", file], "This network makes nothing by temperature. Leave that out."),
        ([folder, "count=2", "--out", file], "Not count=..., but as an option: --count 2."),
        ([folder, "--truncation", "0.5", "--out", file], "--truncation belongs to pictures"),
        ([folder, "up", "--out", file], "no class 'up' that could be asked for"),
    ]:
        with pytest.raises(SystemExit, match="2"):
            main(["generate", *words])
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit, match="4"):
        main(["generate", folder, "--out", str(tmp_path / "none" / "made.csv")])


def test_a_series_is_taken_for_real_or_made(run):
    (answer,) = run.predict([np.zeros((9, 1), np.float32)])
    assert answer["prediction"] in ("real", "made") and 0.5 <= answer["confidence"] <= 1
    for lang, words in (("en", "the discriminator says"), ("zh-CN", "判别器的判断")):
        with speaking(lang):
            assert words in in_words(answer) and f"{100 * answer['confidence']:.1f} %" in in_words(answer)
