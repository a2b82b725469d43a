"""What a list is for; blends and rankers are made for one goal each."""

from __future__ import annotations

from enum import StrEnum


class Goal(StrEnum):
    """What a list should find of what comes next."""

    ANY = "any"
    """Whatever the customer will buy, again or for the first time."""
    NEW = "new"
    """What the customer will buy for the first time."""
    BASKET = "basket"
    """What goes with a basket, or with what a visitor looks at."""
