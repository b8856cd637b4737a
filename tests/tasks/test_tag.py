"""Tags of tokens: what stands beside what, what is counted, what is answered and shown."""

import json
from dataclasses import replace

import pytest
import torch

from deepglass.data.example import Batch, columns_of
from deepglass.data.readers.tagged import written
from deepglass.data.readers.text import Text
from deepglass.data.source import Index
from deepglass.foundation import catalogue
from deepglass.foundation.errors import DataError
from deepglass.foundation.padded import Padded
from deepglass.foundation.settings import from_json, to_json
from deepglass.losses.tokens import PADDING
from deepglass.tasks.tag import TagSettings
from deepglass.tasks.task import total

ROWS = [
    ("Anna sleeps", "B-PER O"),
    ("New York never sleeps", "B-LOC I-LOC O O"),
    ("Anna met Ben in York", "B-PER O B-PER O B-LOC"),
]


def learned(rows=ROWS, **changes):
    settings = catalogue.find("tasks", "tag")
    text = replace(settings.text, vocabulary=replace(settings.text.vocabulary, least=1), **changes)
    settings = replace(settings, text=text)
    labels = [tags.replace(" ", "\n") for _, tags in rows]
    facts = settings.learn(Index([str(row) for row in range(len(rows))], labels, kind="text"), (0, 0), 0)
    task = settings.build(facts)
    texts = [task.prepare(written(words.split())).inputs["input"].numpy() for words, _ in rows]
    return settings.build(task.settle({"input": texts}))


def batch_of(task, texts, labels=None):
    rows = [task.prepare(text).inputs for text in texts]
    columns = columns_of(rows, task.encoder())
    if labels:
        columns |= task.code([tags.replace(" ", "\n") for tags in labels])
    return Batch(tuple(map(str, range(len(texts)))), columns)


class Knows(torch.nn.Module):
    """Says of each token what it was told."""

    def __init__(self, table):
        super().__init__()
        self.table = torch.nn.Parameter(table)

    def forward(self, tokens):
        return tokens.with_values(self.table[tokens.values])


def knowing(task):
    torch.manual_seed(0)
    vocabulary = task.facts.inputs.vocabulary
    table = torch.zeros(len(vocabulary), len(task.facts.tags))
    table[:, task.facts.tags.index("O")] = 3
    for word, tag in (("Anna", "B-PER"), ("Ben", "B-PER"), ("New", "B-LOC"), ("York", "I-LOC")):
        table[int(vocabulary.encode(word)[0]), task.facts.tags.index(tag)] = 9
    return Knows(table)


def test_tags_and_vocabulary_are_learned_and_survive_as_json():
    task = learned()
    assert task.facts.tags == ("B-LOC", "B-PER", "I-LOC", "O") and task.facts.counts == (2, 3, 1, 5)
    assert task.asks().gives.size == 4 and task.asks().takes.vocabulary == 1 + 8
    assert from_json(TagSettings.facts_type, json.loads(json.dumps(to_json(task.facts)))) == task.facts


def test_each_token_has_its_tag_beside_it():
    task = learned()
    batch = batch_of(task, [written(["Anna", "sleeps"]), written(["New", "York", "zzz"])], ["B-PER O", "B-LOC X I-LOC"])
    shown = task.present(batch)
    assert shown["beside"].values.tolist() == [[1, 3, PADDING], [0, PADDING, 2]]  # X was never seen
    assert shown["input"].lengths.tolist() == [2, 3] and int(shown["input"].values[1, 2]) == 0
    assert task.counts(shown) == {"loss": 4.0}


def test_losses_of_shards_sum_to_the_batch():
    task = learned()
    model = knowing(task)
    batch = batch_of(task, [written(words.split()) for words, _ in ROWS], [tags for _, tags in ROWS])
    shown, parts = task.present(batch), [task.present(batch.shard(place, 2)) for place in range(2)]
    whole = task.counts(shown)
    assert whole["loss"] == sum(task.counts(part)["loss"] for part in parts) == 11
    together = sum(total(task.loss(model, part), whole) for part in parts)
    torch.testing.assert_close(together, total(task.loss(model, shown), whole))


def test_a_plain_sentence_is_answered_with_tokens_and_spans():
    task = learned()
    batch = batch_of(task, [Text("Anna met Ben, in New\nYork!")])
    (answer,) = task.answers(task.predict(knowing(task), task.present(batch)))
    assert answer["prediction"] == "[PER Anna] met [PER Ben] , in [LOC New York] !"
    assert [one["token"] for one in answer["tokens"]] == ["Anna", "met", "Ben", ",", "in", "New", "York", "!"]
    assert [one["tag"] for one in answer["tokens"]][-3:] == ["B-LOC", "I-LOC", "O"]
    places = [(one["start"], one["end"], one["label"], one["text"]) for one in answer["spans"]]
    assert places == [(0, 1, "PER", "Anna"), (2, 3, "PER", "Ben"), (5, 7, "LOC", "New York")]
    assert 0.5 < answer["confidence"] < 1 and json.dumps(answer)


def test_it_is_shown_with_the_names_of_the_tags_and_in_their_colours():
    task = learned()
    raw = Text("Anna sleeps in New York")
    (answer,) = task.answers(task.predict(knowing(task), task.present(batch_of(task, [raw]))))
    tagged, table = task.show(raw, answer)
    assert tagged.terminal() == "[PER Anna] sleeps in [LOC New York]"
    assert tagged.terminal(width=20).splitlines() == ["[PER Anna] sleeps in", "[LOC New York]"]
    drawing = tagged.svg()
    assert ">PER</text>" in drawing and ">LOC</text>" in drawing and drawing.count("<rect") == 2
    assert len({part.split('"')[0] for part in drawing.split('fill="#')[1:]}) == 2
    assert tagged.text() == "Anna sleeps in New York — marked: Anna (PER), New York (LOC)."
    assert tagged.json()["spans"][1] == {"start": 3, "end": 5, "label": "LOC"}
    assert [row[0] for row in table.rows] == raw.text.split()


def test_plain_classes_are_written_behind_their_words():
    rows = [("the cat sleeps", "DET NOUN VERB"), ("a dog eats", "DET NOUN VERB")]
    task = learned(rows)
    assert not task.spans and list(task.metrics()) == ["token_accuracy"]
    assert list(learned().metrics()) == ["span_f1", "token_accuracy"]
    batch = batch_of(task, [Text("the dog")])
    model = Knows(torch.eye(len(task.facts.inputs.vocabulary), 3))
    (answer,) = task.answers(task.predict(model, task.present(batch)))
    assert answer["prediction"].count("/") == 2 and "spans" not in answer
    assert task.show(Text("the dog"), answer)[0].json()["spans"][1]["start"] == 1


def test_a_row_is_read_as_far_as_is_asked():
    task = learned(longest=2)
    batch = batch_of(task, [written(["New", "York", "never", "sleeps"])], ["B-LOC I-LOC O O"])
    shown = task.present(batch)
    assert shown["input"].lengths.tolist() == [2] and shown["target"].lengths.tolist() == [2]
    (answer,) = task.answers(task.predict(knowing(task), shown))
    assert answer["prediction"] == "[LOC New York]"


def test_padding_says_nothing():
    task = learned()
    model = knowing(task)
    rows = [written(words.split()) for words, _ in ROWS]
    together = task.predict(model, task.present(batch_of(task, rows)))
    for row, raw in enumerate(rows):
        alone = task.predict(model, task.present(batch_of(task, [raw])))
        assert torch.equal(alone["tags"].values, together["tags"].each()[row])
    assert isinstance(task.present(batch_of(task, rows))["input"], Padded)


@pytest.mark.parametrize(
    ("tags", "kind", "level", "sentence"),
    [
        ("O\nO", "text", "given", r"All 4 tokens of the training part have the tag O, so there is nothing to learn\."),
        ("O\nX", "series", "given", r"The task tag learns from texts, and these data are of kind series\."),
        (
            "O\nX",
            "text",
            "words",
            r"names a tag for each token of the file, but task\.text\.vocabulary\.level is words",
        ),
    ],
)
def test_what_cannot_be_learned_is_refused(tags, kind, level, sentence):
    settings = catalogue.find("tasks", "tag")
    vocabulary = replace(settings.text.vocabulary, level=level)
    settings = replace(settings, text=replace(settings.text, vocabulary=vocabulary))
    with pytest.raises(DataError, match=sentence):
        settings.learn(Index(["a", "b"], [tags, tags], kind=kind), (0, 0), 0)
