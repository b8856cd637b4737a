"""Texts that a language model writes: from one beginning at several temperatures, beside what really stands there."""

import shlex
from itertools import islice
from typing import Any

from deepglass.foundation.words import say
from deepglass.report.case import Case
from deepglass.report.section import Passage, Section
from deepglass.tasks.generate_text import GenerateText
from deepglass.tasks.sampling import SamplingSettings
from deepglass.views.view import number

TEMPERATURES = (0.5, 0.8, 1.0)
LENGTHS = {"characters": 280, "pieces": 90, "words": 60}  # tokens of each text
UNSTEPPED = 4  # times fewer by a network that reads everything again for each token
PROMPT = 32  # letters that are given, up to the end of a word
LOOKED = 20  # held-out texts of which the longest gives the beginning


def samples(case: Case) -> Section | None:
    """One text for each temperature, each token drawn by a key, so that the same page can be written again."""
    task = case.task
    if not isinstance(task, GenerateText):
        return None
    level = task.vocabulary.level
    length = LENGTHS[level] if hasattr(case.model, "step") else LENGTHS[level] // UNSTEPPED
    prompt, truth = _beginning(case, length)
    written = {
        temperature: "".join(task.write(case.model, prompt, length, SamplingSettings(temperature=temperature)))
        for temperature in TEMPERATURES
    }
    passages = [
        Passage(say(f"report.temperature_{place}", temperature=number(temperature)), text, prompt)
        for place, (temperature, text) in enumerate(written.items())
    ]
    real = [Passage(say("report.really_there", part=say(f"report.part_{case.part}")), truth, prompt)] if truth else []
    figures: dict[str, Any] = {"prompt": prompt, "real": truth}
    figures["written"] = [{"temperature": temperature, "text": text} for temperature, text in written.items()]
    command = ["deepglass", "generate", str(case.run.folder), prompt, "temperature=0.8"]
    lead = say("report.lead_samples") if prompt else say("report.lead_samples_empty")
    return Section("samples", lead, passages=[*real, *passages], code=shlex.join(command), figures=figures)


def _beginning(case: Case, length: int) -> tuple[str, str]:
    """The beginning of a held-out text, which is given to the network, and so many tokens that follow it there."""
    task = case.task
    assert isinstance(task, GenerateText)
    rows = case.material.rows[case.part][case.sample(case.part, LOOKED)]
    text = max(map(case.whole_text, rows.tolist()), key=len)
    line = text[:PROMPT].partition("\n")[0]  # a command with a line break in it is nothing to copy
    end = (line.rfind(" ") if " " in line else len(line)) if len(text) > 2 * PROMPT else 0
    end = end if end > 0 else min(PROMPT, len(text) // 2)
    rest = task.vocabulary.encode(text[end:])
    whole = task.vocabulary.level == "characters"
    truth = text[end : end + length] if whole else task.vocabulary.decode(islice(rest.tolist(), length))
    return text[:end], truth
