"""The arithmetic of the sections: the floor against scikit-learn, confident learning, principal components, words."""

import pytest
import torch
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from deepglass.foundation.words import speaking
from deepglass.metrics.calibration import calibration_error
from deepglass.metrics.figure import Figure, share
from deepglass.report.baselines import baselines, fit_logistic, nearest
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
