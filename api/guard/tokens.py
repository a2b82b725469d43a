"""Customer tokens as a worker checks them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.domain.customer_tokens import CustomerToken, TokenSecret, TokenSigner

# A visitor shows the same token with every request of an hour.
MOST_REMEMBERED = 10_000


class Tokens:
    """Checks tokens by the secrets known; those that were right are remembered."""

    def __init__(self, secrets: Sequence[TokenSecret]) -> None:
        self._secrets = tuple(secrets)
        self._signers = [(each.until_ms, TokenSigner([each.secret])) for each in reversed(secrets)]
        self._read: dict[str, tuple[CustomerToken, int | None]] = {}

    def customer_of(self, text: str, *, now_ms: int) -> str | None:
        """Whose token it is, None when it is nobody's or has ended."""
        found = self._read.get(text) or self._verified(text)
        if found is None:
            return None
        token, until_ms = found
        over = now_ms >= token.ends_at * 1000 or (until_ms is not None and now_ms >= until_ms)
        return None if over else token.customer_id

    def _verified(self, text: str) -> tuple[CustomerToken, int | None] | None:
        for until_ms, signer in self._signers:
            token = signer.read(text)
            if token is not None:
                self._remember(text, (token, until_ms))
                return token, until_ms
        return None

    def _remember(self, text: str, found: tuple[CustomerToken, int | None]) -> None:
        if len(self._read) >= MOST_REMEMBERED:
            # All at once: to check them again costs microseconds, to keep their order more.
            self._read = {}
        self._read[text] = found
