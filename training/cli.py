"""The `regulars` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from engine.errors import EngineError
from engine.settings import Settings
from training.commands.backup import backup, restore
from training.commands.compare import compare
from training.commands.customer import customer
from training.commands.demo import demo
from training.commands.doctor import doctor
from training.commands.evaluate import evaluate
from training.commands.features import features
from training.commands.holdout import holdout
from training.commands.ingest import ingest
from training.commands.keys import keys
from training.commands.models import models, publish
from training.commands.rebuild import rebuild
from training.commands.recommend import recommend
from training.commands.rejects import rejects
from training.commands.reload import reload
from training.commands.report import report
from training.commands.segments import segments
from training.commands.serve import serve
from training.commands.size import size
from training.commands.train import train
from training.commands.tune import tune


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="regulars", prog_name="regulars")
@click.pass_context
def regulars(context: click.Context) -> None:
    """Turn shoppers into regulars: load purchases, train, recommend, serve, know your customers.

    State lives under REGULARS_HOME (default .regulars). Try `regulars demo`.
    """
    # The doctor reads them itself: settings that cannot be read are a finding.
    if context.obj is None and context.invoked_subcommand != doctor.name:
        context.obj = Settings.from_env(os.environ, folder=Path.cwd())


report.add_command(holdout)
for command in (
    demo,
    ingest,
    train,
    evaluate,
    compare,
    tune,
    models,
    publish,
    recommend,
    features,
    segments,
    customer,
    report,
    rebuild,
    rejects,
    keys,
    serve,
    reload,
    backup,
    restore,
    size,
    doctor,
):
    regulars.add_command(command)


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
