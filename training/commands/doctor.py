"""`regulars doctor`: what is wrong with a deployment, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.table import Table
from rich.text import Text

from engine.errors import SettingsError
from engine.settings import Settings
from training.doctor.finding import Finding, Severity, error, fine
from training.doctor.machine import machine
from training.doctor.server import server
from training.doctor.stores import cache, database, model
from training.tables import console

_COLOURS = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.ERROR: "red"}


@click.command(epilog="Example: regulars doctor --url https://shop.example --key rk_admin_...")
@click.option("--url", help="A running server; by default those that serve this home.")
@click.option("--key", envvar="DOCTOR_KEY", help="A secret or admin key of it.")
@click.option("--json", "as_json", is_flag=True, help="Every finding as JSON.")
@click.pass_context
def doctor(context: click.Context, url: str | None, key: str | None, as_json: bool) -> None:
    """Check this deployment and say what to fix; nothing is changed.

    Exit code 1 when something must be put right. --key may come from the variable DOCTOR_KEY,
    where other users do not see it.
    """
    if url is not None and not url.startswith(("http://", "https://")):
        raise click.BadParameter("a URL begins with http:// or https://", param_hint="--url")
    findings = list(_findings(context.obj, url=url, key=key))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(findings)))
    else:
        _show(findings)
    if any(each.severity is Severity.ERROR for each in findings):
        context.exit(1)


def _findings(settings: Settings | None, *, url: str | None, key: str | None) -> Iterator[Finding]:
    try:
        known = settings or Settings.from_env(os.environ, folder=Path.cwd())
    except SettingsError as problem:
        yield error("settings", str(problem), "correct them; docs/configuration.md lists all")
        return
    yield fine("settings", f"home {known.home}, to be served at {known.host}:{known.port}")
    yield from machine(known)
    yield from database(known)
    yield from cache(known)
    yield from model(known)
    yield from server(known, url=url, key=key)


def _show(findings: list[Finding]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "check", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for each in findings:
        colour = _COLOURS[each.severity]
        # As texts: what a server says may look like an instruction to the table.
        told = (Text(each.check), Text(each.found), Text(each.remedy))
        table.add_row(Text(each.severity, style=colour), *told)
    out = console()
    out.print(table)
    errors = sum(each.severity is Severity.ERROR for each in findings)
    warnings = sum(each.severity is Severity.WARNING for each in findings)
    out.print(f"{_many(errors, 'error')}, {_many(warnings, 'warning')}.")


def _many(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
