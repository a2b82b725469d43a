"""`regulars keys`: who may ask what over HTTP."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from engine.domain.customer_tokens import DEFAULT_LIFE, LONGEST_LIFE, SECRET_BYTES, minted
from engine.domain.events import to_ms
from engine.domain.keys import KeyKind, NewKey, StoredKey, new_key
from engine.errors import RequestInvalid
from engine.settings import Settings
from engine.store.api_keys import SqlApiKeys
from training.terminal import console
from training.wiring import identifier, open_database

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
MAX_NAME = 80
OVERLAP = "24h"
KINDS = [kind.value for kind in KeyKind]


class Duration(click.ParamType[timedelta]):
    """A number and s, m, h or d."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The time that the text says."""
        if isinstance(value, timedelta):
            return value
        found = _DURATION.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is no duration; write a number and s, m, h or d: 90d", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.group(epilog="Example: regulars keys create --kind secret --name shop-server")
def keys() -> None:
    """Make, list and end API keys and customer tokens."""


@keys.command(epilog="Example: regulars keys create --kind publishable --name web --expires 90d")
@click.option("--kind", type=click.Choice(KINDS), help="What it may do: see docs/security.md.")
@click.option("--name", default="", help="What you will know it by.")
@click.option("--expires", type=Duration(), help="When it ends: 90d, 12h. Never when left out.")
@click.pass_obj
def create(settings: Settings, kind: str | None, name: str, expires: timedelta | None) -> None:
    """Make a key and show it, this once: only its digest is kept."""
    if kind is None:
        raise click.UsageError(f"--kind is missing; one of {', '.join(KINDS)}")
    if len(name) > MAX_NAME or not name.isprintable():
        raise click.BadParameter(f"at most {MAX_NAME} printable characters", param_hint="--name")
    now = _now_ms()
    ends = None if expires is None else now + _ms(expires)
    made = new_key(KeyKind(kind), name, rng=secrets.token_bytes, now_ms=now, expires_ms=ends)
    with open_database(settings) as database:
        SqlApiKeys(database).add(made.stored)
    _show(made)


@keys.command("list", epilog="Example: regulars keys list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """Every key there ever was, without what opens."""
    with open_database(settings) as database:
        found = SqlApiKeys(database).all()
    if not found:
        click.echo("There is no key: the API answers this machine alone, and without asking.")
        return
    table = Table(box=SIMPLE_HEAD)
    for heading in ("id", "kind", "name", "state", "made", "last used"):
        table.add_column(heading)
    now = _now_ms()
    for key in found:
        moments = (_moment(key.created_ms), _moment(key.last_used_ms) or "never")
        table.add_row(key.key_id, key.kind.value, Text(key.name), _state(key, now), *moments)
    console().print(table)


@keys.command(epilog="Example: regulars keys revoke k3v7q2ab")
@click.argument("key_id", metavar="ID")
@click.pass_obj
def revoke(settings: Settings, key_id: str) -> None:
    """End a key. Running workers refuse it within about a second."""
    with open_database(settings) as database:
        ended = SqlApiKeys(database).revoke(key_id, now_ms=_now_ms())
    click.echo(f"Key {ended.key_id} ({ended.kind}) opens nothing any more.")


@keys.command(epilog="Example: regulars keys rotate k3v7q2ab --overlap 24h")
@click.argument("key_id", metavar="ID")
@click.option("--overlap", type=Duration(), default=OVERLAP, help="How long both are accepted.")
@click.pass_obj
def rotate(settings: Settings, key_id: str, overlap: timedelta) -> None:
    """Make a successor of a key; the old one ends after the overlap, so that nothing goes down."""
    now = _now_ms()
    with open_database(settings) as database:
        stored = SqlApiKeys(database)
        old = next((key for key in stored.all() if key.key_id == key_id), None)
        kind, name = (old.kind, old.name) if old else (KeyKind.PUBLISHABLE, "")
        life = old.expires_ms - old.created_ms if old and old.expires_ms else None
        ends = None if life is None else now + life
        made = new_key(kind, name, rng=secrets.token_bytes, now_ms=now, expires_ms=ends)
        ended = stored.succeed(key_id, made.stored, until_ms=now + _ms(overlap))
    click.echo(f"Key {ended.key_id} is accepted until {_moment(ended.expires_ms)}.", err=True)
    _show(made)


@keys.command("rotate-token-secret", epilog="Example: regulars keys rotate-token-secret")
@click.option("--at-once", is_flag=True, help="Refuse every token handed out so far (a leak).")
@click.pass_obj
def rotate_token_secret(settings: Settings, at_once: bool) -> None:
    """Sign customer tokens with another secret; tokens handed out so far live to their end."""
    now = _now_ms()
    until = now if at_once else now + _ms(LONGEST_LIFE)
    with open_database(settings) as database:
        SqlApiKeys(database).renew_token_secret(
            secrets.token_hex(SECRET_BYTES), now_ms=now, until_ms=until
        )
    kept = "are refused" if at_once else "are accepted until they end"
    click.echo(f"Tokens are signed with a new secret; those handed out so far {kept}.")


@keys.command(epilog="Example: regulars keys token 17850 --ttl 1h")
@click.argument("customer_id", metavar="CUSTOMER", callback=identifier)
@click.option("--ttl", type=Duration(), default=DEFAULT_LIFE, help="How long it lives.")
@click.pass_obj
def token(settings: Settings, customer_id: str, ttl: timedelta) -> None:
    """A token with which a page may show this customer's own lists."""
    now = _now_ms()
    with open_database(settings) as database:
        found = SqlApiKeys(database).need_token_secret(secrets.token_hex(SECRET_BYTES), now_ms=now)
    try:
        made = minted(customer_id, ttl, secrets=[each.secret for each in found], now_ms=now)
    except RequestInvalid as error:
        raise click.BadParameter(error.reason, param_hint="--ttl") from error
    click.echo(made)


def _show(made: NewKey) -> None:
    # The key alone on standard output, for `KEY=$(regulars keys create ...)`.
    click.echo(f"Key {made.stored.key_id} ({made.stored.kind}), shown this once:", err=True)
    click.echo(made.text)


def _state(key: StoredKey, now_ms: int) -> str:
    if key.revoked_ms is not None:
        return f"revoked {_moment(key.revoked_ms)}"
    if key.expires_ms is None:
        return "valid"
    word = "valid until" if key.usable(now_ms) else "expired"
    return f"{word} {_moment(key.expires_ms)}"


def _moment(ms: int | None) -> str:
    return "" if ms is None else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _now_ms() -> int:
    return to_ms(datetime.now(UTC))


def _ms(life: timedelta) -> int:
    return int(life.total_seconds() * 1000)
