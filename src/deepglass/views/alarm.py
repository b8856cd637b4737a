"""An alarm of a training in plain words: what goes wrong, since when, and what to do. Terminal and report say the same.

A task of the user's own may raise alarms that no words are known of: those are called by their names.
"""

from collections.abc import Mapping
from typing import Any

from deepglass.foundation.words import has, say
from deepglass.views.view import number


def in_words(alarm: Mapping[str, Any]) -> str:
    """The journal's event as a sentence with its advice."""
    name, step, since = alarm["name"], alarm["step"], alarm["since"]
    values = {key: number(value) for key, value in alarm["values"].items()}
    known = has(f"alarms.{name}")
    sentence = say(f"alarms.{name}", **values) if known else f"{name} {values}"
    advice = say(f"alarms.{name}_advice") if known else ""
    key = "since" if since < step else "told"
    return say(f"alarms.{key}", step=step, since=since, sentence=sentence, advice=advice).strip()


def gone_back(setback: Mapping[str, Any], count: int) -> str:
    """That the training went back: the how manieth time, from where to where, and why."""
    key = f"alarms.reason_{setback['reason']}"
    reason = say(key) if has(key) else setback["reason"]
    return say("alarms.rollback", reason=reason, at=setback["at"], to=setback["to"], count=count)
