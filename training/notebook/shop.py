"""A shop for notebooks: real sample purchases in a folder of their own, loaded when first asked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS
from engine.errors import SettingsError
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import Cuts
from engine.settings import Settings
from engine.store.catalog import SqlCatalog
from engine.store.ledger import SqlLedger
from engine.store.log_reader import read_log
from engine.store.private_folder import make_private
from training.cuts import Source, cuts_before
from training.demo.sample import some_transactions, transactions
from training.history import Purchases, purchases_before
from training.ingest.options import IngestOptions
from training.ingest.run import ingest
from training.notebook.shown import Grid
from training.progress import Silent
from training.report.assembly.report import shop_report
from training.report.assembly.sources import Sources
from training.report.data import ShopReport
from training.report.reading import Shop, currency_of, read_sources
from training.report.words import count, day, money
from training.wiring import model_store, open_database

# Where the notebooks keep their shop, and of how many households; neither is a setting of a shop.
HOME, HOUSEHOLDS = "NOTEBOOK_HOME", "NOTEBOOK_HOUSEHOLDS"
USUAL_HOME = Path(".regulars") / "notebooks"
LOADED = "loaded"


@dataclass(frozen=True)
class NotebookShop:
    """The sample shop as of its last purchase; what is asked for twice is worked out once."""

    settings: Settings

    @cached_property
    def purchases(self) -> Purchases:
        """What every customer bought and kept."""
        with open_database(self.settings) as database:
            log = read_log(database)
        return purchases_before(log.lines, cut_ms=2**62)

    @cached_property
    def catalog(self) -> Mapping[str, Item]:
        """What is known of the items, by id."""
        with open_database(self.settings) as database:
            return {item.item_id: item for item in SqlCatalog(database).all()}

    @cached_property
    def currency(self) -> str | None:
        """The currency of all sums."""
        with open_database(self.settings) as database:
            return currency_of(database)

    @cached_property
    def cuts(self) -> Cuts:
        """The customer model as of the last purchase: what scores, stages and values go by."""
        with open_database(self.settings) as database:
            source = Source(read_log(database), self.catalog, LoyaltyConfig())
        return cuts_before(source, until_ms=self.until_ms, version="notebook").cuts

    @property
    def until_ms(self) -> int:
        """Right after the last purchase, in ms since 1970 UTC."""
        return int(self.purchases.customers.at.max()) + 1

    @cached_property
    def sources(self) -> Sources:
        """Every customer's features and segments as of the last purchase."""
        with open_database(self.settings) as database:
            return read_sources(Shop(database, model_store(self.settings)), cuts=self.cuts)

    @cached_property
    def report(self) -> ShopReport:
        """Everything that `regulars report loyalty` shows, as of the last purchase."""
        return shop_report(self.sources)

    def summary(self) -> Grid:
        """How many customers, orders and items there are, from when to when, and for how much."""
        held = self.purchases.customers
        orders = len(set(held.order.tolist()))
        rows = [
            ("Customers", count(len(held))),
            ("Items", count(len(self.purchases.items))),
            ("Orders", count(orders)),
            ("Purchase lines", count(held.lines)),
            ("Revenue", money(int(held.value.sum()), self.currency)),
            ("From", day(int(held.at.min()))),
            ("To", day(int(held.at.max()))),
            ("Days", count((int(held.at.max()) - int(held.at.min())) / DAY_MS)),
        ]
        return Grid(("", ""), rows, frozenset({1}))


def open_shop(
    *, households: int | None = None, environment: Mapping[str, str] | None = None
) -> NotebookShop:
    """The sample shop, loaded into the folder NOTEBOOK_HOME if that was not done before.

    Of so many `households`, or of all; NOTEBOOK_HOUSEHOLDS takes the place of what is asked for.
    The dates are those of the sample, 2017.
    """
    given = os.environ if environment is None else environment
    wanted = _number(given.get(HOUSEHOLDS), households)
    root = Path(given.get(HOME) or USUAL_HOME)
    settings = Settings(home=root / ("all" if wanted is None else str(wanted)))
    if not (settings.home / LOADED).exists():
        sample = settings.home / "sample"
        _load(settings, some_transactions(sample, households=wanted) if wanted else transactions())
        (settings.home / LOADED).touch()
    return NotebookShop(settings)


def _number(given: str | None, otherwise: int | None) -> int | None:
    if not given:
        return otherwise
    if not given.isdecimal() or int(given) < 1:
        raise SettingsError(f"{HOUSEHOLDS}={given}: write how many households, such as 200")
    return int(given)


def _load(settings: Settings, path: Path) -> None:
    make_private(settings.home)
    with open_database(settings) as database:
        ingest(
            [path],
            IngestOptions(format="complete-journey"),
            ledger=SqlLedger(database),
            catalog=SqlCatalog(database),
            home=settings.home,
            now=datetime.now(UTC),
            progress=Silent(),
        )
