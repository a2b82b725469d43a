"""`regulars demo`: the whole loop on real purchases, on this machine, in a few minutes."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from os import environ
from pathlib import Path

import click
import msgspec

from engine.domain.customers import StoredCustomer
from engine.domain.events import to_ms
from engine.domain.features import LastStage
from engine.domain.histories import DAY_MS
from engine.errors import SettingsError
from engine.loyalty.trajectory import SEPARATION, STAGES
from engine.settings import PREFIX, Settings
from engine.store.catalog import SqlCatalog
from engine.store.customers import SqlCustomers
from engine.store.features import SqlFeatures
from engine.store.ledger import SqlLedger
from training.commands.train import refresh_all, train_on_log
from training.config import TrainConfig
from training.cuts import live_cuts
from training.demo.client import Shop
from training.demo.sample import transactions
from training.demo.tables import Meeting, print_meeting
from training.fitting.ranker_config import RankerConfig
from training.ingest.options import IngestOptions
from training.ingest.report import render
from training.ingest.run import ingest
from training.progress import progress
from training.refresh import told
from training.serving.environments import worker_environment
from training.tables import print_run
from training.terminal import console
from training.wiring import model_store, open_database

# The last day of the sample data; its shop has been silent since.
LAST_DAY = datetime(2018, 1, 1, tzinfo=UTC)
LIMIT = 8
BASKET = 2
SIMILAR = 4
# The household to meet: a regular who has not been seen for some weeks, and drifted off.
# In a year: more orders than from every other week, fewer than two a week.
MANY_ORDERS = (26, 104)
AWAY_DAYS = (20, 90)


@click.command(epilog="Example: regulars demo --once")
@click.option("--once", is_flag=True, help="Stop after the printout instead of serving on.")
@click.pass_obj
def demo(settings: Settings, once: bool) -> None:
    """Load real sample purchases, train, start everything, and show what a purchase changes."""
    # Never the shop's own database, cache or models.
    own = replace(
        settings,
        home=settings.home / "demo",
        database_url=None,
        redis_url=None,
        models_url=None,
        storefront=True,
        # Lines of requests would stand between the tables.
        access_log=False,
    )
    customer = _prepare(own)
    with _server(own) as (url, process):
        shop = Shop(url)
        shop.wait(alive=lambda: process.poll() is None)
        meeting = _meet(shop, customer)
        print_meeting(console(), meeting, _titles(own, meeting), url=None if once else url)
        if once:
            click.echo(f"All of it stays: REGULARS_HOME={own.home} regulars serve --storefront")
        else:
            click.echo("Serving until you press Ctrl-C.")
            process.wait()


def _prepare(settings: Settings) -> str:
    """Load and train where that was not done before; the household to show."""
    with open_database(settings) as database:
        _load(settings, SqlLedger(database), SqlCatalog(database))
        cuts = live_cuts(model_store(settings))
        if cuts is None:
            # One window of the past teaches enough for a first look, in half the time.
            config = TrainConfig(ranker=RankerConfig(windows=1))
            run = train_on_log(settings, database, config=config)
            print_run(run, limit=config.limit)
            cuts = run.cuts.cuts
        stages = SqlFeatures(database).stages()
        if not stages:
            click.echo(told(refresh_all(database, cuts)))
            stages = SqlFeatures(database).stages()
        everyone = [each for page in SqlCustomers(database).pages(size=1_000) for each in page]
        return household(everyone, stages, now=datetime.now(UTC))


def _load(settings: Settings, ledger: SqlLedger, catalog: SqlCatalog) -> None:
    """Load the sample once; an interrupted load goes on with the dates it began with."""
    note = settings.home / "sample.json"
    sample = _read_note(note)
    if sample.loaded:
        click.echo("The sample purchases are loaded already.")
        return
    note.write_bytes(msgspec.json.encode(sample))
    with progress() as shown:
        report = ingest(
            [transactions()],
            IngestOptions(format="complete-journey", shift_days=sample.shift_days),
            ledger=ledger,
            catalog=catalog,
            home=settings.home,
            now=datetime.now(UTC),
            progress=shown,
        )
    for line in (line for file in report.files for line in render(file)):
        click.echo(line)
    note.write_bytes(msgspec.json.encode(_Sample(sample.shift_days, loaded=True)))


class _Sample(msgspec.Struct, frozen=True):
    """How far the sample's dates were moved, and whether all of it is loaded."""

    shift_days: int
    loaded: bool = False


def _read_note(path: Path) -> _Sample:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Sample)
    except (FileNotFoundError, msgspec.DecodeError):
        # To yesterday: of a shop whose customers order every few days, a week of silence would make
        # half of them look late.
        return _Sample((datetime.now(UTC) - LAST_DAY) // timedelta(days=1))


def _titles(settings: Settings, meeting: Meeting) -> dict[str, str]:
    with open_database(settings) as database:
        return SqlCatalog(database).titles(sorted(meeting.item_ids))


def household(
    everyone: Sequence[StoredCustomer], stages: Mapping[str, LastStage], *, now: datetime
) -> str:
    """A regular who has drifted off for some weeks: there one purchase changes the stage.

    Without any, whoever drifted off, or a regular who stayed away for a while, or at last anybody.
    """

    def days_away(each: StoredCustomer) -> float:
        return (to_ms(now) - (each.summary.last_order_ms or 0)) / DAY_MS

    def away(each: StoredCustomer) -> bool:
        (low, high), (least, most) = AWAY_DAYS, MANY_ORDERS
        return low <= days_away(each) <= high and least <= each.summary.orders <= most

    def gone(each: StoredCustomer) -> bool:
        said = stages.get(each.customer_id)
        return each.summary.orders > 1 and said is not None and said.stage == STAGES[SEPARATION]

    absent = [each for each in everyone if away(each)]
    chosen = (
        [each for each in absent if gone(each)]
        or [each for each in everyone if gone(each)]
        or absent
        or everyone
    )
    return max(chosen, key=lambda each: (days_away(each), each.customer_id)).customer_id


def _meet(shop: Shop, customer: str) -> Meeting:
    """A list, a purchase of its first items, and the list and profile right after it."""
    profile, before = shop.profile(customer), shop.recommendations(customer, limit=LIMIT)
    basket = [item["item_id"] for item in before["items"][:BASKET]]
    stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
    receipt = shop.send(
        {
            "event_id": f"demo-{stamp}",
            "type": "purchase",
            "customer_id": customer,
            "order_id": f"demo-{stamp}",
            "currency": "USD",
            "lines": [{"item_id": item, "quantity": 1, "unit_price": 299} for item in basket],
        }
    )
    return Meeting(
        profile,
        before,
        tuple(basket),
        receipt,
        shop.recommendations(customer, limit=LIMIT),
        shop.profile(customer),
        shop.similar(basket[0], limit=SIMILAR),
    )


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    port = _free_port(settings)
    variables = server_environment(replace(settings, port=port), environ)
    command = [sys.executable, "-m", "training", "serve"]
    # In the demo's own folder, so that the shop's regulars.toml is not read.
    with subprocess.Popen(  # noqa: S603 - our own command
        command, env=variables, cwd=settings.home
    ) as process:
        try:
            yield f"http://{settings.host}:{port}", process
        except KeyboardInterrupt:
            click.echo("Stopping.")
        finally:
            process.terminate()


def server_environment(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of the demo's server: of the shop's own settings, such as its cache, none."""
    others = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    return others | worker_environment(settings, None)


def _free_port(settings: Settings) -> int:
    """The port of the settings, or any other when that one is taken."""
    for port in (settings.port, 0):
        with socket.socket() as probe:
            try:
                probe.bind((settings.host, port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise SettingsError(f"no port of {settings.host} can be bound")
