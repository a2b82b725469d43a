"""What the surfaces look like on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from training.evaluation.surfaces.levers import NDCG, TRAITS
from training.evaluation.surfaces.results import Price, Surface, Surfaces
from training.evaluation.surfaces.wording import against, brief, label, traits_of, written
from training.evaluation.wording import figure


def print_surfaces(out: Console, surfaces: Surfaces) -> None:
    """A table of all surfaces, each with the strongest of its rivals, and the price of control."""
    out.print(surfaces_table(surfaces))
    if surfaces.price is not None:
        out.print(price_table(surfaces.price))
        out.print("A change in brackets may be chance.")
        for note in surfaces.price.notes:
            out.print(note)


def surfaces_table(surfaces: Surfaces) -> Table:
    """One row a surface."""
    shown = _table("Each list for its own purpose, against the strongest of the simple ones")
    shown.add_column("list", overflow="fold", min_width=16)
    shown.add_column("judged by", no_wrap=True)
    shown.add_column("regulars", justify="right", no_wrap=True)
    shown.add_column("strongest other", overflow="fold", min_width=14)
    shown.add_column("difference", overflow="fold")
    for each in surfaces.tried:
        shown.add_row(each.name, each.columns[0], *_cells(each))
    return shown


def price_table(price: Price) -> Table:
    """One row a setting."""
    shown = _table(f"What control costs, {price.customers:,} customers")
    shown.add_column("lever", no_wrap=True)
    shown.add_column("change\nof nDCG", no_wrap=True)
    names = [each for each in traits_of(price) if each != NDCG]
    for name in names:
        shown.add_column(TRAITS[name].title.replace(" ", "\n"), justify="right", no_wrap=True)
    for each in price.settings:
        cells = (written(name, each.values.get(name)) for name in names)
        shown.add_row(label(each), brief(each), *cells)
    return shown


def _cells(surface: Surface) -> tuple[str, str, str]:
    other = surface.strongest
    own = figure(surface.first.values[0])
    if other is None:
        return own, "", ""
    return own, f"{other.name} {figure(other.values[0])}", against(surface, other.name)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
