"""`regulars doctor`."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console

from engine.errors import SettingsError
from engine.settings import Settings
from training.doctor.examine import ALONE, CHECKS, examined
from training.doctor.finding import Deployment, Finding, broken, ok
from training.doctor.server import server
from training.doctor.shown import as_json, healthy, show


@click.command(epilog="Example: regulars doctor --url https://shop.example/recommendations")
@click.option("--url", help="The server to ask. Default: those that serve the home from here.")
@click.option("--key", help="An API key for it, where it asks for one.")
@click.option("--json", "for_programs", is_flag=True, help="For a program instead of a person.")
@click.pass_context
def doctor(context: click.Context, url: str | None, key: str | None, for_programs: bool) -> None:
    """Look at everything a deployment stands on, and say what to fix.

    Changes nothing. Exit code 0 when nothing is broken, warnings or not; else 1.
    """
    findings = _findings(context.obj, url, key)
    if for_programs:
        click.echo(as_json(findings))
    else:
        show(findings, Console(highlight=False, soft_wrap=False))
    context.exit(0 if healthy(findings) else 1)


def _findings(settings: Settings | None, url: str | None, key: str | None) -> list[Finding]:
    try:
        found = settings or Settings.from_env(os.environ, folder=Path.cwd())
    except SettingsError as error:
        return _without_settings(error, Deployment(Settings(), url, key))
    deployment = Deployment(found, url, key)
    settled = ok("settings", f"home {found.home.absolute()}, host {found.host}, port {found.port}")
    return [settled, *examined({**ALONE, **CHECKS}, deployment)]


def _without_settings(error: SettingsError, deployment: Deployment) -> list[Finding]:
    """What can be said of a deployment whose settings cannot be read; no other part is guessed."""
    remedy = "Correct it, see docs/configuration.md; home, database, cache and model were left out."
    asked = {} if deployment.url is None else {"server": server}
    wrong = broken("settings", str(error), remedy)
    return [wrong, *examined({**ALONE, **asked}, deployment)]
