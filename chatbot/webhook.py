"""Send a ticket to where people work: one POST of its JSON, beside the reply and never in its way.

Tried again with growing pauses while the other side is away or at fault; how it ended is kept beside the tickets.
Knows nothing about what a ticket holds."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from chatbot.journal import append, lines, now

TIMEOUT_S = 5.0  # for one try
TRIES = 4
PAUSE_S = 1.0  # before the second try, then twice as long each time
BUSY = (408, 425, 429)  # answers that ask for another try, as every 5xx does


def send_later(url: str, log: Path, document: Mapping[str, Any]) -> threading.Thread:
    """Begin to send `document`; returns at once. How it ends is one line in `log`."""
    thread = threading.Thread(target=_send_and_note, args=(url, log, document), name="triptych-webhook", daemon=True)
    thread.start()
    return thread


def send(url: str, document: Mapping[str, Any]) -> str:
    """Send and wait; "" when it was taken, else the sentence why not. The ticket's id is its Idempotency-Key."""
    tries = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=PAUSE_S),
        retry=retry_if_exception(_worth_another_try),
        reraise=True,
    )
    try:
        tries(_post, url, document)
    except httpx.HTTPStatusError as error:
        return f"{host(url)} answered {error.response.status_code}."
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{host(url)} could not be reached ({type(error).__name__})."
    return ""


def outcomes(log: Path) -> dict[str, str]:
    """id -> how its last sending ended: "" or the sentence why it failed. What is being sent is not there."""
    return {str(one["id"]): str(one["fault"]) for one in lines(log) if "id" in one and "fault" in one}


def host(url: str) -> str:
    """The name of the other side, without what a URL may hold in secret."""
    return urlsplit(url).hostname or "the webhook"


def _post(url: str, document: Mapping[str, Any]) -> None:
    headers = {"Idempotency-Key": str(document["id"])}
    httpx.post(url, json=dict(document), headers=headers, timeout=TIMEOUT_S).raise_for_status()


def _worth_another_try(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in BUSY
    return isinstance(error, httpx.TransportError)


def _send_and_note(url: str, log: Path, document: Mapping[str, Any]) -> None:
    fault = send(url, document)
    try:
        append(log, [{"id": document["id"], "at": now(), "fault": fault}])
    except OSError:
        return  # the page goes on saying that it is being sent; the ticket itself is kept
