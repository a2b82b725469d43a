"""The picture of the demo in the docs: `python -m tests.demo_picture`, anew from what it shows.

It runs `regulars demo --once` under REGULARS_HOME, loading and training there first if need be.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from training.cli import regulars
from training.commands import demo as command

PICTURE = Path(__file__).parents[1] / "docs" / "demo.svg"
COLUMNS = 112


def keep_picture() -> None:
    """Run the demo and keep what it shows of a household before and after a purchase."""
    out = Console(record=True, width=COLUMNS, highlight=False)
    # Not what training prints on its way, should it have to.
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(command, "console", lambda: out)
        regulars(["demo", "--once"], standalone_mode=False)
    out.save_svg(str(PICTURE), title="make demo", unique_id="demo")


if __name__ == "__main__":
    keep_picture()
