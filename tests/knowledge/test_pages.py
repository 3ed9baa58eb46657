"""Pages of the web from a real server on this machine: kinds, lists, sitemaps, retries, and what is not followed."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from knowledge import pages as web
from knowledge.archive import Budget
from knowledge.importing import import_documents
from tests.knowledge.papers import PAGE, pdf


class Site(ThreadingHTTPServer):
    """Answers by path from `answers`; a list is given away one by one. Counts who came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, object] = {}
        self.asked: list[str] = []
        self.at = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        site.asked.append(self.path)
        answer = site.answers.get(self.path, (404, "text/html", b"none"))
        if isinstance(answer, list):
            answer = answer.pop(0)
        status, kind, body = answer
        self.send_response(status)
        self.send_header("Location" if status in (301, 302) else "Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *about: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(web, "PAUSE_S", 0.01)
    server = Site()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def outcomes(sources: list[object], folder: Path) -> list[tuple[str, str]]:
    return [(one.file, one.article or one.why) for one in import_documents(sources, folder)]


def fault(address: str) -> str:
    (found,) = web.pages([address], Budget())
    assert found.fault.startswith(address)
    assert found.fault.endswith(".")
    return found.fault


def test_pages_of_every_kind_become_articles(site: Site, tmp_path: Path) -> None:
    site.answers = {
        "/help/returns.html": (200, "text/html; charset=utf-8", PAGE.encode()),
        "/manual": (200, "application/pdf", pdf([("Care", ["Wash it by hand and let it dry for a day."])])),
        "/notes.md": (200, "text/plain", b"# Notes\n\nA note."),
    }
    sources = [f"{site.at}{path}" for path in site.answers]
    assert [article for _, article in outcomes(sources, tmp_path)] == ["help-returns.md", "manual.md", "notes.md"]
    assert f"source: {site.at}/help/returns.html" in (tmp_path / "help-returns.md").read_text()
    again = import_documents(sources, tmp_path)
    assert {one.state for one in again} == {"skipped"}


def test_a_list_of_addresses_and_a_sitemap_are_gone_through(site: Site, tmp_path: Path) -> None:
    inner = f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url><loc>{site.at}/a.md</loc></url></urlset>"
    index = f"<sitemapindex><sitemap><loc>{site.at}/inner.xml</loc></sitemap></sitemapindex>"
    site.answers = {
        "/sitemap.xml": (200, "application/xml", index.encode()),
        "/inner.xml": (200, "text/xml", inner.encode()),
        "/a.md": (200, "text/markdown", b"From the sitemap."),
        "/b.md": (200, "text/markdown", b"From the list."),
    }
    listed = tmp_path / "addresses.txt"
    listed.write_text(f"# ours\n{site.at}/b.md\n")
    assert [article for _, article in outcomes([f"{site.at}/sitemap.xml", listed], tmp_path / "kb")] == ["a.md", "b.md"]
    (tmp_path / "mine.xml").write_text(inner)
    assert web.is_list(tmp_path / "mine.xml") == [f"{site.at}/a.md"]
    (tmp_path / "prose.txt").write_text("See http://example.com for more.")
    assert web.is_list(tmp_path / "prose.txt") is None


def test_a_busy_server_is_asked_again_and_a_broken_one_three_times(site: Site) -> None:
    site.answers["/a.md"] = [(503, "text/html", b""), (200, "text/markdown", b"At last.")]
    (found,) = web.pages([f"{site.at}/a.md"], Budget())
    assert found.data == b"At last."
    site.answers["/b.md"] = (500, "text/html", b"")
    assert "answered with error 500" in fault(f"{site.at}/b.md")
    assert site.asked.count("/b.md") == web.TRIES


def test_redirects_are_followed_on_the_machine_that_was_named(site: Site) -> None:
    site.answers = {"/old": (301, "/new", b""), "/new": (200, "text/markdown", b"Here."), "/loop": (302, "/loop", b"")}
    (found,) = web.pages([f"{site.at}/old"], Budget())
    assert found.data == b"Here."
    assert "more than 5 times" in fault(f"{site.at}/loop")


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:9/x",
        "http://localhost/x",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
    ],
)
def test_a_private_address_is_not_followed_unless_the_user_named_it(site: Site, target: str) -> None:
    site.answers["/away"] = (302, target, b"")
    assert "a machine of your own network, and that is not followed" in fault(f"{site.at}/away")
    sitemap = f"<urlset><url><loc>{target}</loc></url></urlset>"
    site.answers["/sitemap.xml"] = (200, "application/xml", sitemap.encode())
    assert "of your own network" in next(one.fault for one in web.pages([f"{site.at}/sitemap.xml"], Budget()))


def test_who_answers_is_looked_at_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a public machine that turns out to be this one when it is called."""
    real = web.socket.getaddrinfo
    site.answers["/away"] = (302, f"http://elsewhere.example:{site.server_port}/secret", b"")
    site.answers["/secret"] = (200, "text/markdown", b"secret")
    calls: list[str] = []

    def resolve(host, *rest, **more):
        if host not in ("elsewhere.example", b"elsewhere.example"):
            return real(host, *rest, **more)
        calls.append("asked")
        return real("93.184.215.14" if len(calls) == 1 else "127.0.0.1", *rest, **more)

    monkeypatch.setattr(web.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(web, "getproxies", dict)
    assert "of your own network" in fault(f"{site.at}/away")
    assert len(calls) > 1, "the name was looked up again when it was called"


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/none", (404, "text/html", b""), "is not there"),
        ("/shut", (403, "text/html", b""), "may not be read"),
        ("/pic", (200, "image/png", b"x"), "is image/png, which cannot be read"),
        ("/a.xml", (200, "text/xml", b"<feed/>"), "is XML and no sitemap"),
        ("/b.xml", (200, "text/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><urlset/>"), "is XML and no sitemap"),
        ("/ftp", (302, "ftp://example.com/x", b""), "which is no web address"),
    ],
)
def test_what_cannot_be_fetched_is_a_sentence(site: Site, path: str, answer: object, said: str) -> None:
    site.answers[path] = answer
    assert said in fault(f"{site.at}{path}")


def test_a_page_without_end_a_silent_server_and_none_at_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "MOST_BYTES", 1000)
    site.answers["/big.md"] = (200, "text/markdown", b"x" * 1001)
    assert "the most. Leave it out" in fault(f"{site.at}/big.md")
    monkeypatch.setattr(web, "LONGEST_S", -1.0)
    site.answers["/slow.md"] = (200, "text/markdown", b"x")
    assert "took longer than" in fault(f"{site.at}/slow.md")
    assert "could not be reached" in fault("http://127.0.0.1:1/")
    with web.socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(web, "TIMEOUT_S", 0.1)
        monkeypatch.setattr(web, "TRIES", 1)
        assert "did not answer" in fault(f"http://127.0.0.1:{silent.getsockname()[1]}/")
