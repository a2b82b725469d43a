"""Whom the sample shop knows, and in what money it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from engine.ports import Customers, Features, Ledger

HOUSEHOLDS = 3
# Enough to have habits worth looking at.
MANY_ORDERS = 10
_PAGE = 200


@dataclass(frozen=True)
class Household:
    """A customer whom a visitor of the sample shop may be."""

    customer_id: str
    orders: int
    favourite: str | None


def no_token(_customer_id: str) -> str:
    """No token, where no key is asked for."""
    return ""


class Sample:
    """The households, always the same ones, and the currency. Both are looked up once.

    `key` is the publishable key its pages send, none where the API asks for none; with a key,
    `token_of` makes the token of a household.
    """

    def __init__(
        self,
        customers: Customers,
        features: Features,
        ledger: Ledger,
        *,
        key: str = "",
        token_of: Callable[[str], str] = no_token,
    ) -> None:
        self._customers = customers
        self._features = features
        self._ledger = ledger
        self.key = key
        self._token_of = token_of
        self._households: tuple[Household, ...] = ()
        self._currency: str | None = None

    def token(self, customer_id: str | None) -> str:
        """With which a page may show the household's own lists; none for somebody unknown."""
        return self._token_of(customer_id) if self.key and customer_id else ""

    def households(self) -> tuple[Household, ...]:
        """The first by id that bought often, or that bought at all. Raises StoreUnavailable."""
        if len(self._households) < HOUSEHOLDS:
            page = next(iter(self._customers.pages(size=_PAGE)), [])
            buyers = [each for each in page if each.summary.orders]
            regulars = [each for each in buyers if each.summary.orders >= MANY_ORDERS]
            chosen = islice(dict.fromkeys(each.customer_id for each in regulars + buyers), 3)
            orders = {each.customer_id: each.summary.orders for each in buyers}
            self._households = tuple(
                Household(each, orders[each], self._favourite(each)) for each in chosen
            )
        return self._households

    def currency(self) -> str | None:
        """The shop's currency, None before anything was sold. Raises StoreUnavailable."""
        if self._currency is None:
            with self._ledger.transaction() as transaction:
                self._currency = transaction.shop_currency(None)
        return self._currency

    def _favourite(self, customer_id: str) -> str | None:
        row = self._features.load(customer_id)
        value = row.values.get("favourite_category") if row else None
        return value if isinstance(value, str) else None
