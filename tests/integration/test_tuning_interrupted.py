"""`regulars tune` is interrupted, or killed: nothing is lost that was done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commanding import loaded
from tests.shop import BARE
from training.config import load_config

QUICK = """
[train]
limit = 5
validation_days = 14
test_days = 14
half_lives = [60.0]

[train.ranker]
rounds = 3
windows = 1
"""
WAIT_SECONDS = 120


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = loaded(tmp_path_factory.mktemp("shops") / "home")
    (folder / "quick.toml").write_text(QUICK)
    return folder


@contextmanager
def tuning(home: Path, *, budget: str = "10m") -> Iterator[subprocess.Popen[str]]:
    """The command at work in a process of its own, told to write `tuned.toml`."""
    words = ("tune", "--config", home / "quick.toml", "--output", home / "tuned.toml")
    with subprocess.Popen(
        [sys.executable, "-m", "training", *map(str, words), "--budget", budget],
        env={**BARE, "REGULARS_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def trials_of(process: subprocess.Popen[str]) -> int:
    """How many trials the next line about them tells."""
    assert process.stderr is not None
    line = next(line for line in process.stderr if " left" in line)
    return int(line.split()[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_it_writes_the_best_so_far(home: Path, number: int) -> None:
    (home / "tuned.toml").unlink(missing_ok=True)
    with tuning(home) as process:
        trials_of(process)

        os.kill(process.pid, number)
        out, err = process.communicate(timeout=WAIT_SECONDS)

    assert process.returncode == 1
    assert "interrupted; the trials are kept" in err
    assert "Traceback" not in err
    assert "of the validation window" in out
    assert load_config(home / "tuned.toml").ranker.rounds == 3


def test_killed_it_goes_on_where_it_was(home: Path) -> None:
    with tuning(home) as process:
        before = trials_of(process)
        process.kill()

    with tuning(home) as process:
        after = trials_of(process)

    assert after >= before + 1
