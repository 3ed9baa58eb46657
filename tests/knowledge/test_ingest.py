"""Building the index: incremental, beside the old one, swapped whole; and every way that can fail."""

import errno
import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from knowledge import ingest
from knowledge.embed import MiniLM
from knowledge.errors import IndexMissing, KnowledgeError
from knowledge.ingest import build_index, current_index, outdated
from knowledge.search import open_searcher
from knowledge.store import Store, collection_name
from tests.conftest import Counting, FakeEncoder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    for name, text in (("boots", "Boots can be returned within 45 days."), ("tents", "Tents weigh 2 kg each.")):
        write(folder, name, f"## Facts\n{text}\n\n## More\nMore about {name} here.")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.md").write_text(f"---\ntitle: {name.title()}\n---\n{text}\n", encoding="utf-8")


def found(root: Path, question: str, embedder=None) -> list[str]:
    return [hit.passage.text for hit in open_searcher("acme", root, embedder or FakeEncoder()).search(question, 5)]


def test_only_changed_articles_are_embedded_again(articles: Path, tmp_path: Path) -> None:
    root, embedder = tmp_path / "index", Counting()
    first = build_index(articles, "acme", root, embedder)
    assert (first.passages, first.embedded, first.reused) == (4, 4, 0)
    again = build_index(articles, "acme", root, embedder)
    assert (again.embedded, again.reused, again.path) == (0, 4, first.path)
    embedder.texts.clear()
    write(articles, "boots", "## Facts\nBoots can be returned within 60 days.\n\n## More\nMore about boots here.")
    changed = build_index(articles, "acme", root, embedder)
    assert (changed.embedded, changed.reused) == (1, 3)
    assert embedder.texts == ["Boots › Facts: Boots can be returned within 60 days."]
    assert found(root, "Boots can be returned within")[0] == "Boots can be returned within 60 days."


def test_a_deleted_article_is_gone(articles: Path, tmp_path: Path) -> None:
    root = tmp_path / "index"
    build_index(articles, "acme", root, FakeEncoder())
    (articles / "tents.md").unlink()
    report = build_index(articles, "acme", root, FakeEncoder())
    assert (report.passages, report.removed, report.embedded) == (2, 2, 0)
    assert found(root, "Tents weigh 2 kg each") == []


def test_another_embedder_means_another_index(articles: Path, tmp_path: Path) -> None:
    build_index(articles, "acme", tmp_path / "index", FakeEncoder())
    other = Counting()
    other.fingerprint = "other"
    assert build_index(articles, "acme", tmp_path / "index", other).embedded == 4


def test_an_older_programs_index_pays_for_the_new_one(articles: Path, tmp_path: Path) -> None:
    """It kept its vectors in Chroma alone."""
    root, embedder = tmp_path / "index", Counting()
    first = build_index(articles, "acme", root, embedder)
    for path in (root / "acme").glob("vectors*"):
        path.unlink()
    manifest = json.loads((first.path / "manifest.json").read_text())
    (first.path / "manifest.json").write_text(json.dumps({**manifest, "format": 1, "fingerprint": "older"}))
    assert current_index(root, "acme") is None
    assert outdated(root, "acme")
    embedder.texts.clear()
    write(articles, "boots", "## Facts\nBoots can be returned within 60 days.\n\n## More\nMore about boots here.")
    report = build_index(articles, "acme", root, embedder)
    assert (report.embedded, report.reused) == (1, 3)
    assert embedder.texts == ["Boots › Facts: Boots can be returned within 60 days."]
    assert not outdated(root, "acme")


def test_a_reader_sees_the_old_index_until_the_new_one_is_whole(articles: Path, tmp_path: Path) -> None:
    root = tmp_path / "index"
    build_index(articles, "acme", root, FakeEncoder())
    searcher = open_searcher("acme", root, FakeEncoder())
    seen: list[str] = []

    class Looking(FakeEncoder):
        def encode(self, texts):
            seen.append(searcher.search("Boots can be returned within", 1)[0].passage.text)
            return super().encode(texts)

    write(articles, "boots", "## Facts\nBoots can be returned within 60 days.")
    build_index(articles, "acme", root, Looking())
    assert seen
    assert set(seen) == {"Boots can be returned within 45 days."}
    assert searcher.search("Boots can be returned within", 1)[0].passage.text.endswith("60 days.")


def test_a_failure_while_writing_leaves_the_old_index_and_no_litter(
    articles: Path, tmp_path: Path, monkeypatch
) -> None:
    root = tmp_path / "index"
    build_index(articles, "acme", root, FakeEncoder())
    before = sorted(p.name for p in (root / "acme").iterdir())
    write(articles, "boots", "## Facts\nBoots can be returned within 60 days.")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Store, "add", full)
    with pytest.raises(KnowledgeError, match=r"is full. Free some space"):
        build_index(articles, "acme", root, FakeEncoder())
    monkeypatch.undo()
    assert sorted(p.name for p in (root / "acme").iterdir()) == before
    assert found(root, "Boots can be returned within")[0].endswith("45 days.")
    build_index(articles, "acme", root, FakeEncoder())
    assert found(root, "Boots can be returned within")[0].endswith("60 days.")


def test_a_kill_while_writing_leaves_the_old_index_and_the_next_build_tidies_up(articles: Path, tmp_path: Path) -> None:
    root = tmp_path / "index"
    build_index(articles, "acme", root, FakeEncoder())
    write(articles, "boots", "## Facts\nBoots can be returned within 60 days.")
    code = (
        "import os, sys; from pathlib import Path; from tests.conftest import FakeEncoder\n"
        "from knowledge import ingest, store\n"
        "plain = store.Store.add\n"
        "def dies(self, *a, **k): plain(self, *a, **k); os._exit(9)\n"
        "store.Store.add = dies\n"
        f"ingest.build_index(Path({str(articles)!r}), 'acme', Path({str(root)!r}), FakeEncoder())"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=False).returncode == 9
    assert len([p for p in (root / "acme").iterdir() if p.is_dir()]) == 2, "the killed build is lying about"
    assert found(root, "Boots can be returned within")[0].endswith("45 days.")
    build_index(articles, "acme", root, FakeEncoder())
    assert found(root, "Boots can be returned within")[0].endswith("60 days.")
    assert len([p for p in (root / "acme").iterdir() if p.is_dir()]) == 2, "the new one, and the one readers may hold"


def test_two_builders_at_once_take_turns(articles: Path, tmp_path: Path) -> None:
    root, reports = tmp_path / "index", []
    threads = [
        threading.Thread(target=lambda: reports.append(build_index(articles, "acme", root, FakeEncoder())))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(one.embedded for one in reports) == [0, 0, 4]


def test_a_builder_that_waits_too_long_says_so(articles: Path, tmp_path: Path, monkeypatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr(ingest, "LOCK_WAIT", 0.1)
    place = tmp_path / "index" / "acme"
    place.mkdir(parents=True)
    with FileLock(place / ".lock"), pytest.raises(KnowledgeError, match="Another program is building"):
        build_index(articles, "acme", tmp_path / "index", FakeEncoder())


@pytest.mark.parametrize("damage", ["current", "manifest"])
def test_a_damaged_index_is_missing_and_a_rerun_repairs_it(articles: Path, tmp_path: Path, damage: str) -> None:
    root = tmp_path / "index"
    report = build_index(articles, "acme", root, FakeEncoder())
    if damage == "current":
        (root / "acme" / "current").write_text("nowhere")
    else:
        (report.path / "manifest.json").unlink()
    assert current_index(root, "acme") is None
    with pytest.raises(IndexMissing, match="triptych setup"):
        open_searcher("acme", root, FakeEncoder())
    build_index(articles, "acme", root, FakeEncoder())
    assert found(root, "Tents weigh 2 kg each")


def test_a_damaged_database_is_one_sentence(articles: Path, tmp_path: Path) -> None:
    root = tmp_path / "index"
    report = build_index(articles, "acme", root, FakeEncoder())
    (report.path / "chroma.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(KnowledgeError, match="Run `triptych setup` to build it again"):
        open_searcher("acme", root, FakeEncoder())


def test_the_store_gives_back_what_it_was_given(articles: Path, tmp_path: Path) -> None:
    report = build_index(articles, "acme", tmp_path / "index", FakeEncoder())
    passages, vectors = Store(report.path, "acme").everything()
    assert [one.id for one in passages] == ["boots#facts", "boots#more", "tents#facts", "tents#more"]
    np.testing.assert_allclose(vectors, FakeEncoder().encode([one.cited for one in passages]), atol=1e-6)
    manifest = json.loads((report.path / "manifest.json").read_text())
    assert (manifest["embedder"], manifest["passages"]) == ("fake", 4)


@pytest.mark.parametrize("brand", ["a", "northwind", "my_brand", "x" * 63])
def test_every_brands_name_makes_a_collection_name_that_chroma_takes(brand: str) -> None:
    import re

    assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]", collection_name(brand))


def test_two_brands_that_chroma_would_spell_alike_have_folders_of_their_own(articles: Path, tmp_path: Path) -> None:
    one = build_index(articles, "a_b", tmp_path / "index", FakeEncoder())
    two = build_index(articles, "a-b", tmp_path / "index", FakeEncoder())
    assert one.path.parent != two.path.parent


def test_the_embedders_weights_are_checked(monkeypatch) -> None:
    from knowledge import embed

    embed.check_model()
    monkeypatch.setattr(embed, "SHA256", "0" * 64)
    with pytest.raises(KnowledgeError, match=r"not the published ones. Install it afresh"):
        embed.check_model()
    monkeypatch.setattr(embed, "PACKAGE", "no_such_package")
    with pytest.raises(KnowledgeError, match="is not installed"):
        MiniLM().encode(["a", "b"])


@pytest.mark.parametrize("file", ["ids.json", "starts.npy", "passages.jsonl", "words/counts.json", "chroma.sqlite3"])
@pytest.mark.parametrize("harm", ["gone", "nonsense"])
def test_a_damaged_index_is_built_again_by_the_next_build(articles: Path, tmp_path: Path, file: str, harm: str) -> None:
    root, embedder = tmp_path / "index", Counting()
    first = build_index(articles, "acme", root, embedder)
    embedder.texts.clear()
    if harm == "gone":
        (first.path / file).unlink()
    else:
        (first.path / file).write_bytes(b"[1]" if file.endswith(".json") else b"")
    again = build_index(articles, "acme", root, embedder)
    assert again.path != first.path
    assert embedder.texts == [], "the vectors are kept beside it"
    assert found(root, "Boots can be returned within")[0] == "Boots can be returned within 45 days."
