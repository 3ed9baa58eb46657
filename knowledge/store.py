"""Passages and their vectors in Chroma. The only door of chromadb; its errors stop here.

One folder holds one finished collection and is never changed afterwards, so readers need no lock."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.asked import Asked
from knowledge.chunk import Passage
from knowledge.embed import Vectors
from knowledge.errors import KnowledgeError
from knowledge.unanswered import Unanswered

BATCH = 500  # passages per write
Place = tuple[str, int]  # Passage.id and the place of a line in Passage.lines


class Store:
    """One index in one folder: passages, lines, questions. The vectors are ours: Chroma never embeds anything."""

    def __init__(self, folder: Path, brand: str):
        import chromadb  # here, not above: half a second that `triptych --help` need not wait
        from chromadb.config import Settings as ChromaSettings

        self._folder, self._brand = folder, brand
        with _named(folder):
            self._client: Any = chromadb.PersistentClient(str(folder), ChromaSettings(anonymized_telemetry=False))
            self._collection, self._lines, self._asked, self._unanswered = (
                self._client.get_or_create_collection(
                    collection_name(brand, part),
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine"}},
                    metadata={"brand": brand},
                )
                for part in ("passages", "lines", "asked", "unanswered")
            )

    def add(
        self, passages: Sequence[Passage], vectors: Vectors, tell: Callable[[int], None] = lambda done: None
    ) -> None:
        """Write `passages` with `vectors` (n, d), in batches; `tell` hears how many are done."""
        rows = [(one.id, one.text, _facts(one)) for one in passages]
        self._write(self._collection, rows, vectors, tell)

    def add_lines(self, documents: Mapping[Place, str], vectors: Vectors) -> None:
        """Write the lines' `documents` (see knowledge/asked.py) with their `vectors` (n, d)."""
        rows = [(f"{name}~{n}", text, {"passage": name, "line": n}) for (name, n), text in documents.items()]
        self._write(self._lines, rows, vectors)

    def add_asked(self, asked: Sequence[Asked], vectors: Vectors) -> None:
        """Write how customers ask, with `vectors` (n, d)."""
        rows = [(str(n), one.text, {"passage": one.passage, "line": one.line}) for n, one in enumerate(asked)]
        self._write(self._asked, rows, vectors)

    def add_unanswered(self, questions: Sequence[Unanswered], vectors: Vectors) -> None:
        """Write what no article answers, with `vectors` (n, d)."""
        rows = [(str(n), one.text, {"article": one.article, "missing": one.missing}) for n, one in enumerate(questions)]
        self._write(self._unanswered, rows, vectors)

    def _write(
        self,
        collection: Any,
        rows: Sequence[tuple[str, str, dict[str, Any]]],
        vectors: Vectors,
        tell: Callable[[int], None] = lambda done: None,
    ) -> None:
        """`rows` are (id, text, facts), one for each of `vectors`."""
        for start in range(0, len(rows), BATCH):
            names, texts, facts = zip(*rows[start : start + BATCH], strict=True)
            with _named(self._folder):
                collection.add(
                    ids=list(names),
                    embeddings=vectors[start : start + BATCH],
                    documents=list(texts),
                    metadatas=list(facts),
                )
            tell(start + len(names))

    def known(self) -> dict[str, Vectors]:
        """The vector (d,) of every line's document, every phrasing and every unanswered question, by its text."""
        known: dict[str, Vectors] = {}
        for collection in (self._lines, self._asked, self._unanswered):
            with _named(self._folder):
                found = collection.get(include=["documents", "embeddings"])
            known.update(zip(found["documents"] or [], np.asarray(found["embeddings"], np.float32), strict=True))
        return known

    def asked(self) -> list[Asked]:
        """Every phrasing."""
        with _named(self._folder):
            found = self._asked.get(include=["documents", "metadatas"])
        pairs: Any = zip(found["documents"] or [], found["metadatas"] or [], strict=True)
        return [Asked(str(facts["passage"]), int(facts["line"]), text) for text, facts in pairs]

    def everything(self) -> tuple[list[Passage], Vectors]:
        """All passages by article and position, and their vectors (n, d)."""
        with _named(self._folder):
            found = self._collection.get(include=["documents", "metadatas", "embeddings"])
        texts, facts = found["documents"] or [], found["metadatas"] or []
        made = [_passage(*parts) for parts in zip(found["ids"], texts, facts, strict=True)]
        order = sorted(range(len(made)), key=lambda i: (made[i].article, made[i].position))
        vectors = np.asarray(found["embeddings"], np.float32).reshape(len(made), -1)
        return [made[i] for i in order], vectors[order]

    def nearest(self, vector: Vectors, n: int, articles: Collection[str] = ()) -> list[tuple[str, float]]:
        """The `n` nearest passages' ids with their cosine (-1..1) to `vector` (d,), nearest first; of these `articles`
        alone, if any are named."""
        where = {"article": {"$in": sorted(articles)}} if articles else None
        found, cosines = self._query(self._collection, vector, n, where=where)
        return list(zip(found["ids"][0], cosines, strict=True))

    def nearest_lines(self, vector: Vectors, n: int, where: Any = None) -> dict[Place, float]:
        """The `n` nearest lines with their cosines, nearest first; of those whose facts are as `where` says."""
        return self._nearest(self._lines, vector, n, where)

    def nearest_asked(self, vector: Vectors, n: int, where: Any = None) -> dict[Place, float]:
        """Lines with the best cosine of their phrasings, of the `n` nearest phrasings that are as `where` says."""
        return self._nearest(self._asked, vector, n, where) if n else {}

    def _nearest(self, collection: Any, vector: Vectors, n: int, where: Any) -> dict[Place, float]:
        found, cosines = self._query(collection, vector, n, "metadatas", where=where)
        best: dict[Place, float] = {}
        for facts, cosine in zip((found["metadatas"] or [[]])[0], cosines, strict=True):
            # nearest first: the first one of a line is its best
            best.setdefault((str(facts["passage"]), int(facts["line"])), cosine)
        return best

    def nearest_questions(self, vector: Vectors, n: int) -> tuple[Vectors, Vectors, Vectors]:
        """Cosines of the `n` nearest phrasings and the `n` nearest unanswered questions: (n,) each, nearest first;
        and the vector (d,) of the nearest phrasing."""
        found, answered = self._query(self._asked, vector, n, "embeddings")
        _, unanswered = self._query(self._unanswered, vector, n)
        twin = np.asarray(found["embeddings"][0][0], np.float32)
        return np.asarray(answered, np.float32), np.asarray(unanswered, np.float32), twin

    def asked_for(self, place: Place, vector: Vectors, n: int) -> Vectors:
        """Cosines (m,), m <= n, of the nearest phrasings of one line."""
        name, line = place
        _, cosines = self._query(self._asked, vector, n, where={"$and": [{"passage": name}, {"line": line}]})
        return np.array(cosines, np.float32)

    def _query(
        self, collection: Any, vector: Vectors, n: int, *also: str, where: Any = None
    ) -> tuple[Any, list[float]]:
        """What Chroma finds near `vector` (d,) among those whose facts are as `where` says, with what it is to give
        `also`, and the cosines, nearest first."""
        with _named(self._folder):
            found = collection.query(
                query_embeddings=vector[None, :], n_results=n, where=where, include=["distances", *also]
            )
        return found, [1.0 - float(far) for far in (found["distances"] or [[]])[0]]

    def close(self) -> None:
        """Let go of the folder's files."""
        self._client.close()


def collection_name(brand: str, part: str = "passages") -> str:
    """The brand as Chroma lets a collection be named: 3-512 of [a-zA-Z0-9._-], ends alphanumeric."""
    return "brand-" + re.sub(r"[^a-zA-Z0-9.-]", "-", brand).strip(".-") + f"-{part}"


def _facts(passage: Passage) -> dict[str, Any]:
    return {
        "article": passage.article,
        "title": passage.title,
        "heading": passage.heading,
        "position": passage.position,
    }


def _passage(name: str, text: str, facts: Any) -> Passage:
    return Passage(name, facts["article"], facts["title"], facts["heading"], text, int(facts["position"]))


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, ValueError, KeyError, RuntimeError) as error:
        said = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise KnowledgeError(
            f"The knowledge index in {folder} cannot be used ({said}). Run `triptych setup` to build it again."
        ) from error
