"""What is asked of a cache of finished lists; the adapters are in `engine.store`.

Every method may raise StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a cached list was computed from.

    `marks` are those of the items that it shows, and of those it would show but for being
    unavailable (`engine.domain.marks`): while none of them changes, the list stands. None: any
    change of the catalogue may concern it.
    """

    customer_revision: int
    catalog_revision: int
    marks: bytes | None = None


# Whether no item of the marks changed between two revisions of the catalogue; False: cannot tell.
Unchanged: TypeAlias = Callable[[int, int, bytes | None], bool]


def never_unchanged(_since: int, _now: int, _marks: bytes | None) -> bool:
    """False: nobody watches the catalogue, so that any change of it counts."""
    return False


class ListCache(Protocol):
    """Finished answers. A cache and nothing but a cache: losing it loses no answer.

    A field names the model and the request, and ends with the request alone.
    """

    def read(self, customer_id: str, field: str) -> bytes | None:
        """The answer, None when there is none that is current."""

    def write(self, customer_id: str, field: str, body: bytes, *, stamp: Stamp) -> bool:
        """Keep an answer unless the customer or the catalogue moved on; whether it was kept."""

    def forget(self, revisions: Mapping[str, int]) -> None:
        """Drop lists of older revisions of the customers, and refuse them from now on."""

    def set_catalog_revision(self, revision: int) -> None:
        """Make every list stale that a change of the catalogue since then concerns."""

    def claim(self, customer_id: str, field: str) -> bool:
        """Whether nobody else is making this answer just now; the caller then does.

        A claim ends when the answer is written, when the customer moves on, or by itself soon.
        """

    def release(self, customer_id: str, field: str) -> None:
        """End a claim without an answer."""

    def last(self, customer_id: str, request: str) -> bytes | None:
        """The latest answer to the request that is kept, whatever model made it and how old it is.

        Never one from before the customer's last event that the cache has been told of.
        """

    def ping(self) -> None:
        """Raise StoreUnavailable when the cache does not answer."""
