"""The JSON documents that the command line prints: a contract, see README."""

from collections.abc import Sequence
from typing import Any

from chatbot.brief import Reply, Turn
from knowledge.search import Hit


def ask_document(turn: Turn) -> dict[str, Any]:
    """`triptych ask --json`."""
    verdict = turn.brief.verdict
    return {
        "question": turn.brief.question,
        "brand": turn.brief.brand,
        "situation": {"name": verdict.situation.key, "confidence": round(verdict.confidence, 4)},
        "passages": [passage_document(hit) for hit in turn.brief.hits],
        "replies": [reply_document(reply) for reply in turn.replies],
    }


def search_document(question: str, hits: Sequence[Hit], seconds: float) -> dict[str, Any]:
    """`triptych search --json`."""
    return {
        "question": question,
        "passages": [passage_document(hit) for hit in hits],
        "seconds": round(seconds, 4),
    }


def passage_document(hit: Hit) -> dict[str, Any]:
    """One passage: `score` is the cosine with the question."""
    return {
        "id": hit.passage.id,
        "article": f"{hit.passage.article}.md",
        "score": round(float(hit.score), 4),
        "text": hit.cited,
    }


def reply_document(reply: Reply) -> dict[str, Any]:
    """One reply with how it ended and what of it no source supports."""
    return {
        "mode": reply.mode.key,
        "text": reply.text,
        "finish": reply.end.finish,
        "unsupported": list(reply.unsupported),
        "tokens_in": reply.end.tokens_in,
        "tokens_out": reply.end.tokens_out,
        "first_token_s": round(reply.end.first_token_s, 3),
        "total_s": round(reply.end.total_s, 3),
    }
