"""Tables of vectors: rows by number, whole words dropped, rows filled from elsewhere."""

import pytest
import torch

from deepglass.blocks.embedding import Embedding
from deepglass.foundation.padded import Padded


def tokens(*texts):
    rows = [torch.tensor(text) for text in texts]
    return Padded(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(text) for text in texts]))


def test_each_token_gives_its_row_and_nothing_behind_an_end():
    table = Embedding(6, 3)
    found = table(tokens([5, 0, 2], [4]))
    assert torch.equal(found.values[0], table.weight[[5, 0, 2]])
    assert torch.equal(found.values[1, 0], table.weight[4]) and not found.values[1, 1:].any()
    found.values.sum().backward()
    assert table.weight.grad[:, 0].tolist() == [1, 0, 1, 0, 1, 1]  # zeros behind an end do not teach word 0


def test_a_dropped_word_is_missing_wherever_it_stands():
    table = Embedding(50, 4, dropout=0.5)
    found = table(tokens(list(range(50)) * 2)).values[0]
    gone = ~found.any(dim=1)
    assert torch.equal(gone[:50], gone[50:]) and 10 < gone[:50].sum() < 40
    torch.testing.assert_close(found[:50][~gone[:50]], 2 * table.weight[~gone[:50]])
    assert torch.equal(table.eval()(tokens([3])).values[0, 0], table.weight[3])


def test_vectors_learned_elsewhere_fill_their_rows():
    table = Embedding(6, 3)
    before = table.weight[0].clone()
    table.fill(torch.tensor([4, 1]), torch.tensor([[1.0, 2, 3], [4, 5, 6]]))
    assert table.weight[4].tolist() == [1, 2, 3] and table.weight[1].tolist() == [4, 5, 6]
    assert torch.equal(table.weight[0], before)
    with pytest.raises(ValueError, match=r"expects vectors of shape \(2, 3\); got \(2, 4\)"):
        table.fill(torch.tensor([4, 1]), torch.zeros(2, 4))
