"""Commands whose code is read when they are called.

All of them together need every library there is, which takes seconds; one of them needs a few.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar, NamedTuple

import click


class Place(NamedTuple):
    """What a command does in short, and the module that holds it if not one of its own name."""

    summary: str
    module: str = ""


class LazyGroup(click.Group):
    """A group that knows names and summaries, and imports a command to run it."""

    package: ClassVar[str]
    places: ClassVar[Mapping[str, Place]]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in order."""
        return sorted(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, None when there is none."""
        place = self.places.get(cmd_name)
        if place is None:
            return None
        module = import_module(f"{self.package}.{place.module or cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the names and summaries, of which help consists, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.places[name].summary) for name in sorted(self.places)])
