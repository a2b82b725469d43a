"""What a process cost, step by step."""

from __future__ import annotations

import os
import sys

import pytest

from tests.benchmarks.metered import Cost, ProcessFailed, Step, metered

SAYS = """
import sys, time
def say(text): print(text, file=sys.stderr, flush=True)
say("small"); time.sleep(0.4)
say("large"); held = bytearray(200_000_000); time.sleep(0.4)
say("large: 50%"); time.sleep(0.2)
del held
say("large: done in 0.6 s")
say("small again"); time.sleep(0.4)
"""


def test_steps_have_their_own_memory_and_time() -> None:
    cost = metered([sys.executable, "-c", SAYS], dict(os.environ))

    _, small, large, again = cost.steps
    assert [small.name, large.name, again.name] == ["small", "large", "small again"]
    assert large.peak_gb > 0.19 + small.peak_gb
    assert again.peak_gb < large.peak_gb == cost.peak_gb
    assert large.seconds >= 0.6
    assert cost.seconds == pytest.approx(sum(each.seconds for each in cost.steps), abs=0.2)


def test_memory_of_children_counts() -> None:
    child = "import time; held = bytearray(200_000_000); time.sleep(0.5)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    cost = metered([sys.executable, "-c", parent], dict(os.environ))

    assert cost.peak_gb > 0.2


def test_a_process_that_fails_is_no_measurement() -> None:
    with pytest.raises(ProcessFailed, match="no such luck"):
        metered([sys.executable, "-c", "raise SystemExit('no such luck')"], dict(os.environ))


def test_a_part_of_the_steps_is_a_cost_of_its_own() -> None:
    steps = (Step("starting", 1, 0.1), Step("one", 2, 0.5), Step("reading it", 3, 0.4))

    whole = Cost(6, 0.5, steps)

    assert whole.between(None, "reading") == Cost(3, 0.5, steps[:2])
    assert whole.between("reading", None) == Cost(3, 0.4, steps[2:])
    assert whole.between("never", None) == Cost(0, 0, ())
