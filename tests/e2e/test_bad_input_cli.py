"""Wrong use and bad input over the real command line: one clear line, and nothing written."""

from __future__ import annotations

import gzip
import os
import random
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import a_purchase
from tests.e2e.bad_input import FILES, HOMES, SECRET, SETTINGS, USAGE, Case, refused
from tests.shop import Shop, a_trained_shop, write_csv
from training.cli import main

HEADER = b"customer_id,item_id,order_id,occurred_at\n"
ROW = b"anna,apple,o1,2026-01-01\n"
COUNTED = ("events", "event_lines", "customers", "items", "ingest_runs", "segments")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return a_trained_shop(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    table = folder / "good.parquet"
    pq.write_table(pa.table({name: ["1"] * 999 for name in ("item_id", "order_id")}), table)
    parquet = table.read_bytes()
    contents = {
        "good.csv": HEADER + ROW,
        "half.csv": HEADER + ROW + b"anna,apple,o2,never\n",
        "empty.csv": b"",
        "header.csv": HEADER,
        "columns.csv": b"a,b,c\n1,2,3\n",
        "binary.csv": b"\0" + random.Random(1).randbytes(4000),
        "short.csv.gz": gzip.compress(HEADER + ROW * 500)[:-9],
        "short.parquet": parquet[:-20],
        "damaged.parquet": parquet[:4] + b"\xa5" * (len(parquet) - 12) + parquet[-8:],
        "no.toml": b"seed: 1\n",
        "unknown.toml": b"[train]\nsede = 1\n",
        "kind.toml": b"[train]\nlimit = 'ten'\n",
        "range.toml": b"[train]\nseed = -1\nhalf_lives = []\n[train.als]\nalpha = nan\n",
        "latin.toml": b"# caf\xe9\n",
        "long.toml": b"[train]\ntest_days = 300\n",
        "loyalty.toml": b"[loyalty]\nnew_fro = 30\n",
        "bands.toml": b"[loyalty]\nnew_for = nan\nchurn_bands = [0.8, 0.5]\n",
        "condition.json": b'{"feature": "orders", "at_least": 2}',
        "wrong.json": b'{"all": [{"feature": "orders", "above": 1}, {"feature": "ordrs"}]}',
        "ids.txt": b"c001\n",
        "nul.txt": b"c001\na\0b\n",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


@dataclass(frozen=True)
class Ended:
    """How a run of the command ended."""

    code: int
    out: str
    err: str

    def complains(self, case: Case) -> None:
        """Check the exit code and that there is one line of error, which says what it must."""
        complaints = [
            line for line in self.err.splitlines() if line.startswith(("regulars: ", "Error: "))
        ]
        assert self.code == case.code, self.err
        assert len(complaints) == 1, self.err
        assert self.err.rstrip("\n").endswith(complaints[0]), "the complaint is one line, the last"
        assert "Traceback" not in self.err
        assert SECRET not in self.err + self.out
        assert self.out == ""
        for part in case.says:
            assert part in complaints[0]


Typed = Callable[..., Ended]


@pytest.fixture
def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Typed:
    """Runs `main` in this process: a new one for each case would cost a second."""
    for name in [each for each in os.environ if each.startswith("REGULARS_")]:
        monkeypatch.delenv(name)
    # No regulars.toml lies there.
    monkeypatch.chdir(tmp_path)

    def run(case: Case, *, home: Path, files: Path = Path()) -> Ended:
        for name, value in {"REGULARS_HOME": str(home), **case.variables}.items():
            monkeypatch.setenv(name, value)
        words = [word.replace("{files}", str(files)) for word in case.words.split()]
        monkeypatch.setattr(sys, "argv", ["regulars", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        written = capsys.readouterr()
        return Ended(int(end.value.code or 0), written.out, written.err)

    return run


def rows(home: Path) -> dict[str, int]:
    """How many rows each table of the home's database holds; 0 where there is none yet."""
    path = home / "regulars.db"
    if not path.is_file():
        return dict.fromkeys(COUNTED, 0)
    with closing(sqlite3.connect(path)) as database:
        there = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        return {
            name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            if name in there
            else 0
            for name in COUNTED
        }


def models(home: Path) -> tuple[list[str], bytes]:
    """The model versions and which is live."""
    folder = home / "models"
    current = folder / "current"
    return sorted(path.name for path in folder.glob("*")), (
        current.read_bytes() if current.exists() else b""
    )


def contents(home: Path) -> object:
    """What a home holds that a refused command may not change."""
    return rows(home), models(home)


@pytest.mark.parametrize("case", [*USAGE, *FILES, *SETTINGS], ids=str)
def test_what_is_wrong_is_told_in_one_line_and_nothing_is_written(
    trained: Shop, files: Path, typed: Typed, case: Case
) -> None:
    before, listed = contents(trained.home), sorted(files.iterdir())

    ended = typed(case, home=trained.home, files=files)

    ended.complains(case)
    assert contents(trained.home) == before
    assert sorted(files.iterdir()) == listed


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Homes that something is wrong with, by name."""
    folder = tmp_path_factory.mktemp("homes")
    (folder / "a_file").write_text("not a folder")
    (folder / "garbage").mkdir()
    (folder / "garbage" / "regulars.db").write_bytes(random.Random(2).randbytes(20_000))
    (folder / "folder" / "regulars.db").mkdir(parents=True)
    purchases = [a_purchase("e1"), a_purchase("e2", day=1)]
    for name in ("newer", "short"):
        (folder / name).mkdir()
        shop = Shop(folder / name)
        shop.done("ingest", write_csv(folder / "orders.csv", purchases))
    with closing(sqlite3.connect(folder / "newer" / "regulars.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    return folder


@pytest.mark.parametrize(("home", "case"), HOMES, ids=str)
def test_a_home_that_cannot_be_used_is_named_and_left_as_it_is(
    homes: Path, files: Path, typed: Typed, home: str, case: Case
) -> None:
    database = homes / home / "regulars.db"
    sound = home not in ("garbage", "folder")
    before = rows(homes / home) if sound else database.is_file() and database.read_bytes()

    ended = typed(case, home=homes / home, files=files)

    ended.complains(case)
    after = rows(homes / home) if sound else database.is_file() and database.read_bytes()
    assert after == before
    assert (homes / "a_file").read_text() == "not a folder"
    assert not (files / "x.csv").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"port = ", "regulars.toml"),
        (b"port = 'http'\nspeed = 9\n", "speed: no such setting"),
        (b"port = 'http'\nspeed = 9\n", "port: 'http' is no whole number"),
        (b"workers = true\n", "workers: True is no whole number"),
        (b"# caf\xe9\n", "utf-8"),
    ],
)
def test_a_broken_settings_file_is_named(
    tmp_path: Path, typed: Typed, content: bytes, says: str
) -> None:
    (tmp_path / "regulars.toml").write_bytes(content)

    ended = typed(refused("models list"), home=tmp_path / "home")

    ended.complains(refused("models list", "regulars.toml", says))
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
@pytest.mark.parametrize("words", ["ingest {files}/good.csv", "train", "serve"])
def test_a_home_that_may_not_be_written_to_is_named(
    tmp_path: Path, files: Path, typed: Typed, words: str
) -> None:
    home = tmp_path / "locked"
    home.mkdir(mode=0o500)

    ended = typed(refused(words), home=home, files=files)

    ended.complains(refused(words, "locked"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder closed to root too")
@pytest.mark.parametrize("words", ["ingest {files}/good.csv", "train", "serve"])
def test_a_home_that_cannot_be_made_is_named(files: Path, typed: Typed, words: str) -> None:
    ended = typed(refused(words), home=Path("/proc/regulars"), files=files)

    ended.complains(refused(words, "/proc/regulars", "cannot be made"))


@pytest.mark.parametrize(
    "case",
    [
        USAGE[0],
        FILES[0],
        SETTINGS[0],
        refused("serve --host 0.0.0.0 --port 0", "0.0.0.0", "keys create"),
        refused("train", "s3://", REGULARS_MODELS_URL="s3://bucket"),
    ],
    ids=str,
)
def test_a_process_of_its_own_says_the_same(tmp_path: Path, files: Path, case: Case) -> None:
    shop = Shop(tmp_path / "home", case.variables)

    result = shop.run(*case.words.replace("{files}", str(files)).split())

    Ended(result.returncode, result.stdout, result.stderr).complains(case)
    assert rows(shop.home) == dict.fromkeys(COUNTED, 0)


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_in_use_is_named_and_no_process_is_left(
    trained: Shop, tmp_path: Path, shared: bool
) -> None:
    with socket.socket() as taken:
        # Two servers that share a port would each get some of the other's requests.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        result = trained.run("serve", "--port", port)

    Ended(result.returncode, result.stdout, result.stderr).complains(
        refused("serve", port, "in use", "--port")
    )
    assert not list(trained.home.glob("*.sock"))
    assert not [pid for pid in _pids() if str(trained.home) in _command(pid)]


def test_the_host_localhost_is_served(trained: Shop) -> None:
    shop = Shop(trained.home, {"REGULARS_HOST": "localhost"})

    with shop.serving(workers=1) as server:
        assert server.items("c001")


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""
