"""One contract over every model that translates: step by step as with the true tokens, a row alone as in a batch."""

import pytest
import torch

from deepglass.data.example import ragged
from deepglass.foundation.padded import Padded
from deepglass.foundation.ports import Ports, Steps, Translation
from deepglass.networks import choose_model, models_that_fit
from deepglass.tasks.beam import Beam, at_rows
from tests.tasks.translators import Small

SOURCE, TARGET = 17, 13
ASKS = Ports(Translation(SOURCE, TARGET), Steps(TARGET))
NAMES = ["small", *models_that_fit(ASKS)]


@pytest.fixture(params=NAMES, scope="module")
def model(request):
    torch.manual_seed(0)
    if request.param == "small":
        return Small(SOURCE, TARGET).eval()
    return choose_model(request.param).settings.fitted(ASKS).build().eval()


def rows(numbers: int, *lengths: int) -> Padded:
    torch.manual_seed(1)
    return ragged([torch.randint(3, numbers, (length,)) for length in lengths]).padded()


def alone(column: Padded, row: int) -> Padded:
    return Padded(column.values[row : row + 1, : column.lengths[row]], column.lengths[row : row + 1])


def batch() -> tuple[Padded, Padded]:
    return rows(SOURCE, 5, 9, 1, 7), rows(TARGET, 6, 1, 8, 3)


@torch.no_grad()
def test_every_step_gives_what_all_steps_at_once_give(model):
    source, so_far = batch()
    whole: Padded = model(source, so_far)
    assert whole.values.shape == (4, 8, TARGET) and torch.equal(whole.lengths, so_far.lengths)
    state = model.encode(source)
    for place, token in enumerate(so_far.values.unbind(1)):
        logits, state, looked = model.step(token, state)
        own = so_far.lengths > place
        torch.testing.assert_close(logits[own], whole.values[own, place], rtol=1e-4, atol=1e-4)
        assert looked.shape == source.values.shape
        torch.testing.assert_close(looked.sum(1), torch.ones(4))
        assert not looked[~source.mask].any()


@torch.no_grad()
def test_a_row_alone_gives_what_it_gives_in_a_batch(model):
    source, so_far = batch()
    whole = model(source, so_far)
    for row in range(4):
        found = model(alone(source, row), alone(so_far, row))
        torch.testing.assert_close(found.values[0], whole.values[row, : so_far.lengths[row]], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_state_has_its_rows_first(model):
    source, so_far = batch()
    order = torch.tensor([2, 0, 0, 3, 1])
    _, state, _ = model.step(so_far.values[:, 0], model.encode(source))
    logits, _, looked = model.step(so_far.values[:, 1], state)
    again, _, looked_again = model.step(so_far.values[order, 1], at_rows(state, order))
    torch.testing.assert_close(again, logits[order])
    torch.testing.assert_close(looked_again, looked[order])


def test_what_comes_later_does_not_reach_what_came_before(model):
    source, so_far = batch()
    with torch.no_grad():
        whole = model(source, so_far).values[0, :4]
        changed = so_far.values.clone()
        changed[0, 4:6] = 3 + (changed[0, 4:6] - 2) % (TARGET - 3)
        torch.testing.assert_close(model(source, Padded(changed, so_far.lengths)).values[0, :4], whole)


@pytest.mark.parametrize("width", [1, 3])
def test_it_writes(model, width):
    source, _ = batch()
    beam = Beam(begin=1, end=2, width=width, norm=0.6)
    found = beam.search(model, source, torch.full((4,), 6))
    assert found.tokens.values.shape[1] <= 5 and (found.score <= 0).all()
    for row in range(4):
        one = beam.search(model, alone(source, row), torch.full((1,), 6))
        torch.testing.assert_close(one.score[0], found.score[row], rtol=1e-4, atol=1e-4)
