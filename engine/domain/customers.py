"""What the shop keeps of one customer beside the event log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """Totals over a customer's valid orders, net of refunds; times in ms since 1970 UTC.

    The times are None for a customer without a valid order. Revenue is in minor units.
    """

    orders: int
    units: float
    revenue: int
    first_order_ms: int | None
    last_order_ms: int | None


@dataclass(frozen=True, slots=True)
class StoredCustomer:
    """A customer as stored: the encoded state and the revision it belongs to.

    The revision starts at 0 for a customer never seen and grows by one with every change.
    """

    customer_id: str
    revision: int
    state: bytes
    summary: CustomerSummary

    @classmethod
    def unknown(cls, customer_id: str) -> StoredCustomer:
        """A customer of whom no event was recorded."""
        return cls(customer_id, 0, b"", CustomerSummary(0, 0.0, 0, None, None))
