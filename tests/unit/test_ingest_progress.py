"""How far a command is, on a terminal and in a log."""

from __future__ import annotations

import io

from training.progress import LOG_SECONDS, Lines, progress, steps


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_plain_lines_and_one_now_and_then() -> None:
    log, seconds = io.StringIO(), iter([0.0, 1.0, LOG_SECONDS, LOG_SECONDS + 1, 12.5])

    with Lines(log, clock=lambda: next(seconds)).track("reading", total=4) as done:
        for part in (1, 2, 3):
            done(part)

    assert log.getvalue().splitlines() == ["reading", "reading: 50%", "reading: done in 12.5 s"]


def test_a_terminal_gets_a_bar() -> None:
    screen = _Screen()

    with progress(screen) as shown, shown.track("reading", total=4) as done:
        done(4)

    assert "100%" in screen.getvalue()


def test_steps_are_named_as_they_begin() -> None:
    log, screen = io.StringIO(), _Screen()

    for stream in (log, screen):
        with steps(stream) as step:
            step("fitting")
            step("writing")

    assert log.getvalue().splitlines() == ["fitting", "writing"]
    assert "fitting" in screen.getvalue()
