"""Image to image: two streams, four players in two turns, the pictures of before, layouts, and a whole run."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.cli.options import Printer
from deepglass.cli.outcome import tell
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.check import sentence
from deepglass.data.column import Texts
from deepglass.data.example import Batch
from deepglass.data.readers.picture import read_picture
from deepglass.data.recognise import layout_for, recognise, recognised
from deepglass.data.settings import DataSettings
from deepglass.data.source import Finding, Index, Picture, Unreadable
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Image as ImagePort
from deepglass.foundation.ports import Players
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import Override
from deepglass.metrics.kid import KID
from deepglass.metrics.translated import Apart, TranslatedKID
from deepglass.networks import choose_model, fit_model, learns_pairs
from deepglass.run import Run
from deepglass.tasks.image_to_image import ImageToImageSettings
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.task import total

LABELS = ("cat", "dog", "cat", "dog", "cat", "dog")
INDEX = Index(tuple("abcdef"), LABELS)
NARROW = {"blocks": 1, "features": 2, "judged": 2, "layers": 1}
SMALL = {f"model.{name}": value for name, value in NARROW.items()} | {"train.plan": "plain", "train.batch": 4}


def made(**changes):
    """The task, rows for evaluation, and a step's rows of both streams."""
    asked = replace(ImageToImageSettings(), **changes)
    task = asked.build(asked.learn(INDEX, (8, 8), 3))
    random = np.random.default_rng(0)
    raws = [Picture(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)) for _ in LABELS]
    pictures = torch.stack([task.prepare(raw).inputs["input"] for raw in raws])
    rows = Batch(INDEX.ids, {"input": pictures, **task.code(LABELS)})
    return task, rows, step(task, pictures, 0)


def step(task, pictures, number, carry=None):
    first, second = (
        Batch(INDEX.ids[:3], {"input": pictures[place::2]}, number, row_keys(7, name, number, 3))
        for place, name in enumerate(("first", "second"))
    )
    return replace(first, streams={"second": second}, carry=carry or {})


def network(task):
    torch.manual_seed(0)
    chosen = choose_model("cyclegan")
    return fit_model(replace(chosen, settings=replace(chosen.settings, **NARROW)), task.asks()).settings.build()


@torch.no_grad()
def _asked(task, model, rows):
    return task.predict(model.eval(), task.present(rows))


def test_it_asks_for_two_pairs_of_players_and_draws_from_both_sides():
    task, rows, _ = made()
    picture = ImagePort(3, 8, 8)
    assert task.asks() == (picture, Players(("generators", "discriminators"), picture))
    assert task.facts.sides == ("cat", "dog") and task.facts.counts == (3, 3)
    assert rows["target"].tolist() == [0, 1, 0, 1, 0, 1] and task.code(["cow", None])["target"].tolist() == [-1, -1]
    first, second = task.streams().values()
    assert first.wants("cat") and not first.wants("dog") and second.wants("dog") and not second.wants(None)


def test_a_picture_goes_to_the_other_side_or_where_it_is_told_to():
    task, rows, _ = made()
    assert task.present(rows)["to"].tolist() == [1, 0, 1, 0, 1, 0]
    assert task.towards("cat").present(rows)["to"].tolist() == [0] * 6
    unknown = replace(rows, columns={"input": rows["input"]})
    assert task.present(unknown)["to"].tolist() == [1] * 6
    with pytest.raises(
        UsageError, match=r"no side 'cow' that pictures could be brought to\. The network knows cat, dog"
    ):
        task.towards("cow")


def test_each_pair_of_players_learns_in_its_own_turn_alone():
    task, _, batch = made(picture=PictureSettings(augment=PictureAugment(flip=True)))
    model, shown = network(task).double(), task.present(batch, batch.draws("augment"))
    shown = replace(
        shown.with_columns(input=shown["input"].double()),
        streams={"second": shown.streams["second"].with_columns(input=shown.streams["second"]["input"].double())},
    )
    assert [turn.updates for turn in task.turns()] == ["generators", "discriminators"]
    for turn in task.turns():
        model.zero_grad()
        losses = turn.loss(model, shown)
        own = list(model.get_submodule(turn.updates).parameters())
        sum(losses.sums.values()).backward(inputs=own)
        assert all(parameter.grad is not None and torch.isfinite(parameter.grad).all() for parameter in own)
        assert all(parameter.grad.abs().max() > 0 for parameter in own if parameter.ndim > 1), turn


def test_what_a_turn_costs_is_the_same_in_shards():
    task, _, batch = made(history=0)
    model, shown = network(task), task.present(batch, batch.draws("augment"))
    for turn in task.turns():
        counts = turn.counts(shown)
        parts = sum(total(turn.loss(model, shown.shard(place, 3)), counts) for place in range(3))
        torch.testing.assert_close(parts, total(turn.loss(model, shown), counts))


def test_the_rates_stay_and_then_fall_to_nothing():
    task, _, _ = made(steady=0.5)
    assert [round(task.settings.falling(done), 6) for done in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]


@settings(deadline=None, max_examples=20)
@given(history=st.integers(1, 5), steps=st.integers(1, 14))
def test_judges_see_pictures_of_before_and_forget_none_but_those_they_saw(history, steps):
    task, rows, _ = made(history=history)
    carry, given_to, seen = {}, [[] for _ in range(3)], [[] for _ in range(3)]
    for number in range(steps):
        new = torch.full((3, 3, 8, 8), -1.0) + (2 * number + torch.arange(3)[:, None, None, None] % 2) / 127.5
        keys = row_keys(7, "first", number, 3)
        before = {name: value.clone() for name, value in carry.items()}
        shown, after = task._of_before(new, carry, keys, "there")
        assert all(torch.equal(carry[name], before[name]) for name in carry)  # a refused turn can be undone
        again = task._of_before(new, carry, keys, "there")
        assert torch.equal(shown, again[0]) and all(torch.equal(after[name], again[1][name]) for name in after)
        carry = after
        for place in range(3):
            given_to[place].append(int(round(float(new[place, 0, 0, 0] + 1) * 127.5)))
            seen[place].append(int(round(float(shown[place, 0, 0, 0] + 1) * 127.5)))
    for place in range(3):
        count = int(carry["there_count"][place])
        assert count == min(steps, history) and seen[place][:history] == given_to[place][:history]
        remembered = carry["there_pictures"][place, :count, 0, 0, 0].tolist()
        assert set(seen[place]) <= set(given_to[place]) and set(remembered) <= set(given_to[place])


def test_shards_remember_what_the_whole_batch_would():
    task, _, batch = made(history=2)
    model, carry, apart = network(task).eval(), {}, {}
    pictures = torch.stack([batch["input"], batch.streams["second"]["input"]], 1).flatten(0, 1)
    for number in range(5):
        whole = task.present(step(task, pictures, number, carry))
        parts = [task.present(step(task, pictures, number, apart).shard(place, 2)) for place in range(2)]
        carry = dict(task.judged(model, whole).carry)
        found = [task.judged(model, part).carry for part in parts]
        apart = {name: torch.cat([one[name] for one in found]) for name in carry}
        assert all((carry[name].int() - apart[name].int()).abs().max() <= 1 for name in carry)  # a bit of rounding
    assert carry["back_pictures"].shape == (3, 2, 3, 8, 8) and carry["back_pictures"].dtype == torch.uint8


def test_a_step_with_fewer_pictures_remembers_as_far_as_it_goes():
    task, _, _ = made(history=2)
    _, carry = task._of_before(torch.ones(2, 3, 8, 8), {}, row_keys(7, "first", 0, 2), "there")
    _, more = task._of_before(torch.ones(3, 3, 8, 8), carry, row_keys(7, "first", 1, 3), "there")
    assert more["there_count"].tolist() == [2, 2, 1]


def test_answers_hold_the_picture_on_the_other_side():
    task, rows, _ = made()
    model = network(task).eval()
    predictions = _asked(task, model, rows)
    answers = task.answers(predictions)
    assert [answer["prediction"] for answer in answers] == ["dog", "cat"] * 3 and 0 <= answers[0]["apart"] <= 1
    pixels = read_picture(base64.b64decode(answers[2]["picture"].partition(",")[2])).pixels
    assert np.array_equal(pixels, predictions["picture"][2].permute(1, 2, 0).numpy())
    translated, own = task.show(Picture(np.zeros((8, 8, 3), np.uint8)), answers[2])
    assert np.array_equal(translated.pixels, pixels) and translated.caption == "brought to dog" and own.caption == "cat"
    alone = task.predict(model, task.present(rows.rows(2, 3)))
    assert (alone["picture"].int() - predictions["picture"][2:3].int()).abs().max() <= 1


def test_both_ways_are_judged_by_what_lies_on_their_side():
    random = torch.Generator().manual_seed(0)
    dark, light = (torch.randint(low, low + 60, (40, 1, 8, 8), generator=random).byte() for low in (0, 180))
    targets, to = torch.cat([dark, light]), torch.tensor([1.0] * 40 + [0.0] * 40)
    figures = {}
    for name, pictures in {"right": torch.cat([light, dark]), "left": targets}.items():
        metric = TranslatedKID()
        metric.update([str(row) for row in range(80)], {"picture": pictures, "to": to}, targets)
        figures[name] = metric.compute()
    assert figures["right"].value < 0.01 < figures["left"].value and figures["left"].n == 80
    kid = KID()
    kid.update([str(row) for row in range(40)], {"picture": dark}, light)
    assert figures["left"].value == pytest.approx(kid.compute().value, rel=0.05)
    one_way = TranslatedKID()
    one_way.update(["a"], {"picture": dark[:1], "to": to[:1]}, dark[:1])
    assert np.isnan(one_way.compute().value)
    apart = Apart("apart")
    apart.update(["a", "b"], {"apart": torch.tensor([0.1, 0.3])})
    assert apart.compute().value == pytest.approx(0.2) and apart.compute().better == "down"


def test_what_has_not_two_sides_is_refused():
    for labels, said in (((*LABELS[:5], "owl"), r"here are 3 \(cat, dog, owl\)"), (("cat",) * 6, r"here is 1 \(cat\)")):
        with pytest.raises(DataError, match=said):
            ImageToImageSettings().learn(Index(INDEX.ids, labels), (8, 8), 3)
    with pytest.raises(UsageError, match="mixed with each other"):
        made(picture=PictureSettings(augment=PictureAugment(cutmix=1.0)))
    with pytest.raises(UsageError, match="image_to_image looks at pictures"):
        ImageToImageSettings().learn(Index(INDEX.ids, LABELS, kind="vector"), (8, 8), 3)


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("cyclegan", 30, r"cyclegan wants pictures whose height and width divide by four; these are 30x30"),
        ("cyclegan", 8, r"cyclegan needs pictures of at least 24x24"),
        ("dcgan", 32, r"dcgan makes pictures, but the task asks for"),
        ("resnet20", 32, r"resnet20 gives one number per class, but the task asks for a maker and its judge"),
    ],
)
def test_networks_that_do_not_fit_are_refused_by_name(name, size, said):
    task = ImageToImageSettings().build(ImageToImageSettings().learn(INDEX, (size, size), 3))
    with pytest.raises(UsageError, match=said):
        fit_model(choose_model(name), task.asks())


def boxes(root, count, named=("trainA", "trainB", "testA", "testB")):
    """Light boxes on one side, dark ones on the other."""
    random = np.random.default_rng(0)
    for place, name in enumerate(named):
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((16, 16, 3), 128, np.uint8)
            top, left = random.integers(0, 9, 2)
            pixels[top : top + 7, left : left + 7] = 20 if place % 2 else 230
            Image.fromarray(pixels).save(root / name / f"{number:02d}.png")
    return root


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = boxes(tmp_path_factory.mktemp("sides") / "boxes", 8)
    asked = {**SMALL, "task.picture.size": 16, "train.steps": 12, "train.average": 0.5, "task.history": 2}
    return dg.train(place, size="tiny", out=place.parent / "run", settings=asked)


def test_folders_of_two_sides_become_a_run(run):
    assert run.run.settings.model.name == "cyclegan_small" and run.run.bundle.task.facts.sides == ("A", "B")
    assert run.figures["test"]["kid_pixels"].n == 16 and run.figures["test"]["cycle_apart"].better == "down"
    page = run.report.read_text(encoding="utf-8")
    assert "From one side to the other" in page and "A → B → A, three pictures for each of 8 pictures." in page
    assert "B → A → B" in page
    assert "Film of the training" in page and "They should change less and less." in page


def test_a_picture_is_translated_to_the_side_that_is_asked_for(run, capsys, tmp_path):
    folder, file = str(run.run.folder), str(run.run.source.root / "testB" / "03.png")
    main(["predict", folder, file, "--to", "A", "--out", str(tmp_path / "made"), "--json"])
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["prediction"] == "A" and answer["from"] == "B" and answer["picture"].startswith("data:image/png")
    there = (tmp_path / "made" / "answers.csv").read_text(encoding="utf-8").splitlines()
    assert there == ["id,from,prediction,error", f"{file},B,A,"]
    with Image.open(tmp_path / "made" / "03.png") as picture:
        assert picture.size == (16, 16)
    assert run.predict([file])[0]["prediction"] == "B"
    main(["predict", folder, file])
    told = capsys.readouterr().out
    assert "kept nowhere: --out FOLDER writes them" in told
    main(["predict", folder, file, "--show"])
    assert "kept nowhere" not in capsys.readouterr().out
    tell(run, Printer(as_json=False))
    assert f"deepglass predict {folder} FILE --out made" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="2"):
        main(["predict", folder, file, "--to", "C"])
    assert "no side 'C' that pictures could be brought to" in capsys.readouterr().err
    with pytest.raises(UsageError, match="The task classify translates no pictures"):
        dg.load("digits").towards("A")


def test_other_data_in_pairs_are_two_sides_for_a_run_of_two_sides(run, tmp_path, capsys):
    main(["evaluate", str(run.run.folder), str(pairs(tmp_path / "pairs", below="test")), "--json"])
    assert "kid_pixels" in json.loads(capsys.readouterr().out)["metrics"]["test"]
    found = dg.evaluate(run.run.folder, str(tmp_path / "pairs"))
    assert found.figures["test"]["kid_pixels"].n == 24
    sides = boxes(tmp_path / "sides", 4)
    assert dg.evaluate(run.run.folder, str(sides)).figures["test"]["kid_pixels"].n == 16


def test_layouts_and_what_they_lack(tmp_path):
    place = boxes(tmp_path / "four", 2)
    found = recognised(str(place), DataSettings())
    assert found.sentence() == "pictures of two sides, A and B (test, train); task image_to_image"
    source = recognise(str(place), DataSettings())
    assert (source.index.labels[0], source.index.parts[0], len(source.index)) == ("A", "test", 8)
    (place / "trainB" / "00.png").unlink(), (place / "trainB" / "01.png").unlink()
    with pytest.raises(DataError, match=r"no training pictures of one side: .* lies in trainB\. Put pictures of both"):
        recognise(str(place), DataSettings())
    two = boxes(tmp_path / "two", 4, ("photo", "painting"))
    assert recognised(str(two), DataSettings()).match.task == "classify"
    for file in (two / "photo").iterdir():  # of equal names they would be pairs
        file.rename(file.with_stem(f"photo-{file.stem}"))
    asked = {**SMALL, "task.picture.size": 16, "train.steps": 2, "data.val": 0}
    outcome = dg.train(two, task="image_to_image", size="tiny", out=tmp_path / "run", settings=asked)
    assert outcome.run.bundle.task.facts.sides == ("painting", "photo")


PAIRS = Index(tuple("abcdef"), Texts([f"B/{name}" for name in "abcdef"]), classes=("A", "B"))


def paired(**changes):
    asked = replace(ImageToImageSettings(), **changes)
    task = asked.build(asked.learn(PAIRS, (8, 8), 3))
    random = np.random.default_rng(0)
    raws = [Picture(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)) for _ in PAIRS.ids]
    rows = [task.prepare(raw._replace(partner=255 - raw.pixels)).inputs for raw in raws]
    columns = {name: torch.stack([row[name] for row in rows]) for name in ("input", "partner")}
    return task, Batch(PAIRS.ids, columns, 0, row_keys(7, "train", 0, 6)), raws


def translator(task):
    torch.manual_seed(0)
    chosen = choose_model("pix2pix")
    narrow = {"halvings": 2, "features": 2, "judged": 2, "layers": 1}
    return fit_model(replace(chosen, settings=replace(chosen.settings, **narrow)), task.asks()).settings.build()


def test_both_pictures_of_a_pair_change_alike():
    task, batch, _ = paired(picture=PictureSettings(augment=PictureAugment(flip=True, shift=0.2, fill="reflect")))
    assert task.facts.paired and task.facts.sides == ("A", "B") and not task.code(["x"])
    shown = task.present(batch, batch.draws("augment"))
    torch.testing.assert_close(shown["partner"], -shown["input"], atol=1e-5, rtol=0)
    assert not torch.equal(shown["input"], task.present(batch)["input"])


@pytest.mark.parametrize("game", ["non_saturating", "least_squares"])
def test_of_pairs_each_player_learns_in_its_own_turn_alone(game):
    task, batch, raws = paired(game=game)
    model, shown = translator(task), task.present(batch, batch.draws("augment"))
    assert [turn.updates for turn in task.turns()] == ["discriminator", "generator"]
    for turn in task.turns():
        model.zero_grad()
        sums = turn.loss(model, shown).sums
        own = list(model.get_submodule(turn.updates).parameters())
        sum(sums.values()).backward(inputs=own)
        assert all(parameter.grad.abs().max() > 0 for parameter in own), turn
    predictions = _asked(task, model, batch)
    assert {name: len(column) for name, column in predictions.items()} == {"picture": 6, "apart": 6}
    alone = Batch(("x",), {"input": task.prepare(raws[0]).inputs["input"][None]})
    (answer,) = task.answers(_asked(task, model, alone))
    assert answer["prediction"] == "B" and answer["from"] == "A" and "apart" not in answer
    with pytest.raises(UsageError, match=r"no side 'A' .* The network knows B\."):
        task.towards("A")


def pairs(root, sides=("A", "B"), count=12, below=""):
    """Boxes, and the same in negative."""
    random = np.random.default_rng(0)
    for side in sides:
        (root / side / below).mkdir(parents=True)
    for number in range(count):
        pixels = np.full((32, 32, 3), 128, np.uint8)
        top, left = random.integers(0, 20, 2)
        pixels[top : top + 9, left : left + 9] = 230
        for side, shown in zip(sides, (pixels, 255 - pixels), strict=True):
            Image.fromarray(shown).save(root / side / below / f"{number:02d}.png")
    return root


def test_pairs_by_name_become_a_run(tmp_path):
    place = pairs(tmp_path / "pairs")
    found = recognised(str(place), DataSettings(layout="pairs"))
    assert found.sentence() == "12 pairs of pictures, A beside B; task image_to_image"
    narrow = {"model.features": 2, "model.judged": 2, "train.steps": 4, "train.batch": 4, "train.plan": "plain"}
    run = dg.train(place, task="image_to_image", size="tiny", out=tmp_path / "run", settings=narrow)
    assert run.run.settings.model.name == "pix2pix_small" and run.run.settings.model.settings.halvings == 5
    assert run.figures["test"]["pair_apart"].n == 2 and 0 < run.figures["test"]["pair_apart"].value < 1
    page = run.report.read_text(encoding="utf-8")
    assert "A, its translation, and the true B, for each of 2 pictures." in page
    (answer,) = run.predict([np.zeros((32, 32, 3), np.uint8)])
    assert answer["prediction"] == "B" and answer["picture"].startswith("data:image/png")


def test_pairs_that_do_not_match_are_named(tmp_path):
    place = pairs(tmp_path / "pairs", below="train")
    (place / "A" / "train" / "03.png").unlink()
    Image.new("RGB", (9, 9)).save(place / "B" / "train" / "05.png")
    source = recognise(str(place), DataSettings())
    assert source.layout == "pairs" and len(source.index) == 11 and set(source.index.parts) == {"train"}
    (alone,) = source.findings
    assert (
        sentence(alone)
        == "Pictures without a partner of the same name on the other side, not used: 1 (B/train/03.png)."
    )
    row = list(source.index.ids).index("A/train/05.png")
    with pytest.raises(Unreadable) as bad:
        source.read(row)
    said = sentence(Finding("unreadable", "warning", "", {"why": bad.value.reason, **bad.value.values}))
    assert said == (
        "Its partner on the other side has 9 x 9 pixels and the picture itself 32 x 32: they must be the same. "
        "(B/train/05.png)"
    )
    assert not np.array_equal(source.read(0).pixels, source.read(0).partner)
    other = pairs(tmp_path / "other", ("photo", "map"), 4)
    assert recognised(str(other), DataSettings()).layout == "class_folders"
    letters = pairs(tmp_path / "letters", ("A", "B"), 4)  # of which every class may count from 0
    assert recognised(str(letters), DataSettings()).layout == "class_folders"
    assert layout_for("image_to_image", str(other), DataSettings()) == "pairs"
    for file in (other / "map").iterdir():
        file.rename(file.with_stem(f"no{file.stem}"))
    assert layout_for("image_to_image", str(other), DataSettings()) == ""
    with pytest.raises(DataError, match="does not look like|holds no pairs"):
        recognise(str(other), DataSettings(layout="pairs"))


@pytest.mark.parametrize(
    ("named", "model", "layout", "name"),
    [
        (("trainA", "trainB"), "", "two_sides", "cyclegan_small"),
        (("trainA", "trainB"), "cyclegan_small", "two_sides", "cyclegan_small"),
        (("trainA", "trainB"), "pix2pix_small", "pairs", "pix2pix_small"),
        (("photo", "map"), "", "pairs", "pix2pix_small"),
        (("photo", "map"), "cyclegan", "", "cyclegan"),
    ],
)
def test_equal_names_are_pairs_only_where_pairs_are_meant(tmp_path, named, model, layout, name):
    place = pairs(tmp_path / "sides", named, 8)
    chosen = [Override("task.name", "image_to_image", "test"), *([Override("model.name", model, "test")] * bool(model))]
    found = journey.propose(str(place), chosen, "tiny")
    assert (found.settings.data.layout, found.settings.model.name) == (layout, name)
    run = Run(tmp_path / "run", found.settings, source=found.source)
    assert run.material().task.facts.paired == (layout == "pairs")


@pytest.mark.parametrize("task", [[], [Override("task.name", "image_to_image", "test")]])
def test_a_network_of_two_sides_says_what_to_do_with_pairs(tmp_path, task):
    place = pairs(tmp_path / "pairs", below="train")
    chosen = [Override("model.name", "cyclegan_small", "test"), *task]
    said = r"holds 12 pairs of pictures by equal names, A beside B, .* put the pictures into trainA/ and trainB/\."
    with pytest.raises(DataError, match=said):
        journey.propose(str(place), chosen, "tiny")
    sides = [Override("data.layout", "pairs", "test"), *chosen]
    with pytest.raises(DataError, match="Leave --model out, or choose pix2pix"):
        journey.propose(str(pairs(tmp_path / "other", ("trainA", "trainB"), 4)), sides, "tiny")
    with pytest.raises(UsageError, match="^cyclegan_small brings pictures of one side to another"):
        fit_model(choose_model("cyclegan_small"), paired()[0].asks())
    assert learns_pairs("lenet5") is None and learns_pairs("dcgan") is None and learns_pairs("external") is None
