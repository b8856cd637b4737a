"""Deciding: what costs least, when a person is asked, what is none of the classes, all chosen on held-out answers."""

import csv
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepglass import journey
from deepglass.cli.main import main
from deepglass.data.loader import answers_of
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.settings import parse_assignments, to_json
from deepglass.foundation.words import speaking
from deepglass.tasks.decision import (
    DecisionFacts,
    DecisionSettings,
    decide,
    expected_costs,
    learn_decision,
    settle_decision,
)
from deepglass.tasks.task import said

LABELS = ("glass", "paper", "battery")
ROWS = st.integers(1, 60)
SEEDS = st.integers(0, 10_000)


def sample(seed, rows=60, classes=3):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(rows, classes, generator=generator), torch.randint(classes, (rows,), generator=generator)


def test_without_costs_the_likeliest_class_is_taken_and_costs_what_is_missing_to_certainty():
    logits, _ = sample(0)
    decided = decide(logits, LABELS, DecisionFacts())
    assert torch.equal(decided.taken, logits.argmax(1)) and torch.equal(decided.best, decided.taken)
    torch.testing.assert_close(decided.cost, 1 - logits.double().softmax(1).max(1).values)
    certain = decide(torch.tensor([[60.0, 0, 0], [61.0, 0, 0]]), LABELS, DecisionFacts()).cost
    assert certain[0] > certain[1] > 0  # those that are nearly certain still have an order


def test_a_dear_mistake_moves_the_decision_away_from_it():
    shares = torch.tensor([[0.8, 0.15, 0.05]])
    costs = ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (50.0, 20.0, 0.0))  # a battery taken for glass costs 50
    expected = [0.15 + 0.05 * 50, 0.8 + 0.05 * 20, 0.8 + 0.15]
    torch.testing.assert_close(expected_costs(shares, costs), torch.tensor([expected]))
    decided = decide(shares.log(), LABELS, DecisionFacts(costs=costs))
    assert decided.taken.tolist() == [2] and decided.cost.tolist() == pytest.approx([min(expected)], rel=1e-6)
    assert decide(shares.log(), LABELS, DecisionFacts(costs=costs, limit=0.9)).taken.tolist() == [3]  # a person


@given(SEEDS, st.floats(0.02, 0.6))
def test_no_other_decision_costs_less_on_average(seed, price):
    logits, _ = sample(seed, 8)
    costs = torch.rand(3, 3, generator=torch.Generator().manual_seed(seed)).tolist()
    facts = DecisionFacts(costs=tuple(map(tuple, costs)), limit=price)
    shares, decided = logits.softmax(1), decide(logits, LABELS, facts)
    every = torch.cat([shares @ torch.tensor(costs), torch.full((8, 1), price)], 1)
    paid = every.gather(1, decided.taken[:, None])[:, 0]
    torch.testing.assert_close(paid, every.min(1).values, rtol=1e-5, atol=1e-6)


@given(SEEDS, ROWS, st.floats(0.01, 0.9))
def test_the_limit_leaves_the_share_of_validation_to_a_person_that_was_asked_for(seed, rows, share):
    logits, targets = sample(seed, rows)
    facts = settle_decision(DecisionSettings(abstain=share), DecisionFacts(), logits, targets)
    asked = decide(logits.double() / facts.temperature, LABELS, facts).taken == 3
    assert int(asked.sum()) == min(rows - 1, round(share * rows))
    assert facts.judged == rows


@given(SEEDS, ROWS, st.floats(0.01, 0.9))
def test_the_limit_for_an_error_sorts_as_much_as_it_allows(seed, rows, most):
    logits, targets = sample(seed, rows)
    facts = settle_decision(DecisionSettings(error=most), DecisionFacts(), logits, targets)
    decided = decide(logits.double() / facts.temperature, LABELS, facts)
    kept = decided.taken < 3
    wrong = decided.best != targets
    assert not kept.any() or float(wrong[kept].double().mean()) <= most
    order = decided.cost.argsort()
    shares = wrong[order].double().cumsum(0) / torch.arange(1, rows + 1)
    assert int(kept.sum()) == max((place + 1 for place in range(rows) if shares[place] <= most), default=0)


@given(SEEDS, st.floats(0.05, 0.5))
def test_the_floor_sets_aside_the_share_for_which_no_class_speaks(seed, share):
    logits, targets = sample(seed)
    facts = settle_decision(DecisionSettings(none=share), DecisionFacts(), logits, targets)
    aside = decide(logits.double() / facts.temperature, LABELS, facts).taken == 4
    assert int(aside.sum()) == round(60 * share)
    assert decide(torch.full((1, 3), -40.0), LABELS, facts).taken.tolist() == [4]


def test_a_price_needs_no_held_out_answers_and_a_class_called_none_means_none():
    settings = DecisionSettings(price=0.2)
    assert settings.made and not settings.chosen and not DecisionSettings().made
    facts = learn_decision(settings, ("glass", "None", "paper"))
    assert facts == DecisionFacts(none="None", limit=0.2)
    shares = torch.tensor([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.5, 0.3, 0.2]])
    assert decide(shares.log(), ("glass", "None", "paper"), facts).taken.tolist() == [0, 4, 3]
    assert learn_decision(settings, ("玻璃", "其他")).none == "其他"
    assert learn_decision(DecisionSettings(), ("a", "none")) == DecisionFacts()


def test_rows_of_unknown_classes_choose_nothing():
    logits, targets = sample(3)
    half = torch.where(torch.arange(60) < 30, targets, -1)
    settings = DecisionSettings(abstain=0.2)
    assert settle_decision(settings, DecisionFacts(), logits, half) == settle_decision(
        settings, DecisionFacts(), logits[:30], targets[:30]
    )


def test_rules_that_contradict_each_other_are_refused():
    with speaking("en"), pytest.raises(UsageError, match=r"task.decision.abstain, task.decision.price. Keep one"):
        learn_decision(DecisionSettings(abstain=0.1, price=0.2), LABELS)
    with speaking("en"), pytest.raises(DataError, match="A class is called 'ask'.*Rename the class"):
        learn_decision(DecisionSettings(abstain=0.1), ("ask", "tell"))


def test_answers_say_what_is_decided():
    with speaking("en"):
        answer = {"prediction": "glass", "confidence": 0.5}
        assert said(answer) == said(answer | {"decision": "glass"}) == "glass (50.0 %)"
        assert said(answer | {"decision": "ask"}) == "glass (50.0 %): ask a person"
        assert said(answer | {"decision": "none"}) == "glass (50.0 %): none of the classes"
        assert said(answer | {"decision": "battery"}) == "glass (50.0 %): sorted as battery, which costs least"
    with speaking("zh-CN"):
        assert said({"prediction": "玻璃", "confidence": 0.5, "decision": "ask"}) == "玻璃 (50.0 %)：交由人工"


LINE = ("data.cache=false", "train.plan=plain", "model.hidden=[]", "train.steps=60", "train.lr=0.05")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Two clouds on a line that reach into each other."""
    random = np.random.default_rng(5)
    far = random.random(1500) < 0.4
    points = random.normal(size=1500) + 2.0 * far
    file = tmp_path_factory.mktemp("cloud") / "cloud.csv"
    file.write_text(
        "\n".join(["x,class", *(f"{x},{'far' if odd else 'near'}" for x, odd in zip(points, far, strict=True))])
    )
    return file


def run_of(place, out, *words):
    with speaking("en"):
        return journey.train(journey.propose(str(place), parse_assignments([*LINE, *words]), "tiny"), out=str(out))


@pytest.fixture(scope="module")
def abstaining(cloud, tmp_path_factory):
    return run_of(cloud, tmp_path_factory.mktemp("runs") / "run", "task.decision.abstain=0.2", "data.val=0.3")


def test_a_run_chooses_on_validation_and_its_bundle_remembers(abstaining, cloud, tmp_path):
    facts = abstaining.run.bundle.task.facts.decision
    document = json.loads((abstaining.run.folder / "bundle" / "bundle.json").read_text())
    assert document["facts"]["decision"] == to_json(facts)
    assert facts.judged == 450 and facts.limit is not None and 0 < facts.limit < 0.5
    figures = abstaining.figures
    assert figures["val"]["sorted"].value == pytest.approx(0.8, abs=0.003)  # by construction, on validation alone
    assert figures["test"]["sorted"].value != 0.8
    assert figures["test"]["sorted_error"].value < 1 - figures["test"]["accuracy"].value
    answers = journey.load(abstaining.run.folder).predict([[-3.0], [1.0], [5.0]])
    assert [answer["decision"] for answer in answers] == ["near", "ask", "far"]
    assert journey.load(abstaining.run.folder).task.facts.decision == facts


def test_validation_alone_chooses(abstaining):
    bundle, material = abstaining.run.bundle, abstaining.material
    assert material.task.facts.decision.judged == 0
    chosen = {part: material.task.tuned(*held_out(bundle, material, part)).facts.decision for part in ("val", "test")}
    assert chosen["val"] == bundle.task.facts.decision != chosen["test"]


def held_out(bundle, material, part):
    predictions = material.evaluated(bundle.model, bundle.task, part, torch.device("cpu"))[1]
    return predictions, answers_of(material.store, material.targets, material.rows[part])


def test_without_validation_nothing_begins_but_folds_serve(cloud, tmp_path):
    with speaking("en"), pytest.raises(UsageError, match="chosen on the validation part, and there is none"):
        run_of(cloud, tmp_path / "none", "task.decision.abstain=0.2", "data.val=0")
    assert not (tmp_path / "none").exists()
    outcome = run_of(cloud, tmp_path / "folds", "task.decision.abstain=0.2", "data.folds=2", "train.steps=20")
    facts = outcome.run.bundle.task.facts.decision
    assert facts.judged == 1500  # every example, each answered by a fold that never saw it
    told = json.loads((outcome.run.folder / "report.json").read_text())["decisions"]
    assert 0.7 < told["sorted"] < 0.9 and told["error"] < told["error_if_nobody_were_asked"]


def test_costs_are_learned_with_the_data_and_need_their_file_no_longer(cloud, tmp_path):
    file = tmp_path / "costs.toml"
    file.write_text("[far]\nnear = 20\n")
    outcome = run_of(cloud, tmp_path / "run", f"task.decision.costs={file}", "task.decision.price=0.5")
    plain = run_of(cloud, tmp_path / "plain", "task.decision.price=0.5")
    file.unlink()
    bundle = journey.load(tmp_path / "run")
    assert bundle.task.facts.decision.costs == ((0.0, 20.0), (1.0, 0.0))  # far, near
    asked = [[x] for x in np.linspace(-3, 5, 40)]
    decided = [[answer["decision"] for answer in one.predict(asked)] for one in (bundle, plain.run.bundle)]
    assert decided[0].count("near") < decided[1].count("near") and "ask" in decided[0]
    assert outcome.figures["test"]["cost"].value < 0.5  # what asking about everything would cost
    assert "cost" not in plain.figures["test"]


def test_predict_writes_decisions_for_a_spreadsheet(abstaining, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("x\n1.0\n5.0\n")
    main(["predict", str(abstaining.run.folder), str(tmp_path / "new.csv"), "--out", str(tmp_path / "a.csv")])
    with (tmp_path / "a.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["id", "prediction", "confidence", "decision", "error"]
    assert [row["decision"] for row in rows] == ["ask", "far"]
    capsys.readouterr()


def test_each_class_counts_alike_where_logits_are_adjusted(cloud, tmp_path):
    """z + log(share) learns what z alone would have to say of a folder in which all classes are as large."""
    runs = [
        run_of(cloud, tmp_path / str(number), f"task.adjustment={number}", "train.steps=150", "task.best=f1")
        for number in (0, 1)
    ]
    shares = [run.run.bundle.task.facts.counts for run in runs]
    assert shares[0] == shares[1] and shares[0][0] < shares[0][1]
    gaps = [
        [math.log(one["top"][0]["confidence"] / one["top"][1]["confidence"]) for one in run.predict([[5.0], [-3.0]])]
        for run in runs
    ]
    assert gaps[1][0] > gaps[0][0] and gaps[1][1] < gaps[0][1]  # surer of the rare class, less sure of the common one
    assert next(iter(runs[0].figures["test"])) == "f1"


def test_a_task_that_decides_nothing_answers_as_before(cloud, tmp_path):
    outcome = run_of(cloud, tmp_path / "run", "train.steps=10")
    assert "decision" not in outcome.predict([[0.0]])[0] and "sorted" not in outcome.figures["test"]
    assert outcome.run.bundle.task.facts.decision == DecisionFacts()
    assert outcome.run.bundle.task.columns == ("id", "prediction", "confidence", "error")
