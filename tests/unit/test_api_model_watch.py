"""Which model serves."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

import pytest

from api.model_watch import RETRY_SECONDS, ModelWatch
from engine.errors import ModelUnavailable
from engine.recommend.recommender import Recommender
from tests.fakes import Models, a_model


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def a_watch(models: Models, clock: Clock | None = None) -> ModelWatch:
    build = partial(Recommender, cooldown=timedelta(0))
    return ModelWatch(models, build, clock=clock or Clock())


def test_nothing_serves_before_the_first_publication():
    watch = a_watch(Models())

    assert watch.poll() is False
    assert watch.current() is None


def test_a_published_version_serves_and_is_loaded_once():
    models = Models()
    watch = a_watch(models)
    models.publish(a_model("m1"))

    assert [watch.poll(), watch.poll()] == [True, False]
    assert watch.current().model.version == "m1"
    assert models.loads == 1


def test_a_request_keeps_the_recommender_it_took():
    models = Models()
    watch = a_watch(models)
    models.publish(a_model("m1"))
    watch.poll()
    taken = watch.current()

    models.publish(a_model("m2"))
    watch.poll()

    assert taken.model.version == "m1"
    assert watch.current().model.version == "m2"


def test_a_broken_version_is_logged_once_and_tried_again_later(caplog: pytest.LogCaptureFixture):
    models, clock = Models(), Clock()
    watch = a_watch(models, clock)
    models.publish(a_model("m1"))
    watch.poll()
    models.current = "m2"

    with caplog.at_level(logging.ERROR):
        polls = [watch.poll() for _ in range(5)]

    assert polls == [False] * 5
    assert watch.current().model.version == "m1"
    assert models.loads == 2
    assert caplog.text.count("m2") == 2  # its name and the reason, on one line

    models.publish(a_model("m2"))
    clock.now += RETRY_SECONDS
    assert watch.poll() is True


def test_a_version_published_after_a_broken_one_does_not_wait():
    models = Models(current="broken")
    watch = a_watch(models)
    watch.poll()

    models.publish(a_model("m2"))

    assert watch.poll() is True


def test_an_unreadable_pointer_leaves_the_old_model_serving():
    models = Models()
    watch = a_watch(models)
    models.publish(a_model("m1"))
    watch.poll()

    def unreadable() -> str:
        raise ModelUnavailable("current is unreadable")

    models.current_version = unreadable

    assert watch.poll() is False
    assert watch.current().model.version == "m1"
