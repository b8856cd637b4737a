"""From public weights or another run to a new one: preprocessing, head, freezing, rates by layer, errors."""

import json
import tomllib
from dataclasses import replace

import pytest
import torch

from deepglass import journey
from deepglass.cli.main import main
from deepglass.engine.journal import Journal
from deepglass.engine.settings import MuonSettings, TrainSettings
from deepglass.foundation.errors import UsageError
from deepglass.foundation.settings import choose, parse_assignments
from deepglass.recipes.transfer import transferred
from deepglass.run import Run, RunSettings
from deepglass.weights.entry import IMAGENET_MEAN, IMAGENET_STD
from deepglass.weights.settings import WeightsSettings

QUICK = ("data.cache=false", "train.plan=plain", "train.steps=1", "train.batch=2", "train.average=0")


def go(place, out, *words):
    proposal = journey.propose(str(place), parse_assignments([*QUICK, *words]), "tiny")
    return journey.train(proposal, out=str(out))


def bundled(outcome):
    document = json.loads((outcome.run.folder / "bundle" / "bundle.json").read_text())
    return document, outcome.run.bundle.model.state_dict()


def toml(outcome):
    return tomllib.loads((outcome.run.folder / "run.toml").read_text())


def test_public_weights_their_preprocessing_and_frozen_parts(pictures, resnet18, tmp_path):
    file, public = resnet18
    frozen = 'train.freeze=["conv1","bn1","layer1","layer2"]'
    outcome = go(pictures(2, 5), tmp_path / "run", "model.name=resnet18", f"weights.file={file}", frozen)
    document, weights = bundled(outcome)
    inputs = document["facts"]["inputs"]
    assert (inputs["height"], inputs["width"], inputs["channels"]) == (224, 224, 3)
    assert inputs["mean"] == list(IMAGENET_MEAN) and inputs["std"] == list(IMAGENET_STD)
    assert inputs["smooth"] == "bicubic"  # of the network's first entry
    frozen = [name for name in public if name.startswith(("conv1", "bn1", "layer1", "layer2"))]
    assert len(frozen) > 20 and all(torch.equal(weights[name], public[name]) for name in frozen)
    assert not torch.equal(weights["layer4.1.conv2.weight"], public["layer4.1.conv2.weight"])
    torch.testing.assert_close(weights["layer4.1.conv2.weight"], public["layer4.1.conv2.weight"], atol=1e-2, rtol=0)
    assert weights["fc.weight"].shape == (2, 512) and document["about"]["weights"]["file"] == str(file)
    settings = toml(outcome)
    assert settings["task"]["picture"]["size"] == 224 and settings["origin"]["task.picture.size"] == "weights"
    plain = journey.propose(str(tmp_path / "pictures2"), parse_assignments(["model.name=resnet18"]), "tiny")
    assert settings["train"]["lr"] == pytest.approx(plain.settings.train.lr / 4)
    answer = outcome.predict(tmp_path / "pictures2" / "red" / "0.png")[0]
    assert answer["prediction"] in ("red", "green")


def test_a_resume_needs_no_weights_but_its_own(pictures, resnet18, tmp_path):
    file, _ = resnet18
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(file.read_bytes())
    outcome = go(pictures(2, 5), tmp_path / "run", "model.name=resnet18", f"weights.file={moved}")
    moved.unlink()
    again = journey.resume(tmp_path / "run")
    assert again.document()["metrics"] == outcome.document()["metrics"]


def test_rates_by_layer(pictures, resnet18, tmp_path):
    file, _ = resnet18
    words = ("model.name=resnet18", f"weights.file={file}", "train.layer_decay=0.5", "train.lr=0.008")
    proposal = journey.propose(str(pictures(2, 5)), parse_assignments([*QUICK, *words]), "tiny")
    run = Run(tmp_path / "run", proposal.settings, proposal.origins, source=proposal.source)
    _, state = run.training(run.material(), Journal(tmp_path / "run"))
    places = {id(parameter): name for name, parameter in state.model.named_parameters()}
    scales = {places[id(p)]: group["scale"] for group in state.optimizers[""].param_groups for p in group["params"]}
    assert scales["fc.weight"] == 1 and scales["layer4.0.conv1.weight"] == 0.5
    assert scales["layer1.0.conv1.weight"] == 0.5**4 and scales["conv1.weight"] == 0.5**5


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task.picture.size=96"], "trained with pictures of 224x224, so task.picture.size=96 contradicts it"),
        (["task.picture.channels=grey"], "trained with pictures of 3 channels, so task.picture.channels=grey"),
        (["model.name=resnet34"], "The weights of .* do not fit the network. .* names are missing, such as layer1.2"),
        (["weights.name=resnet50.a1_in1k"], "holds weights of resnet50, but the run is set to resnet18"),
        (["weights.parent=elsewhere"], "not with both"),
        (
            ["train.freeze=conv1,layer9"],
            "train.freeze names 'layer9', which is no part of the network. It has: conv1, bn1",
        ),
        (["weights.file=gone.safetensors"], "There is no file gone.safetensors"),
    ],
)
def test_contradictions_are_errors(pictures, resnet18, tmp_path, words, sentence):
    usual = [f"weights.file={resnet18[0]}", "model.name=resnet18"]
    with pytest.raises(UsageError, match=sentence):
        go(pictures(2, 5), tmp_path / "run", *usual, *words)
    assert not (tmp_path / "run" / "bundle").exists()


def test_named_weights_bring_their_network(pictures, resnet18):
    words = [f"weights.file={resnet18[0]}", "weights.name=resnet18.tv_in1k"]
    proposal = journey.propose(str(pictures(2, 5)), parse_assignments(words), "tiny")
    assert proposal.settings.model.name == "resnet18" and proposal.settings.task.settings.picture.size == 224


def test_weights_of_a_network_without_an_entry(pictures, tmp_path):
    parent = go(pictures(2), tmp_path / "parent", "model.name=resnet20", "task.picture.size=24")
    file = tmp_path / "parent" / "bundle" / "model.safetensors"
    child = go(pictures(3), tmp_path / "child", "model.name=resnet20", f"weights.file={file}", "task.picture.size=16")
    document, weights = bundled(child)
    assert document["facts"]["inputs"]["height"] == 16  # nothing is known of the file: the data decide
    assert weights["conv1.weight"].shape == bundled(parent)[1]["conv1.weight"].shape


def test_from_another_run(table, tmp_path):
    parent = go(table(3), tmp_path / "parent", "model.hidden=[7]", "train.steps=20")
    words = (f"weights.parent={tmp_path / 'parent'}", "train.lr=1e-9", "train.warmup=0")
    child = go(table(2), tmp_path / "child", *words)
    (old, before), (new, after) = bundled(parent), bundled(child)
    assert toml(child)["weights"]["parent"] == str(tmp_path / "parent")
    assert new["model"]["settings"]["hidden"] == [7] and new["about"]["weights"]["parent"]
    head = child.run.bundle.model.head
    assert before[f"{head}.weight"].shape[0] == 3 and after[f"{head}.weight"].shape[0] == 2
    body = [name for name in before if not name.startswith(head)]
    assert body and all(torch.allclose(before[name], after[name], atol=1e-6) for name in body)
    assert new["facts"]["inputs"] == old["facts"]["inputs"]  # the parent's statistics travel
    assert new["facts"]["labels"] == ["c0", "c1"]


def test_from_another_run_of_other_data(table, pictures, tmp_path):
    go(table(3), tmp_path / "parent", "train.steps=2")
    parent = f"weights.parent={tmp_path / 'parent'}"
    with pytest.raises(UsageError, match=r"trained with other inputs \(columns: x, y, z\)"):
        go(table(2, ("a", "b", "c")), tmp_path / "child", parent)
    with pytest.raises(UsageError, match="holds weights of mlp, but the run is set to perceptron"):
        go(table(2), tmp_path / "other", parent, "model.name=perceptron")
    with pytest.raises(UsageError, match="There is no run or bundle at nowhere"):
        go(table(2), tmp_path / "third", "weights.parent=nowhere")


def test_the_command_line(table, tmp_path, capsys):
    go(table(3), tmp_path / "parent", "train.steps=2")
    words = ["train", str(table(2)), "--from", str(tmp_path / "parent"), "--out", str(tmp_path / "child")]
    main([*words, "--size", "tiny", "--json", *QUICK])
    settings = tomllib.loads((tmp_path / "child" / "run.toml").read_text())
    assert settings["weights"]["parent"] == str(tmp_path / "parent")
    assert settings["origin"]["weights.parent"] == "--from" and settings["origin"]["train.lr"] == "weights"
    capsys.readouterr()
    main(["ls", "weights", "--json"])
    assert "resnet50.a1_in1k" in [entry["name"] for entry in json.loads(capsys.readouterr().out)]


def test_every_rate_of_muon_is_smaller_where_weights_are_there_already():
    base = RunSettings(
        model=choose("models", "resnet18"),
        task=choose("tasks", "classify"),
        train=TrainSettings(optimizer="muon", lr=0.24, muon=MuonSettings(rest_lr=6.4, head_lr=0.04, rest_decay=1e-4)),
    )
    train = transferred(base, WeightsSettings(name="resnet18.a1_in1k")).train
    assert (train.lr, train.muon.rest_lr, train.muon.head_lr) == pytest.approx((0.06, 1.6, 0.01))
    assert train.muon.rest_decay == 1e-4  # a share of the weights, which follows the rate's own course
    plain = transferred(replace(base, train=TrainSettings(lr=0.24)), WeightsSettings(name="resnet18.a1_in1k")).train
    assert (plain.muon.rest_lr, plain.muon.head_lr) == (0, 0)  # 0 goes on to mean a tenth of lr, and among the matrices
