"""Tickets on their way: a real server on loopback that is at fault, slow, away or well."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from chatbot import webhook
from chatbot.errors import SettingError
from chatbot.settings import read_settings
from chatbot.webhook import host, outcomes, send, send_later

TICKET = {"id": "T-1", "summary": "Legal threat: “Hello”"}


class Desk:
    """Answers with `codes` one after the other, the last one for ever; remembers what it was sent."""

    def __init__(self) -> None:
        self.codes, self.taken = [200], []
        desk = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                desk.taken.append((self.headers["Idempotency-Key"], body))
                self.send_response(desk.codes.pop(0) if len(desk.codes) > 1 else desk.codes[0])
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tickets?secret=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(webhook, "PAUSE_S", 0.01)
    found = Desk()
    yield found
    found.close()


def test_a_ticket_is_posted_whole(desk: Desk) -> None:
    assert send(desk.url, TICKET) == ""
    assert desk.taken == [("T-1", TICKET)]


def test_a_server_at_fault_is_tried_again(desk: Desk) -> None:
    desk.codes = [500, 429, 200]
    assert send(desk.url, TICKET) == ""
    assert len(desk.taken) == 3


@pytest.mark.parametrize(("code", "tries"), [(503, webhook.TRIES), (404, 1), (302, 1)])
def test_what_stays_refused_is_a_sentence_without_the_secret(desk: Desk, code: int, tries: int) -> None:
    desk.codes = [code]
    assert send(desk.url, TICKET) == f"127.0.0.1 answered {code}."
    assert len(desk.taken) == tries


def test_nobody_there_is_a_sentence(desk: Desk) -> None:
    desk.close()
    assert send(desk.url, TICKET) == "127.0.0.1 could not be reached (ConnectError)."


def test_it_is_sent_beside_the_reply_and_its_end_is_kept(desk: Desk, tmp_path: Path) -> None:
    log = tmp_path / "northwind.sent.jsonl"
    assert outcomes(log) == {}
    desk.codes = [404]
    send_later(desk.url, log, TICKET).join(10)
    assert outcomes(log) == {"T-1": "127.0.0.1 answered 404."}
    desk.codes = [200]
    send_later(desk.url, log, TICKET).join(10)
    assert outcomes(log) == {"T-1": ""}, "the last one counts"


def test_a_full_disk_does_not_break_the_thread(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "tickets").write_text("in the way")
    send_later(desk.url, tmp_path / "tickets" / "x.jsonl", TICKET).join(10)
    assert len(desk.taken) == 1


def test_an_address_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(SettingError, match="TRIPTYCH_WEBHOOK='ftp://x' is no web address"):
        read_settings({"TRIPTYCH_WEBHOOK": "ftp://x"})
    assert host("https://user:secret@desk.example:8443/a?b") == "desk.example"
