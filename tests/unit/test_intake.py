"""Events of many senders written together, and each told of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from engine.domain.events import Event
from engine.errors import Overloaded, StoreUnavailable
from engine.intake import AT_ONCE, MAX_GROUP, Intake, Limits
from engine.receipts import Batch, Receipt, Recorded, Status
from tests.events import a_purchase, day
from tests.waiting import comes_true

NOW = day(40)


class Log:
    """A log whose transactions take turns and hold until they are let go."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.expected: list[list[str]] = []
        self.at_once: list[bool] = []
        self.broken: Exception | None = None
        self.free = threading.Event()
        self.begun = threading.Semaphore(0)
        self.free.set()

    def record_together(
        self,
        gather: Callable[[], Sequence[Batch]],
        *,
        now: datetime,
        expected: Callable[[], Sequence[Batch]],
        at_once: Callable[[Sequence[Batch]], bool],
    ) -> Recorded:
        self.expected.append([each.event_id for batch in expected() for each in batch.events])
        self.begun.release()
        assert self.free.wait(10)
        if self.broken is not None:
            raise self.broken
        batches = gather()
        self.at_once.append(at_once(batches))
        self.groups.append([each.event_id for batch in batches for each in batch.events])
        receipts = [
            [Receipt(each.event_id, Status.ACCEPTED) for each in batch.events] for batch in batches
        ]
        return Recorded(receipts, [] if self.at_once[-1] else ["c1"])


def an_intake(log: Log, *, limits: Limits | None = None) -> tuple[Intake, list[str]]:
    due: list[str] = []
    return Intake(log, due=due.extend, limits=limits or Limits(seats=12)), due


def events(*ids: str) -> list[Event]:
    return [a_purchase(each) for each in ids]


def accepted(intake: Intake, *ids: str) -> list[str]:
    return [receipt.event_id for receipt in intake.record(events(*ids), now=NOW)]


def waiting(intake: Intake, count: int) -> None:
    assert comes_true(lambda: intake.waiting == count)


def test_those_who_come_while_one_writes_are_written_together():
    log = Log()
    intake, _ = an_intake(log)
    log.free.clear()
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(accepted, intake, "e0")
        log.begun.acquire()
        others = [pool.submit(accepted, intake, f"e{n}", f"f{n}") for n in range(1, 6)]
        waiting(intake, 11)
        log.free.set()
        told = [first.result(), *(each.result() for each in others)]

    assert told == [["e0"], *([f"e{n}", f"f{n}"] for n in range(1, 6))]
    # The line is taken when the transaction may write: the first one takes everybody along.
    assert [len(group) for group in log.groups] == [11]
    assert log.expected == [["e0"]]


def test_a_lone_event_moves_features_at_once_and_many_leave_them_due():
    log = Log()
    intake, due = an_intake(log)

    intake.record(events("e1"), now=NOW)
    alone = list(due)
    intake.record(events(*(f"f{n}" for n in range(AT_ONCE + 1))), now=NOW)

    assert (alone, due) == ([], ["c1"])
    assert log.at_once == [True, False]


def test_a_group_has_a_limit_and_the_rest_comes_next():
    log = Log()
    intake, _ = an_intake(log)
    log.free.clear()
    half = [f"{n}" for n in range(MAX_GROUP // 2 + 1)]
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(accepted, intake, *(f"{who}{each}" for each in half)) for who in "abc"]
        waiting(intake, 3 * len(half))
        log.free.set()
        assert [len(each.result()) for each in sent] == [len(half)] * 3

    assert [len(group) for group in log.groups] == [len(half)] * 3
    # Whoever writes next is told of its own before, and never of more than it takes.
    assert log.expected == log.groups


def test_a_failure_reaches_everyone_in_the_group_and_none_after_it():
    log = Log()
    intake, _ = an_intake(log)
    log.broken = StoreUnavailable("the disk is full")

    with pytest.raises(StoreUnavailable, match="disk is full"):
        intake.record(events("e1"), now=NOW)
    log.broken = None

    assert accepted(intake, "e2") == ["e2"]
    assert intake.waiting == 0


def test_a_line_that_is_full_takes_no_more():
    log = Log()
    intake, _ = an_intake(log, limits=Limits(seats=12, events=3))
    log.free.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(accepted, intake, "e1", "e2", "e3")
        waiting(intake, 3)

        with pytest.raises(Overloaded, match="3 events wait"):
            intake.record(events("e4"), now=NOW)
        log.free.set()

        assert first.result() == ["e1", "e2", "e3"]


def test_one_batch_larger_than_the_line_is_written_alone():
    intake, _ = an_intake(Log(), limits=Limits(seats=12, events=2))

    assert accepted(intake, "e1", "e2", "e3") == ["e1", "e2", "e3"]


def test_a_stuck_writer_holds_up_nobody_but_itself():
    log = Log()
    intake, _ = an_intake(log, limits=Limits(seats=1, patience=timedelta(milliseconds=30)))
    log.free.clear()
    with ThreadPoolExecutor(2) as pool:
        stuck = pool.submit(accepted, intake, "e1")
        log.begun.acquire()
        waited = pool.submit(accepted, intake, "e2")
        with pytest.raises(Overloaded):
            waited.result(timeout=10)
        with pytest.raises(Overloaded):
            intake.record(events("e3"), now=NOW)
        log.free.set()

        assert stuck.result() == ["e1"]
    assert log.groups == [["e1"]]
    assert accepted(intake, "e4") == ["e4"]


def test_nothing_is_lost_or_written_twice_under_a_storm():
    log = Log()
    intake, _ = an_intake(log)

    def send(sender: int) -> list[str]:
        return [told for n in range(200) for told in accepted(intake, f"{sender}:{n}")]

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(send, range(16)))

    assert told == [[f"{sender}:{n}" for n in range(200)] for sender in range(16)]
    written = [each for group in log.groups for each in group]
    assert sorted(written) == sorted(each for own in told for each in own)
