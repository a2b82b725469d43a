"""A server whose disk is slow or full: environment variables for `Shop.variables`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")


def has_compiler() -> bool:
    """Whether the library can be made here; it needs Linux and a C compiler."""
    return shutil.which("cc") is not None and Path("/proc/self").exists()


def faulty_disk(
    folder: Path, *, fsync_ms: int = 0, full_flag: Path | None = None
) -> dict[str, str]:
    """The variables that make a process's disk slow, and full while the flag exists."""
    library = folder / "disk.so"
    if not library.exists():
        words = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(words, check=True, capture_output=True)
    return {
        "LD_PRELOAD": str(library),
        "FAULTY_FSYNC_MS": str(fsync_ms),
        **({"FAULTY_DISK_FULL": str(full_flag)} if full_flag else {}),
    }
