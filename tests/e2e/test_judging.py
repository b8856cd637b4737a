"""Made pictures judged: by whom is a part of each figure's name, real ones pass, what cannot be judged is refused."""

import html
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import deepglass as dg
from deepglass import journey, judging
from deepglass.cli.main import main
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.sealed import file_sha256
from deepglass.judging import Judge, Shown, _learned_from, judged
from deepglass.networks import choose_model, network_of

DIGITS = Path(journey.__file__).parent / "data" / "digits.npz"
SMALL = {"train.plan": "plain", "train.batch": 8, "task.picture.size": 8}
NAMES = ("kid", "fid", "manifold_precision", "manifold_recall", "manifold_density", "manifold_coverage")


def bars(place, count, names=("flat", "tall")):
    """Class folders of white bars on black, 8x8."""
    random = np.random.default_rng(0)
    for name in names:
        (place / name).mkdir(parents=True)
        for number in range(count):
            pixels, at = np.zeros((8, 8), np.uint8), int(random.integers(1, 6))
            pixels[(slice(at, at + 2), slice(None)) if name != "tall" else (slice(None), slice(at, at + 2))] = 255
            Image.fromarray(np.maximum(pixels, random.integers(0, 60, (8, 8), np.uint8))).save(
                place / name / f"{number:02d}.png"
            )
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return bars(tmp_path_factory.mktemp("bars") / "data", 60)


@pytest.fixture(scope="module")
def judge(place):
    asked = SMALL | {"train.steps": 60, "model.hidden": "[12]"}
    return str(dg.train(place, model="mlp", size="tiny", out=place.parent / "judge", settings=asked).run.folder)


@pytest.fixture(scope="module")
def painter(place):
    asked = SMALL | {"train.steps": 20, "model.features": 4, "task.latent": 8}
    run = dg.train(place, task="generate_images", size="tiny", out=place.parent / "painter", settings=asked)
    return str(run.run.folder)


def told(capsys, *words):
    main(["evaluate", *words, "--json"])
    said = capsys.readouterr()
    return json.loads(said.out), said.err


def test_data_that_a_run_learned_from_are_called_so(tmp_path):
    def remarks(place):
        settings = SimpleNamespace(data=SimpleNamespace(place=str(tmp_path)))
        return _learned_from(SimpleNamespace(place=place, run=SimpleNamespace(settings=settings, folder="my run")))

    (said,) = remarks(f"{tmp_path}/.")
    assert "most of these examples were seen in training" in said and said.endswith("deepglass evaluate 'my run'")
    assert not remarks("") and not remarks(str(tmp_path / "test"))


def test_a_judge_finds_real_pictures_alike_and_a_collapse_at_once():
    with np.load(DIGITS, allow_pickle=False) as stored:
        digits, labels = stored["x"][:600, ..., None], [str(label) for label in stored["y"][:600]]
    ours = Judge.of("digits")
    found, remarks = judged(ours, Shown(list(digits[:300]), list(digits[300:]), labels[:300]), "test")
    value = {name.partition("@")[0]: figure.value for name, figure in found.items()}
    low, high = found[f"kid@{ours.short}"][1:3]
    assert low < 0 < high and value["recognised"] > 0.97 and value["classes_covered"] == 1
    assert value["manifold_coverage"] > 0.85 and 0.8 < value["manifold_density"] < 1.2 and not remarks
    one = list(digits[:1]) * 300
    found, _ = judged(ours, Shown(one, list(digits[300:]), labels[:1] * 300), "test")
    fallen = {name.partition("@")[0]: figure.value for name, figure in found.items()}
    assert fallen["kid"] > 20 * max(abs(low), high) and fallen["fid"] > 20 * value["fid"]
    assert fallen["recognised"] == 1 and fallen["classes_covered"] == 0.1 and fallen["manifold_coverage"] < 0.1


def test_figures_carry_their_judge_and_all_that_they_depend_on(painter, judge, capsys):
    document, said = told(capsys, painter, f"judge={judge}", "pictures=10")
    digest = dg.load(judge).digest
    names = [f"{name}@{digest[:8]}" for name in (*NAMES, "recognised", "classes_covered")]
    test = document["metrics"]["test"]
    assert [name for name in test if "@" in name] == names and "kid_pixels" in test
    by = document["measured_by"]
    protocol = f"mlp:{digest[:16]}|features:12|made:10|real:10 test|seed:1|8x8>8x8 crop bilinear|k:3,3,5,5"
    assert by[names[0]] == protocol and by[names[1]] == f"{protocol}|biased"
    assert "FID of 10 pictures by 12 numbers each is too large by chance alone: read KID." in said
    assert f"KID @{digest[:8]}" in said and protocol in said
    assert told(capsys, painter, f"judge={judge}", "pictures=10")[0]["metrics"] == document["metrics"]
    other = told(capsys, painter, f"judge={judge}", "pictures=10", "seed=2")[0]["metrics"]["test"]
    assert other[names[0]] != test[names[0]] and other["kid_pixels"] == test["kid_pixels"]


def test_two_judges_never_share_a_name_and_classes_that_one_does_not_know_are_not_asked_of_it(painter, judge, capsys):
    first, _ = told(capsys, painter, f"judge={judge}")
    second, said = told(capsys, painter, "judge=digits")
    assert "The judge does not know 2 of the classes that were asked for (flat, tall)" in said
    own, others = ({name for name in one["metrics"]["test"] if "@" in name} for one in (first, second))
    assert own and others and not own & others and not any(name.startswith("recognised") for name in others)
    assert any(name.startswith("classes_covered") for name in own)
    assert not any(name.startswith("classes_covered") for name in others)


def test_how_the_figures_come_into_the_report_is_said_behind_them(painter, judge, capsys):
    main(["evaluate", painter, f"judge={judge}", "pictures=10"])
    said = capsys.readouterr().out
    assert said.index(f"KID @{dg.load(judge).digest[:8]}") < said.index("as soon as it is written anew")


def test_a_report_written_anew_tells_what_every_judge_said_of_this_bundle(painter, judge, capsys):
    ours, theirs = dg.load(judge).digest[:8], dg.load("digits").digest[:8]
    document, _ = told(capsys, painter, f"judge={judge}", "pictures=10")
    _, said = told(capsys, painter, "judge=digits", "pictures=10")
    assert f"as soon as it is written anew: deepglass report {painter}" in said
    file = journey.report(Path(painter))
    kept = json.loads(file.with_suffix(".json").read_text())["judged"]
    assert {f"kid@{ours}", f"recognised@{ours}", f"kid@{theirs}"} <= set(kept)
    assert kept[f"kid@{ours}"]["value"] == document["metrics"]["test"][f"kid@{ours}"]
    page = file.read_text()
    assert "As others see it" in page and f"KID @{ours}" in page
    assert html.escape(document["measured_by"][f"kid@{ours}"]) in page
    told_by = Path(painter, "judged.json")
    told_by.write_text(told_by.read_text().replace(dg.load(painter).digest, "another"))
    assert "judged" not in json.loads(journey.report(Path(painter)).with_suffix(".json").read_text())


def test_other_data_can_stand_beside_them(painter, judge, tmp_path):
    found = dg.evaluate(painter, str(bars(tmp_path / "more", 15)), settings={"judge": judge})
    kid = next(figure for name, figure in found.figures["test"].items() if name.startswith("kid@"))
    assert kid.n == 30 and list(found.figures) == ["test"]
    with pytest.raises(DataError, match=r"at least 10 real ones are needed beside them; there are 4\."):
        dg.evaluate(painter, str(bars(tmp_path / "few", 2)), settings={"judge": judge})


def test_translations_are_judged_side_by_side(tmp_path, judge):
    place = bars(tmp_path / "two", 24)
    for file in (place / "tall").iterdir():
        file.rename(file.with_stem(f"t{file.stem}"))  # of equal names they would be pairs
    narrow = {f"model.{name}": 2 for name in ("features", "judged")} | {"model.blocks": 1, "model.layers": 1}
    asked = SMALL | narrow | {"train.steps": 3, "data.test": 0.5, "data.val": 0}
    run = dg.train(place, task="image_to_image", size="tiny", out=tmp_path / "run", settings=asked)
    found = dg.evaluate(run.run.folder, settings={"judge": judge}).figures["test"]
    short = dg.load(judge).digest[:8]
    assert {f"kid@{short}:flat", f"kid@{short}:tall", f"recognised@{short}:flat"} <= set(found)
    assert found[f"kid@{short}:flat"].n == 12


def test_of_pairs_what_was_made_stands_beside_the_partners(tmp_path, judge):
    for side, shade in (("A", 1.0), ("B", 0.5)):
        for number in range(14):
            pixels = np.zeros((32, 32), np.uint8)
            pixels[2 * number : 2 * number + 4] = int(255 * shade)
            (tmp_path / "pairs" / side / "train").mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / "pairs" / side / "train" / f"{number}.png")
    narrow = {"model.features": 2, "model.judged": 2, "train.steps": 2, "train.batch": 4, "train.plan": "plain"}
    asked = narrow | {"data.test": 0, "data.val": 0}
    run = dg.train(tmp_path / "pairs", task="image_to_image", size="tiny", out=tmp_path / "run", settings=asked)
    found = dg.evaluate(run.run.folder, settings={"judge": judge}).figures["train"]
    kid = found[f"kid@{dg.load(judge).digest[:8]}:B"]
    assert kid.n == 14 and "|32x32>8x8 crop" in kid.by and "|real:14 train|" in kid.by


def test_the_generator_of_a_semi_supervised_network_is_judged(tmp_path, judge):
    place = bars(tmp_path / "data", 40)
    bars(tmp_path / "data", 20, ("unlabelled",))
    asked = SMALL | {"train.steps": 3, "model.features": 4, "task.latent": 8, "data.test": 0.4}
    run = dg.train(place, task="semi_supervised", size="tiny", out=tmp_path / "run", settings=asked)
    found = dg.evaluate(run.run.folder, settings={"judge": judge}).figures["test"]
    assert {"accuracy", f"kid@{dg.load(judge).digest[:8]}"} <= set(found)
    assert not any(name.startswith("recognised") for name in found)  # no class can be asked for


def test_public_weights_in_a_file_judge_by_their_hash(tmp_path):
    torch.manual_seed(0)
    network = network_of(choose_model("resnet18").settings)
    file = tmp_path / "resnet18.safetensors"
    save_file(network.state_dict(), file)
    found = Judge.of(f"resnet18:{file}")
    assert (found.digest, found.labels, found.bundle.name) == (file_sha256(file), (), "resnet18")
    pictures = [np.full((40, 40, 3), level, np.uint8) for level in (0, 128, 255)]
    features = found.features(pictures)
    grey = torch.tensor(128 / 255).sub(torch.tensor([0.485, 0.456, 0.406])).div(torch.tensor([0.229, 0.224, 0.225]))
    shown = grey.view(1, 3, 1, 1).expand(1, 3, 224, 224)
    known = judging.before_head(network.eval(), shown)
    torch.testing.assert_close(features[1:2], known.detach(), atol=1e-4, rtol=1e-4)
    assert features.shape == (3, 512) and found.sees == "224x224 crop bicubic"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{painter}", "pictures=20"], r"Say which network is to judge the pictures: judge=RUN"),
        (["{painter}", "judge={painter}"], r"cannot judge pictures: its task is generate_images\."),
        (["{judge}", "judge={judge}"], r"This run makes no pictures that could be judged\."),
        (["{painter}", "judge=nothing"], r"nothing"),
        (["{painter}", "judge=digits", "pictures=2"], r"pictures=2"),
        (["{painter}", "judge=resnet18:nofile.safetensors"], r"nofile\.safetensors"),
    ],
)
def test_what_cannot_judge_or_be_judged_is_said_in_one_sentence(words, said, painter, judge, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", *(word.format(painter=painter, judge=judge) for word in words)])
    assert said.replace("\\", "") in capsys.readouterr().err


def test_without_a_judge_nothing_changes(painter):
    assert not any("@" in name for name in dg.evaluate(painter).figures["test"])
    with pytest.raises(UsageError, match="judge=RUN"):
        dg.evaluate(painter, settings={"seed": 3})
