"""Headers that every answer carries, whichever lane it comes by."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

PRIVATE = "private, no-store"
# Where the id of the request stands in its environment.
REQUEST_ID = "regulars.request_id"
_FAIR_ID = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}", re.ASCII)


def request_id_of(environ: Mapping[str, Any]) -> str:
    """The caller's id of the request when it is a fair one, else one of ours."""
    given = environ.get("HTTP_X_REQUEST_ID")
    if given is not None and _FAIR_ID.fullmatch(given):
        return str(given)
    return os.urandom(16).hex()


def common_headers(request_id: str) -> list[tuple[str, str]]:
    """The request's id, and that a browser is not to guess what it was sent."""
    return [("X-Request-ID", request_id), ("X-Content-Type-Options", "nosniff")]
