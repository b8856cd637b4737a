"""The loop's promises: resumes bit for bit, shards equal the full batch, a turn changes only what is its own."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from deepglass.data.order import Balanced, Lengths, Shuffled
from deepglass.engine import checkpoint
from deepglass.engine.checkpoint import Checkpoints, restore
from deepglass.engine.journal import VERSION, Journal, line_of, read_events
from deepglass.engine.loop import Training, train
from deepglass.engine.measure import try_plan
from deepglass.engine.optimizers import build_optimizer
from deepglass.engine.plan import Plan
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import Score, State, freeze, start_averages, trainable
from deepglass.foundation.errors import MachineError, RunFailed
from deepglass.tasks.task import Losses
from tests.engine.families import GAN, Classifier, Pair, RaggedRows, Rows, Sequence, figure, network, tensors

SETTINGS = TrainSettings(lr=0.01, average=0.9, weight_decay=0.01, clip=1.0, optimizer="adamw")

FAMILIES = {
    "classifier": (lambda: Classifier(), network, Rows(), SETTINGS),
    "sgd": (lambda: Classifier(), network, Rows(), replace(SETTINGS, optimizer="sgd", schedule="onecycle")),
    "muon": (lambda: Classifier(), network, Rows(), replace(SETTINGS, optimizer="muon", schedule="step")),
    "plateau": (lambda: Classifier(), network, Rows(), replace(SETTINGS, schedule="plateau", plateau=1)),
    "accumulated": (lambda: Classifier(), network, Rows(), replace(SETTINGS, shards=3)),
    "frozen later": (
        lambda: Classifier(),
        network,
        Rows(),
        replace(SETTINGS, freeze_later=("0", "1"), freeze_from=0.5),
    ),
    "gan": (GAN, Pair, Rows(), SETTINGS),
    "ragged": (Sequence, lambda: network(norm=False), RaggedRows(), SETTINGS),
}


def start(name: str) -> tuple[object, State, object, TrainSettings]:
    make_task, make_model, rows, settings = FAMILIES[name]
    torch.manual_seed(3)
    model, task = make_model(), make_task()
    tree = nn.ModuleDict({"model": model} | ({"task": task} if isinstance(task, nn.Module) else {}))
    optimizers = {turn.updates: build_optimizer(settings, trainable(model, turn.updates), []) for turn in task.turns()}
    return task, State(tree, optimizers, start_averages(model)), rows, settings


def training(folder, rows, settings, steps, stop_at=None, state=None) -> Training:
    return Training(
        settings=settings,
        plan=Plan(),
        seed=7,
        steps=steps,
        epoch=4.0,
        check_every=5,
        device=torch.device("cpu"),
        batch=rows,
        check=lambda: {"accuracy": figure(0.5 + 0.01 * (state.step % 7))},
        journal=Journal(folder),
        checkpoints=Checkpoints(folder),
        folder=folder,
        asked_to_stop=lambda: stop_at is not None and state.step >= stop_at,
    )


def run(name, folder, steps=20, stop_at=None, resume=False):
    folder.mkdir(exist_ok=True)
    task, state, rows, settings = start(name)
    if resume:
        found, document, _ = Checkpoints(folder).newest()
        restore(state, found, document)
    life = training(folder, rows, settings, steps, stop_at, state)
    life.journal.write("start", state.step)
    return train(task, state, life)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_resumed_run_ends_with_the_same_bits(name, tmp_path):
    whole = run(name, tmp_path / "whole")
    run(name, tmp_path / "parts", stop_at=7)
    run(name, tmp_path / "parts", stop_at=13, resume=True)
    parts = run(name, tmp_path / "parts", resume=True)
    assert parts.step == whole.step == 20
    assert parts.scores == whole.scores
    expected, found = tensors(whole), tensors(parts)
    assert expected.keys() == found.keys()
    different = [key for key in expected if not torch.equal(expected[key], found[key])]
    assert not different


@pytest.mark.parametrize("shards", [2, 3, 5])
@pytest.mark.parametrize("family", ["classifier", "ragged"])
def test_shards_add_up_to_the_full_batch(family, shards, tmp_path):
    """To 1e-6, where no layer looks across rows; ragged rows and uneven shards included."""
    found = []
    for count in (1, shards):
        task, state, rows, settings = start("ragged")
        if family == "classifier":
            task, rows = Classifier(), Rows(batch_size=23)
        (tmp_path / str(count)).mkdir()
        settings = replace(settings, shards=count, optimizer="sgd", clip=0.0)
        found.append(tensors(train(task, state, training(tmp_path / str(count), rows, settings, 4, None, state))))
    for key, expected in found[0].items():
        assert torch.allclose(expected, found[1][key], atol=1e-6), key


def test_a_turn_changes_only_its_own_parameters(tmp_path):
    task, state, rows, settings = start("gan")
    before = {name: value.clone() for name, value in state.model.named_parameters()}
    task.turns = lambda: [GAN.turns(task)[2]]
    train(task, state, training(tmp_path, rows, settings, 1, None, state))
    changed = {name.split(".")[0] for name, value in state.model.named_parameters() if not value.equal(before[name])}
    assert changed == {"generator"}
    assert all(parameter.requires_grad for parameter in state.model.parameters())


def test_each_turn_has_its_own_schedule(tmp_path):
    task, state, rows, settings = start("gan")
    settings = replace(settings, schedule="constant", warmup=0.0)
    train(task, state, replace(training(tmp_path, rows, settings, 4, None, state), log_every=1))
    rates = {(event["turn"], event["step"]): event["lr"] for event in read_events(tmp_path, "train")}
    assert [rates["discriminator", step] for step in range(4)] == [0.01] * 4
    assert [rates["generator", step] for step in range(4)] == pytest.approx([0.005, 0.00375, 0.0025, 0.00125])


def test_frozen_parameters_and_their_batch_norm_stay_asleep(tmp_path):
    task, state, rows, settings = start("classifier")
    freeze(state.model, ("0", "1"))
    state.optimizers[""] = build_optimizer(settings, trainable(state.model, ""), [])
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    train(task, state, training(tmp_path, rows, settings, 3, None, state))
    after = state.model.state_dict()
    assert [name for name in before if not before[name].equal(after[name])] == ["4.weight", "4.bias"]


def test_a_loss_that_is_not_finite_never_reaches_the_weights(tmp_path):
    task, state, rows, settings = start("classifier")

    def poisoned(step):
        batch = rows(step)
        return batch.with_columns(input=batch["input"] * float("nan")) if step == 3 else batch

    with pytest.raises(RunFailed, match=r"not a finite number at step 3 .* Lower train.lr, or set train.clip=1"):
        train(task, state, training(tmp_path, poisoned, settings, 10, None, state))
    assert all(parameter.isfinite().all() for parameter in state.model.parameters())
    (event,) = read_events(tmp_path, "nonfinite")
    assert event["step"] == 3 and event["ids"][0] == "row-72"
    _, document, _ = Checkpoints(tmp_path).newest()
    assert document["step"] == 3


def test_skip_goes_on_without_the_bad_step(tmp_path):
    task, state, rows, settings = start("classifier")
    bad = lambda step: rows(step).with_columns(input=rows(step)["input"] * float("inf")) if step == 3 else rows(step)  # noqa: E731
    settings = replace(settings, nonfinite="skip")
    state = train(task, state, training(tmp_path, bad, settings, 6, None, state))
    assert state.step == 6
    assert all(tensor.isfinite().all() for tensor in state.model.state_dict().values())  # BatchNorm's statistics too


def test_a_refused_step_leaves_what_rows_carry_as_it_was(tmp_path):
    class Remembers(Classifier):
        def loss(self, model, batch):
            state = batch.carry.get("hidden", torch.zeros(len(batch))) + batch["input"].mean(1)
            losses = super().loss(model, batch)
            return Losses({"loss": losses.sums["loss"] + 0.1 * state.sum()}, carry={"hidden": state})

    _, state, rows, settings = start("classifier")
    task = Remembers()
    bad = lambda step: rows(step).with_columns(input=rows(step)["input"] * float("nan")) if step == 3 else rows(step)  # noqa: E731
    settings = replace(settings, nonfinite="skip", shards=2)
    life = training(tmp_path, bad, settings, 6, None, state)
    train(task, state, life)
    assert state.carry["hidden"].isfinite().all() and len(read_events(tmp_path, "nonfinite")) == 1


def test_the_best_that_is_on_the_disk_stays_where_a_better_one_could_not_be_saved(tmp_path, monkeypatch):
    _, state, _, _ = start("classifier")
    checkpoints = Checkpoints(tmp_path)
    whole = checkpoint.write_sealed
    for step, value in ((5, 0.8), (10, 0.5), (15, 0.9), (20, 0.4), (25, 0.3)):
        state.step = step
        state.scores.append(Score(step, "accuracy", value, "up", {}))

        def fails(folder, files):
            raise MachineError("sealed.cannot_write", folder=folder, reason="full")

        monkeypatch.setattr(checkpoint, "write_sealed", fails if step == 15 else whole)
        checkpoints.save(state)
        checkpoints.wait()
    assert checkpoints.steps() == [5, 20, 25]  # 15 was better and is not there
    best, _ = checkpoints.best(state)
    assert best and best.step == 5


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_serves(tmp_path):
    run("classifier", tmp_path)
    checkpoints = Checkpoints(tmp_path)
    newest = checkpoints.steps()[-1]
    file = tmp_path / "checkpoints" / f"step-{newest:09d}" / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[-3] ^= 4
    file.write_bytes(content)
    _, document, rejected = checkpoints.newest()
    assert document["step"] < newest
    assert "weights.safetensors is not what was written" in str(rejected[0])


def test_pruning_keeps_the_best_and_the_two_newest(tmp_path):
    state = run("classifier", tmp_path, steps=60)
    best = state.best()
    assert best is not None and best.step not in (55, 60)
    assert Checkpoints(tmp_path).steps() == [best.step, 55, 60]
    assert (tmp_path / "checkpoints" / "latest").read_text() == "step-000000060"


def test_the_journal_tells_no_false_history(tmp_path):
    run("classifier", tmp_path, stop_at=7)
    with (tmp_path / "events.jsonl").open("a") as stream:  # a life that went on and was killed in the middle of a line
        for step in (8, 9):
            event = {"v": VERSION, "life": 1, "step": step, "kind": "train", "losses": {"loss": 99.0}, "turn": ""}
            stream.write(line_of(event) + "\n")
        stream.write(line_of(event)[:23])
    run("classifier", tmp_path, resume=True)
    losses = [event["losses"]["loss"] for event in read_events(tmp_path, "train")]
    assert 99.0 not in losses
    assert [event["step"] for event in read_events(tmp_path, "check")] == [5, 10, 15, 20]


def test_every_epoch_has_every_row_once():
    import numpy as np

    order = Shuffled(np.arange(50) * 3, 8, seed=1)
    tickets = np.concatenate([order.at(step) for step in range(25)])
    epochs = tickets.reshape(4, 50)
    assert all(sorted(epoch) == list(range(0, 150, 3)) for epoch in epochs)
    assert not (epochs[0] == epochs[1]).all()
    lengths = np.arange(40) % 13 + 1
    grouped = Lengths(np.arange(40), lengths, budget=40, seed=1)
    seen = np.concatenate([grouped.at(step) for step in range(int(grouped.steps_per_epoch))])
    assert sorted(seen) == list(range(40))
    assert max(lengths[grouped.at(step)].max() * len(grouped.at(step)) for step in range(20)) <= 40
    classes = np.array([0] * 45 + [1] * 5)
    balanced = Balanced(np.arange(50), classes, 10, seed=1)
    assert np.bincount(classes[np.concatenate([balanced.at(step) for step in range(4)])]).tolist() == [20, 20]


def test_a_stop_that_comes_after_looking_up_is_saved_too(tmp_path):
    """The signal may come between the look-up and the question whether to stop: that step is on the disk as well."""
    task, state, rows, settings = start("classifier")
    life = training(tmp_path, rows, settings, 20, None, state)
    asked = iter([False, False] * 3 + [False, True])  # look-up and question, step by step
    life.asked_to_stop = lambda: next(asked)
    train(task, state, life)
    assert state.step == 3 and Checkpoints(tmp_path).steps() == [3]


def test_trials_of_plans_write_nothing(tmp_path):
    """A loss that is not finite in a trial is the run's own affair: no checkpoint of a copy may be resumed from."""
    task, state, rows, settings = start("classifier")
    bad = lambda step: rows(step).with_columns(input=rows(step)["input"] * float("nan"))  # noqa: E731
    try_plan(task, state, training(tmp_path, bad, settings, 20, None, state), Plan(), seconds=0.0)
    assert list(tmp_path.iterdir()) == []


def test_the_end_takes_no_history_back(tmp_path):
    """The end's event may name an earlier step, that of the best weights; the life began where it began."""
    journal = Journal(tmp_path)
    for step in range(3):
        journal.write("train", step)
    journal = Journal(tmp_path)
    journal.write("start", 2)
    journal.write("train", 2)
    journal.write("end", 0)
    assert [event["step"] for event in read_events(tmp_path, "train")] == [0, 1, 2]
