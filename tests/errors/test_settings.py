"""Bad words and settings: refused before anything is read or written, with what is allowed and what was meant."""

import re

import pytest

from tests.errors.shell import TINY


def refused(shell, *words, says, code=2):
    return shell.refused(code, "train", "made:xor", "--out", shell.out, *words, says=says)


def test_all_mistakes_at_once(shell):
    words = ("--model", "mpl", "train.lrr=1", "train.lr=-3", "train.optimizer=adm", "data.vall=2", "seed=x")
    said = refused(
        shell,
        *words,
        says=(
            "No entry 'mpl' in models. Did you mean mlp?",
            "Train has no setting 'lrr' (in 'train.lrr'). Did you mean lr? It has: epochs, steps,",
            "train.lr=-3 is not allowed: it must be more than 0.",
            "train.optimizer=adm is not allowed. Choose one of sgd, adamw, muon.",
            "Data has no setting 'vall' (in 'data.vall'). Did you mean val?",
            "seed=x is not allowed: it must be a whole number.",
        ),
    )
    assert len(said.strip().splitlines()) == 6


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("train.lr=fast", "train.lr=fast is not allowed: it must be a number."),
        ("train.epochs=0", "train.epochs=0 is not allowed: it must be more than 0."),
        ("train.batch=0", "train.batch=0 is not allowed: it must be 1 or more."),
        ("data.val=1", "data.val=1 is not allowed: it must be less than 1."),
        ("data.max_bad=2", "data.max_bad=2 is not allowed: it must be 1 or less."),
        ("data.cache=perhaps", "data.cache=perhaps is not allowed: it must be true or false."),
        ("train.precision=fp8", "Choose one of auto, fp32, bf16."),
        ("train=5", "'train' is a group of settings and has no value of its own. Write for example train.epochs=VALUE"),
        ("model=resnet20", "Write for example model.name=VALUE"),
        ("lr", "'lr' is neither a flag nor a setting. Write a setting as path.name=value"),
    ],
)
def test_a_bad_value_is_answered_with_what_is_allowed(shell, word, says):
    refused(shell, word, "--model", "mlp", says=(says,))


def test_a_model_that_does_not_fit_names_those_that_do(shell):
    refused(shell, "--model", "resnet20", says=("resnet20 looks at pictures", "Models that fit this data: mlp, "))


def test_an_unknown_verb(shell):
    shell.refused(2, "traim", says=("There is no verb 'traim'. Did you mean train? Offered: ",))


WRONG_WORDS = [
    (("train",), "data is missing. See: deepglass train --help"),
    (("predict", "digits"), "files is missing. See: deepglass predict --help"),
    (("train", "made:xor", "--modle", "mlp"), "There is no option --modle. Did you mean --model?"),
    (("train", "made:xor", "-x"), "There is no option -x. See:"),
    (("step", "mlp", "-1,0"), "Numbers that begin with a minus come last, after --. See:"),
    (("train", "made:xor", "--out"), "--out needs a value after it."),
    (("train", "made:xor", "--debug=3"), "--debug takes no value."),
    (("train", "made:xor", "--minutes", "soon"), "train.minutes=soon is not allowed: it must be a number."),
    (("train", "made:xor", "--minutes=-1"), "train.minutes=-1 is not allowed: it must be 0 or more."),
    (("step", "mlp", "--steps", "two"), "--steps cannot have that value."),
    (("generate", "digits", "--count", "0"), "--count cannot be 0: it must be 1 or more."),
    (("generate", "digits", "--truncation=-1"), "--truncation cannot be -1: it must be 0"),
    (("resume", "one", "two", "three"), "Nothing is known to do with: two three."),
]


@pytest.mark.parametrize("words, says", WRONG_WORDS, ids=[" ".join(words) for words, _ in WRONG_WORDS])
def test_words_that_a_verb_cannot_take(shell, words, says):
    """In both languages: no sentence of Typer's own comes through."""
    shell.refused(2, *words, says=(says,))
    chinese = shell("--lang", "zh-CN", *words).err
    assert not re.search(r"Missing|No such|Invalid|Got unexpected|requires|does not take", chinese)


def test_a_size_that_is_not_one(shell):
    refused(shell, "--size", "huge", says=("--size=huge is not allowed. Choose one of tiny, small, paper.",))


def test_an_unknown_language(shell):
    said = shell("--lang", "xx", "ls", "--json")
    assert said.code == 2 and said.document["error"]["code"] == "cli.no_language"
    assert "--lang xx is not offered. Choose one of en, zh-CN." in said.err


def test_settings_files(shell, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[train]\nlr = = 3\n")
    refused(shell, "--settings", file, says=("settings.toml is not valid TOML", "line 2", "Mend that line"))
    refused(shell, "--settings", tmp_path / "none.toml", says=("none.toml cannot be read", "Check the name"))
    refused(shell, "--settings", tmp_path, says=("cannot be read: Is a directory",))
    file.write_text("[train]\nlrr = 3\nlr = 'fast'\n")
    refused(shell, "--settings", file, says=("Did you mean lr?", "train.lr=fast is not allowed"))


def test_a_plan_that_is_not_one(shell, tmp_path):
    file = tmp_path / "plan.json"
    for content, says in (
        ("[1, 2", "is not a plan that can be read"),
        ('{"precision": "fp99"}', "precision: it must be 'fp32' or 'bf16'"),
        ("[1]", "is not a plan that can be read"),
    ):
        file.write_text(content)
        refused(shell, f"train.plan={file}", says=(says, str(file)))
    refused(shell, f"train.plan={tmp_path}/none.json", says=("No such file", "plan=auto or plan=plain"))


def test_a_device_that_is_not_there(shell, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    said = ("There is no device 'cuda", "Choose one of cpu", "or leave --device out")
    refused(shell, "--device", "cuda:77", says=said, code=4)
    refused(shell, "train.device=toaster", says=("There is no device 'toaster'",), code=4)


def test_a_loss_that_is_not_finite_leaves_a_run_that_says_so(shell):
    words = ("train", "made:xor", "--size", "tiny", "train.optimizer=sgd", "train.lr=1e38", "--out", shell.out)
    said = shell(*words, "--json")
    assert said.code == 1 and said.document["error"]["code"] == "train.nonfinite"
    assert "not a finite number at step" in said.err and "Lower train.lr, or set train.clip=1" in said.err
    events = (shell.out / "events.jsonl").read_text()
    assert '"kind": "nonfinite"' in events and '"kind": "failed"' in events and '"ids": ["' in events
    assert list(shell.out.glob("checkpoints/step-*/manifest.json"))
    assert shell("resume", shell.out).code == 1


def test_the_shell_sees_what_is_left_behind(shell, tmp_path):
    """The test of the tests: a command that writes is not taken for one that was refused."""
    with pytest.raises(AssertionError):
        shell.refused(0, "train", "made:xor", *TINY, "--out", shell.out, says=())
