"""The browser snippet as it is served: `python -m tests.snippet`, anew from its source (needs npx).

The built file begins with a digest of the source it was made from, so that a test without npx can
say whether it is current.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

STATIC = Path(__file__).parents[1] / "api" / "static"
SOURCE, BUILT = STATIC / "regulars.src.js", STATIC / "regulars.js"
TERSER = "terser@5.51.2"
OPTIONS = ("--compress", "passes=3,unsafe_arrows,ecma=2020", "--mangle")


def stamp() -> str:
    """How the built file of this very source begins."""
    return f"/*regulars.js {hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]}*/"


def build() -> None:
    """Shorten the source and keep what comes out."""
    done = subprocess.run(
        ["npx", "--yes", TERSER, str(SOURCE), *OPTIONS],
        capture_output=True,
        text=True,
        check=True,
    )
    BUILT.write_text(f"{stamp()}\n{done.stdout.strip()}\n", encoding="utf-8")


if __name__ == "__main__":
    build()
