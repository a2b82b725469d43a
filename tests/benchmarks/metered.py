"""What a process and its children cost, step by step as it names them."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

# How often memory is looked at: a peak that is shorter may be missed.
LOOK_SECONDS = 0.1
PAGE_BYTES = 4_096


class Step(msgspec.Struct, frozen=True):
    """A step of a process: seconds, and the most memory held in it, in GB."""

    name: str
    seconds: float
    peak_gb: float


class Cost(msgspec.Struct, frozen=True):
    """What a process cost, its start and its children included."""

    seconds: float
    peak_gb: float
    steps: tuple[Step, ...] = ()

    def between(self, first: str | None, until: str | None) -> Cost:
        """The part from the step `first` on and before `until`; None: from the start, to the end.

        The names are beginnings of names.
        """
        names = [each.name for each in self.steps]
        start = 0 if first is None else _place(names, first)
        end = len(names) if until is None else _place(names, until)
        own = self.steps[start:end]
        return Cost(
            sum(each.seconds for each in own), max((each.peak_gb for each in own), default=0), own
        )


class ProcessFailed(Exception):
    """A measured process ended with an error; says what it said last."""


def metered(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """The cost of a command that must succeed; its steps are the lines of its standard error.

    Memory is what the process and its children hold together, shared pages counted in each.
    Raises ProcessFailed.
    """
    began = time.perf_counter()
    said: list[tuple[float, str]] = [(began, "starting")]
    looks: list[tuple[float, float]] = []
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        listener = threading.Thread(target=_listen, args=(process.stderr, said))
        listener.start()
        while process.poll() is None:
            looks.append((time.perf_counter(), resident_gb(process.pid)))
            time.sleep(LOOK_SECONDS)
        listener.join()
    ended = time.perf_counter()
    if process.returncode:
        raise ProcessFailed(f"{' '.join(command[-4:])}: {said[-1][1]}")
    steps = _steps([each for each in said if _begins(each[1])], looks, ended=ended)
    return Cost(ended - began, max((gb for _, gb in looks), default=0.0), steps)


def resident_gb(pid: int) -> float:
    """Memory that a process and all its children hold now, in GB; 0 for one that is gone."""
    return sum(map(_own_bytes, _family(pid))) / 1e9


def _listen(stream: IO[str] | None, said: list[tuple[float, str]]) -> None:
    for line in stream or ():
        said.append((time.perf_counter(), line.strip()))


def _begins(line: str) -> bool:
    """Whether the line names a step, and does not tell how far one is."""
    return bool(line) and not line.endswith("%") and ": done in " not in line


def _steps(
    said: Sequence[tuple[float, str]], looks: Sequence[tuple[float, float]], *, ended: float
) -> tuple[Step, ...]:
    ends = [*(at for at, _ in said[1:]), ended]
    return tuple(
        Step(name, end - at, _highest(looks, at, end))
        for (at, name), end in zip(said, ends, strict=True)
    )


def _highest(looks: Sequence[tuple[float, float]], start: float, end: float) -> float:
    """The most memory seen between two moments; for one too short to be seen, just before."""
    inside = [gb for at, gb in looks if start <= at < end]
    before = [gb for at, gb in looks if at < end]
    return max(inside, default=before[-1] if before else 0.0)


def _place(names: Sequence[str], begins: str) -> int:
    places = (place for place, name in enumerate(names) if name.startswith(begins))
    return next(places, len(names))


def _family(pid: int) -> Iterable[int]:
    yield pid
    try:
        children = [
            int(child)
            for path in Path(f"/proc/{pid}/task").glob("*/children")
            for child in path.read_text().split()
        ]
    except OSError:
        return
    for child in children:
        yield from _family(child)


def _own_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        # Ended between being found and being looked at.
        return 0
