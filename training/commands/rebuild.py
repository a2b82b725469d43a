"""`regulars rebuild`."""

from __future__ import annotations

import click

from engine.identity_keeper import rebuild_identities
from engine.rebuild import rebuild_states
from engine.settings import Settings
from engine.store.customers import SqlCustomers
from engine.store.ledger import SqlLedger
from training.progress import progress
from training.wiring import open_database


@click.command(epilog="Example: regulars rebuild")
@click.pass_obj
def rebuild(settings: Settings) -> None:
    """Work out every customer's state from the event log again.

    Never needed while all goes well: after a backup was restored in part, or an upgrade that reads
    more out of the events than the version before. Safe to interrupt, and beside a server.
    """
    with open_database(settings) as database, progress() as shown:
        ledger = SqlLedger(database)
        others = rebuild_identities(ledger)
        total = SqlCustomers(database).count()
        with shown.track("folding events", total=total) as advance:
            changed = rebuild_states(ledger, done=advance)
    click.echo(f"{changed:,} of the customers' states differed from the log, and are true again")
    if others:
        click.echo(
            f"{others:,} anonymous visitors were joined to other customers than the log says"
        )
