"""Attention: weights that sum to one over a row's own steps, by the papers' equations, open to a probe."""

import pytest
import torch

from deepglass.blocks.attention import AdditiveAttention, DotAttention, GeneralAttention, make_attention
from deepglass.foundation.padded import Padded
from deepglass.graph.probe import Probe

BLOCKS = [AdditiveAttention(5, 4, hidden=6), GeneralAttention(5, 4), DotAttention()]


def given(block, lengths=(6, 2, 0)):
    width = 4 if isinstance(block, DotAttention) else 5
    memory = Padded(torch.randn(3, 6, 4), torch.tensor(lengths))
    return torch.randn(3, 2, width), memory.with_values(memory.values)


@pytest.mark.parametrize("block", BLOCKS)
def test_weights_sum_to_one_over_own_steps_and_make_the_context(block):
    query, memory = given(block)
    with Probe(block, ["looks"]) as probe:
        context, weights = block(query, memory)
    assert torch.equal(probe["looks"].value, weights)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 2))
    assert not weights[1, :, 2:].any()
    torch.testing.assert_close(context, torch.einsum("but,btm->bum", weights, memory.values))
    assert not context[2].any()  # nothing to look at


def test_scores_follow_the_papers():
    def expected(score, query, memory, row=0):
        return torch.stack([torch.stack([score(q, m) for m in memory.values[row]]) for q in query[row]]).softmax(-1)

    additive, general, dot = BLOCKS
    query, memory = given(additive)
    scores = [
        (additive, lambda q, m: additive.score @ torch.tanh(additive.of_query @ q + additive.of_memory @ m)),
        (general, lambda q, m: m @ general.weight @ q),
    ]
    for block, score in scores:
        torch.testing.assert_close(block(query, memory).weights[0], expected(score, query, memory))
    query, memory = given(dot)
    torch.testing.assert_close(dot(query, memory).weights[0], expected(lambda q, m: q @ m / 2, query, memory))


def test_it_is_made_by_the_name_of_its_score():
    assert [type(make_attention(score, 4, 4)) for score in ("additive", "general", "dot")] == [type(b) for b in BLOCKS]
    with pytest.raises(ValueError, match="'dot' wants a query as wide as the memory; they have 4 and 6"):
        make_attention("dot", 4, 6)
