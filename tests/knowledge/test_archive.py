"""Files out of folders and zips; every danger in a zip is refused by name while the rest goes on."""

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import archive
from knowledge.archive import Budget, Found, leads_out, walk
from tests.knowledge.papers import zipped


def found(source: Path | Found) -> dict[str, Found]:
    return {one.name: one for one in walk(source, Budget())}


def faults(source: Path | Found) -> dict[str, str]:
    return {name: one.fault for name, one in found(source).items() if one.fault}


def test_a_folder_is_walked_to_its_ends_without_what_systems_leave(tmp_path: Path) -> None:
    for name in ("a.md", "deep/er/b.txt", ".DS_Store", ".git/c.md", "~$lock.docx", "Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "pack.zip").write_bytes(zipped({"in/c.md": b"c", "__MACOSX/._c.md": b"n", "in/": b""}))
    base = tmp_path.name
    assert {name: one.data for name, one in found(tmp_path).items()} == {
        f"{base}/a.md": b"x", f"{base}/deep/er/b.txt": b"x", f"{base}/pack.zip/in/c.md": b"c",
    }  # fmt: skip


def test_a_missing_path_a_pipe_and_a_link_are_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "away.md").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "good.md").write_text("good")
    base, all_ = tmp_path.name, found(tmp_path)
    assert "is no ordinary file" in all_[f"{base}/pipe.txt"].fault
    assert "is a link" in all_[f"{base}/away.md"].fault
    assert "is a link" in all_[f"{base}/loop"].fault
    assert all_[f"{base}/good.md"].data == b"good"
    assert "is not there" in faults(tmp_path / "nowhere")[str(tmp_path / "nowhere")]


def test_a_file_over_the_bound_is_not_even_read(tmp_path: Path) -> None:
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(archive.MOST_BYTES + 1)
    assert "50 MB is the most" in faults(tmp_path / "big.txt")["big.txt"]
    assert "50 MB is the most" in faults(Found("sent.txt", b"x" * (archive.MOST_BYTES + 1)))["sent.txt"]


BAD_NAMES = [
    "../up.md",
    "/etc/passwd.md",
    "C:/x.md",
    "a/../../b.md",
    "\\\\host\\share.md",
    "a\\..\\..\\b.md",
    "link.md",
]


def test_bad_names_and_links_in_a_zip_are_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    data = zipped({**dict.fromkeys(BAD_NAMES, b"bad"), "good.md": b"good"}, links=["link.md"])
    all_ = found(Found("a.zip", data))
    good = [one for one in all_.values() if not one.fault]
    assert [(one.name, one.data) for one in good] == [("a.zip/good.md", b"good")]
    assert len(all_) == len(BAD_NAMES) + 1
    assert "is a link" in all_["a.zip/link.md"].fault
    assert sum("leads out of its zip" in one.fault for one in all_.values()) == len(BAD_NAMES) - 1
    assert not list(tmp_path.iterdir()), "nothing is unpacked to the disk"


def test_a_zip_may_hold_a_zip_but_no_deeper() -> None:
    inner = zipped({"c.md": b"c"})
    assert found(Found("a.zip", zipped({"b.zip": inner})))["a.zip/b.zip/c.md"].data == b"c"
    deep = faults(Found("a.zip", zipped({"b.zip": zipped({"c.zip": inner}), "d.md": b"d"})))
    assert deep == {
        "a.zip/b.zip/c.zip": "a.zip/b.zip/c.zip is a zip in a zip in a zip. Unpack it and import its files."
    }


def test_bombs_are_refused_before_they_unpack(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb, many = _bomb(), _named(archive.MOST_FILES + 1)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *a, **k: pytest.fail("it was unpacked"))
    assert "as a zip bomb does" in faults(Found("a.zip", bomb))["a.zip"]
    assert "as a zip bomb does" in faults(Found("a.docx", bomb))["a.docx"], "Word files are zips"
    assert "2000 in one import is the most" in faults(Found("a.zip", many))["a.zip"]


def test_all_zips_of_an_import_share_one_bound() -> None:
    budget = Budget(files=5, unpacked=100)
    pack = zipped({"a.md": b"a" * 60})
    first, second = (list(walk(Found(name, pack), budget)) for name in ("1.zip", "2.zip"))
    assert not first[0].fault
    assert "in one import is the most" in second[0].fault
    assert "one file too many" in next(walk(Found("b.md", b"b"), Budget(files=0))).fault


def test_a_zip_that_lies_about_its_sizes_is_refused() -> None:
    data = bytearray(zipped({"a.md": b"a" * 5000}))
    at = data.find(b"PK\x01\x02") + 24  # the size that the list of contents tells
    data[at : at + 4] = (10).to_bytes(4, "little")
    all_ = found(Found("a.zip", bytes(data)))
    assert "is damaged" in all_["a.zip/a.md"].fault


def test_locked_damaged_and_empty_zips_are_refused() -> None:
    assert "locked with a password" in faults(Found("a.zip", zipped({"a.md": b"a"}, locked=True)))["a.zip/a.md"]
    assert "is damaged" in faults(Found("a.zip", zipped({"a.md": b"a"})[:-30]))["a.zip"]
    assert "is damaged" in faults(Found("a.zip", b"no zip at all"))["a.zip"]
    assert "is empty" in faults(Found("a.zip", b""))["a.zip"]
    broken = bytearray(zipped({"a.md": b"some text to pack", "b.md": b"b"}))
    broken[40] ^= 0xFF
    assert list(faults(Found("a.zip", bytes(broken)))) == ["a.zip/a.md"]


def test_a_name_that_an_old_packer_wrote_in_utf8_is_read_so() -> None:
    data = zipped({"Größe.md": b"x"})
    for sign, at in ((b"PK\x03\x04", 7), (b"PK\x01\x02", 9)):
        start = data.find(sign) + at
        data = data[:start] + bytes([data[start] & ~0x08]) + data[start + 1 :]
    assert list(found(Found("a.zip", data))) == ["a.zip/Größe.md"]


@given(
    st.lists(st.sampled_from(["..", ".", "a", "b c", "", "/", "\\", "C:", "ü"]), min_size=1, max_size=6),
    st.sampled_from("/\\"),
)
def test_no_name_that_is_let_in_leads_out(parts: list[str], slash: str) -> None:
    name = slash.join(parts)
    if not leads_out(name):
        base = Path("/inside")
        for style in (name, name.replace("\\", "/")):
            assert Path(os.path.normpath(base / style)).is_relative_to(base)


@given(st.text(min_size=1, max_size=30), st.binary(max_size=50))
def test_any_name_in_a_zip_is_read_or_refused(name: str, data: bytes) -> None:
    try:
        whole = zipped({name: data})
    except (UnicodeEncodeError, ValueError):
        return
    for one in walk(Found("a.zip", whole), Budget()):
        assert one.fault.endswith(".") if one.fault else one.data == data


def _bomb() -> bytes:
    return zipped({"a.md": b"\0" * 3 * 2**20})


def _named(count: int) -> bytes:
    return zipped({f"{n}.md": b"" for n in range(count)})
