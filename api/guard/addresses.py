"""From where a request comes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from api.headers import Environ
from engine.settings import Network

Address: TypeAlias = IPv4Address | IPv6Address
# One subscriber has a whole network of IPv6.
SUBSCRIBER_BITS = 64
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
# The longest way to write an address of IPv6, with its zone; longer texts are not remembered.
LONGEST = 64
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def from_this_machine(environ: Environ) -> bool:
    """Whether a program of this machine asks, for itself and by this machine's own name.

    Not for somebody behind a proxy; and not a page that made its own name mean this machine.
    """
    peer = _address(environ.get("REMOTE_ADDR", ""))
    if peer is None or not peer.is_loopback or any(name in environ for name in _FORWARDED):
        return False
    host = environ.get("HTTP_HOST", "localhost").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in _LOCAL_NAMES


def subscriber_of(environ: Environ, *, trusted: Sequence[Network]) -> str:
    """The address that requests are counted under: the client's, as far as it can be believed.

    X-Forwarded-For is read from its end, where the nearest proxy wrote, and only as long as those
    who wrote are trusted: what a client puts at its beginning is never reached.
    """
    peer = environ.get("REMOTE_ADDR", "")
    if trusted:
        peer = _believed(peer, environ.get("HTTP_X_FORWARDED_FOR", ""), tuple(trusted))
    return _network(peer)


def _believed(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    for told in reversed(forwarded.split(",")):
        if not _is_trusted(peer, trusted):
            return peer
        named = _address(told.strip())
        if named is None:
            return peer
        peer = str(named)
    return peer


def _address(text: str) -> Address | None:
    return _parsed(text) if len(text) <= LONGEST else None


@lru_cache(maxsize=4_096)
def _is_trusted(peer: str, trusted: tuple[Network, ...]) -> bool:
    address = _address(peer)
    return address is not None and any(address in network for network in trusted)


@lru_cache(maxsize=4_096)
def _network(peer: str) -> str:
    address = _address(peer)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), SUBSCRIBER_BITS), strict=False).network_address)
    return str(address) if address else "unknown"


@lru_cache(maxsize=4_096)
def _parsed(text: str) -> Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # The same machine, as a socket of both kinds names it.
    return getattr(found, "ipv4_mapped", None) or found
