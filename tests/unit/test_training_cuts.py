"""Cuts fitted in training: on nothing that came later, with value models that stood a test."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import msgspec
import numpy as np
import pytest

from engine.domain.events import Event, EventType
from engine.domain.histories import DAY_MS
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.features.registry import features
from engine.loyalty.value.manifest import to_plain
from engine.loyalty.value.mbg_nbd import MbgNbd
from engine.store.log_reader import ReadLog
from tests.any_events import as_read, some_catalog, some_log
from tests.builders import DAY_ZERO_MS, a_purchase
from training import value_health
from training.cuts import FittedCuts, Source, cuts_before
from training.states import states_before
from training.tables import value_line
from training.value_health import FITTED, PLAIN, PREVIOUS, Trial, weeks_before

CONFIG = LoyaltyConfig()
DAYS = 400
UNTIL_MS = DAY_ZERO_MS + DAYS * DAY_MS


def regulars(count: int = 700, *, seed: int = 4, business: bool = False) -> list[Event]:
    """Orders of customers who buy at random at rates of their own, and may leave after any."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(count):
        day, rate, leaving = rng.uniform(0, 250), rng.gamma(1.2, 1 / 30), rng.beta(1.0, 6.0)
        who = f"{'b' if business else 'c'}{number}"
        while day < DAYS:
            items = {"apple": 20.0 if business else 1.0}
            price = int(rng.gamma(4.0, 100.0)) + 1
            event_id = f"{who}-{len(events)}"
            events.append(a_purchase(event_id, who, items, day=round(day, 3), unit_price=price))
            if rng.random() < leaving:
                break
            day += rng.exponential(1 / rate)
    return events


def fitted(log: ReadLog, *, until_ms: int = UNTIL_MS, previous: Cuts | None = None) -> FittedCuts:
    source = Source(log, some_catalog(), CONFIG)
    return cuts_before(source, until_ms=until_ms, version="v1", previous=previous)


@pytest.fixture(scope="module")
def log() -> ReadLog:
    return as_read(regulars())


@pytest.fixture(scope="module")
def plain(log: ReadLog) -> FittedCuts:
    return fitted(log)


def test_cuts_are_those_of_the_model_and_its_last_moment(plain: FittedCuts) -> None:
    cuts = plain.cuts

    assert (cuts.version, cuts.as_of_ms, cuts.config) == ("v1", UNTIL_MS, CONFIG)
    assert cuts.value[POOLED].repeat["kind"] == "mbg_nbd"


def test_models_that_foretold_the_last_weeks_are_taken(plain: FittedCuts) -> None:
    found = plain.trials[POOLED]

    assert found.taken == FITTED
    assert found.health[FITTED].healthy
    assert 0.7 < found.health[FITTED].sum_ratio < 1.3


def test_planted_future_events_change_neither_cuts_nor_features_as_of_the_cut() -> None:
    past = [*some_log(Random(2), customers=60), *regulars(600)]
    cut_ms = DAY_ZERO_MS + 300 * DAY_MS
    known = [each for each in past if each.occurred_at.timestamp() * 1000 < cut_ms]
    # Everyone buys a lot, complains and tells who they are; and somebody new does.
    future = [
        Event(
            f"future-{kind}-{who}",
            kind,
            known[0].occurred_at + timedelta(days=400 + place),
            who,
            order_id=f"future-{who}" if kind is EventType.PURCHASE else None,
            lines=a_purchase(items={"apple": 99.0}, unit_price=10**6).lines
            if kind is EventType.PURCHASE
            else (),
            properties={"traits": {"company": "Later Ltd"}} if kind is EventType.IDENTIFY else {},
        )
        for who in [*sorted({each.customer_id for each in past if each.customer_id}), "nobody-yet"]
        for place, kind in enumerate((EventType.PURCHASE, EventType.COMPLAINT, EventType.IDENTIFY))
    ]

    without = fitted(as_read(known), until_ms=cut_ms)
    withal = fitted(as_read([*past, *future]), until_ms=cut_ms)

    assert withal == without
    one, other = (
        features(
            states_before(as_read(events), cut_ms=cut_ms, catalog=some_catalog()),
            withal.cuts,
            now_ms=cut_ms,
        )
        for events in (known, [*past, *future])
    )
    assert one.customers == other.customers
    for name, column in one.columns.items():
        np.testing.assert_array_equal(column.values, other[name].values, err_msg=name)


def test_a_short_history_is_not_tested_and_gets_the_plainest_models() -> None:
    short = fitted(as_read(regulars(40)))

    assert short.trials[POOLED].untested[0].startswith("customers with an order: ")
    assert short.cuts.value[POOLED].repeat["kind"] == "empirical"


def test_a_log_shorter_than_the_test_is_no_trouble() -> None:
    short = fitted(as_read(regulars(40)), until_ms=DAY_ZERO_MS + 20 * DAY_MS)

    assert short.trials[POOLED].untested


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> ValueModels:
    """A fit gone wrong: everybody orders daily and never leaves."""
    wrong = ValueModels(to_plain(MbgNbd(50.0, 50.0, 0.001, 50.0)))
    monkeypatch.setattr(value_health, "fit_value_models", lambda *_, **__: {POOLED: wrong})
    return wrong


@pytest.mark.usefixtures("broken")
def test_models_that_fail_are_replaced_by_those_of_the_live_model(
    log: ReadLog, plain: FittedCuts
) -> None:
    again = fitted(log, previous=plain.cuts)

    assert again.trials[POOLED].taken == PREVIOUS
    assert not again.trials[POOLED].health[FITTED].healthy
    assert again.cuts.value[POOLED] == plain.cuts.value[POOLED]


@pytest.mark.usefixtures("broken")
def test_without_a_live_model_the_plainest_one_stands_in_and_spend_is_kept(
    log: ReadLog, plain: FittedCuts
) -> None:
    again = fitted(log)

    assert again.trials[POOLED].taken == PLAIN
    assert again.cuts.value[POOLED].repeat["kind"] == "empirical"
    assert again.cuts.value[POOLED].spend == plain.cuts.value[POOLED].spend
    known = features(states_before(log, cut_ms=UNTIL_MS, catalog={}), again.cuts, now_ms=UNTIL_MS)[
        "clv_predicted"
    ].known
    assert known.all()


@pytest.mark.usefixtures("broken")
def test_a_replacement_that_errs_more_is_none(
    log: ReadLog, plain: FittedCuts, broken: ValueModels
) -> None:
    worse = ValueModels(to_plain(MbgNbd(500.0, 50.0, 0.001, 50.0)))
    lent = msgspec.structs.replace(plain.cuts, value={POOLED: worse})

    found = fitted(log, previous=lent).trials[POOLED]

    assert found.taken != PREVIOUS
    assert found.health[PREVIOUS].mae > found.health[FITTED].mae


def test_an_account_type_whose_models_fail_has_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    log = as_read([*regulars(700), *regulars(700, seed=8, business=True)])
    fit = value_health.fit_value_models
    wrong = ValueModels(to_plain(MbgNbd(50.0, 50.0, 0.001, 50.0)))
    monkeypatch.setattr(
        value_health,
        "fit_value_models",
        lambda *given, **more: {**fit(*given, **more), "business": wrong},
    )

    found = fitted(log)

    assert found.trials["business"].taken == POOLED
    assert set(found.cuts.value) == {POOLED, "consumer"}


def test_the_test_begins_at_a_midnight_thirteen_weeks_before() -> None:
    assert weeks_before(UNTIL_MS + 12_345) == UNTIL_MS - 91 * DAY_MS


def test_one_line_says_what_was_found(plain: FittedCuts) -> None:
    line = value_line({name: each.plain() for name, each in plain.trials.items()})

    assert line.startswith("Value models: newly fitted; over the last 13 weeks orders expected")
    assert "\n" not in line


def test_what_was_not_tested_is_said_to_be_so() -> None:
    line = value_line({POOLED: Trial(FITTED, {}, ("days: 3, at least 180 are needed",)).plain()})

    assert "not tested, too little history (days: 3, at least 180 are needed)" in line


@pytest.mark.usefixtures("broken")
def test_models_that_were_replaced_are_named_with_the_reason(
    log: ReadLog, plain: FittedCuts
) -> None:
    found = fitted(log, previous=plain.cuts).trials
    # As it comes back from a manifest: NaN is null there.
    recorded = msgspec.json.decode(
        msgspec.json.encode({name: each.plain() for name, each in found.items()})
    )

    assert "the live model's are kept (orders predicted / actual" in value_line(recorded)
