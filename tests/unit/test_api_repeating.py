"""Work in the background of a worker."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import pytest

from api.repeating import Repeating
from engine.errors import StoreUnavailable
from tests.waiting import PATIENCE_SECONDS

OFTEN = timedelta(milliseconds=1)


def test_an_action_is_repeated_until_it_is_closed():
    done = threading.Semaphore(0)
    repeating = Repeating("counting", done.release, every=OFTEN).start()

    for _ in range(3):
        assert done.acquire(timeout=PATIENCE_SECONDS)
    repeating.close()

    assert not any(thread.name == "counting" for thread in threading.enumerate())


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a bug")])
def test_a_failure_is_logged_and_outlived(caplog: pytest.LogCaptureFixture, error: Exception):
    again = threading.Semaphore(0)

    def fail() -> None:
        again.release()
        raise error

    with caplog.at_level(logging.WARNING):
        repeating = Repeating("failing", fail, every=OFTEN).start()
        for _ in range(3):
            assert again.acquire(timeout=PATIENCE_SECONDS)
        repeating.close()

    assert "failing failed" in caplog.text


def test_an_outage_is_said_once(caplog: pytest.LogCaptureFixture):
    again = threading.Semaphore(0)

    def fail() -> None:
        again.release()
        raise StoreUnavailable("away")

    with caplog.at_level(logging.WARNING):
        repeating = Repeating("failing", fail, every=OFTEN).start()
        for _ in range(5):
            assert again.acquire(timeout=PATIENCE_SECONDS)
        repeating.close()

    assert caplog.text.count("away") == 1


def test_one_that_was_never_started_can_be_closed():
    turns: list[int] = []

    Repeating("idle", lambda: turns.append(1), every=OFTEN).close()

    assert turns == []
