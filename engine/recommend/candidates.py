"""The few items worth a closer look: the best that each scorer names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.domain.arrays import BoolArray
from engine.models.frequency import PersonalFrequency
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.repurchase import RepurchaseTiming
from engine.models.scores import Scores

# They speak only of what the customer bought, and of all of it alike.
OF_OWN = frozenset({PersonalFrequency.name, RepurchaseTiming.name})


@dataclass(frozen=True)
class Breadth:
    """How many items a customer each kind of scorer names."""

    own: int = 150
    new: int = 40
    popular: int = 40

    def at_least(self, limit: int) -> Breadth:
        """Enough for a list of that length, whoever has to fill it."""
        return Breadth(max(self.own, limit), max(self.new, limit), max(self.popular, limit))


def gather(
    scores: Mapping[str, Scores],
    held: Pairs,
    *,
    breadth: Breadth,
    allowed: BoolArray | None = None,
    own: bool = True,
) -> Pairs:
    """The union of what the scorers name, customer by customer.

    Of items the customer has `held` only personal frequency is asked, where a model lacks it they
    are all candidates; the others are asked of all but those. Without `own` there are none of
    them. `allowed`, shape (items,), leaves out all other items.
    """
    found = []
    for name, each in scores.items():
        if name == Popularity.name:
            # What sells best is also the fill: no list stays shorter than it must.
            found.append(each.best(breadth.popular, allowed=allowed, without=held))
        elif name not in OF_OWN:
            found.append(each.best(breadth.new, allowed=allowed, without=held))
        elif own and name == PersonalFrequency.name:
            found.append(each.best(breadth.own, allowed=allowed))
    if own and PersonalFrequency.name not in scores:
        found.append(held if allowed is None else held.where(allowed[held.item]))
    return union(found, customers=held.customers)


def union(parts: list[Pairs], *, customers: int) -> Pairs:
    """All pairs of the parts, each once."""
    if not parts:
        return Pairs.empty(customers)
    if len(parts) == 1:
        return parts[0]
    item = np.concatenate([each.item for each in parts])
    if customers == 1:
        return Pairs.alone(item)
    return Pairs.of(np.concatenate([each.row() for each in parts]), item, customers=customers)
