"""What scorers are asked: about whom, and as of when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.domain.histories import Histories
from engine.domain.kept import kept
from engine.models.interactions import Bought, bought_of

Value = TypeVar("Value")


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
    _found: dict[Callable[[Query], Any], Any] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __len__(self) -> int:
        return len(self.histories)

    @kept
    def bought(self) -> Bought:
        """What the customers bought: every scorer asks, and it is the same for all."""
        return bought_of(self.histories)

    def once(self, work: Callable[[Query], Value]) -> Value:
        """What the work makes of the query: worked out at the first asking, and kept.

        For what a scorer needs to score a customer, and again to account for the scores.
        """
        if work not in self._found:
            self._found[work] = work(self)
        found: Value = self._found[work]
        return found
