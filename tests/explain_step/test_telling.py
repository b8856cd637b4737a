"""A step told, drawn and as data: both languages, small and large networks, and what is wrong with one in words."""

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from deepglass import journey
from deepglass.explain.step import take_step
from deepglass.explain.step_health import ENOUGH_ROWS, remarks, stages
from deepglass.explain.step_json import document
from deepglass.explain.step_picture import StepPicture
from deepglass.explain.step_subject import subject_of
from deepglass.explain.step_words import text
from deepglass.foundation import words
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.settings import parse_assignments, to_json
from deepglass.run import Run


@pytest.fixture(autouse=True)
def english():
    words.choose_language("en")
    yield
    words.choose_language("en")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = ["model.name=mlp", "model.hidden=[3]", "train.steps=4", "train.plan=plain", "data.cache=false"]
    proposal = journey.propose("made:xor", parse_assignments(settings), "tiny")
    run = Run(tmp_path_factory.mktemp("run") / "run", proposal.settings, proposal.origins, source=proposal.source)
    run.write()
    run.train()
    return run.folder


def labels_table(root):
    """Pictures with none, one or two labels."""
    lines = ["path,labels"]
    for number in range(16):
        pixels = np.random.default_rng(number).integers(0, 255, (28, 28), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
        lines.append(f"{number}.png,{('cat', 'dog', 'cat;dog', 'owl')[number % 4]}")
    (root / "labels.csv").write_text("\n".join(lines))
    return root, "model.name=lenet5"


def text_table(root):
    lines = [f"{'a good day' if number % 2 else 'bad'} {'word ' * number}\t{number % 2}" for number in range(16)]
    (root / "texts.tsv").write_text("\n".join(["text\tlabel", *lines]))
    return root / "texts.tsv", "model.name=text_bag"


def numbers_table(root):
    lines = [f"{number % 5 / 5},{number % 3},{number % 5 / 2 + 0.25}" for number in range(40)]
    (root / "numbers.csv").write_text("\n".join(["a,b,target", *lines]))
    return root / "numbers.csv", "model.name=mlp"


@pytest.mark.parametrize("made", [labels_table, text_table, numbers_table])
def test_a_step_of_several_labels_of_texts_and_of_numbers_is_told(made, tmp_path):
    place, network = made(tmp_path)
    more = ["model.hidden=[3]"] if network.endswith("mlp") else []
    settings = [network, *more, "train.steps=2", "train.plan=plain", "data.cache=false", "train.batch=4"]
    proposal = journey.propose(str(place), parse_assignments(settings), "tiny")
    run = Run(tmp_path / "run", proposal.settings, proposal.origins, source=proposal.source)
    run.write()
    run.train()
    step = take_step(subject_of(str(run.folder)))
    assert len(step.inputs) == len(step.ids)
    told = text(step)
    if made is labels_table:
        assert not step.classes and set(step.targets) <= {"cat", "dog", "cat, dog", "owl"}
        assert f"right is {step.targets[0]}" in told and "[" not in told
    assert json.loads(json.dumps(to_json(document(step))))["targets"] == step.targets
    assert StepPicture(step).svg().startswith("<svg")


def deep(activation, *more):
    layers = ", ".join(["16"] * 8)
    chosen = [f"model.activation={activation}", f"model.hidden=[{layers}]", "train.batch=64", *more]
    return take_step(subject_of("mlp", chosen=parse_assignments(chosen)))


def kinds(step):
    return [remark.kind for remark in remarks(step)]


@pytest.mark.parametrize(("language", "heading"), [("en", "FORWARD"), ("zh-CN", "正向传播")])
def test_every_number_of_a_small_network_is_told(language, heading):
    words.choose_language(language)
    step = take_step(subject_of("mlp", "1,0"))
    told = text(step)
    assert heading in told
    layer = step.turns[0].neurons[0]
    for number in [*layer.weight.flatten(), *layer.weight_after.flatten(), *layer.z, *layer.a, *layer.delta]:
        assert f"{float(number):.4g}".replace("-", "−") in told
    assert "dL/da = Wᵀ δ" in told and "δ = dL/da · f′(z)" in told


@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize(("name", "given"), [("perceptron", "1,-1"), ("mlp", "1,0"), ("lenet5", "7")])
def test_pictures_and_data(name, given, language):
    words.choose_language(language)
    step = take_step(subject_of(name, given))
    picture = StepPicture(step)
    drawn = ElementTree.fromstring(picture.svg())
    letters = " ".join(drawn.itertext())
    layers = [stage.layer.name for stage in stages(step.turns[0])]
    assert all(layer in letters for layer in layers) or step.turns[0].neurons
    assert words.say("step.panel_back") in letters or not step.turns[0].neurons
    assert picture.png().startswith(b"\x89PNG")
    told = json.loads(json.dumps(to_json(document(step))))
    assert set(told) >= {"name", "step", "ids", "shape", "targets", "answers", "optimizer", "turns", "remarks"}
    turn = told["turns"][0]
    assert set(turn) >= {"updates", "losses", "lr", "gradient_norm", "layers", "weights", "neurons"}
    assert all(set(layer) == {"name", "kind", "shape", "value", "gradient"} for layer in turn["layers"])
    assert (told["rosenblatt"] is not None) == (name == "perceptron")
    assert ("before" in turn["weights"][0]) == (name != "lenet5")


@pytest.fixture(scope="module")
def players(tmp_path_factory):
    """A network that makes pictures of two classes."""
    place = tmp_path_factory.mktemp("bars")
    for name in ("flat", "tall"):
        (place / name).mkdir()
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(place / name / f"{number}.png")
    narrow = ["model.name=cgan", "model.features=4", "task.latent=8", "task.picture.size=8", "train.batch=8"]
    chosen = ["task.name=generate_images", *narrow, "train.steps=4", "train.plan=plain"]
    proposal = journey.propose(str(place), parse_assignments(chosen), "tiny")
    run = Run(place.parent / "players", proposal.settings, proposal.origins, source=proposal.source)
    run.write()
    run.train()
    return run.folder


def test_of_players_only_the_one_whose_turn_it_is_is_judged(players):
    step = take_step(subject_of(str(players)))
    assert [turn.updates for turn in step.turns] == ["discriminator", "generator"]
    for turn in step.turns:
        assert stages(turn) and all(stage.layer.name.startswith(f"{turn.updates}.") for stage in stages(turn))
    assert "lost" not in kinds(step) and "inf" not in text(step)
    generator = step.turns[1]
    last = stages(generator)[-1].weight.name
    still = [replace(weight, gradient=None if weight.name != last else weight.gradient) for weight in generator.weights]
    dead = replace(step, turns=[replace(generator, weights=still)])
    assert kinds(dead)[0] == "lost"
    assert "No gradient reaches generator.known: over 3 layers, on its way from generator.grow.layers.3," in text(dead)


@pytest.mark.parametrize(("language", "real"), [("en", "right is real"), ("zh-CN", "正确答案是 真")])
def test_of_a_real_picture_the_right_answer_is_that_it_is_real(players, language, real):
    words.choose_language(language)
    step = take_step(subject_of(str(players)))
    assert set(step.targets) == {"real"} and not step.classes
    assert real in text(step)
    assert {one["prediction"] for one in step.before} <= {"real", "made"}  # for programs, in every language
    said = [line for line in text(step).split("\n") if real in line]
    assert language == "en" or not any(word in said[0] for word in ("real", "made"))


def test_vanishing_gradients_are_named():
    assert kinds(deep("sigmoid"))[0] == "vanishing"
    assert "vanishing" not in kinds(deep("relu"))
    assert "Vanishing gradient: over 9 layers" in text(deep("sigmoid"))


def test_exploding_saturated_dead_clipped_and_resting():
    subject = subject_of(
        "mlp", chosen=parse_assignments(["model.activation=tanh", "model.hidden=[16, 16, 16, 16, 16]"])
    )
    with torch.no_grad():
        for name, weight in subject.state.model.named_parameters():
            weight.mul_(60 if name.startswith("hidden") else 1)
    assert "saturated" in kinds(take_step(subject))
    subject = subject_of(
        "mlp", chosen=parse_assignments(["model.activation=relu", "model.hidden=[16, 16]", "train.batch=64"])
    )
    with torch.no_grad():
        subject.state.model.get_parameter("hidden.1.dense.bias").sub_(100)
    dead = [one for one in remarks(take_step(subject)) if one.kind == "dead"][-1]
    assert dead.values["share"] == 1.0 and dead.values["rows"] == 64 >= ENOUGH_ROWS
    subject = subject_of("mlp", chosen=parse_assignments(["model.activation=identity", "model.hidden=[16, 16, 16]"]))
    with torch.no_grad():
        subject.state.model.get_parameter("hidden.0.dense.weight").mul_(1e-4)
        subject.state.model.get_parameter("hidden.1.dense.weight").mul_(1e3)
    assert "exploding" in kinds(take_step(subject))
    assert "clipped" in kinds(take_step(subject_of("mlp", "1,0", chosen=parse_assignments(["train.clip=0.01"]))))


@pytest.mark.parametrize(("name", "right"), [("cgan", "real"), ("lenet5", "0")])
def test_the_digits_that_come_with_the_package_stand_for_their_first(name, right):
    step = take_step(subject_of(name, "digits", chosen=parse_assignments(["model.features=4"] * (name == "cgan"))))
    assert step.ids[0] == "0" and step.targets[0] == right


def test_a_picture_of_ones_own_with_its_answer(tmp_path):
    pixels = np.zeros((40, 40), dtype=np.uint8)
    pixels[8:32, 18:22] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    step = take_step(subject_of("lenet5", str(tmp_path / "one.png"), target="1"))
    assert step.ids == (str(tmp_path / "one.png"),) and step.targets == ["1"] and step.inputs.shape == (1, 1, 32, 32)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be read"):
        subject_of("lenet5", str(tmp_path / "bad.png"), target="1")


def test_few_rows_are_silent_not_dead():
    found = kinds(take_step(subject_of("mlp", "1,0", chosen=parse_assignments(["model.activation=relu", "seed=1"]))))
    assert "dead" not in found and "silent" in found


def test_a_run_is_taken_by_its_next_row_by_an_id_or_by_numbers(run):
    assert len(take_step(subject_of(str(run))).ids) == 1
    assert take_step(subject_of(str(run), "021")).ids == ("021",)
    step = take_step(subject_of(str(run), "1,0.1", target="1"))
    assert step.targets == ["1"] and step.inputs.shape == (1, 2)
    assert len(take_step(subject_of(str(run), chosen=parse_assignments(["train.batch=9"]))).ids) == 9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"what": "lenet6"}, r"'lenet6' is neither a network's name nor .* Did you mean lenet5"),
        ({"what": "lenet5", "given": "no.png"}, "no.png is neither a picture's file nor one of the digits 0 to 9"),
        ({"what": "perceptron", "given": "abc"}, "abc is not a row of numbers. Write them with commas"),
    ],
)
def test_messages_for_names(arguments, message):
    with pytest.raises(UsageError, match=message):
        subject_of(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"given": "1,0"}, "The step needs the right answer for 1,0: add --target and one of 0, 1."),
        ({"given": "1,0", "target": "cat"}, "--target cat is no answer that this network knows. Choose one of 0, 1."),
        ({"given": "1,0,3", "target": "1"}, "neither an example of this run nor 2 numbers. .* in the order x1, x2"),
        ({"chosen": parse_assignments(["model.hidden=[9]"])}, "model.hidden cannot be changed for"),
    ],
)
def test_messages_for_a_run(run, arguments, message):
    with pytest.raises(UsageError, match=message):
        subject_of(str(run), **arguments)


def test_a_run_that_has_not_begun_says_so(run, tmp_path):
    (tmp_path / "run.toml").write_text((run / "run.toml").read_text())
    with pytest.raises(UsageError, match="has not begun to train. Start it: deepglass resume"):
        subject_of(str(tmp_path))
