"""Generate images: two players that take turns, pictures that follow from seed and class, and a whole run."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import deepglass as dg
from deepglass import journey
from deepglass.cli.main import main
from deepglass.cli.options import Printer
from deepglass.cli.outcome import tell
from deepglass.data.augment.pictures import PictureAugment
from deepglass.data.check import before
from deepglass.data.column import Parts
from deepglass.data.example import Batch
from deepglass.data.recognise import Survey
from deepglass.data.source import Index, Picture
from deepglass.engine.journal import read_events
from deepglass.engine.loop import backward, present
from deepglass.engine.plan import Plan
from deepglass.engine.settings import TrainSettings
from deepglass.engine.state import State
from deepglass.explain.answer import choose_method
from deepglass.foundation.errors import DataError, UsageError
from deepglass.foundation.ports import Image as ImagePort
from deepglass.foundation.ports import Latent, Players
from deepglass.foundation.seeds import row_keys
from deepglass.foundation.settings import Override
from deepglass.foundation.words import speaking
from deepglass.models.cgan import CGANConfig
from deepglass.networks import choose_model, fit_model
from deepglass.recipes.generate import generate
from deepglass.run import Run
from deepglass.tasks.generate_images import GenerateImagesSettings, within
from deepglass.tasks.kinds.picture import PictureSettings
from deepglass.tasks.task import said as in_words

LABELS = ("cat", "dog", "cat", "owl", None, "dog")
INDEX = Index(tuple("abcdef"), LABELS)
SMALL = {"model.features": 4, "task.latent": 8, "task.picture.size": 8, "train.plan": "plain", "train.batch": 8}


def made(**changes):
    settings = replace(GenerateImagesSettings(latent=8), **changes)
    task = settings.build(settings.learn(INDEX, (8, 8), 1))
    random = np.random.default_rng(0)
    raws = [Picture(random.integers(0, 255, (8, 8, 1), dtype=np.uint8)) for _ in LABELS]
    columns = {"input": torch.stack([task.prepare(raw).inputs["input"] for raw in raws]), **task.code(LABELS)}
    task = settings.build(task.settle({"input": columns["input"].numpy()}))
    return task, Batch(INDEX.ids, columns, 0, row_keys(7, "train", 0, len(LABELS)))


def network(task):
    torch.manual_seed(0)
    name = "cgan" if task.facts.labels else "dcgan"
    chosen = choose_model(name)
    return fit_model(replace(chosen, settings=replace(chosen.settings, features=4)), task.asks()).settings.build()


def test_it_asks_for_two_players_and_gives_the_classes_numbers():
    task, batch = made()
    assert task.asks() == (Latent(8, 0), Players(("generator", "discriminator"), ImagePort(1, 8, 8)))
    assert "target" not in batch
    task, batch = made(by_class=True)
    assert task.asks().takes == Latent(8, 3) and task.facts.labels == ("cat", "dog", "owl")
    assert batch["target"].tolist() == [0, 1, 0, 2, -1, 1]


def test_pictures_go_from_minus_one_to_one_and_numbers_follow_from_the_rows_id_where_it_is_judged():
    task, batch = made(by_class=True)
    shown, again = task.present(batch), task.present(batch.rows(2, 4))
    assert shown["input"].min() >= -1 and shown["input"].max() <= 1 and shown["input"].min() < -0.5
    assert torch.equal(shown["latent"][2:4], again["latent"])
    assert shown["label"][:4].tolist() == [0, 1, 0, 2] and 0 <= int(shown["label"][4]) < 3
    training = task.present(batch, batch.draws("augment"))
    assert not torch.equal(training["latent"], shown["latent"])
    assert torch.equal(training["latent"], task.present(batch, batch.draws("augment"))["latent"])


@pytest.mark.parametrize("game", ["non_saturating", "hinge", "least_squares", "wasserstein"])
@pytest.mark.parametrize("by_class", [False, True])
def test_each_player_learns_in_its_own_turn_alone(game, by_class):
    task, batch = made(game=game, by_class=by_class, slope=1.0, slope_every=4)
    model, shown = network(task), task.present(batch, batch.draws("augment"))
    names = [(turn.updates, turn.every) for turn in task.turns()]
    assert names == [("discriminator", 1), ("discriminator", 4), ("generator", 1)]
    for turn in task.turns():
        model.zero_grad()
        losses = turn.loss(model, shown)
        assert all(torch.isfinite(value) for value in losses.sums.values())
        own = list(model.get_submodule(turn.updates).parameters())
        sum(losses.sums.values()).backward(inputs=own)
        moved = [parameter.grad.abs().max() > 0 for parameter in own if parameter.grad is not None]
        assert sum(moved) >= len(own) - 2, turn  # the slope does not depend on the last bias


def test_painting_is_a_function_of_class_and_seed():
    task, _ = made(by_class=True)
    model = network(task)
    first = list(task.paint(model, 70, "owl", 3))
    assert len(first) == 70 and first[0].shape == (8, 8, 1) and first[0].dtype == np.uint8
    assert np.array_equal(first[:5], list(task.paint(model, 5, "owl", 3)))
    assert not np.array_equal(first[:5], list(task.paint(model, 5, "owl", 4)))
    assert not np.array_equal(first[:5], list(task.paint(model, 5, "cat", 3)))
    with pytest.raises(UsageError, match=r"no class 'cow' that could be asked for\. The network knows cat, dog, owl\."):
        next(task.paint(model, 1, "cow"))
    plain, _ = made()
    with pytest.raises(UsageError, match=r"knows no classes, so 'cow' cannot be asked for\."):
        next(plain.paint(network(plain), 1, "cow"))


def test_what_cannot_be_imitated_is_refused():
    mixed = PictureSettings(augment=PictureAugment(mixup=0.2))
    with pytest.raises(UsageError, match="mixed with each other are nothing to be imitated"):
        made(picture=mixed)
    with pytest.raises(DataError, match="class"):
        GenerateImagesSettings(by_class=True).learn(Index(("a",), ("cat",)), (8, 8), 1)


def test_of_one_class_none_can_be_asked_for_and_without_classes_it_is_learned_from(tmp_path):
    (tmp_path / "one" / "圆").mkdir(parents=True)
    for number in range(12):
        Image.new("L", (8, 8), 9 * number).save(tmp_path / "one" / "圆" / f"{number}.png")
    place, asked = str(tmp_path / "one"), [Override("task.name", "generate_images", "test")]
    told = journey.propose(place, [*asked, Override("model.name", "cgan", "test")], "tiny")
    said = r"There is one class only, 圆, with \d+ examples: .* Leave --model out \(pictures: dcgan\)"
    with pytest.raises(DataError, match=said):
        Run(tmp_path / "run", told.settings, source=told.source).material()
    assert journey.propose(place, asked, "tiny").settings.model.name == "dcgan"


@pytest.mark.parametrize(
    ("name", "by_class", "size", "said"),
    [
        ("cgan", False, 8, r"makes pictures of a class that is asked for, but no classes are known"),
        ("dcgan", True, 8, r"cannot be asked for one of 3 classes\. Choose cgan"),
        ("dcgan", False, 27, r"dcgan halves pictures until .* 27x27 cannot be halved so\."),
        ("resnet20", False, 8, r"resnet20 looks at pictures, but the data are random numbers"),
    ],
)
def test_networks_that_do_not_fit_are_refused_by_name(name, by_class, size, said):
    settings = GenerateImagesSettings(by_class=by_class)
    task = settings.build(settings.learn(INDEX, (size, size), 1))
    with pytest.raises(UsageError, match=said):
        fit_model(choose_model(name), task.asks())


def test_the_class_may_be_told_beside_the_picture():
    torch.manual_seed(0)
    model = CGANConfig(latent=4, classes=3, features=2, height=8, width=8, told="concat").build().eval()
    picture, labels = torch.zeros(2, 1, 8, 8), torch.tensor([0, 2])
    verdicts = model.discriminator(picture, labels)
    assert verdicts.shape == (2, 1) and not torch.equal(verdicts[0], verdicts[1])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    place = tmp_path_factory.mktemp("bars")
    random = np.random.default_rng(0)
    for name in ("flat", "tall"):
        (place / name).mkdir()
        for number in range(30):
            pixels = np.zeros((8, 8), np.uint8)
            at = int(random.integers(1, 6))
            pixels[(slice(at, at + 2), slice(None)) if name == "flat" else (slice(None), slice(at, at + 2))] = 255
            Image.fromarray(pixels).save(place / name / f"{number}.png")
    out = place.parent / "run"
    asked = {**SMALL, "train.steps": 30, "train.average": 0.5}
    return dg.train(place, task="generate_images", size="tiny", out=out, settings=asked)


def test_a_folder_becomes_a_run_that_makes_pictures(run, capsys, tmp_path):
    assert run.run.settings.model.name == "cgan" and run.run.bundle.task.facts.labels == ("flat", "tall")
    assert run.figures["test"]["kid_pixels"].better == "down"
    assert len(run.pictures(3, "tall", seed=1)) == 3
    folder = tmp_path / "made"
    main(["generate", str(run.run.folder), "tall", "seed=1", "--count", "3", "--out", str(folder), "--json"])
    told = json.loads(capsys.readouterr().out)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["tall-1-1.png", "tall-1-2.png", "tall-1-3.png"]
    assert told["pictures"] == list(map(str, files))
    usual = tmp_path / "usual"
    main(
        ["generate", str(run.run.folder), "tall", "seed=1", "--count", "1", "--truncation", "0.5", "--out", str(usual)]
    )
    assert (usual / "tall-1-1.png").read_bytes() != files[0].read_bytes()
    assert told["truncation"] == 0 and not np.array_equal(*(run.pictures(1, "tall", 1, t)[0] for t in (0.0, 0.5)))
    pixels = np.asarray(Image.open(files[0]))
    assert np.array_equal(pixels[..., :1], run.pictures(1, "tall", seed=1)[0])


def test_of_few_pictures_it_is_said_that_copies_come_out(run):
    (start,) = read_events(run.run.folder, "start")
    count = len(run.material.rows["train"])
    said = f"Only {count} examples to learn from: a generator learns so few by heart, and what it makes will be copies"
    assert any(sentence.startswith(said) for sentence in start["warnings"])
    for count in (99, 100):
        index = Index([str(number) for number in range(count)], ["heap"] * count)
        source = SimpleNamespace(index=index, task="generate_images", layout="pictures")
        parts = Parts.all("train", count)
        kinds = [one.kind for one in before(source, parts, GenerateImagesSettings())]
        assert kinds == (["few_to_imitate"] if count < 100 else []) and not before(source, parts)


def test_the_report_shows_what_was_made_beside_what_was_real(run):
    page = run.report.read_text(encoding="utf-8")
    assert "What it makes" in page and page.count("made, and the nearest of training") == 2
    for label in ("flat", "tall"):
        assert f"<b>A walk from picture to picture: {label}</b>" in page
    film = page.split('<figure class="card viewer film" style="max-width:48px">')[1].split("</figure>")[0]
    assert film.count("<img") == 22 and film.count("hidden>") == 22 and 'max="21"' in film  # 21 pictures, the handle
    frames = [part.split('"')[0] for part in film.split('src="')[1:]]
    assert frames[0] == frames[-1] and len(set(frames)) > 10


def test_what_is_asked_wrongly_is_said(run, capsys, tmp_path):
    folder = str(run.run.folder)
    for words, said in [
        ([folder], "say which folder they are to be written into: --out FOLDER"),
        (
            [folder, "temperature=2", "--out", str(tmp_path)],
            "This network makes nothing by temperature. Leave that out.",
        ),
        ([folder, "tall", "truncation=0.5", "--out", str(tmp_path)], "but as an option: --truncation 0.5."),
        ([folder, "seed=a", "--out", str(tmp_path)], "seed is a whole number from 0 on; got 'a'"),
        (["digits", "--out", str(tmp_path)], "The task classify writes no text"),
    ]:
        with pytest.raises(SystemExit, match="2"):
            main(["generate", *words])
        assert said in capsys.readouterr().err
    with pytest.raises(UsageError, match="The task classify makes no pictures"):
        dg.load("digits").pictures(1)


def test_what_to_do_next_is_to_have_pictures_made(run, capsys):
    printer = Printer(as_json=False)
    tell(run, printer)
    folder = run.run.folder
    said = capsys.readouterr().out
    assert f"  deepglass generate {folder} flat --count 9 --out made\n" in said and "deepglass explain" not in said


def test_real_pictures_that_are_few_are_shown_once(tmp_path):
    (tmp_path / "few").mkdir()
    for number in range(3):
        Image.fromarray(np.full((8, 8), 60 * number, np.uint8)).save(tmp_path / "few" / f"{number}.png")
    asked = {**SMALL, "train.steps": 2, "data.test": 0, "data.val": 0}
    few = dg.train(tmp_path / "few", task="generate_images", size="tiny", out=tmp_path / "run", settings=asked)
    page = few.report.read_text(encoding="utf-8")
    before = page[: page.index("Real pictures of the training part.")]
    real = before[before.rindex("<figure") :]
    assert real.count("<image") == 3


def test_a_picture_is_taken_for_real_or_made(run):
    (answer,) = run.predict([np.zeros((8, 8), np.uint8)])
    assert answer["prediction"] in ("real", "made") and 0.5 <= answer["confidence"] <= 1
    for lang, words in (("en", "the discriminator says"), ("zh-CN", "判别器的判断")):
        with speaking(lang):
            assert words in in_words(answer) and f"{100 * answer['confidence']:.1f} %" in in_words(answer)


def test_what_makes_pictures_is_not_explained_and_a_way_out_is_named(run):
    expected = (
        "What makes the pictures has no input.*deepglass generate RUN walk=0,1,2 --out FOLDER.*deepglass report RUN"
    )
    with speaking("en"), pytest.raises(UsageError, match=expected):
        choose_method(dg.load(str(run.run.folder)))


STYLED = {"latent": 8, "style": 8, "depth": 1, "base": 32, "most": 4}


def styled(task):
    torch.manual_seed(0)
    chosen = choose_model("stylegan2")
    return fit_model(replace(chosen, settings=replace(chosen.settings, **STYLED)), task.asks()).settings.build().train()


def test_styles_are_mixed_and_evened_by_keyed_draws():
    task, batch = made(mixing=0.5, path=2.0, path_every=3, discriminator_rate=2.0)
    assert task.asks().gives.styled
    turns = task.turns()
    assert [(turn.updates, turn.every, turn.rate(0.3)) for turn in turns] == [
        ("discriminator", 1, 2.0),
        ("generator", 1, 1.0),
        ("generator", 3, 1.0),
    ]
    shown, again = (task.present(batch, batch.draws("augment")) for _ in range(2))
    assert all(torch.equal(shown[name], again[name]) for name in ("latent", "noise", "other", "crossing"))
    assert "other" not in task.present(batch)  # what is judged is not mixed
    many = replace(batch, ids=("a",) * 4000, columns={"input": batch["input"][:1].expand(4000, -1, -1, -1)})
    many = replace(many, keys=row_keys(7, "train", 0, 4000))
    crossing = task.present(many, many.draws("augment"))["crossing"]
    assert 0.47 < float((crossing < 1).float().mean()) < 0.53 and 0.2 < float(crossing.median()) <= 1
    model = styled(task)
    (path,) = turns[2].loss(model, shown).sums.values()
    path.backward(inputs=list(model.generator.parameters()))
    assert turns[2].counts(shown) == {"": 3.0}
    kept = {"length", "sure", "chance", "game", "jumps", "last"}
    assert float(task.length) > 0 and set(dict(task.named_buffers())) == kept
    assert model.generator.mapping.layers[0].weight.grad.abs().max() > 0


def test_the_path_turn_pays_for_what_is_uneven_alone():
    """A picture that moves equally far with any style of any row costs nothing once the mean is known."""
    task, batch = made(path=1.0)
    shown = task.present(batch, batch.draws("augment"))

    class Even(torch.nn.Module):
        styles = staticmethod(lambda latent: torch.ones(len(latent), 2, 64, requires_grad=True))

        def synthesis(self, styles, noise):
            return styles[:, 0].view(-1, 1, 8, 8) * 3

    model = torch.nn.Module()
    model.generator = Even()
    task.length.fill_(3 / 2**0.5)  # |3 y| / √64 is 3 on average; the mean square over two layers of which one counts
    (cost,) = task.unevenness(model, shown).sums.values()
    assert 0 < float(cost) < 3 * 0.5  # three rows, whose noise differs in size by a tenth


def test_pictures_are_changed_the_more_the_surer_the_discriminator_is():
    task, batch = made(adaptive=0.6, adaptive_over=60)
    shown = task.present(batch, batch.draws("augment"))
    model = torch.nn.Module()
    model.generator = lambda latent: torch.zeros(len(latent), 1, 8, 8)
    seen = []

    def judge(pictures):
        seen.append(pictures)
        return pictures.mean((1, 2, 3), keepdim=True)[:, 0, 0] * 0 + verdict

    model.discriminator = judge
    verdict = 1.0
    for _ in range(15):
        task.judged(model, shown)
    assert float(task.sure) > 0.75 and float(task.chance) > 0
    assert torch.equal(seen[0], shown["input"])  # nothing is changed before
    for _ in range(2):
        task.chance.fill_(0.9)
        task.judged(model, shown)
    first, again = seen[-4], seen[-2]
    assert not torch.equal(first, shown["input"]) and torch.equal(first, again)
    verdict, high = -1.0, float(task.chance)
    for _ in range(30):
        task.judged(model, shown)
    assert float(task.sure) < 0 and float(task.chance) < high
    task.chance.fill_(0.5)
    task.judged(model, shown)
    assert float(task.chance) == pytest.approx(0.5 - 6 / 60)  # six rows of sixty


@pytest.mark.parametrize("sure", [0.9, 0.601, 0.599, 0.0])
def test_a_step_moves_the_chance_equally_far_in_any_number_of_shards(sure):
    found = []
    for count in (1, 2, 4):  # six rows; four shards are of one row and of two
        task, batch = made(adaptive=0.6, adaptive_over=60)
        model = styled(task)
        task.chance.fill_(0.5)
        task.sure.fill_(sure)
        state = State(torch.nn.ModuleDict({"model": model, "task": task}), {})
        life = SimpleNamespace(
            settings=TrainSettings(shards=count), plan=Plan(), seed=7, device=torch.device("cpu"), seen={}
        )
        backward(state, life, task.turns()[0], 0, present(task, state, life, batch))
        found.append((float(task.chance), float(task.sure)))
    chances, sures = zip(*found, strict=True)
    assert chances == pytest.approx([0.5 + (0.1 if sure > 0.6 else -0.1)] * 3)
    assert all(abs(one - sure) > 1e-3 for one in sures)  # which is the next step's


def test_every_turn_of_a_styled_network_is_finite_and_leaves_the_state_that_a_resume_needs():
    task, batch = made(mixing=0.9, path=2.0, slope=1.0, adaptive=0.6, adaptive_over=10, by_class=True)
    task.chance.fill_(0.5)
    model, shown = styled(task), task.present(batch, batch.draws("augment"))
    for turn in task.turns():
        losses = turn.loss(model, shown)
        own = list(model.get_submodule(turn.updates).parameters())
        sum(losses.sums.values()).backward(inputs=own)
        assert all(torch.isfinite(one.grad).all() for one in own if one.grad is not None)
        model.zero_grad()
    assert model.generator.mapping.mean.abs().max() > 0 and float(model.discriminator.features[0].running) > 0


@pytest.mark.parametrize("name", ["stylegan2", "biggan"])
def test_turns_can_be_taken_in_half_precision_awake_and_asleep(name):
    size = 8 if name == "stylegan2" else 32
    settings = GenerateImagesSettings(latent=8, adaptive=0.6, slope=1.0, by_class=name == "biggan")
    task = settings.build(settings.learn(INDEX, (size, size), 1))
    chosen = choose_model(name)
    sized = STYLED if name == "stylegan2" else {"features": 2, "shared": 4, "attention": 16}
    model = fit_model(replace(chosen, settings=replace(chosen.settings, **sized)), task.asks()).settings.build()
    task.chance.fill_(0.5)
    columns = {"input": torch.rand(4, 1, size, size), "latent": torch.randn(4, 8), "label": torch.zeros(4).long()}
    batch = Batch(tuple("abcd"), columns | {"noise": torch.arange(4)}, 0, row_keys(7, "train", 0, 4))
    for awake in (True, False):
        model.train(awake)
        for turn in task.turns():
            with torch.autocast("cpu", dtype=torch.bfloat16):
                losses = turn.loss(model, batch)
            sum(losses.sums.values()).backward(inputs=list(model.get_submodule(turn.updates).parameters()))
            assert all(torch.isfinite(value) for value in losses.sums.values())


def test_numbers_within_a_limit_keep_their_rank_and_are_normal_between():
    numbers = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    found = within(numbers, 0.7)
    assert float(found.abs().max()) <= 0.7 and torch.equal(found.argsort(), numbers.argsort())
    inside = numbers[numbers.abs() <= 0.7]
    levels = torch.linspace(0.05, 0.95, 19)
    torch.testing.assert_close(found.quantile(levels), inside.quantile(levels), rtol=0, atol=0.02)
    torch.testing.assert_close(within(numbers, 5.0), numbers, rtol=0, atol=0.02)
    assert torch.isfinite(within(torch.tensor([-40.0, 40.0]), 0.5)).all()


def test_truncated_pictures_are_more_usual():
    plain, other = made()[0], made(mixing=0.9)[0]
    for task, model in ((plain, fit_model(choose_model("gan"), plain.asks()).settings.build()), (other, styled(other))):
        first, usual = (np.stack(list(task.paint(model, 64, seed=1, truncation=one))).astype(float) for one in (0, 0.3))
        assert not np.array_equal(first, usual)
        assert usual.std(0).mean() < 0.8 * first.std(0).mean()


@pytest.mark.parametrize(("name", "setting"), [("dcgan", "mixing"), ("gan", "path")])
def test_what_needs_styles_is_refused_where_there_are_none(name, setting):
    task, _ = made(**{setting: 0.5})
    with pytest.raises(
        UsageError, match=rf"{name} makes pictures without styles.*Choose stylegan2, or set task\.mixing=0"
    ):
        fit_model(choose_model(name), task.asks())


@pytest.mark.parametrize("size", ["tiny", "small", "paper"])
@pytest.mark.parametrize("name", ["stylegan2", "biggan", "dcgan", "cgan"])
def test_the_recipe_sizes_pays_and_moves_each_network_as_its_paper_has_it(name, size):
    counts = {f"kind {number}": 500 for number in range(10)}
    survey = Survey("picture", 300, 256, True, (3,), counts, 100, 5000, 5000)
    found = generate("generate_images", survey, size, name)
    task, model = found.task.settings, found.model.settings
    assert task.by_class == (name in ("biggan", "cgan"))
    if name == "stylegan2":
        assert (task.adaptive, found.train.lr) == (0.6, 2e-3)
        steady = (0.0001 * 256**2 / 64, 0.0) if size == "paper" else (5.0, 0.5)  # for short runs
        assert (task.slope, found.train.momentum) == pytest.approx(steady)
        assert (task.mixing > 0) == (task.path > 0) == (size != "tiny")
        assert task.picture.size == {"tiny": 32, "small": 64, "paper": 256}[size] and task.latent == model.style
    elif name == "biggan":
        steady = (0.0, 0.0) if size == "paper" else (0.5, 0.5)
        assert (task.game, task.discriminator_rate, (task.slope, found.train.momentum)) == ("hinge", 4.0, steady)
        assert found.train.lr == pytest.approx({"tiny": 3.5e-4, "small": 1.7e-4, "paper": 1e-4}[size], rel=0.02)
        assert model.features == {"tiny": 8, "small": 32, "paper": 96}[size]
    else:
        assert (task.slope, found.train.lr, task.mixing) == (0.5, 2e-4, 0.0)
        assert model.features == {"tiny": 32, "small": 64, "paper": 64}[size]
    task = task.build(task.learn(Index(INDEX.ids, LABELS), (task.picture.size,) * 2, 3))
    assert fit_model(found.model, task.asks())


def test_every_turn_of_a_styled_game_is_paid_in_half_precision_too():
    task, batch = made(mixing=0.5, path=2.0, slope=0.5, adaptive=0.6)
    task.chance.fill_(0.5)
    shown, model = task.present(batch, batch.draws("augment")), styled(task)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        sums = [cost for turn in task.turns() for cost in turn.loss(model, shown).sums.values()]
    assert len(sums) == 4 and all(cost.isfinite() for cost in sums)
