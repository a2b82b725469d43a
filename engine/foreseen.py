"""Customers folded with their news before it is the transaction's turn to write.

On SQLite whoever writes keeps everyone else from writing, and half of what recording takes is the
fold. So it is done while others write, on states that nobody holds, and what comes of it is taken
only where the transaction finds the very same state and the very same news; elsewhere the customer
is folded again. A guess that fails costs time and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_

from engine.domain.customers import StoredCustomer
from engine.domain.events import Event
from engine.live import Living
from engine.loyalty.net import summary_of
from engine.loyalty.state import NEW, apply_all, decode, encode
from engine.receipts import Batch

# Fewer events are folded within the time that another question to the database would take.
WORTH_IT = 8


@dataclass(frozen=True)
class Guess:
    """What one customer would become."""

    before: StoredCustomer | None
    events: Sequence[Event]
    after: Living


@dataclass(frozen=True)
class Foreseen:
    """What customers would become, by id; those left out are folded when it is time."""

    guesses: Mapping[str, Guess] = field(default_factory=dict)

    def moved_on(
        self, customer_id: str, stored: StoredCustomer | None, events: Sequence[Event]
    ) -> Living:
        """The customer after the events, the very same one when they change nothing."""
        guess = self.guesses.get(customer_id)
        if guess is not None and guess.before == stored and _same(guess.events, events):
            return guess.after
        return moved_on(customer_id, stored, events)


def foreseen(
    batches: Sequence[Batch], stored: Callable[[Sequence[str]], Sequence[StoredCustomer]]
) -> Foreseen:
    """What the customers named in the batches would become; `stored` tells what they are now."""
    news: defaultdict[str, list[Event]] = defaultdict(list)
    for batch in batches:
        for entry in batch.entries.values():
            if entry.event.customer_id is not None:
                news[entry.event.customer_id].append(entry.event)
    if sum(map(len, news.values())) < WORTH_IT:
        return Foreseen()
    known = {each.customer_id: each for each in stored(list(news))}
    guesses = {who: _guess(who, known.get(who), events) for who, events in news.items()}
    return Foreseen({who: guess for who, guess in guesses.items() if _moves(guess)})


def moved_on(customer_id: str, stored: StoredCustomer | None, events: Sequence[Event]) -> Living:
    """The customer after the events, the very same one when they change nothing."""
    before = decode(stored.state) if stored else NEW
    # A refund that waited for its order may meet it in parts, and counts once.
    counted = {refund.event_id for refund in before.refunds}
    after = apply_all(before, [event for event in events if event.event_id not in counted])
    if stored and after == before:
        return Living(stored, before)
    moved = StoredCustomer(
        customer_id=customer_id,
        revision=(stored.revision if stored else 0) + 1,
        state=encode(after),
        summary=summary_of(after),
    )
    return Living(moved, after)


def _guess(customer_id: str, stored: StoredCustomer | None, events: Sequence[Event]) -> Guess:
    return Guess(stored, events, moved_on(customer_id, stored, events))


def _moves(guess: Guess) -> bool:
    # One that stays the same has to be the one that the transaction found.
    return guess.after.stored is not guess.before


def _same(some: Sequence[Event], others: Sequence[Event]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))
