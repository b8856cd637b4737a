"""The device: what is asked of torch so that a computation repeats itself."""

import pytest
import torch

from deepglass.foundation.device import choose_device, same_threads
from deepglass.foundation.errors import MachineError


def test_gradients_of_rows_taken_many_times_repeat_themselves_on_several_threads():
    choose_device("cpu")
    torch.manual_seed(0)
    table = torch.randn(50, 32, requires_grad=True)
    rows, weights = torch.randint(0, 10, (100_000,)), torch.randn(100_000, 32)
    found = []
    with same_threads():
        torch.set_num_threads(4)
        for _ in range(5):
            table.grad = None
            (table[rows] * weights).sum().backward()
            found.append(table.grad)
    assert all(torch.equal(found[0], one) for one in found[1:])


def test_a_device_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(MachineError, match="no device 'cuda:99'.*cpu"):
        choose_device("cuda:99")
