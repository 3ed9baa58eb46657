"""Northwind's articles indexed with the real MiniLM: thousands of questions, so once for all tests."""

from pathlib import Path

import pytest

from knowledge.embed import MiniLM
from knowledge.ingest import build_index
from knowledge.search import Searcher, open_searcher

NORTHWIND = Path(__file__).resolve().parents[2] / "knowledge" / "northwind"


@pytest.fixture(scope="session")
def searcher(tmp_path_factory: pytest.TempPathFactory) -> Searcher:
    """A searcher on an index of its own, not on the one that `triptych setup` built."""
    root, embedder = tmp_path_factory.mktemp("index"), MiniLM()
    build_index(NORTHWIND, "northwind", root, embedder)
    return open_searcher("northwind", root, embedder)
