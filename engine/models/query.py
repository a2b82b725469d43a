"""What scorers are asked: about whom, and as of when."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.histories import Histories
from engine.domain.kept import kept
from engine.models.interactions import Bought, bought_of


@dataclass(frozen=True)
class Query:
    """A block of customers as of a moment.

    `baskets` are row by row what the customers have in hand: a basket, or what an anonymous
    visitor looked at, oldest first. None: there is no such thing, and scorers of baskets say
    nothing. Nothing in `histories` is later than `now_ms`.
    """

    histories: Histories
    now_ms: int
    baskets: Histories | None = None

    def __len__(self) -> int:
        return len(self.histories)

    @kept
    def bought(self) -> Bought:
        """What the customers bought: every scorer asks, and it is the same for all."""
        return bought_of(self.histories)
