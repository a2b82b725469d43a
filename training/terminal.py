"""Where commands print."""

from __future__ import annotations

from rich.console import Console


def console() -> Console:
    """Standard output; wide enough for every table where it is no terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=120)
