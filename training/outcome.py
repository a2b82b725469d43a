"""Telling how a contest ended: on the terminal, and as a page."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import click

from engine.errors import DataRefused
from training.contest import DISCOVER, Outcome
from training.evaluation.console import evaluation_table, print_evaluation
from training.evaluation.surfaces.console import print_surfaces
from training.evaluation.surfaces.results import Surfaces
from training.evaluation.wording import headline
from training.report.models import models_page
from training.terminal import console


def tell(outcome: Outcome, *, output: Path, surfaces: Surfaces | None = None) -> None:
    """Print the tables and the verdicts, write the page, and say where it is."""
    out = console()
    print_evaluation(out, outcome.home)
    if outcome.discover is not None:
        out.print(f"\n{DISCOVER}. {headline(outcome.discover)}")
        out.print(evaluation_table(outcome.discover))
    if surfaces is not None:
        print_surfaces(out, surfaces)
    write_page(outcome, output, surfaces=surfaces)
    click.echo(f"Memory at its highest: {peak_gigabytes():.1f} GB")
    click.echo(f"The report is in {output}")


def write_page(outcome: Outcome, output: Path, *, surfaces: Surfaces | None = None) -> None:
    """Write the outcome as one HTML file; raises DataRefused where that cannot be."""
    others = {DISCOVER: outcome.discover} if outcome.discover is not None else {}
    text = models_page(outcome.home, outcome.examples, surfaces=others, purposes=surfaces)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataRefused(f"cannot be written: {error.strerror}", source=str(output)) from error


def peak_gigabytes() -> float:
    """The most memory this process ever held, in GB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes, but for macOS, which counts bytes.
    return peak / (1e9 if sys.platform == "darwin" else 1e6)
