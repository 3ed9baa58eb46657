"""Vectors with their texts and facts in Chroma, in a folder or on a server. The only door of chromadb; its errors stop
here.

What is stored of one index is written once and never changed afterwards, so readers need no lock."""

import re
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import numpy as np

from knowledge.chunk import Passage, Place
from knowledge.embed import Vectors
from knowledge.errors import KnowledgeError, StoreDown

PARTS = PASSAGES, LINES, ASKED, UNANSWERED = "passages", "lines", "asked", "unanswered"
BATCH = 500  # rows in one write
PATIENCE = 5.0  # seconds for a server to answer the door
# HNSW (Malkov and Yashunin 2016, arXiv:1603.09320) by the size of a collection, as knowledge/bench.py measures it
FEW = 8_000  # vectors, up to which a search looks at all of them: it finds what an exact one does, in every build
LARGE = {"ef_search": 300, "ef_construction": 150}
SYNC = range(4000, 8001, BATCH)  # rows between two times that Chroma writes a large graph to the disk


class Row(NamedTuple):
    """What is stored of one text: Chroma's id, document and metadata."""

    id: str
    text: str
    facts: Mapping[str, str | int]


class Store:
    """One index: passages, lines, questions. The vectors are ours: Chroma never embeds anything."""

    def __init__(self, folder: Path, brand: str, url: str = "", sizes: Mapping[str, int] | None = None):
        """Open what is stored for the index in `folder`: there, or on the Chroma server `url`. With `sizes`, how many
        rows each part is to have, what is not there yet is made."""
        self._url, self._folder = url, folder
        with self._named():
            self._client: Any = _client(folder, url)
            # a newer index may be opened while a search in the old one goes on: whoever lets go last closes it
            self.close = weakref.finalize(self, _close, self._client)
            self.close.atexit = False
            self._parts = {part: self._collection(brand, part, sizes) for part in PARTS}

    def _collection(self, brand: str, part: str, sizes: Mapping[str, int] | None) -> Any:
        name = collection_name(brand, part, self._folder.name if self._url else "")
        if sizes is None:
            return self._client.get_collection(name, embedding_function=None)
        return self._client.get_or_create_collection(
            name,
            embedding_function=None,
            configuration={"hnsw": graph(sizes[part])},
            metadata={"brand": brand, "index": self._folder.name},  # the folder's name begins with the fingerprint
        )

    def add(self, part: str, rows: Sequence[Row], vectors: Vectors) -> None:
        """Write `rows`, at most BATCH, with `vectors` (n, d). Those that are there already are written again."""
        with self._named():
            self._parts[part].upsert(
                ids=[row.id for row in rows],
                embeddings=vectors,
                documents=[row.text for row in rows],
                metadatas=[dict(row.facts) for row in rows],
            )

    def count(self, part: str) -> int:
        """How many rows `part` has."""
        with self._named():
            return int(self._parts[part].count())

    def known(self) -> dict[str, Vectors]:
        """The vector (d,) of every line's document, every phrasing and every unanswered question, by its text."""
        known: dict[str, Vectors] = {}
        for part in (LINES, ASKED, UNANSWERED):
            with self._named():
                found = self._parts[part].get(include=["documents", "embeddings"])
            known.update(zip(found["documents"] or [], np.asarray(found["embeddings"], np.float32), strict=True))
        return known

    def everything(self) -> tuple[list[Passage], Vectors]:
        """All passages by article and position, and their vectors (n, d)."""
        with self._named():
            found = self._parts[PASSAGES].get(include=["documents", "metadatas", "embeddings"])
        texts, facts = found["documents"] or [], found["metadatas"] or []
        made = [_passage(*parts) for parts in zip(found["ids"], texts, facts, strict=True)]
        order = sorted(range(len(made)), key=lambda i: (made[i].article, made[i].position))
        vectors = np.asarray(found["embeddings"], np.float32).reshape(len(made), -1)
        return [made[i] for i in order], vectors[order]

    def asked(self) -> list[Place]:
        """The line that each phrasing asks for."""
        with self._named():
            return [_place(name.rpartition("~")[0]) for name in self._parts[ASKED].get(include=[])["ids"]]

    def nearest(self, vector: Vectors, n: int, articles: Collection[str] = ()) -> list[tuple[str, float]]:
        """The `n` nearest passages' ids with their cosine (-1..1) to `vector` (d,), nearest first; of these `articles`
        alone, if any are named."""
        where = {"article": {"$in": sorted(articles)}} if articles else None
        found, cosines = self._query(PASSAGES, vector, n, where=where)
        return list(zip(found["ids"][0], cosines, strict=True))

    def nearest_lines(self, vector: Vectors, n: int, where: Any = None) -> dict[Place, float]:
        """The `n` nearest lines with their cosines, nearest first; of those whose facts are as `where` says."""
        found, cosines = self._query(LINES, vector, n, where=where)
        return dict(zip(map(_place, found["ids"][0]), cosines, strict=True))

    def nearest_line(self, vector: Vectors) -> tuple[Place, float, str]:
        """The nearest line, its cosine and its document."""
        found, cosines = self._query(LINES, vector, 1, "documents")
        return _place(found["ids"][0][0]), cosines[0], found["documents"][0][0]

    def nearest_asked(self, vector: Vectors, n: int, where: Any = None) -> dict[Place, float]:
        """Lines with the best cosine of their phrasings, of the `n` nearest phrasings that are as `where` says."""
        if not n:
            return {}
        found, cosines = self._query(ASKED, vector, n, where=where)
        best: dict[Place, float] = {}
        for name, cosine in zip(found["ids"][0], cosines, strict=True):
            best.setdefault(_place(name.rpartition("~")[0]), cosine)  # nearest first: the first of a line is its best
        return best

    def nearest_questions(self, vector: Vectors, n: int) -> tuple[Vectors, Vectors, Vectors]:
        """Cosines of the `n` nearest phrasings and the `n` nearest unanswered questions: (n,) each, nearest first;
        and the vector (d,) of the nearest phrasing."""
        found, answered = self._query(ASKED, vector, n, "embeddings")
        _, unanswered = self._query(UNANSWERED, vector, n)
        twin = np.asarray(found["embeddings"][0][0], np.float32)
        return np.array(answered, np.float32), np.array(unanswered, np.float32), twin

    def asked_for(self, place: Place, vector: Vectors, n: int) -> Vectors:
        """Cosines (m,), m <= n, of the nearest phrasings of one line."""
        name, line = place
        _, cosines = self._query(ASKED, vector, n, where={"$and": [{"passage": name}, {"line": line}]})
        return np.array(cosines, np.float32)

    def _query(self, part: str, vector: Vectors, n: int, *also: str, where: Any = None) -> tuple[Any, list[float]]:
        """What Chroma finds near `vector` (d,) among those whose facts are as `where` says, with what it is to give
        `also`, and the cosines, nearest first."""
        with self._named():
            found = self._parts[part].query(
                query_embeddings=vector[None, :], n_results=n, where=where, include=["distances", *also]
            )
        return found, [1.0 - float(far) for far in (found["distances"] or [[]])[0]]

    @contextmanager
    def _named(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except httpx.HTTPError as error:  # what Chroma's client raises when its server is gone
            raise _down(self._url, error) from error
        except (ChromaError, ValueError, KeyError, RuntimeError) as error:
            where = f"on {self._url}" if self._url else f"in {self._folder}"
            raise KnowledgeError(
                f"The knowledge index {where} cannot be used ({_said(error)}). Run `triptych setup` to build it again."
            ) from error


def row_of(passage: Passage) -> Row:
    """What is stored of a passage."""
    facts = {key: getattr(passage, key) for key in ("article", "title", "heading", "position")}
    return Row(passage.id, passage.text, facts)


def row_of_line(place: Place, document: str) -> Row:
    """What is stored of a line, from its document (knowledge/asked.py)."""
    return Row(f"{place[0]}~{place[1]}", document, {"passage": place[0], "line": place[1]})


def row_of_asked(number: int, place: Place, text: str) -> Row:
    """What is stored of phrasing `number`, which asks for the line at `place`."""
    return Row(f"{place[0]}~{place[1]}~{number}", text, {"passage": place[0], "line": place[1]})


def graph(n: int) -> dict[str, Any]:
    """Chroma's settings for a collection of `n` vectors."""
    if n <= FEW:
        return {"space": "cosine", "ef_search": max(n, 100)}
    # at the end as little as can be is left over that every reader would have to put into the graph again
    return {"space": "cosine", **LARGE, "sync_threshold": min(SYNC, key=lambda rows: n % rows)}


def collection_name(brand: str, part: str = PASSAGES, index: str = "") -> str:
    """The brand as Chroma lets a collection be named: 3-512 of [a-zA-Z0-9._-], ends alphanumeric. `index` tells those
    of one brand apart on a server."""
    return "-".join(["brand", re.sub(r"[^a-zA-Z0-9.-]", "-", brand).strip(".-"), *filter(None, [index]), part])


def forget(folder: Path, brand: str, url: str) -> None:
    """Delete what the server `url` holds of the index in `folder`. Raises StoreDown."""
    from chromadb.errors import ChromaError

    client = _client(folder, url)
    for part in PARTS:
        with suppress(ChromaError, ValueError):  # it is not there
            client.delete_collection(collection_name(brand, part, folder.name))
    _close(client)


def _client(folder: Path, url: str) -> Any:
    import chromadb  # here, not above: half a second that `triptych --help` need not wait
    from chromadb.config import Settings
    from chromadb.errors import ChromaError

    settings = Settings(anonymized_telemetry=False)
    if not url:
        return chromadb.PersistentClient(str(folder), settings)
    address = urlsplit(url)
    secure = address.scheme == "https"
    try:
        # Chroma's own client waits without end, and for anything that answers
        httpx.get(f"{url}/api/v2/heartbeat", timeout=PATIENCE).raise_for_status().json()["nanosecond heartbeat"]
        port = address.port or (443 if secure else 80)
        return chromadb.HttpClient(str(address.hostname), port, secure, settings=settings)
    except (httpx.HTTPError, ChromaError, ValueError, KeyError, TypeError) as error:
        raise _down(url, error) from error


def _close(client: Any) -> None:
    """Chroma's two clients of a server leave their connections open when they are closed."""
    servers: list[Any] = [one._server for one in (client, client._admin_client)]
    sessions = [server._session for server in servers if hasattr(server, "_session")]
    client.close()
    for session in sessions:
        session.close()


def _down(url: str, error: Exception) -> StoreDown:
    return StoreDown(
        f"No Chroma server answers at {url} ({_said(error)}). Start it (chroma run), correct TRIPTYCH_CHROMA_URL, "
        "or unset it to keep the index in a folder."
    )


def _said(error: Exception) -> str:
    return str(error).splitlines()[0][:160] if str(error) else type(error).__name__


def _passage(name: str, text: str, facts: Any) -> Passage:
    return Passage(name, facts["article"], facts["title"], facts["heading"], text, int(facts["position"]))


def _place(name: str) -> Place:
    passage, _, line = name.rpartition("~")
    return passage, int(line)
