"""No cache at all, for several workers that share none."""

from __future__ import annotations

from collections.abc import Mapping

from engine.list_cache import Stamp


class NoListCache:
    """A `ListCache` that keeps nothing: every list is computed."""

    def read(self, customer_id: str, field: str) -> bytes | None:
        """None: there is never an answer."""

    def write(self, customer_id: str, field: str, body: bytes, *, stamp: Stamp) -> bool:
        """False: it was not kept."""
        return False

    def claim(self, customer_id: str, field: str) -> bool:
        """True: nobody waits for an answer that is not kept."""
        return True

    def release(self, customer_id: str, field: str) -> None:
        """Nothing to end."""

    def last(self, customer_id: str, request: str) -> bytes | None:
        """None: there is never an answer."""

    def forget(self, revisions: Mapping[str, int]) -> None:
        """Nothing to drop."""

    def set_catalog_revision(self, revision: int) -> None:
        """Nothing to make stale."""

    def ping(self) -> None:
        """Always there."""
