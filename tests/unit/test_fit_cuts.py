"""Fitting the cuts: what is frozen, from whom, and what happens when customers are few."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.errors import ModelUnavailable
from engine.loyalty import fit as fit_module
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.features.registry import SCALED, features
from engine.loyalty.fit import GRID, fit_cuts
from engine.loyalty.states import States
from engine.loyalty.value_models import Models
from tests.purchases_only import CDNOW, cdnow, day_ms, states_of_purchases
from tests.states import NOW, Bought, Person, a_states

CONFIG = LoyaltyConfig()


def regulars(count: int, *, seed: int = 5, business: int = -1) -> list[Person]:
    """Customers who order at random at a rate of their own, and may leave after any order."""
    rng = np.random.default_rng(seed)
    people = []
    for _ in range(count):
        day, rate, leaving = rng.uniform(30, 700), rng.gamma(1.0, 1 / 40), rng.beta(1.0, 3.0)
        mean, own = rng.gamma(4.0, 500.0), []
        while day >= 0:
            own.append(Bought(day, value=int(rng.gamma(5.0, mean / 5.0)) + 1))
            day -= rng.exponential(1 / rate) if rng.random() > leaving else np.inf
        people.append(Person(orders=own, business=business))
    return people


@pytest.fixture(scope="module")
def shop() -> States:
    return a_states(regulars(900))


@pytest.fixture(scope="module")
def cuts(shop: States) -> Cuts:
    return fit_cuts(shop, CONFIG, now_ms=NOW, version="v1")


def test_cuts_survive_json(cuts: Cuts):
    restored = Cuts.from_dict(msgspec.json.decode(msgspec.json.encode(cuts.to_dict())))

    assert restored == cuts
    assert (cuts.version, cuts.as_of_ms) == ("v1", NOW)


def test_customers_in_another_order_give_equal_cuts(shop: States, cuts: Cuts):
    order = np.random.default_rng(1).permutation(len(shop))

    assert fit_cuts(shop.take(order), CONFIG, now_ms=NOW, version="v1") == cuts


def test_every_scale_is_held_and_ranks_within_0_and_1(shop: States, cuts: Cuts):
    assert set(cuts.scales) == set(SCALED)
    computed = features(shop, cuts, now_ms=NOW)

    for name in cuts.scales:
        values = computed[name].values
        ranks = cuts.scale01(name, values)
        known = ~np.isnan(ranks)
        assert ((ranks[known] >= 0) & (ranks[known] <= 1)).all()


def test_a_rank_is_the_share_of_customers_with_less(shop: States, cuts: Cuts):
    orders = features(shop, cuts, now_ms=NOW)["orders_12m"].values
    buyers = orders[~np.isnan(orders)]

    [rank] = cuts.scale01("orders_12m", np.asarray([2.0]))

    assert rank == pytest.approx((buyers < 2).mean())


def test_a_long_scale_is_kept_as_quantiles(shop: States):
    many = a_states(regulars(1_500))

    scale = fit_cuts(many, CONFIG, now_ms=NOW).scales["clv_predicted"]

    assert len(scale) == GRID
    assert list(scale) == sorted(scale)


def test_scales_of_a_sample_are_nearly_those_of_all(monkeypatch: pytest.MonkeyPatch, shop: States):
    whole = fit_cuts(shop, CONFIG, now_ms=NOW).scales["orders_12m"]
    monkeypatch.setattr(fit_module, "SCALED_CUSTOMERS", 450)

    sampled = fit_cuts(shop, CONFIG, now_ms=NOW).scales["orders_12m"]

    assert len(sampled) == 450
    assert np.mean(sampled) == pytest.approx(np.mean(whole), abs=0.3)


def test_the_top_margin_is_exceeded_by_the_top_customers(shop: States, cuts: Cuts):
    margin = features(shop, cuts, now_ms=NOW)["margin_12m"].values

    assert cuts.top_margin is not None
    assert (margin >= cuts.top_margin).mean() == pytest.approx(0.3, abs=0.01)


def test_few_customers_get_the_plainest_model_and_the_usual_cycle():
    few = fit_cuts(a_states(regulars(20)), CONFIG, now_ms=NOW)

    assert few.cycle == CONFIG.cycle_fallback
    assert few.gaps < CONFIG.cycle_minimum_gaps
    assert few.rfm.method == "absolute"
    assert few.value[POOLED].repeat["kind"] == "empirical"


def test_few_customers_borrow_the_models_of_before(cuts: Cuts):
    few = fit_cuts(a_states(regulars(20)), CONFIG, now_ms=NOW, previous=cuts)

    assert few.value == cuts.value


def test_nobody_at_all_gives_cuts_all_the_same():
    nobody = fit_cuts(a_states([]), CONFIG, now_ms=NOW)

    assert nobody.top_margin is None
    assert nobody.gaps == 0


def test_a_type_with_enough_repeat_buyers_has_models_of_its_own():
    mixed = a_states([*regulars(800), *regulars(800, seed=9, business=1)])

    told = fit_cuts(mixed, CONFIG, now_ms=NOW).value

    assert set(told) == {POOLED, "consumer", "business"}
    assert told["consumer"].customers + told["business"].customers == told[POOLED].customers


def test_a_type_with_few_repeat_buyers_is_pooled():
    mixed = a_states([*regulars(800), *regulars(50, seed=9, business=1)])

    told = fit_cuts(mixed, CONFIG, now_ms=NOW)

    assert "business" not in told.value
    consumer, business = Models.of(told).by_type
    assert business is not None and business != consumer


def test_what_came_after_now_has_no_part(shop: States, cuts: Cuts):
    people = [
        Person(orders=[*each.orders, Bought(-5, value=99_999)], placed=len(each.orders))
        for each in regulars(900)
    ]
    later = a_states(people)

    told = fit_cuts(later, CONFIG, now_ms=NOW, version="v1")

    assert (told.rfm, told.cycle, told.value, told.win_back, told.top_margin) == (
        cuts.rfm,
        cuts.cycle,
        cuts.value,
        cuts.win_back,
        cuts.top_margin,
    )


def test_a_model_of_an_unknown_kind_says_so():
    strange = Cuts(
        as_of_ms=NOW, rfm=Cuts.untrained().rfm, value={POOLED: ValueModels({"kind": "oracle"})}
    )

    with pytest.raises(ModelUnavailable, match="'oracle' is none of bg_nbd"):
        Models.of(strange)


def test_models_with_impossible_parameters_say_so():
    bad = {"kind": "mbg_nbd", "r": -1.0, "alpha": 40.0, "a": 0.9, "b": 1.6}
    strange = Cuts(as_of_ms=NOW, rfm=Cuts.untrained().rfm, value={POOLED: ValueModels(bad)})

    with pytest.raises(ModelUnavailable, match="train the model again"):
        Models.of(strange)


@pytest.mark.skipif(not CDNOW.exists(), reason=f"the CDNOW sample is not at {CDNOW}")
def test_cdnow_gets_the_known_model():
    """MBG/NBD in weeks: 0.5248, 6.183, 0.8914, 1.614."""
    told = fit_cuts(states_of_purchases(cdnow()), CONFIG, now_ms=day_ms("19970930"))

    repeat = told.value[POOLED].repeat
    assert repeat["kind"] == "mbg_nbd"
    assert repeat["r"] == pytest.approx(0.5248, abs=5e-4)
    assert repeat["alpha"] / 7 == pytest.approx(6.183, abs=5e-3)
    assert (repeat["a"], repeat["b"]) == pytest.approx((0.8914, 1.614), abs=5e-3)
