"""States of customers of whom nothing but purchases is known; and CDNOW's, to test against."""

from __future__ import annotations

import gzip
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from engine.domain.histories import Histories, NetLine, histories_of
from engine.domain.ids import IdTable
from engine.loyalty import purchases
from engine.loyalty.purchases import plain_facts
from engine.loyalty.states import States

CDNOW = Path(__file__).parents[2] / "shared" / "data" / "cdnow" / "CDNOW_sample.txt.gz"


def day_ms(day: str) -> int:
    """Midnight UTC of a day such as 19970930, in ms since 1970."""
    return round(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp() * 1000)


def cdnow() -> Histories:
    """The 1/10 sample of Fader, Hardie & Lee (2005): 2,357 customers of early 1997."""
    bought: defaultdict[str, list[NetLine]] = defaultdict(list)
    with gzip.open(CDNOW, "rt", encoding="ascii") as lines:
        # Columns: id in the master file, id in the sample, day, CDs, dollars.
        for number, line in enumerate(lines):
            _, customer, day, units, dollars = line.split()
            cents = round(100 * float(dollars))
            bought[customer].append(NetLine(str(number), day_ms(day), "cd", float(units), cents))
    return histories_of(
        ((customer, sorted(own, key=lambda each: each.at_ms)) for customer, own in bought.items()),
        items=IdTable(["cd"]),
    )


def states_of_purchases(goods: Histories, *, items: IdTable | None = None) -> States:
    """States of customers who did nothing but buy, of items of no category and unknown cost."""
    return purchases.states_of_purchases(goods, plain_facts((items or IdTable(["cd"])).ids))
