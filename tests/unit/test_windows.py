"""Windows of time that models have not seen."""

from __future__ import annotations

from engine.domain.histories import DAY_MS
from tests.builders import DAY_ZERO_MS, a_log, a_purchase
from training.history import purchases_before
from training.windows import Window, only_new, sample, window


def a_window() -> Window:
    log = a_log(
        [
            a_purchase("e1", "anna", ["apple", "bread"], day=0),
            a_purchase("e2", "ben", ["apple"], day=1),
            a_purchase("e3", "cleo", ["bread"], day=2),
            a_purchase("e4", "anna", ["apple", "cheese"], day=20),
            a_purchase("e5", "ben", ["apple"], day=20),
            a_purchase("e6", "cleo", ["unheard-of"], day=20),
        ]
    )
    before = purchases_before(log, cut_ms=DAY_ZERO_MS + 10 * DAY_MS)
    return window(before, purchases_before(log, cut_ms=DAY_ZERO_MS + 30 * DAY_MS))


def test_a_window_holds_what_customers_with_a_past_bought_in_it() -> None:
    log = a_log(
        [
            a_purchase("e1", "anna", ["apple", "bread"], day=0),
            a_purchase("e2", "anna", ["apple", "cheese", "unheard-of"], day=20),
            a_purchase("e3", "ben", ["cheese"], day=1),
            a_purchase("e4", "carl", ["apple"], day=21),
        ]
    )
    cut_ms = DAY_ZERO_MS + 10 * DAY_MS
    before = purchases_before(log, cut_ms=cut_ms)

    found = window(before, purchases_before(log, cut_ms=cut_ms + 20 * DAY_MS))

    assert found.histories.customers == ("anna",)
    assert [before.items[each] for each in found.truths[0].repeat] == ["apple"]
    assert [before.items[each] for each in found.truths[0].explore] == ["cheese"]
    assert found.truths[0].unseen == 1
    assert found.newcomers == 1


def test_a_sample_keeps_customers_and_truths_together() -> None:
    log = a_log(
        [
            a_purchase(f"e{n}-{day}", f"c{n:02d}", [f"i{n}"], day=day)
            for n in range(30)
            for day in (0, 20)
        ]
    )
    before = purchases_before(log, cut_ms=DAY_ZERO_MS + 10 * DAY_MS)
    everyone = window(before, purchases_before(log, cut_ms=DAY_ZERO_MS + 30 * DAY_MS))

    some = sample(everyone, size=7, seed=1)

    assert (len(some.truths), len(some.histories), some.drawn_from) == (7, 7, 30)
    for row, truth in enumerate(some.truths):
        assert before.items[truth.repeat[0]] == f"i{int(some.histories.customers[row][1:])}"


def test_a_sample_of_more_than_there_are_is_everybody() -> None:
    everyone = a_window()

    some = sample(everyone, size=3, seed=1)

    assert some is everyone
    assert some.drawn_from is None


def test_a_sample_of_a_sample_knows_how_many_there_were_at_first() -> None:
    some = sample(sample(a_window(), size=2, seed=1), size=1, seed=1)

    assert (len(some.truths), some.drawn_from) == (1, 3)


def test_a_window_ends_where_it_is_told_to() -> None:
    log = a_log(
        [
            a_purchase("e1", "anna", ["apple"], day=0),
            a_purchase("e2", "anna", ["bread"], day=9),
            a_purchase("e3", "anna", ["cheese"], day=10),
            a_purchase("e4", "anna", ["dates"], day=19.9),
            a_purchase("e5", "anna", ["eggs"], day=20),
        ]
    )
    until = DAY_ZERO_MS + 20 * DAY_MS
    before = purchases_before(log, cut_ms=DAY_ZERO_MS + 10 * DAY_MS)

    found = window(before, purchases_before(log, cut_ms=2**60), until_ms=until)

    # Cheese and dates, which the catalogue of the cut does not have; not bread, and not eggs.
    assert (found.truths[0].unseen, len(found.truths[0].explore)) == (2, 0)
    assert found.start_ms == DAY_ZERO_MS + 10 * DAY_MS
    assert found.histories.lines == 2


def test_only_new_keeps_who_bought_something_new_and_only_that() -> None:
    found = only_new(a_window())

    assert found.histories.customers == ("anna", "cleo")
    # Cheese and the unheard-of came after the cut: no list can hold them.
    assert [truth.unseen for truth in found.truths] == [1, 1]
    assert [truth.repeat.tolist() for truth in found.truths] == [[], []]
