"""Train a network on a folder, a table or a name such as digits."""

from collections.abc import Callable

from deepglass import journey
from deepglass.cli.options import Debug, Json, Out, Printer
from deepglass.cli.outcome import tell
from deepglass.cli.proposing import proposing
from deepglass.cli.stop import StopSignals
from deepglass.progress import Watch


@proposing
def train(proposed: Callable[[], journey.Proposal], out: Out = "", as_json: Json = False, debug: Debug = False) -> None:
    """Data in; a trained, evaluated, explained network out."""
    printer = Printer(as_json)
    with Watch(printer.stream) as watch, StopSignals() as stop:
        proposal = proposed()
        watch.console.print(
            proposal.found.sentence(proposal.settings.task.name)
        )  # through the live line, which print would tear
        outcome = journey.train(proposal, out=out, watchers=[watch], asked_to_stop=stop, reading=watch.read)
    tell(outcome, printer)


CATALOGUE = {"train": train}
