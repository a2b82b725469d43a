"""Lists made in several processes.

Making a list is many small steps in Python, and of these a process takes one at a time, however
many threads it has. What processes read of a model they share: its arrays are mapped files.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import tee
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import ClassVar, TypeAlias

from threadpoolctl import threadpool_limits

from engine.domain.customers import StoredCustomer
from engine.domain.histories import histories_of
from engine.errors import ModelUnavailable
from engine.loyalty.net import net_lines
from engine.loyalty.state import decode
from engine.recommend.ahead import ahead_in
from engine.recommend.answer import Answer, CatalogView, Request
from engine.recommend.recommender import Recommender
from engine.settings import Settings
from engine.store.model_store import ModelStore

Page: TypeAlias = Sequence[StoredCustomer]
# Takes pages of customers, gives each back with its lists, in order.
Making: TypeAlias = Callable[[Iterable[Page]], Iterator[tuple[Page, list[Answer]]]]

# A process takes seconds to begin: fewer customers have their lists sooner without.
ALONE = 4_000
# More would hold more in memory at once than a machine with so many cores may have to spare.
MOST = 8


@dataclass(frozen=True)
class Wanted:
    """Which lists, and as of when: everything that a list depends on beside the customer."""

    settings: Settings
    version: str
    request: Request
    view: CatalogView
    now_ms: int

    def recommender(self) -> Recommender:
        """Who makes the lists. Raises ModelUnavailable."""
        model = ModelStore(self.settings.models_folder).load(self.version)
        settings = self.settings
        return Recommender(model, cooldown=settings.cooldown, control=settings.control)

    def lists(self, recommender: Recommender, page: Page) -> list[Answer]:
        """The lists of some customers, from what is stored of them."""
        histories = histories_of(
            ((each.customer_id, net_lines(decode(each.state))) for each in page),
            items=recommender.model.items,
        )
        return recommender.recommend(histories, self.request, view=self.view, now_ms=self.now_ms)


@contextmanager
def making(wanted: Wanted, recommender: Recommender, *, customers: int) -> Iterator[Making]:
    """How to make the lists of so many customers soonest; they are the same either way."""
    count = min(os.cpu_count() or 1, MOST)
    if customers < ALONE or count == 1:
        yield lambda pages: ((page, wanted.lists(recommender, page)) for page in pages)
        return
    pool = ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_begin, initargs=(wanted,)
    )
    try:
        yield partial(_made, pool, most=2 * count)
    except BrokenProcessPool as broken:
        raise ModelUnavailable(
            "a process that makes lists has been ended from outside, perhaps for want of memory; "
            "run the command again, or with fewer customers"
        ) from broken
    finally:
        pool.shutdown(cancel_futures=True)


def _made(
    pool: ProcessPoolExecutor, pages: Iterable[Page], *, most: int
) -> Iterator[tuple[Page, list[Answer]]]:
    given, own = tee(pages)
    return zip(own, ahead_in(pool, _lists, given, most=most), strict=True)


class _Worker:
    """What this process, if it is one of the pool's, makes lists by."""

    lists: ClassVar[Callable[[Page], list[Answer]]]


def _begin(wanted: Wanted) -> None:
    # The first process hears of Ctrl-C too, and ends the others in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    threadpool_limits(limits=1, user_api="blas")
    _Worker.lists = partial(wanted.lists, wanted.recommender())


def _lists(page: Page) -> list[Answer]:
    return _Worker.lists(page)


def _end_with_parent() -> None:
    """Whoever waits for work does not notice that nobody is left to give it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
