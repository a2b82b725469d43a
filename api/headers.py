"""Headers that every answer carries, whichever lane it comes by."""

from __future__ import annotations

import random
import re
from typing import Any, TypeAlias

Environ: TypeAlias = dict[str, Any]
Headers: TypeAlias = tuple[tuple[str, str], ...]
PRIVATE, NO_STORE = "private, no-store", "no-store"
# A browser is not to guess what it was sent, nor to tell another site where it was.
COMMON_HEADERS: Headers = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
# Where the id of the request stands in its environment.
REQUEST_ID = "regulars.request_id"
# Ids tell requests apart and are no secret: the system's own randomness costs a call and the
# interpreter, which another thread then takes.
_ids = random.Random()  # noqa: S311
_FAIR_ID = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}", re.ASCII)


def request_id_of(environ: Environ) -> str:
    """The id of a request: noted before, else the caller's when it is a fair one, else ours."""
    known: str | None = environ.get(REQUEST_ID)
    if known is None:
        given = environ.get("HTTP_X_REQUEST_ID")
        fair = given is not None and _FAIR_ID.fullmatch(given)
        known = environ[REQUEST_ID] = str(given) if fair else f"{_ids.getrandbits(128):032x}"
    return known


def common_headers(request_id: str) -> list[tuple[str, str]]:
    """The request's id, and what every answer carries."""
    return [("X-Request-ID", request_id), *COMMON_HEADERS]
