"""Lets a request in, as somebody, or answers it at the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from api.guard.addresses import from_this_machine, subscriber_of
from api.guard.caller import ANYBODY, STRANGER, Caller
from api.guard.cors import Origins
from api.guard.credentials import NOTHING, Shown, shown
from api.guard.keyring import Keyring
from api.guard.rates import Leases
from api.guard.refusals import Refusal, too_many, unauthorized, unavailable
from api.headers import Environ, Headers
from engine.domain.keys import KeyKind
from engine.settings import Network

# Asked by machines that watch, as often as they like; they say nothing of the shop.
PROBES = frozenset({"/healthz", "/readyz"})
READS = frozenset({"GET", "HEAD"})
NO_KEY_YET = (
    "this shop has no API key yet and answers this machine alone; "
    "make one with: regulars keys create --kind secret"
)


class Guard:
    """Who asks and how often; what they may is checked where the route is known.

    `loopback`: the server listens on this machine alone, as far as it was told. Without a keyring
    everybody may everything: for tests of what is behind the door.
    """

    def __init__(
        self,
        keyring: Keyring | None,
        *,
        loopback: bool = True,
        origins: Origins | None = None,
        per_key: Leases | None = None,
        per_address: Leases | None = None,
        trusted: Sequence[Network] = (),
    ) -> None:
        self._keyring = keyring
        self._loopback = loopback
        self._origins = origins or Origins(())
        self._per_key = per_key
        self._per_address = per_address
        self._trusted = tuple(trusted)

    @property
    def informed(self) -> bool:
        """Whether it knows which keys there are."""
        return self._keyring is None or not self._keyring.unread

    def admit(self, environ: Environ) -> Caller | Refusal:
        """Who asks, a stranger when nothing was shown; or the answer that ends the matter."""
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            answer = self._origins.preflight(environ)
            if answer is not None:
                return answer
        if environ.get("PATH_INFO") in PROBES and method in READS:
            return STRANGER
        caller = self._caller(environ)
        refused = self._too_often(environ, caller)
        if refused is None:
            if isinstance(caller, Caller):
                return caller
            refused = caller
        return self.told_to_page(environ, refused)

    def headers(self, environ: Environ) -> Headers:
        """What an answer to a request that was let in says beside its own."""
        return self._origins.headers(environ)

    def told_to_page(self, environ: Environ, refused: Refusal) -> Refusal:
        """The refusal so that a page of an allowed origin can read it."""
        return replace(refused, headers=refused.headers + self._origins.headers(environ))

    def _caller(self, environ: Environ) -> Caller | Refusal:
        keyring = self._keyring
        if keyring is None:
            return ANYBODY
        if keyring.unread or keyring.empty:
            return self._without_keys(environ, keyring)
        what = shown(environ)
        if what is NOTHING:
            return STRANGER
        if what.key:
            return _of_key(environ, keyring, what)
        wrong = what.wrong or "a customer token goes with a publishable key; send both"
        return unauthorized(environ, wrong, error="invalid_request")

    def _without_keys(self, environ: Environ, keyring: Keyring) -> Caller | Refusal:
        """Open for this machine alone, and only where nobody ever told of a key."""
        what = shown(environ)
        # Perhaps it is the first key, made a moment ago.
        caller = keyring.find(what.key) if what.key and keyring.empty else None
        if caller is not None:
            return _of_key(environ, keyring, what)
        if keyring.closed or (keyring.unread and not self._loopback):
            return unavailable(environ)
        if from_this_machine(environ):
            return ANYBODY
        return unauthorized(environ, NO_KEY_YET)

    def _too_often(self, environ: Environ, caller: Caller | Refusal) -> Refusal | None:
        """A key counts for itself; what anybody can send counts for where it comes from."""
        if caller is ANYBODY:
            return None
        key_id, kind = (caller.key_id, caller.kind) if isinstance(caller, Caller) else (None, None)
        if self._per_address is not None and kind in (None, KeyKind.PUBLISHABLE):
            name = f"address:{subscriber_of(environ, trusted=self._trusted)}"
            seconds = self._per_address.take(name)
            if seconds:
                return too_many(environ, "too many requests from this address", seconds=seconds)
        if self._per_key is not None and key_id is not None:
            seconds = self._per_key.take(f"key:{key_id}")
            if seconds:
                return too_many(environ, "too many requests with this key", seconds=seconds)
        return None


def open_guard() -> Guard:
    """A guard that lets everybody in, for tests of what is behind it."""
    return Guard(None)


def _of_key(environ: Environ, keyring: Keyring, what: Shown) -> Caller | Refusal:
    caller = keyring.find(what.key)
    if caller is None:
        detail = "no such key, or it has ended; `regulars keys list` shows which there are"
        return unauthorized(environ, detail, error="invalid_token")
    if not what.token or caller.kind is not KeyKind.PUBLISHABLE:
        return caller
    customer = keyring.customer_of(what.token)
    if customer is None:
        detail = "the customer token is not ours or has ended; get a new one from the shop's server"
        return unauthorized(environ, detail, error="invalid_token")
    return replace(caller, customer=customer)
