"""Waiting for what happens in another thread or process."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

# Far more than anything here takes on a busy machine: what holds ends the wait at once.
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.01
# For a list: one that is out of time is a plain one, and a machine may stand still for a second.
AMPLE = timedelta(seconds=PATIENCE_SECONDS)


def comes_true(condition: Callable[[], bool], *, seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether it holds before patience ends; asked again and again until then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(PAUSE_SECONDS)
    return False
