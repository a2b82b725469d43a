"""The `regulars` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from engine.errors import EngineError
from engine.settings import Settings
from training.lazy import LazyGroup, Place

DOCTOR = "doctor"
PLACES = {
    "backup": Place("Save everything that happened, as of one moment, into one file."),
    "compare": Place("Compare the recipes of two versions, VERSION on trial against OTHER."),
    "customer": Place("Look at one customer, or put right who is who."),
    "demo": Place(
        "Load real sample purchases, train, start everything, and show what a purchase changes."
    ),
    DOCTOR: Place("Look at everything a deployment stands on, and say what to fix."),
    "evaluate": Place(
        "Compare a model with each scorer and plain baselines, for home and for discover."
    ),
    "features": Place("Work out every customer's features and segments as of now, and store them."),
    "ingest": Place("Load purchases from CSV, CSV.gz or Parquet files into the event log."),
    "keys": Place("Make, list and end API keys and customer tokens."),
    "models": Place("List, show, promote and roll back model versions."),
    "publish": Place(
        "Make a version live, by default the newest that passed its gate.", module="models"
    ),
    "rebuild": Place("Work out every customer's state from the event log again."),
    "recommend": Place("Lists for customers, the same that the API gives."),
    "rejects": Place(
        "Show events of Segment's and GA4's clients that were refused, and why; the last first."
    ),
    "reload": Place(
        "Replace the workers of the running server one after the other; no request is refused."
    ),
    "report": Place("Write pages about the shop as a whole, or about one customer."),
    "restore": Place(
        "Bring back what a backup holds, on SQLite or PostgreSQL, whichever it came from.",
        module="backup",
    ),
    "segments": Place("List, show, write and delete segments; say who is in them, and why."),
    "serve": Place("Answer over HTTP until stopped."),
    "size": Place("How much disk, memory and time a shop of a size takes, from what was measured."),
    "train": Place(
        "Learn from the event log, compare honestly, and publish the model if it is good enough."
    ),
    "tune": Place(
        "Look for numbers that suit this shop better than the defaults, in a given time."
    ),
}


class Commands(LazyGroup):
    """What `regulars` can do."""

    package = "training.commands"
    places = PLACES


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="regulars", prog_name="regulars")
@click.pass_context
def regulars(context: click.Context) -> None:
    """Turn shoppers into regulars: load purchases, train, recommend, serve, know your customers.

    State lives under REGULARS_HOME (default .regulars). Try `regulars demo`.
    """
    # The doctor reads them itself: settings that cannot be read are a finding.
    if context.obj is None and context.invoked_subcommand != DOCTOR:
        context.obj = Settings.from_env(os.environ, folder=Path.cwd())


def main() -> None:
    """Run the command; exit 0 when done, 1 when refused or failed, 2 when used wrongly."""
    try:
        code = regulars.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except EngineError as error:
        click.echo(f"regulars: {error}", err=True)
        code = 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("regulars: interrupted", err=True)
        code = 1
    except RuntimeError as error:
        # DuckDB's word for Ctrl-C during a query.
        if "interrupted" not in str(error):
            raise
        click.echo("regulars: interrupted", err=True)
        code = 1
    except BrokenPipeError:
        # The reader of our output, `head` say, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
