"""What the catalogue says of items, as columns."""

from __future__ import annotations

import numpy as np

from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.domain.ids import MISSING, IdTable


def kinds_of(*titles: str | None) -> list[int]:
    items = IdTable(f"i{number}" for number in range(len(titles)))
    catalog = {f"i{number}": Item(f"i{number}", title=told) for number, told in enumerate(titles)}
    return Assortment.of(items, catalog).kind.tolist()


def test_items_whose_titles_have_the_same_words_are_of_a_kind() -> None:
    # Sizes, single letters, order and case tell packs apart, not things.
    kinds = kinds_of("Milk 1 L", "milk 2L", "Whole milk", "MILK, whole 0.5", None, "Tee XL")

    assert kinds == [0, 0, 1, 1, MISSING, 2]


def test_letters_of_any_script_make_words() -> None:
    assert kinds_of("Grüner Tee 50 g", "GRÜNER TEE 100 g", "綠茶 5", "綠茶 10") == [0, 0, 1, 1]


def test_where_no_two_items_are_of_a_kind_there_are_none() -> None:
    assert kinds_of("Red cup", "Blue cup", None) == [MISSING] * 3


def test_columns_are_kept_as_they_are() -> None:
    items = IdTable(["a", "b", "c"])
    catalog = {
        "a": Item("a", title="Tea 50", category="drinks", brand="Own", price=300, cost=100),
        "b": Item("b", title="Tea 100", category="drinks"),
    }
    known = Assortment.of(items, catalog)

    again = Assortment.restore(known.arrays())

    for name, array in known.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    assert (again.kinds, again.kind.tolist()) == (1, [0, 0, MISSING])
    assert Assortment.unknown(3).kinds == 0
