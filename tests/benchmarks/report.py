"""How a benchmark shows its figures."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path


def is_small(description: str | None) -> bool:
    """Whether the command line asks for a run of a few seconds."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--small", action="store_true", help="A few seconds, to see that it works.")
    return bool(parser.parse_args().small)


def machine() -> str:
    """The machine and how busy it was: figures mean nothing without."""
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    return (
        f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load average before {load}"
    )


def show(text: str) -> None:
    """Put the text out at once: a benchmark may take minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows below their headings as Markdown, columns aligned."""
    lines = [list(headings), *map(list, rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(headings))]
    padded = [
        [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    ruler = [
        "-" * width if index == 0 else "-" * (width - 1) + ":" for index, width in enumerate(widths)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in (padded[0], ruler, *padded[1:]))


def ratio(own: float, other: float) -> str:
    """How many times the other one value is."""
    return f"{own / other:.2f}x" if other else "-"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
