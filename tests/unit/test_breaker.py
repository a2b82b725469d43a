"""The circuit breaker, with a clock of the test's own."""

from __future__ import annotations

import threading
from datetime import timedelta

from engine.store.breaker import CircuitBreaker


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def an_open_breaker(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(2, timedelta(seconds=5), clock=clock)
    breaker.failed()
    breaker.failed()
    return breaker


def test_fewer_failures_in_a_row_than_the_threshold_leave_the_circuit_closed():
    breaker = CircuitBreaker(2, timedelta(seconds=5), clock=Clock())

    for _ in range(10):
        breaker.failed()
        breaker.succeeded()

    assert breaker.allows()
    assert not breaker.open


def test_the_threshold_opens_the_circuit():
    breaker = an_open_breaker(Clock())

    assert breaker.open
    assert not breaker.allows()


def test_one_caller_is_allowed_after_the_cooldown_and_the_others_are_not():
    clock = Clock()
    breaker = an_open_breaker(clock)

    clock.now += 5

    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_successful_probe_closes_the_circuit():
    clock = Clock()
    breaker = an_open_breaker(clock)
    clock.now += 5
    breaker.allows()

    breaker.succeeded()

    assert not breaker.open
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_failed_probe_waits_another_cooldown():
    clock = Clock()
    breaker = an_open_breaker(clock)
    clock.now += 5
    breaker.allows()
    clock.now += 1

    breaker.failed()

    clock.now += 4.9
    assert not breaker.allows()
    clock.now += 0.2
    assert breaker.allows()


def test_a_probe_that_never_reports_blocks_no_later_one():
    clock = Clock()
    breaker = an_open_breaker(clock)
    clock.now += 5
    breaker.allows()

    clock.now += 5

    assert breaker.allows()


def test_of_many_threads_exactly_one_probes():
    clock = Clock()
    breaker = an_open_breaker(clock)
    clock.now += 5
    together = threading.Barrier(8)
    allowed: list[bool] = []

    def ask() -> None:
        together.wait()
        allowed.append(breaker.allows())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(allowed) == [False] * 7 + [True]


def test_the_next_probe_waits_for_one_that_hangs_as_long_as_patience_lasts():
    clock = Clock()
    breaker = CircuitBreaker(1, timedelta(seconds=1), patience=timedelta(seconds=10), clock=clock)
    breaker.failed()
    clock.now += 1

    allowed = [breaker.allows()]
    for seconds in (5, 4, 1):
        clock.now += seconds
        allowed.append(breaker.allows())

    assert allowed == [True, False, False, True]


def test_a_probe_that_failed_is_followed_by_another_after_the_cooldown_alone():
    clock = Clock()
    breaker = CircuitBreaker(1, timedelta(seconds=1), patience=timedelta(seconds=10), clock=clock)
    breaker.failed()
    clock.now += 1
    breaker.allows()
    clock.now += 5
    breaker.failed()

    clock.now += 1

    assert breaker.allows()
