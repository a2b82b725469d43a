"""A cached list straight from Redis: no view, no JSON, no model, no database.

It answers exactly what the view `for_customer` would from the cache, byte for byte; whatever it is
not sure of it leaves to the view. How a query is read is not repeated here: the view leaves the
name of what it understood, and the same query is taken for the same from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from api.guard.caller import Caller
from api.guard.credentials import without_credentials
from api.list_answers import list_name
from api.model_watch import ModelWatch
from engine.domain.events import MAX_ID_LENGTH, to_ms
from engine.errors import StoreUnavailable
from engine.list_cache import ListCache

# Where the view leaves the name of the request it understood.
REQUEST_NAME = "regulars.request_name"
PREFIX, SUFFIX = "/v1/customers/", "/recommendations"
# Queries of a shop's pages are few; what is longer or rarer goes the usual way.
MAX_QUERIES = 10_000
MAX_QUERY_LENGTH = 500


class FastLane:
    """Finds the cached list that a request asks for."""

    def __init__(
        self, cache: ListCache, models: ModelWatch, *, clock: Callable[[], datetime]
    ) -> None:
        self._cache = cache
        self._models = models
        self._clock = clock
        self._names: dict[str, str] = {}

    def answer(self, environ: Mapping[str, Any], caller: Caller) -> bytes | None:
        """The cached list, None when this request is not, or not surely, one for it."""
        name = self._names.get(without_credentials(environ["QUERY_STRING"]))
        if name is None or environ["REQUEST_METHOD"] != "GET":
            return None
        customer_id = customer_of(environ["PATH_INFO"])
        recommender = self._models.current()
        if customer_id is None or recommender is None or not caller.may_see(customer_id):
            return None
        steering = recommender.steering
        # Most shops wish nothing that depends on the time, which costs a microsecond to tell.
        epoch = "" if steering.off else steering.epoch(to_ms(self._clock()))
        try:
            return self._cache.read(
                customer_id, list_name(recommender.model.version, epoch, request=name)
            )
        except StoreUnavailable:
            return None

    def learn(self, environ: Mapping[str, Any]) -> None:
        """Remember what the view understood by the query of a request, if it left that."""
        name, query = environ.get(REQUEST_NAME), without_credentials(environ["QUERY_STRING"])
        if name is None or len(query) > MAX_QUERY_LENGTH or self._names.get(query) == name:
            return
        if len(self._names) >= MAX_QUERIES:
            self._names.clear()
        self._names[query] = name


def customer_of(path: str) -> str | None:
    """The customer whose recommendations the path names, None for any other path."""
    if not (path.startswith(PREFIX) and path.endswith(SUFFIX)):
        return None
    name = path[len(PREFIX) : -len(SUFFIX)]
    if not name.isascii():
        # By the rules of WSGI a path comes as bytes in Latin-1 clothes.
        try:
            name = name.encode("latin-1").decode()
        except UnicodeError:
            return None
    return name if 0 < len(name) <= MAX_ID_LENGTH and name.isprintable() else None
