"""Readiness: bounded in time, asked once a second, whatever hangs."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from api.telemetry.readiness import (
    CACHE,
    DATABASE,
    FINE,
    MODEL,
    Found,
    Readiness,
    Status,
    answers,
    checked,
)
from engine.errors import StoreUnavailable
from tests.waiting import comes_true

SOON = timedelta(milliseconds=100)


class Part:
    """A part that counts how often it is asked, and hangs while told to."""

    def __init__(self, found: Found = FINE) -> None:
        self.found = found
        self.asked = 0
        self.hanging = threading.Event()
        self.free = threading.Event()

    def __call__(self) -> Found:
        self.asked += 1
        if self.hanging.is_set():
            self.free.wait()
        return self.found


def away() -> Found:
    return Found("unavailable", "away")


def test_all_well_is_ready_and_one_missing_part_is_degraded():
    parts = {DATABASE: Part(), CACHE: Part(), MODEL: Part()}

    assert Readiness(parts).report().status is Status.READY
    degraded = Readiness({**parts, CACHE: away}).report()
    assert degraded.status is Status.DEGRADED
    assert degraded.parts[CACHE].why == "away"
    assert Readiness({**parts, "disk": lambda: Found("low", "")}).report().status is (
        Status.DEGRADED
    )


def test_without_database_and_model_it_is_down_and_with_either_it_is_not():
    fine = {CACHE: Part()}

    assert Readiness({**fine, DATABASE: away, MODEL: away}).report().status is Status.DOWN
    assert Readiness({**fine, DATABASE: away, MODEL: Part()}).report().status is Status.DEGRADED
    assert Readiness({**fine, DATABASE: Part(), MODEL: away}).report().status is Status.DEGRADED


def test_a_storm_of_questions_asks_a_part_once():
    part = Part()
    readiness = Readiness({DATABASE: part, MODEL: Part()}, fresh_for=timedelta(seconds=30))

    with ThreadPoolExecutor(16) as pool:
        reports = list(pool.map(lambda _: readiness.report(), range(500)))

    assert part.asked == 1
    assert all(report.status is Status.READY for report in reports)


def test_a_part_that_hangs_holds_up_nobody_and_one_thread():
    part = Part()
    part.hanging.set()
    patience = timedelta(seconds=1)
    parts = {DATABASE: part, MODEL: Part()}
    readiness = Readiness(parts, fresh_for=timedelta(0), patience=patience)
    before = threading.active_count()

    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        reports = list(pool.map(lambda _: readiness.report(), range(200)))
    took = time.monotonic() - began
    hung = threading.active_count() - before
    part.free.set()

    # One second, once; if everyone had this patience, sixteen at a time, it would be twelve.
    assert took < 6
    assert part.asked == 1
    assert hung == 1
    assert all(report.parts[DATABASE].word == "unavailable" for report in reports)
    assert "no answer" in reports[-1].parts[DATABASE].why


def test_a_part_that_answers_again_is_well_again():
    part = Part()
    part.hanging.set()
    readiness = Readiness({DATABASE: part, MODEL: Part()}, fresh_for=SOON, patience=SOON)
    readiness.report()

    part.hanging.clear()
    part.free.set()

    assert comes_true(lambda: readiness.report().status is Status.READY)


def test_what_is_known_is_asked_again_when_it_may_have_changed():
    part = Part()
    readiness = Readiness({DATABASE: part, MODEL: Part()}, fresh_for=SOON)
    readiness.report()
    part.found = Found("unavailable", "away")

    assert readiness.report().status is Status.READY
    time.sleep(0.15)
    assert readiness.report().status is Status.DEGRADED


def test_why_a_store_is_away_names_neither_host_nor_file():
    def ask() -> None:
        raise StoreUnavailable("db.internal:5432 does not answer")

    assert "internal" not in answers(ask)().why
    assert answers(lambda: None)() == FINE


def test_a_check_that_breaks_is_a_part_that_is_not_well():
    def broken() -> Found:
        raise RuntimeError("db.internal")

    report = Readiness({DATABASE: broken, MODEL: checked(lambda: True, "")}).report()

    assert report.parts[DATABASE].word == "unavailable"
    assert "internal" not in report.parts[DATABASE].why
