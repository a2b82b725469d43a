"""Who looks at the sample shop, what they agreed to and what is in their cart: all in cookies."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import Response, request
from werkzeug.exceptions import Forbidden

from api.access import services
from api.storefront import cart
from api.storefront.sample import Household, Sample

CART, CUSTOMER, CONSENT = "regulars-sample-cart", "regulars-sample-customer", "regulars-sample-told"
GRANTED, DENIED, UNSET = "granted", "denied", "unset"
_PATH = "/storefront"
_DAYS = 30


@dataclass(frozen=True)
class Visitor:
    """A visitor: a household or nobody known."""

    household: Household | None = None
    consent: str = UNSET
    cart: dict[str, int] = field(default_factory=dict)

    @property
    def customer_id(self) -> str | None:
        """The household's id."""
        return self.household.customer_id if self.household else None


def sample() -> Sample:
    """What the sample shop is made of."""
    found = services().storefront
    assert found is not None, "the blueprint is there only where the sample shop is"  # noqa: S101
    return found


def visitor() -> Visitor:
    """The visitor whose request this is."""
    said = request.cookies.get(CUSTOMER)
    consent = request.cookies.get(CONSENT)
    return Visitor(
        household=next((each for each in sample().households() if each.customer_id == said), None),
        consent=consent if consent in (GRANTED, DENIED) else UNSET,
        cart=cart.read(request.cookies.get(CART)),
    )


def keep(response: Response, name: str, value: str) -> Response:
    """Remember something of the visitor; empty forgets it."""
    response.set_cookie(
        name,
        value,
        max_age=_DAYS * 86_400 if value else 0,
        path=_PATH,
        httponly=True,
        samesite="Lax",
    )
    return response


def check_origin() -> None:
    """Refuse a form that a page of another site sent here."""
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin and origin != request.host_url.rstrip("/"):
        raise Forbidden("this form came from another site")
