"""Training, tuning and comparing in a notebook: what the commands do, with nothing printed."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from itertools import zip_longest

from engine.charts.bars import Bar, bars
from engine.charts.theme import BLUE, GREY, SKY
from training.commands.evaluate import Asked, by_window
from training.commands.train import train_on_log
from training.commands.train import tuned as tuned_on_log
from training.config import TrainConfig
from training.contest import Outcome
from training.evaluate import BLEND, FINAL
from training.evaluation.examples import Example
from training.evaluation.metrics import ALL, EXPLORE, PARTS, REPEAT
from training.evaluation.wording import figure
from training.notebook.shop import NotebookShop
from training.notebook.shown import Grid, Picture, Words
from training.tables import history_lines
from training.tuning.told import told_of
from training.wiring import model_store, open_database

# For tests: so many seconds of tuning instead of what a notebook asks for.
SECONDS = "NOTEBOOK_SECONDS"
COLOURS = {FINAL: BLUE, BLEND: SKY}
_FIELDS = {ALL: "overall", REPEAT: "repeat", EXPLORE: "explore"}


def trained(shop: NotebookShop) -> str:
    """The live version, trained by the defaults if none is; a small sample's goes live anyhow."""
    store = model_store(shop.settings)
    live = store.current_version()
    if live is not None:
        return live
    with open_database(shop.settings) as database, hushed():
        run = train_on_log(shop.settings, database, config=TrainConfig())
    store.publish(run.version)
    return run.version


def made(shop: NotebookShop, version: str) -> Words:
    """What a version learned from, and how it blends."""
    note = model_store(shop.settings).manifest(version).training
    return Words("\n".join(f"* {line}" for line in history_lines(note)))


def qualities(shop: NotebookShop, version: str) -> Picture:
    """nDCG of a version, its blend and every single scorer in the test window of its training."""
    note = model_store(shop.settings).manifest(version).training
    values = {name: each["overall"]["ndcg"] for name, each in note["metrics"].items()}
    rows = [
        Bar(name, values[name], figure(values[name]), colour=COLOURS.get(name, GREY))
        for name in sorted(values, key=lambda each: (-values[each], each != FINAL))
    ]
    customers = note["metrics"][FINAL]["overall"]["customers"]
    return Picture(
        bars(
            rows,
            title=f"Of all that was tried, {rows[0].label} finds what comes next best",
            subtitle=f"nDCG@{note['config']['limit']} over the full catalogue, {customers:,} "
            "customers of the test window. Each bar is the same recommender with one scorer.",
        )
    )


def apart(shop: NotebookShop, version: str) -> Grid:
    """Recall of everything tried: of all purchases, of repeats, of items new to the customer."""
    note = model_store(shop.settings).manifest(version).training
    rows = [
        (name, *(figure(each[_FIELDS[part]]["recall"]) for part in PARTS))
        for name, each in note["metrics"].items()
    ]
    return Grid(("Recall", "all", "bought before", "new"), rows, frozenset({1, 2, 3}))


def tuned(
    shop: NotebookShop, *, minutes: float, environment: Mapping[str, str] | None = None
) -> Words:
    """What tuning for so long brought on the validation window; trials of earlier runs count."""
    given = os.environ if environment is None else environment
    seconds = float(given.get(SECONDS) or minutes * 60)
    with open_database(shop.settings) as database, hushed():
        found = tuned_on_log(shop.settings, database, TrainConfig(), until_ms=None, seconds=seconds)
    if found is None:
        return Words("No trial was done in that time.")
    return Words("\n".join(f"* {line}" for line in told_of(found)))


def compared(shop: NotebookShop, version: str) -> Outcome:
    """A version's recipe, trained again before its test window, against its single scorers."""
    with open_database(shop.settings) as database, hushed():
        asked = Asked(version, whole=False)
        return by_window(shop.settings, database, asked, test_days=None)[0]


def side_by_side(example: Example) -> Grid:
    """What one customer then bought, and what each model shows; hits are marked."""
    columns = {"Bought then": example.bought, **example.lists}
    rows = zip_longest(
        *(
            [
                f"{line.title} ✓" if line.mark and name in example.lists else line.title
                for line in own
            ]
            for name, own in columns.items()
        ),
        fillvalue="",
    )
    return Grid(tuple(columns), list(rows))


@contextmanager
def hushed() -> Iterator[None]:
    """Keeps the names of steps, which commands print, out of the cell's output."""
    with redirect_stderr(io.StringIO()):
        yield
