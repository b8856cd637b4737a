"""Every failure a user can meet: one sentence with the place and the remedy, one exit code per kind.

An error carries a key of `foundation/words` and the values that fill it, so the same failure reads in English or
Chinese and its code stays the same in JSON.
"""

from typing import Any

from deepglass.foundation.words import say, speaking


class DeepglassError(Exception):
    """Base of all errors meant for people; `code` is the key of the message in `foundation/words`."""

    exit_code = 1

    def __init__(self, code: str, /, **values: Any):
        super().__init__(code)
        self.code = code
        self.values = values

    def __str__(self) -> str:
        return say(self.code, **self.values)

    def in_english(self) -> str:
        """For logs, which stay English whatever the reader's language."""
        with speaking("en"):
            return str(self)


class RunFailed(DeepglassError):
    """Training, evaluation or saving could not go on."""

    exit_code = 1


class UsageError(DeepglassError):
    """The words of a command do not fit together."""

    exit_code = 2


class SettingsError(DeepglassError):
    """Settings that do not exist or are not allowed; `problems` lists all of them."""

    exit_code = 2

    def __init__(self, problems: list[str]):
        super().__init__("settings.problems", count=len(problems), problems="\n".join(problems))
        self.problems = problems


class DataError(DeepglassError):
    """The user's data cannot be used as it is."""

    exit_code = 3


class MachineError(DeepglassError):
    """Something of this machine is missing: a package, a permission, room on the disk."""

    exit_code = 4


class Stopped(DeepglassError):
    """The user stopped the run; a checkpoint was saved."""

    exit_code = 130
