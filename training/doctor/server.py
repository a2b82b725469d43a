"""The running server, as its clients see it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from engine.settings import Settings
from training.doctor.finding import Finding, error, fine, warning
from training.serving.standing import standings

WAIT_SECONDS = 5
_WORKERS = re.compile(r'^regulars_workers\{model_version="([^"]*)"\} ([0-9.e+]+)$', re.MULTILINE)
_CODE = re.compile(r'^regulars_code_info\{version="([^"]*)"\} ([0-9.e+]+)$', re.MULTILINE)


def server(settings: Settings, *, url: str | None, key: str | None) -> Iterator[Finding]:
    """Whether the server at the URL is well, by default those that serve this home."""
    if url is not None:
        yield from _one(url.rstrip("/"), key, workers=None)
        return
    found = standings(settings.home)
    if not found:
        yield fine("server", "none serves this home just now; name one elsewhere with --url")
    for path in found:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - asked, not bound
        yield from _one(f"http://{host}:{path.stem}", key, workers=settings.workers)


def _one(url: str, key: str | None, *, workers: int | None) -> Iterator[Finding]:
    try:
        status, body = _asked(f"{url}/readyz", None)
    except OSError as problem:
        remedy = "start it with `regulars serve`, or correct --url"
        yield error("server", f"{url} does not answer: {problem}", remedy)
        return
    yield _readiness(url, status, body)
    try:
        status, body = _asked(f"{url}/metrics", key)
    except OSError as problem:
        yield error("workers", f"{url}/metrics broke off: {problem}", "see the server's log")
        return
    if status in (401, 403):
        remedy = "give a secret or admin key with --key or DOCTOR_KEY"
        yield warning("workers", "the server tells only who has a key", remedy)
    elif status != 200:
        yield error("workers", f"/metrics answered {status}", "see the server's log")
    else:
        yield from _workers(body, workers)


def _asked(url: str, key: str | None) -> tuple[int, str]:
    request = urllib.request.Request(url)  # noqa: S310 - the scheme is checked by the command
    if key is not None:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode(errors="replace")


def _readiness(url: str, status: int, body: str) -> Finding:
    try:
        told: dict[str, Any] = json.loads(body)
        how = told["status"]
        reasons = {name: told["reasons"].get(name, word) for name, word in told["parts"].items()}
        wrong = [f"{name}: {reasons[name]}" for name, word in told["parts"].items() if word != "ok"]
    except (ValueError, KeyError, AttributeError, TypeError):
        found = f"{url}/readyz answered {status} in words that are not ours"
        return error("server", found, "is it Regulars, and a version like this one?")
    if how == "ready":
        return fine("server", f"{url} is ready")
    say = warning if how == "degraded" else error
    return say("server", f"{url} is {how}; {'; '.join(wrong)}", "see its log and the checks above")


def _workers(metrics: str, wanted: int | None) -> Iterator[Finding]:
    models = {name: int(float(count)) for name, count in _WORKERS.findall(metrics)}
    codes = {name: int(float(count)) for name, count in _CODE.findall(metrics)}
    count = sum(models.values())
    if wanted is not None and count < wanted:
        remedy = "see the server's log: a worker that ends is started again within seconds"
        yield warning("workers", f"{count} of {wanted} serve", remedy)
    else:
        yield fine("workers", f"{count} serve")
    for what, found, remedy in (
        ("model of workers", models, "they change over within a second; else see the log"),
        ("code of workers", codes, "run `regulars reload` after an upgrade"),
    ):
        if len(found) > 1:
            yield warning(what, f"differs: {', '.join(sorted(found))}", remedy)
        elif found:
            yield fine(what, f"all have {next(iter(found))}")
