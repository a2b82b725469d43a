"""The folder that holds what a shop knows of its customers."""

from __future__ import annotations

from pathlib import Path

_OWNER_ONLY = 0o700


def make_private(folder: Path) -> None:
    """Make a folder, open to its owner alone; one that is there stays as open as it is.

    Raises OSError.
    """
    folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
