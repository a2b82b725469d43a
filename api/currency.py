"""The currency of the shop, asked once it is settled no more."""

from __future__ import annotations

from collections.abc import Callable


class ShopCurrency:
    """Remembers the shop's currency, which the first purchase that names one settles for good."""

    def __init__(self, ask: Callable[[], str | None]) -> None:
        self._ask = ask
        self._known: str | None = None

    def __call__(self) -> str | None:
        """The currency, None as long as no purchase has named one."""
        if self._known is None:
            self._known = self._ask()
        return self._known
