"""Northwind's articles indexed with the real MiniLM: thousands of questions, so once for all tests."""

import shutil
from pathlib import Path

import pytest

from chatbot.bot import index_root
from chatbot.settings import read_settings
from knowledge.embed import MiniLM
from knowledge.ingest import build_index
from knowledge.search import Searcher, open_searcher

NORTHWIND = Path(__file__).resolve().parents[2] / "knowledge" / "northwind"


@pytest.fixture(scope="session")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """A searcher on an index of its own, not on the one that `triptych setup` built; but what that has embedded, word
    for word by the same model, is not embedded again."""
    root, embedder = tmp_path_factory.mktemp("index"), MiniLM()
    (root / "northwind").mkdir()
    for pattern in ("*.keys", "*.rows", "vectors.json"):  # keys first: each has its row, whoever writes meanwhile
        for path in (index_root(read_settings().home) / "northwind").glob(pattern):
            shutil.copy(path, root / "northwind")
    build_index(NORTHWIND, "northwind", root, embedder)
    return open_searcher("northwind", root, embedder)
