"""What groups of features share: worked out once, and not to be changed."""

from __future__ import annotations

import numpy as np
import pytest

from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.columns import unknown_columns
from engine.loyalty.features.context import Context, counts, sums
from tests.states import Bought, Person, a_context

NOTHING = np.zeros(0, np.int64)


def test_what_groups_share_is_made_once():
    context, made = a_context([Person(orders=[Bought(3)])]), []

    def orders(of: Context) -> int:
        made.append(of)
        return int(of.n[0])

    assert [context.once(orders), context.once(orders)] == [1, 1]
    assert made == [context]


def test_another_context_shares_nothing():
    first, second = (a_context([Person(orders=[Bought(3)] * count)]) for count in (0, 1))

    def orders(of: Context) -> int:
        return int(of.n[0])

    assert [first.once(orders), second.once(orders)] == [0, 1]


def test_rows_of_orders_and_lines_belong_to_their_customers():
    people = [Person(orders=[Bought(9, "cup"), Bought(9, "tea"), Bought(2)]), Person()]

    context = a_context([*people, Person(orders=[Bought(5)])])

    assert context.order_row.tolist() == [0, 0, 2]
    assert context.line_row.tolist() == [0, 0, 0, 2]
    assert counts(context.goods.indptr).tolist() == [3, 0, 1]
    assert context.revenue.tolist() == [300, 0, 100]


def test_sums_over_no_rows_are_zero_for_everybody():
    assert sums(NOTHING, np.zeros(3, np.int64)).tolist() == [0, 0]
    assert sums(NOTHING, np.zeros(1, np.int64)).tolist() == []


def test_features_that_no_state_speaks_of_are_unknown_with_their_labels():
    features = (
        Feature("mood", Kind.CHOICE, "-", "-", choices=("good", "bad")),
        Feature("height", Kind.NUMBER, "-", "-"),
    )

    columns = unknown_columns(features, a_context([Person(), Person()]))

    assert columns["mood"].labels == ("good", "bad") and columns["height"].labels == ()
    for each in columns.values():
        assert each.evidence.tolist() == [0, 0] and not each.known.any()
        assert each.evidence.dtype == np.int32


def test_nobody_can_make_the_unknown_known():
    values, evidence = a_context([Person()]).unknown

    for each in (values, evidence):
        with pytest.raises(ValueError, match="read-only"):
            each[0] = 1
