"""The arithmetic of the sections: the floor against scikit-learn, confident learning, principal components, words."""

import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from deepglass.data.example import ragged
from deepglass.foundation.words import speaking
from deepglass.metrics.calibration import calibration_error
from deepglass.metrics.figure import Figure, share
from deepglass.report.baselines import bags, baselines, baselines_of_texts, fit_logistic, nearest
from deepglass.report.calibration import by_chance, judge
from deepglass.report.embedding import compared, pooled, principal
from deepglass.report.headline import duration
from deepglass.report.mislabelled import suspicious
from deepglass.report.thumbnail import thumbnail


@pytest.fixture(scope="module")
def rows():
    x, y = make_classification(400, 12, n_informative=6, n_classes=3, random_state=0)
    x = torch.tensor(x, dtype=torch.float32)
    return x[:300], torch.tensor(y[:300]), x[300:], torch.tensor(y[300:])


def test_the_floor_is_as_good_as_scikit_learns(rows):
    x, y, asked, true = rows
    theirs = (DummyClassifier(), LogisticRegression(max_iter=2000), KNeighborsClassifier(1))
    for own, other in zip(baselines(x, y, asked, 3), theirs, strict=True):
        expected = other.fit(x.numpy(), y.numpy()).score(asked.numpy(), true.numpy())
        assert float((own.predicted == true).double().mean()) == pytest.approx(expected, abs=0.011), own.name


def test_logistic_regression_finds_scikit_learns_weights(rows):
    x, y, *_ = rows
    weight, bias = fit_logistic(x, y, 3)
    other = LogisticRegression(max_iter=5000, tol=1e-8).fit(x.numpy(), y.numpy())
    assert torch.allclose(weight, torch.tensor(other.coef_, dtype=torch.float32), atol=0.01)
    shares = (x @ weight.T + bias).softmax(1)
    assert torch.allclose(shares, torch.tensor(other.predict_proba(x.numpy())).float(), atol=0.005)


def test_the_nearest_row_is_the_nearest(rows):
    x, _, asked, _ = rows
    assert torch.equal(nearest(x, asked), torch.cdist(asked.double(), x.double()).argmin(1))


@pytest.fixture(scope="module")
def texts():
    """Texts of four classes, in which every class has its own favourite words; number 0 is the unknown."""
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(0, 4, (500,), generator=generator)
    shares = torch.ones(4, 60)
    for one in range(4):
        shares[one, 1 + one :: 12] = 3.0
    lengths = torch.randint(3, 20, (500,), generator=generator).tolist()
    rows = [
        torch.multinomial(shares[one], length, True, generator=generator)
        for one, length in zip(classes.tolist(), lengths, strict=True)
    ]
    rows[7] = torch.zeros(4, dtype=torch.int64)  # nothing that is known
    return rows, classes


def times(rows):
    """How often each word but the unknown comes up. (N, 60)"""
    counts = torch.stack([torch.bincount(row, minlength=60) for row in rows])
    return counts[:, 1:].numpy()


def test_bags_of_words_are_weighed_as_scikit_learn_weighs_them(texts):
    rows, _ = texts
    train, asked = bags(ragged(rows[:350]), ragged(rows[350:]), 60)
    tfidf = TfidfTransformer(sublinear_tf=True).fit(times(rows[:350]))
    for own, some in ((train, rows[:350]), (asked, rows[350:])):
        expected = torch.tensor(tfidf.transform(times(some)).toarray()).float()
        assert torch.allclose(own.scores(torch.eye(60))[:, 1:], expected, atol=1e-5)


def test_the_floor_of_texts_is_as_good_as_scikit_learns(texts):
    rows, y = texts
    train, asked = bags(ragged(rows[:350]), ragged(rows[350:]), 60)
    found = baselines_of_texts(train, y[:350], asked, 60, 4)
    tfidf = TfidfTransformer(sublinear_tf=True).fit(times(rows[:350]))
    x, other = tfidf.transform(times(rows[:350])).toarray(), tfidf.transform(times(rows[350:])).toarray()
    theirs = (DummyClassifier(), NearestCentroid(), LogisticRegression(C=10, max_iter=2000))
    scores = [method.fit(x, y[:350].numpy()).score(other, y[350:].numpy()) for method in theirs]
    assert [one.name for one in found] == ["majority", "centre", "bags"]
    for own, expected, slack in zip(found, scores, (0.001, 0.05, 0.015), strict=True):
        assert float((own.predicted == y[350:]).double().mean()) == pytest.approx(expected, abs=slack), own.name
    assert scores[2] > 0.5 > scores[0]


def test_confident_learning_finds_planted_errors():
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(0, 4, (400,), generator=generator)
    shares = torch.nn.functional.one_hot(true, 4).double() * 6 + torch.rand(400, 4, generator=generator)
    shares = shares.softmax(1)
    given = true.clone()
    planted = torch.arange(0, 400, 40)
    given[planted] = (given[planted] + 1) % 4
    given[3] = -1
    found = suspicious(shares, given)
    assert {row for row, _, _ in found} == set(planted.tolist())
    assert all(likely == int(true[row]) for row, likely, _ in found)
    gaps = [gap for _, _, gap in found]
    assert gaps == sorted(gaps, reverse=True) and min(gaps) > 0


def test_components_are_those_of_scikit_learn(rows):
    x, _, asked, _ = rows
    own, other = principal(x, asked), torch.tensor(PCA(2).fit(x.numpy()).transform(asked.numpy()), dtype=torch.float32)
    assert torch.allclose(own.abs(), other.abs(), atol=1e-3)
    assert torch.equal(principal(x[:, :2], asked[:, :2]), asked[:, :2])


@pytest.mark.parametrize(
    ("shape", "size"), [((5, 6, 28, 28), 6 * 13 * 13), ((5, 2048, 7, 7), 2048), ((5, 84), 84), ((5, 7, 40), 7)]
)
def test_stages_are_averaged_to_a_size_that_can_be_read(shape, size):
    assert pooled(torch.rand(shape)).shape == (5, size)


def test_time_is_said_as_people_say_it():
    with speaking("en"):
        said = [duration(seconds) for seconds in (0.0001, 0.5, 12.34, 600, 7200)]
    assert said == ["under 0.01 s", "0.5 s", "12 s", "10 min", "2 h"]


def test_thumbnails_are_small_and_keep_tiny_pictures_exact():
    tiny, photo = torch.zeros(28, 28, 1, dtype=torch.uint8).numpy(), torch.rand(400, 300, 3).numpy()
    assert thumbnail(tiny).startswith("data:image/png")
    assert thumbnail(photo).startswith("data:image/jpeg")
    assert len(thumbnail(photo)) < 20_000


def test_calibration_is_judged_by_what_chance_explains():
    generator = torch.Generator().manual_seed(1)
    for count, honest, wanted in (
        (40, True, "few"),
        (20_000, True, "good"),
        (40, False, "off"),
        (20_000, False, "off"),
    ):
        confidence = 0.55 + 0.4 * torch.rand(count, generator=generator, dtype=torch.float64)
        hit = torch.rand(count, generator=generator) < (confidence if honest else confidence / 3)
        value = float(calibration_error(confidence, hit, torch.ones(1, count, dtype=torch.float64))[0])
        error = Figure(value, 0.9 * value, 1.1 * value, count, "down")
        assert judge(error, by_chance(confidence)) == wanted, (count, honest)


def test_progress_is_claimed_only_where_intervals_lie_apart():
    assert compared(share(30, 40), share(36, 40)) == "unclear"
    assert compared(share(300, 400), share(360, 400)) == "better"
    assert compared(share(360, 400), share(300, 400)) == "worse"
