"""Documents from the web: addresses, a list of them, or a sitemap, each fetched within bounds or named with the reason.

Whoever types an address may mean a machine of their own; a page that leads there may not. So a private address is
fetched only if the user named it: one that a redirect or a foreign sitemap names is refused."""

import ipaddress
import re
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies
from xml.etree import ElementTree

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from knowledge.archive import MOST_BYTES, Budget, Found, walk
from knowledge.errors import DocumentError

TIMEOUT_S = 10.0  # for connecting, and between two pieces of an answer
LONGEST_S = 60.0  # for one whole page
TRIES = 3
PAUSE_S = 0.5  # before the second try, then twice as long
BUSY = (408, 425, 429)  # answers that ask for another try, as every 5xx does
REDIRECTS = 5
MOST_PAGES = 200  # of one sitemap
NESTED = 2  # a sitemap of sitemaps
KINDS = {
    "text/html": ".html", "application/xhtml+xml": ".html", "application/pdf": ".pdf", "text/markdown": ".md",
    "text/plain": ".txt", "text/csv": ".csv", "application/zip": ".zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}  # fmt: skip
Place = tuple[str, int | None]  # host and port


def is_url(text: str) -> bool:
    """Is it an address of the web?"""
    return bool(re.match(r"https?://", text, re.IGNORECASE))


def is_list(path: Path) -> list[str] | None:
    """The addresses in a local .txt that holds nothing else (# begins a remark), or in a local sitemap; else None."""
    try:
        if path.suffix.lower() not in (".txt", ".xml") or not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        data = path.read_bytes()
    except OSError:
        return None
    if path.suffix.lower() == ".xml":
        return _locations(data)[0] or None
    lines = [line.strip() for line in data.decode("utf-8-sig", errors="replace").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    return lines if lines and all(is_url(line) and len(line.split()) == 1 for line in lines) else None


def pages(addresses: Sequence[str], budget: Budget) -> Iterator[Found]:
    """The document at each address; those of a sitemap, one by one. A page that fails is a Found with a fault."""
    named = frozenset(place for address in addresses if (place := _place(address)))
    with httpx.Client(timeout=TIMEOUT_S, headers={"User-Agent": "Triptych"}, follow_redirects=False) as client:
        for address in addresses:
            yield from _documents(client, address, named, budget, NESTED)


def _documents(
    client: httpx.Client, address: str, named: frozenset[Place], budget: Budget, deep: int
) -> Iterator[Found]:
    try:
        data, kind = fetch(client, address, named)
        inner, is_index = _locations(data) if kind == ".xml" else ([], False)
        if kind == ".xml" and not inner:
            raise DocumentError(f"{address} is XML and no sitemap. Name the pages themselves.")
        if is_index and not deep:
            raise DocumentError(f"{address} is a sitemap in a sitemap in a sitemap. Name the inner one.")
    except DocumentError as error:
        yield Found(address, fault=str(error))
        return
    if kind != ".xml":
        yield from walk(Found(address, data, kind=kind), budget)
    for one in inner[:MOST_PAGES]:
        yield from _documents(client, one, named, budget, deep - 1 if is_index else 0)
    if len(inner) > MOST_PAGES:
        yield Found(address, fault=f"{address} names {len(inner)} pages; only the first {MOST_PAGES} were fetched.")


def fetch(client: httpx.Client, address: str, named: frozenset[Place]) -> tuple[bytes, str]:
    """(bytes, kind as ".html"), redirects followed with care. Raises DocumentError."""
    tries = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=PAUSE_S),
        retry=retry_if_exception(_worth_another_try),
        reraise=True,
    )
    at, began = address, time.monotonic()
    try:
        for _ in range(REDIRECTS + 1):
            _check_place(address, at, named)
            onward, data, kind = tries(_get, client, address, at, named, began)
            if not onward:
                return data, kind
            at = onward
    except httpx.HTTPStatusError as error:
        raise DocumentError(_answered(address, error.response.status_code)) from error
    except httpx.TimeoutException as error:
        raise DocumentError(f"{address} did not answer within {TIMEOUT_S:.0f} s. Try again later.") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        raise DocumentError(
            f"{address} could not be reached ({type(error).__name__}). Check the address and the network."
        ) from error
    raise DocumentError(f"{address} leads on more than {REDIRECTS} times. Name the page where it ends.")


def _get(client: httpx.Client, address: str, at: str, named: frozenset[Place], began: float) -> tuple[str, bytes, str]:
    """(where it leads on, "", "") or ("", bytes, kind)."""
    with client.stream("GET", at) as answer:
        _check_peer(address, at, named, answer)
        if answer.is_redirect:
            return urljoin(at, answer.headers["location"]), b"", ""
        answer.raise_for_status()
        data = bytearray()
        for piece in answer.iter_bytes():
            data += piece
            if len(data) > MOST_BYTES:
                raise DocumentError(f"{address} has more than {MOST_BYTES // 2**20} MB, the most. Leave it out.")
            if time.monotonic() - began > LONGEST_S:
                raise DocumentError(f"{address} took longer than {LONGEST_S:.0f} s. Try again later.")
        return "", bytes(data), _kind(address, at, answer.headers.get("content-type", ""))


def _kind(address: str, at: str, told: str) -> str:
    kind = told.split(";")[0].strip().lower()
    path = urlsplit(at).path.lower()
    if kind.endswith("/xml") or path.endswith(".xml"):
        return ".xml"
    ending = re.search(r"\.\w{2,8}$", path)
    if kind in ("", "application/octet-stream", "text/plain") and ending and ending[0] in (*KINDS.values(), ".htm"):
        return ending[0]
    if kind not in KINDS:
        raise DocumentError(f"{address} is {kind or 'of no named kind'}, which cannot be read. Leave it out.")
    return KINDS[kind]


def _check_place(address: str, at: str, named: frozenset[Place]) -> None:
    """Raises DocumentError for what is no web address, and for a private one that the user did not name."""
    place = _place(at)
    if place is None:
        raise DocumentError(f"{address} leads to {at[:80]}, which is no web address.")
    if place in named:
        return
    try:
        found = {str(one[4][0]) for one in socket.getaddrinfo(place[0], place[1])}
    except (OSError, UnicodeError) as error:
        raise DocumentError(f"{address}: there is no machine {place[0]}. Check the address and the network.") from error
    if any(map(_is_private, found)):
        raise DocumentError(_private(address, place[0]))


def _check_peer(address: str, at: str, named: frozenset[Place], answer: httpx.Response) -> None:
    """The name may have changed its meaning since it was looked up: look at who answers. A proxy answers for others."""
    stream, place = answer.extensions.get("network_stream"), _place(at)
    peer = stream.get_extra_info("server_addr") if stream is not None and not getproxies() else None
    if place and place not in named and peer and _is_private(str(peer[0])):
        raise DocumentError(_private(address, place[0]))


def _private(address: str, host: str) -> str:
    return f"{address} leads to {host}, a machine of your own network, and that is not followed. Name it yourself."


def _is_private(text: str) -> bool:
    machine = ipaddress.ip_address(text.split("%")[0])
    mapped = getattr(machine, "ipv4_mapped", None) or machine
    return not mapped.is_global or mapped.is_multicast


def _place(address: str) -> Place | None:
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme.lower()]
    except (ValueError, KeyError):
        return None
    return (parts.hostname.lower(), port) if parts.hostname else None


def _locations(data: bytes) -> tuple[list[str], bool]:
    """(the addresses that a sitemap names, is it a sitemap of sitemaps?); ([], False) for another XML."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        return [], False  # no sitemap has either; entities can be made to fill the memory
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError:
        return [], False
    kind = root.tag.rpartition("}")[2]
    if kind not in ("urlset", "sitemapindex"):
        return [], False
    found = [one.text.strip() for one in root.iter() if one.tag.rpartition("}")[2] == "loc" and one.text]
    return [one for one in found if is_url(one)], kind == "sitemapindex"


def _answered(address: str, status: int) -> str:
    known = {401: "wants a password", 403: "may not be read", 404: "is not there", 410: "is gone", 429: "is too busy"}
    return f"{address} {known.get(status, f'answered with error {status}')}. Check it in a browser, or leave it out."


def _worth_another_try(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in BUSY
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)
