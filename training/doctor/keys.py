"""API keys: there where they must be, and not about to end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from engine.domain.addresses import is_loopback
from engine.domain.events import to_ms
from engine.domain.keys import StoredKey
from engine.store.api_keys import SqlApiKeys
from engine.store.database import Database
from training.doctor.finding import Deployment, Finding, broken, ok, spelled, warning

SOON = timedelta(days=14)


def keys(database: Database, deployment: Deployment) -> Iterator[Finding]:
    """Whether there are keys where others can come in, and those that end soon."""
    now_ms = to_ms(deployment.clock())
    usable = [key for key in SqlApiKeys(database).all() if key.usable(now_ms)]
    host = deployment.settings.host
    if not usable and is_loopback(host):
        yield ok("api keys", f"none; {host} answers this machine alone, and without asking")
    elif not usable:
        remedy = "Run `regulars keys create --kind secret`; `regulars serve` refuses without one."
        yield broken("api keys", f"none is valid, and others reach {host}", remedy)
    else:
        yield from _ends(usable, now_ms)


def _ends(usable: Sequence[StoredKey], now_ms: int) -> Iterator[Finding]:
    soon = now_ms + int(SOON.total_seconds() * 1000)
    lasting = [key for key in usable if key.expires_ms is None or key.expires_ms > soon]
    followed = {(key.kind, key.name) for key in lasting}
    # A key that was rotated ends on purpose: its successor is of the same kind and name.
    ending = [key for key in usable if key not in lasting and (key.kind, key.name) not in followed]
    for key in ending:
        left = spelled(timedelta(milliseconds=(key.expires_ms or now_ms) - now_ms))
        named = f"{key.key_id} ({key.kind}{', ' if key.name else ''}{key.name})"
        remedy = f"Run `regulars keys rotate {key.key_id}` and hand out the new one."
        yield warning("api keys", f"key {named} ends in {left}", remedy)
    if not ending:
        yield ok("api keys", f"{len(usable)} valid, none ends within {SOON.days} days")
