"""The same index with its vectors on a real `chroma run`: built, searched, built anew under a reader, gone."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from knowledge.errors import IndexMissing, KnowledgeError, StoreDown
from knowledge.ingest import build_index, current_index, outdated
from knowledge.search import open_searcher
from knowledge.store import _close
from tests.conftest import FakeEncoder
from tests.knowledge.test_ingest import write


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """`chroma run` on loopback."""

    def __init__(self, folder: Path, port: int):
        self.url = f"http://127.0.0.1:{port}"
        code = "import sys; from chromadb.cli.cli import app; sys.argv[0] = 'chroma'; sys.exit(app())"
        arguments = ["run", "--path", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", code, *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, "chroma run ended"
                assert time.monotonic() < until, "chroma run does not answer"
                time.sleep(0.05)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    made = Server(tmp_path_factory.mktemp("chroma"), free_port())
    yield made
    made.stop()


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    folder.mkdir()
    write(folder, "boots", "## Facts\nBoots can be returned within 45 days.\n\n## More\nMore about boots here.")
    return folder


def collections(server: Server) -> list[str]:
    import chromadb

    client = chromadb.HttpClient("127.0.0.1", int(server.url.rpartition(":")[2]))
    names = sorted(one.name for one in client.list_collections())
    _close(client)
    return names


def best(searcher) -> str:
    return searcher.search("Boots can be returned within", 1)[0].text


def test_an_index_on_a_server_is_built_searched_and_tidied_up(server: Server, articles: Path, tmp_path: Path) -> None:
    root = tmp_path / "index"
    first = build_index(articles, "acme", root, FakeEncoder(), server=server.url)
    assert not (first.path / "chroma.sqlite3").exists(), "nothing of it is in the folder"
    searcher = open_searcher("acme", root, FakeEncoder(), server=server.url)
    assert best(searcher) == "Boots can be returned within 45 days."
    assert server.url in searcher.place
    assert (searcher.index, searcher.learnt) == (first.path.name, None)
    for days in (50, 60):
        write(articles, "boots", f"## Facts\nBoots can be returned within {days} days.")
        assert build_index(articles, "acme", root, FakeEncoder(), server=server.url).embedded == 1
    assert best(searcher) == "Boots can be returned within 60 days.", "the new one is noticed"
    assert searcher.index != first.path.name
    names = collections(server)
    assert len(names) == 8, "the new one, and the one readers may hold"
    assert not [name for name in names if first.path.name in name]


def test_a_reader_sees_old_or_new_while_the_index_is_built_anew(server: Server, articles: Path, tmp_path: Path) -> None:
    root, seen, faults, stop = tmp_path / "index", [], [], threading.Event()
    build_index(articles, "readers", root, FakeEncoder(), server=server.url)
    searcher = open_searcher("readers", root, FakeEncoder(), server=server.url)

    def read() -> None:
        while not stop.is_set():
            try:
                seen.append(best(searcher))
            except Exception as error:  # a test tells it
                faults.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for days in (46, 47, 48):
        write(articles, "boots", f"## Facts\nBoots can be returned within {days} days.\n\n## More\nMore {days}.")
        build_index(articles, "readers", root, FakeEncoder(), server=server.url)
    stop.set()
    reader.join(60)
    assert not faults
    days = [int(one.split()[-2]) for one in [*seen, best(searcher)]]
    assert days == sorted(days), "never the old one again"
    assert set(days) <= {45, 46, 47, 48}
    assert days[-1] == 48


def test_folder_and_server_are_two_indexes(server: Server, articles: Path, tmp_path: Path) -> None:
    root = tmp_path / "index"
    build_index(articles, "both", root, FakeEncoder())
    assert current_index(root, "both", server.url) is None
    assert outdated(root, "both", server.url)
    with pytest.raises(IndexMissing):
        open_searcher("both", root, FakeEncoder(), server=server.url)
    assert build_index(articles, "both", root, FakeEncoder(), server=server.url).embedded == 0, "vectors are kept"
    assert not outdated(root, "both", server.url)
    assert best(open_searcher("both", root, FakeEncoder(), server=server.url)).endswith("45 days.")


def test_a_server_that_is_gone_is_one_sentence_and_the_build_goes_on_when_it_is_back(
    articles: Path, tmp_path: Path
) -> None:
    port, root = free_port(), tmp_path / "index"
    url = f"http://127.0.0.1:{port}"
    with pytest.raises(
        StoreDown, match=rf"No Chroma server answers at {url} .*Start it \(chroma run\), correct TRIPTYCH_CHROMA_URL"
    ):
        build_index(articles, "gone", root, FakeEncoder(), server=url)
    server = Server(tmp_path / "chroma", port)
    try:
        build_index(articles, "gone", root, FakeEncoder(), server=url)
        searcher = open_searcher("gone", root, FakeEncoder(), server=url)
        assert best(searcher)
    finally:
        server.stop()
    with pytest.raises(StoreDown, match="No Chroma server answers"):
        best(searcher)
    with pytest.raises(StoreDown, match="No Chroma server answers"):
        open_searcher("gone", root, FakeEncoder(), server=url)
    server = Server(tmp_path / "chroma", port)  # it kept what it was given
    try:
        assert best(searcher) == best(open_searcher("gone", root, FakeEncoder(), server=url))
    finally:
        server.stop()


def test_what_is_no_chroma_server_is_one_sentence(articles: Path, tmp_path: Path) -> None:
    import http.server

    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *args) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            with pytest.raises(KnowledgeError, match="No Chroma server answers"):
                build_index(articles, "other", tmp_path, FakeEncoder(), server=f"http://127.0.0.1:{other.server_port}")
        finally:
            other.shutdown()
            thread.join(30)
