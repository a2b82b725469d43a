"""What travels over HTTP about the service itself."""

from __future__ import annotations

from msgspec import Struct


class Health(Struct, frozen=True):
    """That the process answers."""

    status: str


class ModelNow(Struct, frozen=True):
    """The model that serves, and how many seconds ago it was trained, if that is known."""

    version: str
    age_seconds: float | None = None


class Readiness(Struct, frozen=True):
    """Whether answers are full (`ready`), plainer (`degraded`) or not to be had (`down`).

    `parts` are "ok" or a word for what is wrong, and `reasons` say why. A part whose breaker is
    open failed repeatedly and is left alone for a moment.
    """

    status: str
    parts: dict[str, str]
    reasons: dict[str, str] = {}
    breakers: dict[str, str] = {}
    model: ModelNow | None = None
