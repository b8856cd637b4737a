"""Packed copies of prepared data: what lies in the cache, and how to be rid of it."""

from typing import Annotated

import typer

from deepglass.cli.options import Debug, Json, Printer
from deepglass.data.cache import cache_folder, clear_packed, packed_copies
from deepglass.foundation.words import say


def cache(
    clear: Annotated[bool, typer.Option("--clear", help=say("cache.clear"))] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Nothing here is needed: what is cleared is read anew from your files."""
    printer = Printer(as_json)
    copies = packed_copies()
    size = sum(copy.size for copy in copies)
    printer.line(say("cache.what", folder=cache_folder(), count=len(copies), size=f"{size / 2**20:.3g}"))
    for copy in copies:
        printer.line(say("cache.copy", name=copy.name, size=f"{copy.size / 2**20:.3g}", used=copy.used))
    if clear:
        clear_packed()
        printer.line(say("cache.cleared"))
    printer.done({"folder": str(cache_folder()), "bytes": size, "copies": copies, "cleared": clear})


CATALOGUE = {"cache": cache}
