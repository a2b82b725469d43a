"""Seconds and memory of every stage over the size of a made-up shop, each a process of its own.

python -m tests.benchmarks.bench_scale --folder DIR [--customers N,N] [--svg FILE] [--small]

Sizes that were measured before are read from DIR/results.json; delete an entry to repeat it. What a
size leaves in DIR is removed but for --keep.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks.metered import Cost, metered
from tests.benchmarks.report import machine, show, table
from tests.benchmarks.scale_chart import Curve, draw_curves
from tests.shop import Shop

# Of the shop that the largest size stands for.
PURCHASES_PER_CUSTOMER, CUSTOMERS_PER_ITEM = 20, 10
CUSTOMERS = (4_000, 15_625, 62_500, 250_000, 1_000_000)
# A larger shop is asked for longer batches.
CUSTOMERS_PER_LIST = 5
SMALL = (400,)
LISTS = (10_000, 100_000)
SMALL_LISTS = (80,)
SEED = 7
# The first steps of a training's parts, as the command names them.
REFRESH = "reading the log"
GENERATE = """
import sys
from pathlib import Path
from tests.benchmarks.synthetic import shop, write_parquet
path, customers, items, purchases, seed = sys.argv[1:]
bought = shop(
    customers=int(customers), items=int(items), purchases=int(purchases), seed=int(seed)
)
write_parquet(bought, Path(path))
"""


class Size(msgspec.Struct, frozen=True):
    """How large a shop is."""

    customers: int
    items: int
    purchases: int

    @classmethod
    def of(cls, customers: int) -> Size:
        """Items and purchases in proportion to the customers."""
        items = max(customers // CUSTOMERS_PER_ITEM, 100)
        return cls(customers, items, customers * PURCHASES_PER_CUSTOMER)


class Batch(msgspec.Struct, frozen=True):
    """Lists for so many customers."""

    customers: int
    cost: Cost


class Measured(msgspec.Struct, frozen=True):
    """What each stage of a size cost; `machine` says where, and how busy it was.

    `train` is `regulars train` up to a live model, `refresh` the rest of it: everyone's features
    and segments.
    """

    size: Size
    machine: str
    generate: Cost
    ingest: Cost
    train: Cost
    refresh: Cost
    lists: tuple[Batch, ...]

    def stages(self) -> dict[str, Cost]:
        """The stages that a shop goes through, by name."""
        return {"ingest": self.ingest, "train": self.train, "features": self.refresh}


def measure(size: Size, folder: Path, *, lists: Sequence[int]) -> Measured:
    """The cost of each stage; what they leave is below the folder."""
    found = machine()
    home = Shop(folder / "home")
    path = folder / "purchases.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**home.environment, "PYTHONPATH": str(Path.cwd())}
    numbers = [str(each) for each in (size.customers, size.items, size.purchases, SEED)]

    def regulars(*arguments: str) -> Cost:
        show(f"{size.customers:,} customers: {arguments[0]}")
        return metered([sys.executable, "-m", "training", *arguments], environment)

    generate = metered([sys.executable, "-c", GENERATE, str(path), *numbers], environment)
    ingest = regulars("ingest", str(path), "--currency", "EUR")
    train = regulars("train")
    batches = [
        Batch(many, regulars("recommend", *_asked(many, folder)))
        for many in lists
        if many * CUSTOMERS_PER_LIST <= size.customers
    ]
    return Measured(
        size,
        found,
        generate,
        ingest,
        train.between(None, REFRESH),
        train.between(REFRESH, None),
        tuple(batches),
    )


def _asked(many: int, folder: Path) -> list[str]:
    names = folder / f"first-{many}.txt"
    names.write_text("".join(f"c{number}\n" for number in range(many)), encoding="utf-8")
    return ["--customers", str(names), "--output", str(folder / f"lists-{many}.parquet")]


def all_sizes(
    customers: Sequence[int], folder: Path, *, lists: Sequence[int], keep: bool
) -> list[Measured]:
    """What each size cost, the smallest first; those measured before are not measured again."""
    notes = folder / "results.json"
    known = msgspec.json.decode(notes.read_bytes(), type=list[Measured]) if notes.exists() else []
    for many in sorted(customers):
        if any(each.size.customers == many for each in known):
            continue
        place = folder / str(many)
        known.append(measure(Size.of(many), place, lists=lists))
        known.sort(key=lambda each: each.size.customers)
        notes.write_bytes(msgspec.json.format(msgspec.json.encode(known)))
        if not keep:
            shutil.rmtree(place)
    return [each for each in known if each.size.customers in customers]


def stage_table(measured: Sequence[Measured]) -> str:
    """A row a size and stage."""
    rows = [
        [
            f"{each.size.customers:,}",
            f"{each.size.items:,}",
            f"{each.size.purchases:,}",
            name,
            f"{cost.seconds:,.0f}",
            f"{cost.peak_gb:.2f}",
        ]
        for each in measured
        for name, cost in each.stages().items()
    ]
    return table(["customers", "items", "purchases", "stage", "seconds", "peak GB"], rows)


def list_table(measured: Sequence[Measured]) -> str:
    """A row a batch of lists."""
    rows = [
        [
            f"{each.size.customers:,}",
            f"{each.size.items:,}",
            f"{batch.customers:,}",
            f"{batch.cost.seconds:,.0f}",
            f"{batch.customers / batch.cost.seconds:,.0f}",
            f"{batch.cost.peak_gb:.2f}",
        ]
        for each in measured
        for batch in each.lists
    ]
    headings = ["customers of the shop", "items", "lists", "seconds", "lists/s", "peak GB"]
    return table(headings, rows)


def step_table(measured: Measured) -> str:
    """A row a step of the training."""
    rows = [
        [step.name, f"{step.seconds:,.0f}", f"{step.peak_gb:.2f}"] for step in measured.train.steps
    ]
    return table([f"step, {measured.size.customers:,} customers", "seconds", "peak GB"], rows)


def curves_of(measured: Sequence[Measured]) -> list[Curve]:
    """Each stage over the number of purchases."""
    return [
        Curve(
            name,
            [each.size.purchases for each in measured],
            [each.stages()[name].seconds / 60 for each in measured],
            [each.stages()[name].peak_gb for each in measured],
        )
        for name in measured[0].stages()
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="Where to work, and where results are kept.")
    parser.add_argument("--customers", default=",".join(map(str, CUSTOMERS)), help="The sizes.")
    parser.add_argument("--svg", type=Path, help="Draw the curves into this file.")
    parser.add_argument("--keep", action="store_true", help="Leave the shops that were made.")
    parser.add_argument("--small", action="store_true", help="A few seconds, to see that it works.")
    options = parser.parse_args()
    if options.folder is None and not options.small:
        parser.error("--folder is needed: the largest size takes some 20 GB there")
    return options


def main() -> None:
    """Measure and print."""
    options = _options()
    show(machine())
    customers = SMALL if options.small else [int(each) for each in options.customers.split(",")]
    lists = SMALL_LISTS if options.small else LISTS
    with tempfile.TemporaryDirectory() as spare:
        folder = options.folder or Path(spare)
        measured = all_sizes(customers, folder, lists=lists, keep=options.keep)
    show(f"\n{stage_table(measured)}\n\n{list_table(measured)}\n\n{step_table(measured[-1])}")
    if options.svg:
        options.svg.write_text(draw_curves(curves_of(measured)).svg, encoding="utf-8")


if __name__ == "__main__":
    main()
