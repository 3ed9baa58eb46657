"""Versions of an adapter: listed, chosen, gone back from; a bad pointer is a sentence."""

import json
import shutil
from pathlib import Path

import pytest

from adapters.attach import WEIGHTS
from adapters.errors import AdapterError
from adapters.fetch import sha256_of
from chatbot.errors import SHOWN
from chatbot.lineage import back, chosen, document, new_version, remove, use, versions

BRAND = "northwind"  # it has a shipped adapter


@pytest.fixture
def home(versioned_home: Path) -> Path:
    return versioned_home


def names(home: Path, brand: str = BRAND) -> list[str]:
    return [one.name for one in versions(brand, home)]


def pointer(home: Path) -> Path:
    return home / "adapters" / BRAND / "current.json"


def test_all_versions_are_listed_with_what_they_were_made_of(home: Path) -> None:
    found = document(BRAND, home)
    assert (found["current"], found["fault"]) == ("shipped", "")
    shipped, first, second = found["versions"]
    assert [one["version"] for one in found["versions"]] == ["shipped", "1", "2"]
    assert shipped["examples"] > 1000
    assert [one["current"] for one in found["versions"]] == [True, False, False]
    assert (first["pairs"], first["parent"]) == (None, None)
    assert (second["pairs"], second["parent"], second["accuracy"]) == (57, "1", 0.8333)


def test_one_is_used_and_the_one_before_comes_back(home: Path) -> None:
    assert chosen(BRAND, home).name == "shipped"
    for name in ("1", "2", "2", "shipped"):
        use(BRAND, home, name)
        assert chosen(BRAND, home).name == name
    assert [back(BRAND, home).name for _ in range(3)] == ["2", "1", "shipped"]
    with pytest.raises(AdapterError, match="No version of northwind's adapter was in use before"):
        back(BRAND, home)
    assert chosen(BRAND, home).name == "shipped"
    assert chosen(BRAND, home, "2").name == "2", "named for one command"


def test_what_a_program_without_versions_left_is_version_0_and_stays_in_use(home: Path, tones: list[Path]) -> None:
    shutil.copytree(tones[0], home / "adapters" / BRAND, dirs_exist_ok=True)
    assert names(home) == ["shipped", "0", "1", "2"]
    assert chosen(BRAND, home).folder == home / "adapters" / BRAND
    use(BRAND, home, "1")
    assert back(BRAND, home).name == "0"


def test_a_brand_without_an_adapter_says_how_to_get_one(home: Path) -> None:
    assert names(home, "acme") == []
    with pytest.raises(AdapterError, match=r"no adapter yet\. Train one: triptych train acme"):
        chosen("acme", home)
    assert document("acme", home)["versions"] == []


def test_an_unknown_version_is_refused_with_those_that_are_there(home: Path) -> None:
    for call in (use, remove, chosen):
        with pytest.raises(AdapterError, match=r"no version '7' of its adapter\. Known: shipped, 1, 2"):
            call(BRAND, home, "7")
    with pytest.raises(AdapterError, match="no version"):
        use(BRAND, home, "../northwind")


def test_a_version_that_is_gone_or_damaged_is_a_sentence_with_a_way_out(home: Path) -> None:
    use(BRAND, home, "2")
    shutil.rmtree(home / "adapters" / BRAND / "versions" / "2")
    with pytest.raises(
        AdapterError, match=r"Version 2 .* is gone from .*versions/2\. Choose one: triptych adapter use"
    ):
        chosen(BRAND, home)
    assert "is gone" in document(BRAND, home)["fault"]
    use(BRAND, home, "1")
    weights = home / "adapters" / BRAND / "versions" / "1" / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1])
    use(BRAND, home, "shipped")
    with pytest.raises(AdapterError, match="is not the file its card describes"):
        use(BRAND, home, "1")
    with pytest.raises(AdapterError, match="is not the file its card describes"):
        back(BRAND, home)
    assert chosen(BRAND, home).name == "shipped"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"current": "1"}', '{"current": "1", "before": 3}', "\x00"])
def test_a_damaged_pointer_is_a_sentence_and_use_mends_it(home: Path, text: str) -> None:
    pointer(home).write_text(text)
    for call in (chosen, back):
        with pytest.raises(
            AdapterError, match=r"current\.json.* is damaged\. Choose one: triptych adapter use northwind"
        ):
            call(BRAND, home)
    assert "is damaged" in document(BRAND, home)["fault"]
    use(BRAND, home, "1")
    assert chosen(BRAND, home).name == "1"


def test_a_damaged_card_does_not_hide_the_other_versions(home: Path) -> None:
    (home / "adapters" / BRAND / "versions" / "1" / "card.toml").write_text("brand = 3")
    shipped, first, second = document(BRAND, home)["versions"]
    assert "is damaged" in first["fault"]
    assert not shipped["fault"]
    assert len(second["parent"]) == 12, "the digest, where no version has it"


def test_only_a_numbered_version_that_is_not_in_use_is_removed(home: Path) -> None:
    use(BRAND, home, "1")
    use(BRAND, home, "2")
    for name, said in (("shipped", "stays"), ("2", "is in use")):
        with pytest.raises(AdapterError, match=said):
            remove(BRAND, home, name)
    remove(BRAND, home, "1")
    assert names(home) == ["shipped", "2"]
    assert back(BRAND, home).name == "shipped", "what was removed is not gone back to"
    assert [one.name for one in (home / "adapters" / BRAND / "versions").iterdir()] == ["2"]


def test_new_versions_are_numbered_on_and_a_failed_one_leaves_nothing(home: Path, tones: list[Path]) -> None:
    (home / "adapters" / BRAND / "versions" / ".making-x").mkdir()
    (home / "adapters" / BRAND / "versions" / ".training-x").mkdir()
    with new_version(BRAND, home) as version:
        assert version.name == "3"
        left = {one.name for one in version.folder.parent.iterdir()}
        assert left == {".lock", ".training-x", "1", "2"}, "half-made folders go, checkpoints stay"
        with pytest.raises(AdapterError, match="Another training of 'northwind' is running"), new_version(BRAND, home):
            pass
        shutil.copytree(tones[0], version.folder)
    assert names(home) == ["shipped", "1", "2", "3"]

    def refused_by_its_gate() -> None:
        with new_version(BRAND, home) as version:
            shutil.copytree(tones[0], version.folder)
            raise AdapterError("no")

    with pytest.raises(AdapterError, match="no"):
        refused_by_its_gate()
    assert names(home) == ["shipped", "1", "2", "3"]
    assert chosen(BRAND, home).name == "shipped", "trained is not used"


def test_a_full_disk_leaves_the_pointer_as_it_was(home: Path, monkeypatch) -> None:
    use(BRAND, home, "1")
    before = pointer(home).read_text()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(SHOWN, match="is full"):
        use(BRAND, home, "2")
    assert pointer(home).read_text() == before
    assert json.loads(before) == {"current": "1", "before": ["shipped"]}


def test_the_bot_speaks_with_the_version_in_use(home: Path, tiny_folder: Path, monkeypatch) -> None:
    """open_bot on the tiny model: the pointer decides, a setting decides for once, and a gone version says so."""
    from chatbot import bot as bot_module
    from chatbot import settings as settings_module
    from tests.conftest import FakeEncoder, FakeSearcher

    monkeypatch.setattr("knowledge.embed.MiniLM", FakeEncoder)
    monkeypatch.setattr("knowledge.search.open_searcher", lambda *given: FakeSearcher())
    monkeypatch.setattr(bot_module, "detector_for", lambda *given: None)
    monkeypatch.setattr(bot_module, "Bot", lambda *parts: parts)

    def opened(version: str = ""):
        settings = settings_module.Settings(home=home, base=str(tiny_folder), dtype="float32", adapter=version)
        *_, engine, _, card, fault, _ = bot_module.open_bot(settings)
        engine.close()
        return (card.weights if card else None), fault

    digest = {n: sha256_of(home / "adapters" / BRAND / "versions" / n / WEIGHTS) for n in "12"}
    assert opened() == (None, opened()[1]), "the shipped one was trained on another base"
    assert "was trained on" in opened()[1]
    use(BRAND, home, "2")
    assert opened() == (digest["2"], "")
    assert opened("1") == (digest["1"], "")
    shutil.rmtree(home / "adapters" / BRAND / "versions" / "2")
    card, fault = opened()
    assert card is None
    assert "is gone from" in fault
