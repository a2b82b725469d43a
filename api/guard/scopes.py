"""What each route needs: one table. A route that is not in it is refused to everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.guard.caller import STRANGER, Caller
from api.guard.refusals import Refusal, forbidden, unauthorized
from api.headers import Environ
from engine.domain.keys import SCOPES, KeyKind, Scope


@dataclass(frozen=True, slots=True)
class Need:
    """Any one of the scopes; none at all for what is public.

    `own`: a customer's token is enough where the path names that customer.
    """

    scopes: frozenset[Scope] = frozenset()
    own: bool = False

    @property
    def public(self) -> bool:
        """Whether no key is needed."""
        return not self.scopes


def need(*scopes: Scope, own: bool = False) -> Need:
    """Any one of the scopes."""
    return Need(frozenset(scopes), own)


PUBLIC = Need()
SAMPLE_SHOP = "storefront."
_ITS_OWN = need(Scope.CUSTOMER_LISTS, own=True)
# By endpoint: the blueprint's name and the function's.
NEEDS: dict[str, Need] = {
    "health.alive": PUBLIC,
    "health.ready": PUBLIC,
    "health.metrics": need(Scope.OPERATION),
    "docs.front": PUBLIC,
    "docs.described": PUBLIC,
    "docs.page": PUBLIC,
    "browser.snippet": PUBLIC,
    "recommendations.for_customer": _ITS_OWN,
    "recommendations.buy_again": _ITS_OWN,
    "recommendations.discover": _ITS_OWN,
    "recommendations.similar": need(Scope.SHOP_LISTS),
    "recommendations.bought_together": need(Scope.SHOP_LISTS),
    "recommendations.popular": need(Scope.SHOP_LISTS),
    # Whose list it is stands in the body: the route checks it there.
    "recommendations.for_basket": need(Scope.SHOP_LISTS),
    "recommendations.for_session": need(Scope.SHOP_LISTS),
    "recommendations.rerank": need(Scope.SHOP_LISTS),
    # Each event is checked by itself.
    "events.post": need(Scope.EVENTS, Scope.BROWSING),
    **{
        f"segment.{call}": need(Scope.EVENTS, Scope.BROWSING)
        for call in ("track", "identify", "page", "screen", "group", "alias", "batch")
    },
    "segment.import": need(Scope.EVENTS),
    "ga4.collect": need(Scope.EVENTS, Scope.BROWSING),
    "tokens.mint": need(Scope.TOKENS),
    # What a page may show of them.
    "items.some": need(Scope.SHOP_LISTS),
    "items.put": need(Scope.ITEMS_WRITE),
    # With what it cost the shop.
    "items.get": need(Scope.ITEMS_READ),
    "customers.profile": need(Scope.CUSTOMERS_READ),
    "customers.segments": need(Scope.CUSTOMERS_READ),
    "customers.split": need(Scope.CUSTOMERS_WRITE),
    "audience.for_item": need(Scope.CUSTOMERS_READ),
    "segments.every": need(Scope.SEGMENTS_READ),
    "segments.get": need(Scope.SEGMENTS_READ),
    "segments.put": need(Scope.SEGMENTS_WRITE),
    "segments.delete": need(Scope.SEGMENTS_WRITE),
    "segments.customers": need(Scope.SEGMENTS_READ),
    "segments.changes": need(Scope.SEGMENTS_READ),
}


def refused(
    environ: Environ, caller: Caller, endpoint: str | None, path: Mapping[str, Any]
) -> Refusal | None:
    """Why the caller may not use the route, None when they may; `path` holds what it names."""
    if endpoint is None:
        # Strangers do not learn which addresses there are.
        return _who_are_you(environ) if caller is STRANGER else None
    # The sample shop is served on this machine alone.
    needed = PUBLIC if endpoint.startswith(SAMPLE_SHOP) else NEEDS.get(endpoint)
    if needed is None:
        return forbidden(environ, "nobody was allowed to use this address")
    if _enough(caller, needed, path):
        return None
    if caller is STRANGER:
        return _who_are_you(environ)
    return forbidden(environ, _why_not(caller, needed))


def _enough(caller: Caller, needed: Need, path: Mapping[str, Any]) -> bool:
    if needed.public or not needed.scopes.isdisjoint(caller.scopes):
        return True
    return needed.own and caller.may_see(path["customer_id"])


def _why_not(caller: Caller, needed: Need) -> str:
    if needed.own and caller.kind is KeyKind.PUBLISHABLE:
        told = "is of another customer" if caller.customer is not None else "is missing"
        return f"with a publishable key the customer's own token is needed; it {told}"
    kinds = [kind.value for kind in KeyKind if not needed.scopes.isdisjoint(SCOPES[kind])]
    return f"a {caller.kind} key may not do this; one of these may: {', '.join(kinds)}"


def _who_are_you(environ: Environ) -> Refusal:
    return unauthorized(environ, "send an API key as Authorization: Bearer rk_...")
