"""A running server: ready, of this version, and its workers of one mind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.errors import EngineError
from engine.settings import Settings
from training.doctor.asking import Asking
from training.doctor.finding import Deployment, Finding, Severity, broken, ok, unless, warning
from training.serving import worker
from training.serving.standing import Standing, standings

# Each by a new connection: of four workers one is missed once in a hundred times.
TRIES = 16
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound
_READY, _DEGRADED = "ready", "degraded"


def server(deployment: Deployment) -> Iterator[Finding]:
    """The server at the URL that was given, or those that serve the home from this machine."""
    if deployment.url is not None:
        yield from _asked(Asking(deployment.url.rstrip("/"), deployment.key))
        return
    found = standings(deployment.settings.home)
    if not found:
        remedy = "Run `regulars serve`, or name the server of another machine by --url."
        yield warning("server", f"nobody serves {deployment.settings.home} here", remedy)
    for path, standing in found.items():
        yield from _reloaded(path, standing)
        yield from _workers(path, standing)
        yield from _asked(Asking(_url(deployment.settings, path), deployment.key))


def _url(settings: Settings, path: Path) -> str:
    host = _ANY.get(settings.host, settings.host)
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{path.stem}"


def _reloaded(path: Path, standing: Standing) -> Iterator[Finding]:
    if standing.refusal:
        remedy = "Correct what it says and run `regulars reload`; the workers went on as before."
        found = f"the last reload at port {path.stem} was refused: {standing.refusal}"
        yield warning("server", found, remedy)


def _workers(path: Path, standing: Standing) -> Iterator[Finding]:
    """How many processes answer, where the system tells (Linux)."""
    below = Path(f"/proc/{standing.pid}/task/{standing.pid}/children")
    with suppress(OSError):
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in below.read_text().split()]
        count = sum(worker.__name__.encode() in command for command in commands)
        found = f"{count} at port {path.stem}"
        remedy = "See the server's log; it tries again after ever longer pauses."
        yield unless(count > 0, broken("workers", found, remedy))


def _asked(asking: Asking) -> Iterator[Finding]:
    try:
        ready = _ready(asking)
        yield ready
        if ready.severity != Severity.BROKEN:
            yield from _of_one_mind(asking)
    except EngineError as error:
        remedy = "Start it, or look what it says in its log; give its address by --url."
        yield broken("server", str(error), remedy)


def _ready(asking: Asking) -> Finding:
    answer = asking.get("/readyz")
    status, parts = answer.body.get("status"), answer.body.get("parts")
    if status is None or not isinstance(parts, dict):
        remedy = "Give the address of `regulars serve` by --url; something else answers there."
        return broken("server", f"{asking.shown}/readyz answers {answer.status}", remedy)
    missing = [f"{name} {state}" for name, state in parts.items() if state != "ok"]
    said = ", ".join(missing) or f"{', '.join(parts)} ok"
    found = f"{asking.shown} is {status}: {said}"
    if status == _READY:
        return ok("server", found)
    if status == _DEGRADED:
        return warning("server", found, "It answers plainly; see what was found of these parts.")
    return broken("server", found, "It cannot answer; see what was found of these parts.")


def _of_one_mind(asking: Asking) -> Iterator[Finding]:
    """The versions that several connections are answered by."""
    codes = {_code(asking) for _ in range(TRIES)}
    ours = _our_code()
    shown = f"regulars {' and '.join(sorted(codes))} in {TRIES} answers, {ours} here"
    remedy = "Run `regulars reload`: workers run another version than is installed here."
    yield unless(codes == {ours}, warning("server version", shown, remedy))
    answers = [asking.get("/v1/items/popular?limit=1") for _ in range(TRIES)]
    refused = [each for each in answers if each.status != HTTPStatus.OK]
    if refused:
        yield _refused(refused[0].status, str(refused[0].body.get("detail", "")), len(refused))
        return
    models = sorted({str(each.body.get("model_version") or "none") for each in answers})
    shown = f"{' and '.join(models)} in {TRIES} answers"
    remedy = "Wait a second and look again; if it stays, run `regulars reload`."
    yield unless(len(models) == 1, warning("server model", shown, remedy))


def _refused(status: int, detail: str, count: int) -> Finding:
    found = f"{count} of {TRIES} requests were answered {status} {detail}".rstrip()
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return warning("server model", found, "Give a key that may read lists by --key.")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return warning("server model", found, "Wait a minute and look again.")
    return broken("server model", found, "See the server's log, and what was found of its parts.")


def _code(asking: Asking) -> str:
    info = asking.get("/openapi.json").body.get("info")
    return str(info.get("version", "unknown")) if isinstance(info, dict) else "unknown"


def _our_code() -> str:
    try:
        return version("regulars")
    except PackageNotFoundError:
        return "unknown"
