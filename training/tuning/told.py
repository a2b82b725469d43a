"""How far tuning is: one line that changes on a terminal, a line a trial in a log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from training.report.words import counted
from training.tuning.budget import spoken
from training.tuning.run import Tuned
from training.tuning.search import Standing
from training.tuning.trials import Done


@contextmanager
def telling(seconds: float, stream: TextIO | None = None) -> Iterator[Callable[[Standing], None]]:
    """A function that tells how the search stands; `seconds` is the whole budget."""
    stream = stream if stream is not None else sys.stderr
    if not stream.isatty():
        yield lambda standing: print(line(standing), file=stream, flush=True)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(file=stream)) as bars:
        task = bars.add_task("tuning: the defaults first", total=seconds)
        yield lambda standing: bars.update(
            task, completed=max(0.0, seconds - standing.left), description=line(standing)
        )


def line(standing: Standing) -> str:
    """Trials done, the last, the best so far, the time left, in one line."""
    last, best = standing.last, standing.best
    return (
        f"{counted(standing.done, 'trial')}, the last ({last.table}) {last.total:.4f}; "
        f"best {best.total:.4f}, {over(standing)}; {spoken(standing.left)} left"
    )


def over(standing: Standing) -> str:
    """By how much the best is above the defaults."""
    base = standing.defaults.total
    if standing.best.total <= base or base <= 0:
        return "the defaults"
    return f"{standing.best.total / base - 1:.1%} above the defaults"


def told_of(tuned: Tuned) -> list[str]:
    """What tuning brought on the validation window, in lines."""
    standing, share = tuned.found.standing, tuned.tuning.discover_share
    best, base = standing.best, standing.defaults
    lines = [
        f"{counted(standing.done, 'trial')}, {standing.now} of them now, on "
        f"{counted(tuned.customers, 'customer')} of the validation window; what counts is nDCG of "
        f"home plus {share:g} times that of discover."
    ]
    if best.number == base.number:
        lines.append(
            "Nothing did better, by more than chance explains, than what it began with: "
            f"{_figures(base)}."
        )
    else:
        lines.append(f"Best: {_figures(best)}; {over(standing)}: {_figures(base)}.")
        lines.append(
            "That is on the window it was chosen by; `regulars compare` says what it is worth on "
            "one it has not seen."
        )
    return lines


def _figures(done: Done) -> str:
    return f"home {done.worth.home:.4f}, discover {done.worth.discover:.4f}"
