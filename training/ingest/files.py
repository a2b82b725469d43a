"""Opening files, with every way in which that fails told in one line."""

from __future__ import annotations

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from engine.errors import DataRefused

GZIP_MAGIC = b"\x1f\x8b"


def shown(path: Path) -> str:
    """The path as a message and the database can hold it, whatever bytes its name has."""
    return str(path).encode(errors="replace").decode()


@contextmanager
def readable(source: str) -> Iterator[None]:
    """Turns what goes wrong while the file is read into DataRefused."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataRefused(
            "the gzip file is cut short or damaged; copy or export it again", source=source
        ) from error
    except UnicodeDecodeError as error:
        raise DataRefused(
            f"the text is not {error.encoding}; save it as UTF-8", source=source
        ) from error
    except OSError as error:
        raise DataRefused(f"cannot be read: {error.strerror or error}", source=source) from error


@contextmanager
def opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file's content, unpacked when it is gzip, and the file itself, to tell the position."""
    with path.open("rb") as raw:
        if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
            raise DataRefused("is no regular file; save it to disk first", source=shown(path))
        packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        if not packed:
            yield raw, raw
            return
        with (
            gzip.GzipFile(fileobj=raw, mode="rb") as unpacked,
            io.BufferedReader(unpacked, buffer_size=1 << 20) as content,
        ):
            yield content, raw
