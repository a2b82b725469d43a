"""No check of the doctor stops the others, whatever it does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from packaging.requirements import Requirement
from rich.console import Console

from engine.errors import StoreUnavailable
from engine.settings import Settings
from training.doctor.examine import examined, within
from training.doctor.finding import Deployment, Finding, Severity, ok, spelled, warning
from training.doctor.machine import _limit
from training.doctor.shown import healthy, lines, show, summary
from training.doctor.versions import _libraries

DEPLOYMENT = Deployment(Settings())


def test_a_check_that_hangs_keeps_what_it_found_and_is_left():
    end = threading.Event()

    def hanging(_deployment: Deployment) -> Iterator[Finding]:
        yield ok("mount", "is there")
        end.wait()

    found = within("mount", hanging, DEPLOYMENT, seconds=0.2)
    end.set()

    assert [each.severity for each in found] == [Severity.OK, Severity.BROKEN]
    assert "0.2 s" in found[1].found


@pytest.mark.parametrize("error", [StoreUnavailable("it is away"), ZeroDivisionError("oh")])
def test_a_check_that_fails_is_a_finding_and_the_next_one_runs(error: Exception):
    def failing(_deployment: Deployment) -> Iterator[Finding]:
        raise error
        yield

    def fine(_deployment: Deployment) -> Iterator[Finding]:
        yield ok("two", "works")

    found = list(examined({"one": failing, "two": fine}, DEPLOYMENT))

    assert [(each.about, each.severity) for each in found] == [
        ("one", Severity.BROKEN),
        ("two", Severity.OK),
    ]
    assert str(error) in found[0].found


def test_a_library_that_is_too_old_or_missing_is_named():
    needed = [Requirement(each) for each in ("pytest>=8", "click>=999", "no-such-library>=1")]

    found = list(_libraries(needed, ("",)))

    assert [each.severity for each in found] == [Severity.BROKEN] * 2
    assert [each.found.split()[0] for each in found] == ["click", "no-such-library"]
    assert found[0].remedy == "Run pip install 'click>=999'."


def test_a_library_of_an_extra_is_needed_only_with_it():
    needed = [Requirement("no-such-library; extra == 'postgres'")]

    assert [each.severity for each in _libraries(needed, ("",))] == [Severity.OK]
    assert [each.severity for each in _libraries(needed, ("", "postgres"))] == [Severity.BROKEN]


def test_fewer_than_1024_open_files_are_a_warning():
    assert _limit(1023, "here").severity == Severity.WARNING
    assert _limit(1024, "here").severity == Severity.OK
    assert _limit(-1, "here").severity == Severity.OK


def test_what_a_server_says_cannot_steer_the_terminal():
    finding = warning("cache", "\x1b[2Jgone\nnext line", "Look.")

    assert finding.found == " [2Jgone next line"


def test_a_log_gets_plain_lines_and_a_terminal_a_table():
    findings = [ok("python", "3.11"), warning("disk", "[red]full[/red]", "Make room.")]
    plain, terminal = Console(width=80), Console(width=80, force_terminal=True)

    with plain.capture() as printed:
        show(findings, plain)
    with terminal.capture() as drawn:
        show(findings, terminal)

    assert printed.get().splitlines() == [
        "ok       python          3.11",
        "warning  disk            [red]full[/red]. Make room.",
        "0 broken, 1 warning, 1 ok.",
    ]
    assert "[red]full[/red]" in drawn.get()
    assert "about" in drawn.get()


def test_warnings_alone_are_healthy():
    findings = [warning("disk", "little", "Make room.")]

    assert healthy(findings)
    assert summary(findings) == "0 broken, 1 warning, 0 ok."
    assert not list(lines([]))


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (0, "less than an hour"),
        (0.99, "less than an hour"),
        (1, "1 hour"),
        (2.9, "2 hours"),
        (47.9, "47 hours"),
        (48, "2 days"),
        (180, "7 days"),
    ],
)
def test_a_span_is_said_in_hours_below_two_days(hours: float, said: str):
    assert spelled(timedelta(hours=hours)) == said
