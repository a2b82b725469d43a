"""The snippet by which a shop's pages tell what happens and show lists."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

_BUILT = Path(__file__).with_name("static") / "regulars.js"
# An hour: a new version of the snippet reaches every page within it.
_HEADERS = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": "public, max-age=3600",
    "Vary": "Accept-Encoding",
    # Pages that isolate themselves load from another origin only what says so.
    "Cross-Origin-Resource-Policy": "cross-origin",
}
blueprint = Blueprint("browser", __name__)


@blueprint.get("/regulars.js")
def snippet() -> ResponseReturnValue:
    """The snippet, compressed for whoever takes that."""
    zipped = request.accept_encodings.quality("gzip") > 0
    body, tag = _encoded(zipped=zipped)
    response = Response(body, headers=_HEADERS)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(tag)
    return response.make_conditional(request)


@cache
def _encoded(*, zipped: bool) -> tuple[bytes, str]:
    """The snippet and a tag that is another one for other bytes."""
    plain = _BUILT.read_bytes()
    # Without a time in it, so that every worker sends the same bytes.
    body = gzip.compress(plain, mtime=0) if zipped else plain
    return body, hashlib.sha256(body).hexdigest()[:32]
