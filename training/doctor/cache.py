"""The cache: Redis where one is set, else the embedded Valkey of a running server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from engine.errors import EngineError
from engine.store.cache_vitals import CacheVitals, cache_vitals
from engine.store.embedded_valkey import SOCKET_NAME
from training.commands.size import spoken
from training.doctor.finding import Deployment, Finding, broken, ok, unless, warning
from training.serving.standing import standings

SLOW_TRIP_SECONDS = 0.005
_REFUSES_WHEN_FULL = "noeviction"


def cache(deployment: Deployment) -> Iterator[Finding]:
    """How the cache does, as long as there is one to ask."""
    settings = deployment.settings
    if settings.redis_url:
        remedy = "Start it or correct REGULARS_REDIS_URL; lists are computed anew until then."
        yield from _asked(settings.redis_url, remedy)
    elif not standings(settings.home):
        yield ok("cache", "embedded: it runs while `regulars serve` does")
    else:
        yield from _embedded((settings.home / SOCKET_NAME).absolute())


def _embedded(socket: Path) -> Iterator[Finding]:
    if socket.exists():
        remedy = f"See {socket.with_suffix('.log')}; the server starts it again by itself."
        yield from _asked(f"unix://{quote(str(socket))}", remedy)
    else:
        # The path of a home may be too long for a socket, which then has a folder of its own.
        yield ok("cache", "embedded, in a place only the server knows; see server below")


def _asked(url: str, remedy: str) -> Iterator[Finding]:
    try:
        found = cache_vitals(url)
    except EngineError as error:
        yield broken("cache", str(error), remedy)
        return
    shown = f"{found.name} {found.version} answers in {1000 * found.trip_seconds:.2f} ms"
    slow = "Bring the cache nearer to the server: each list asks it once."
    yield unless(found.trip_seconds <= SLOW_TRIP_SECONDS, warning("cache", shown, slow))
    yield _memory(found)


def _memory(found: CacheVitals) -> Finding:
    limit = spoken(found.max_memory) if found.max_memory else "no limit"
    shown = f"{spoken(found.used_memory)} of {limit}, maxmemory-policy {found.policy}"
    if not found.max_memory:
        remedy = "Set maxmemory (`regulars size` says how much) and maxmemory-policy allkeys-lru."
        return warning("cache memory", shown, remedy)
    remedy = "Set maxmemory-policy allkeys-lru: a full cache refuses to be told what is stale."
    return unless(found.policy != _REFUSES_WHEN_FULL, warning("cache memory", shown, remedy))
