"""The clients of Segment and RudderStack as their makers publish them, in a folder of their own.

They pin libraries that this project holds newer ones of, so none is installed beside it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PYTHON = ("segment-analytics-python==2.4.0", "rudder-sdk-python==2.1.9")
NODE = ("@segment/analytics-node@3.1.0", "@rudderstack/rudder-sdk-node@3.0.13")
HERE = Path(__file__).parent
INSTALL_SECONDS = 240


class NotInstalled(Exception):
    """Why a client cannot be had here."""


@dataclass(frozen=True)
class Client:
    """One client, and the program that sends orders with it."""

    name: str
    program: str

    def send(self, url: str, count: int) -> None:
        """Send so many orders; raises AssertionError with what the client said."""
        run = run_node if self.program.endswith(".mjs") else run_python
        run((HERE / self.program).read_text(), url, str(count))


CLIENTS = (
    Client("Segment, Python", "segment_python.py"),
    Client("RudderStack, Python", "rudder_python.py"),
    Client("Segment, Node", "segment_node.mjs"),
    Client("RudderStack, Node", "rudder_node.mjs"),
)


def run_python(program: str, *arguments: str) -> None:
    """Run a program of Python with the clients; raises NotInstalled, AssertionError."""
    folder = _folder("python", PYTHON)
    if not folder.exists():
        made = _beside(folder)
        _install([sys.executable, "-m", "venv", str(made)])
        pip = [str(made / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _install([*pip, "--disable-pip-version-check", *PYTHON])
        _keep(made, folder)
    # Its interpreter finds its libraries by its own place, wherever it was made.
    _carry_out([str(folder / "bin" / "python"), "-c", program, *arguments])


def run_node(program: str, *arguments: str) -> None:
    """Run a program of Node with the clients; raises NotInstalled, AssertionError."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotInstalled("node and npm are not on this machine")
    folder = _folder("node", NODE)
    if not folder.exists():
        made = _beside(folder)
        made.mkdir()
        _install(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(made), *NODE])
        _keep(made, folder)
    # Node looks for libraries beside the program.
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".mjs") as file:
        file.write(program)
        file.flush()
        _carry_out(["node", file.name, *arguments])


def _carry_out(command: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr + done.stdout


def _folder(kind: str, packages: tuple[str, ...]) -> Path:
    versions = "-".join(each.replace("==", "@").rpartition("@")[2] for each in packages)
    return Path(tempfile.gettempdir()) / f"regulars-clients-{os.getuid()}-{kind}-{versions}"


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.{os.getpid()}")


def _keep(made: Path, folder: Path) -> None:
    """Give a finished folder its name, unless another process was first."""
    try:
        made.rename(folder)
    except OSError:
        shutil.rmtree(made)


def _install(command: list[str]) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        said = str(getattr(error, "stderr", "") or error).strip().splitlines()
        raise NotInstalled(f"{command[0]} could not install: {said[-1]}") from error
