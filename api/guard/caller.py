"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.keys import KeyKind, Scope

CALLER = "regulars.caller"


@dataclass(frozen=True, slots=True)
class Caller:
    """A key and what it allows; `customer` is the one a token speaks for.

    Without a key (`key_id` None) it is a stranger, or anybody where everything is open.
    """

    key_id: str | None
    kind: KeyKind | None
    scopes: frozenset[Scope]
    customer: str | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key allows it."""
        return scope in self.scopes

    def may_see(self, customer_id: str) -> bool:
        """Whether it may have the lists of the customer."""
        if Scope.CUSTOMER_LISTS in self.scopes:
            return True
        return self.customer == customer_id and Scope.OWN_LISTS in self.scopes


STRANGER = Caller(None, None, frozenset())
# This machine, while the shop has no key.
ANYBODY = Caller(None, None, frozenset(Scope))
