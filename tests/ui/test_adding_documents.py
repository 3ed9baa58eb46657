"""Files dropped on the knowledge page, by AppTest: articles, the table, the index, and the bot that knows them."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from chatbot.bot import index_root
from knowledge.ingest import build_index
from knowledge.search import open_searcher
from tests.conftest import FakeEncoder
from tests.knowledge.papers import word, zipped
from ui.views import parts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def articles(tmp_path) -> Path:
    """The user's own two articles, in place of the shipped ones: quicker to index."""
    folder = tmp_path / "knowledge" / "northwind"
    folder.mkdir(parents=True)
    for name in ("returns", "tents"):
        (folder / f"{name}.md").write_text(f"---\ntitle: {name.title()}\n---\nAll about {name}.\n")
    return folder


@pytest.fixture
def page(bot, articles, tmp_path, monkeypatch) -> AppTest:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    build_index(articles, "northwind", index_root(tmp_path), FakeEncoder())
    bot._searcher = open_searcher("northwind", index_root(tmp_path), FakeEncoder())
    monkeypatch.setattr(parts, "open_bot", lambda settings: bot)
    st.cache_resource.clear()
    test = AppTest.from_file(str(ROOT / "ui" / "app.py"), default_timeout=60)
    test.run()
    yield test.switch_page("views/knowledge.py").run()
    st.cache_resource.clear()


def drop(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files])
    page.run()
    return page.button(key="documents-go").click().run()


def rows(page: AppTest) -> list[list[str]]:
    return page.dataframe[0].value.to_numpy().tolist()


def test_dropped_files_become_articles_that_are_shown_and_searched(page: AppTest, tmp_path: Path) -> None:
    drop(
        page,
        ("kettles.docx", word("Kettles", ["Kettles whistle at ninety decibels precisely."])),
        ("more.zip", zipped({"lids.md": b"Lids are made of beech.", "../up.md": b"bad"})),
        ("returns.md", b"Not by you."),
    )
    assert not page.exception
    found = {file: (state, became) for file, state, became in rows(page)}
    assert found["kettles.docx"] == ("read", "kettles.md, 1 sections")
    assert found["more.zip/lids.md"][0] == "read"
    assert "leads out of its zip" in found["more.zip/../up.md"][1]
    assert "would overwrite returns.md, which was written by hand" in found["returns.md"][1]
    assert "4 articles" in page.caption[0].value
    assert any("[Kettles]" in one.value for one in page.markdown)
    now = parts.the_bot()
    assert now.brand.articles == tmp_path / "knowledge" / "northwind", "the bot was opened on the shipped ones"
    assert now.searcher.search("kettles whistle at ninety decibels precisely", 1)[0].passage.article == "kettles"


def test_refused_files_alone_say_why_and_leave_all_as_it_was(page: AppTest) -> None:
    drop(page, ("empty.md", b""), ("scan.pdf", b"not a pdf"))
    assert not page.exception
    assert [state for _, state, _ in rows(page)] == ["refused", "refused"]
    assert "2 articles" in page.caption[0].value


def test_a_full_disk_is_a_sentence_on_the_page(page: AppTest, monkeypatch) -> None:
    import errno
    import os

    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    drop(page, ("a.md", b"Text."))
    assert not page.exception
    assert "is full. Free some space" in page.error[0].value


def test_an_imported_article_says_where_it_comes_from(page: AppTest) -> None:
    drop(page, ("lids.md", b"Lids are made of beech."))
    page.query_params["article"] = "lids"
    page.run()
    assert any("Imported from lids.md" in one.value for one in page.caption)
