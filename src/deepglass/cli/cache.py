"""Packed copies of prepared data: what lies in the cache, and how to be rid of it."""

from typing import Annotated

import typer

from deepglass.cli.options import Debug, Json, Printer
from deepglass.data.cache import clear_packed, limit, packed_copies, sweep_packed
from deepglass.foundation.device import cache_folder
from deepglass.foundation.words import say
from deepglass.index.approximate import clear as clear_faiss
from deepglass.index.approximate import kept as made_by_faiss


def cache(
    clear: Annotated[bool, typer.Option("--clear", help=say("cache.clear"))] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Nothing here is needed: what is cleared is read anew from your files."""
    printer = Printer(as_json)
    sweep_packed()
    copies, most = packed_copies(), limit()
    size = sum(copy.size for copy in copies)
    shown = {"size": f"{size / 2**20:.3g}", "limit": f"{most / 2**20:.0f}"}
    printer.line(say("cache.what", folder=cache_folder(), count=len(copies), **shown))
    for copy in copies:
        state = say("cache.in_use") if copy.in_use else ""
        printer.line(say("cache.copy", name=copy.name, size=f"{copy.size / 2**20:.3g}", used=copy.used, state=state))
    indexes = made_by_faiss()
    if indexes:
        size_of = f"{sum(file.stat().st_size for one in indexes for file in one.iterdir()) / 2**20:.3g}"
        printer.line(say("cache.indexes", count=len(indexes), size=size_of))
    if clear:
        clear_faiss()
        kept = clear_packed()
        printer.line(say("cache.kept", count=kept) if kept else say("cache.cleared"))
    told = {"folder": str(cache_folder()), "bytes": size, "limit": most, "copies": [copy._asdict() for copy in copies]}
    printer.done({**told, "indexes": [one.name for one in indexes], "cleared": clear})


CATALOGUE = {"cache": cache}
