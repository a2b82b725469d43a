"""`regulars reload`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import click

from engine.errors import StoreUnavailable
from engine.settings import Settings
from training.serving.standing import Standing, read_standing, standings

# A new worker reads and verifies the model before the old one parts from its clients.
LONGEST_SECONDS = 600
LOOK_SECONDS = 0.1


@click.command(epilog="Example: regulars reload")
@click.option("--port", type=int, help="Only the server at this port.")
@click.pass_obj
def reload(settings: Settings, port: int | None) -> None:
    """Replace the workers of the running server one after the other; no request is refused.

    They come back with the code and the settings as they are now. Address, port, number of workers,
    home and cache server stay as they are until a restart. SIGHUP does the same.
    """
    found = {
        path: standing
        for path, standing in standings(settings.home).items()
        if port is None or path.stem == str(port)
    }
    if not found:
        raise StoreUnavailable(f"nobody serves {settings.home}; run `regulars serve`")
    for path, standing in found.items():
        os.kill(standing.pid, signal.SIGHUP)
        after = _after(path, standing)
        if after.refusal:
            raise StoreUnavailable(
                f"the server at port {path.stem} goes on as before: {after.refusal}"
            )
        click.echo(f"The server at port {path.stem} was reloaded")


def _after(path: Path, before: Standing) -> Standing:
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        now = read_standing(path)
        if now is None:
            raise StoreUnavailable(f"the server at port {path.stem} ended; see what it said")
        if now.pid == before.pid and now.reloads > before.reloads:
            return now
        time.sleep(LOOK_SECONDS)
    raise StoreUnavailable(f"the server at port {path.stem} has not finished; see what it says")
