"""An index that is not as program and settings want it is built anew at first use, and the user hears why."""

import json
from pathlib import Path

import pytest

from chatbot.bot import index_root, open_knowledge, renew_index, stale_index
from chatbot.brand import Brand, find_brand
from chatbot.brandzip import new_brand
from chatbot.settings import Settings
from knowledge.errors import IndexMissing, StoreDown
from knowledge.ingest import current_index
from tests.conftest import FakeEncoder
from ui.doctor import _index


@pytest.fixture
def settings(tmp_path: Path, monkeypatch) -> Settings:
    monkeypatch.setattr("knowledge.embed.MPNet", lambda models: FakeEncoder())
    new_brand("acme", tmp_path, "Acme Lamps", "a lamp shop", "help@acme.example", "– Acme")
    return Settings(home=tmp_path, brand="acme")


@pytest.fixture
def brand(settings: Settings) -> Brand:
    return find_brand("acme", settings.home)


def age(settings: Settings) -> Path:
    """As if an older program had built it."""
    folder = current_index(index_root(settings.home), "acme")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 1}))
    return folder


def test_an_older_programs_index_is_built_anew_and_says_so(settings: Settings, brand: Brand, caplog) -> None:
    renew_index(settings, brand, FakeEncoder())
    assert stale_index(settings) == ""
    old = age(settings)
    assert "The index of acme is an older program's" in stale_index(settings)
    assert _index(brand, settings) == stale_index(settings), "doctor tells, and changes nothing"
    searcher = open_knowledge(settings)
    assert [one.message for one in caplog.records if "built anew; this may take some minutes, once" in one.message]
    assert stale_index(settings) == ""
    assert current_index(index_root(settings.home), "acme") != old
    assert searcher.articles
    assert _index(brand, settings).endswith(str(current_index(index_root(settings.home), "acme"))), "where it is"


def test_an_index_that_was_never_built_is_for_setup_to_build(settings: Settings) -> None:
    assert stale_index(settings) == ""
    with pytest.raises(IndexMissing, match="Run `triptych setup`"):
        open_knowledge(settings)


def test_a_server_that_does_not_answer_leaves_the_index_in_the_folder(settings: Settings, brand: Brand) -> None:
    renew_index(settings, brand, FakeEncoder())
    elsewhere = Settings(home=settings.home, brand="acme", chroma_url="http://127.0.0.1:9")
    assert "TRIPTYCH_CHROMA_URL has changed" in stale_index(elsewhere)
    with pytest.raises(
        StoreDown, match=r"No Chroma server answers at http://127\.0\.0\.1:9 .*correct TRIPTYCH_CHROMA_URL"
    ):
        open_knowledge(elsewhere)
    assert open_knowledge(settings).articles
