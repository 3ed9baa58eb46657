"""What the search makes of a question, in plain words: three orders of the same lines, and why one is given or none.

Knows nothing about Streamlit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatbot.quality.retrieval import ranked
from chatbot.situation import NOTHING, Situation
from knowledge.answerable import Judgement
from knowledge.chunk import slug
from knowledge.search import COVERED, LIKELY, POOL, RERANKED, SURE, Hit, passes
from ui import markup

COLUMNS = (  # side, head, what it goes by
    ("dense", "By meaning", "how near the line and its known phrasings are to the question"),
    ("BM25", "By words", "shared words, in the line or its known phrasings"),
    ("fused", "Together", "meaning and words added up: the order a reply is given lines in"),
)
SHOWN_LINES = 5  # in each column
NONE_BY = {"dense": "No line is near.", "BM25": "No line shares a word with it.", "fused": "No line was found."}


@dataclass(frozen=True)
class Line:
    """One found line as a column shows it."""

    rank: int
    place: str  # "Returns › Return labels"
    link: str
    text: str
    figures: str  # "likeness 0.71, 80% of the words"
    elsewhere: str  # its ranks in the other columns
    passed: bool


@dataclass(frozen=True)
class Column:
    """One order of the lines."""

    head: str
    aside: str
    lines: tuple[Line, ...]
    otherwise: str  # what to say where there are none


def columns(seen: Sequence[Hit], found: Sequence[Hit]) -> list[Column]:
    """The best lines of each side; `seen` as Searcher.look gives them, `found` as Searcher.search does."""
    orders = {side: ranked(seen, side) for side, _, _ in COLUMNS}
    by = found[0].reordered.by if found and found[0].reordered else ""
    if by:
        rest = {_key(hit) for hit in found}
        orders["fused"] = [*found, *(hit for hit in orders["fused"] if _key(hit) not in rest)]
    ranks = {side: {_key(hit): rank for rank, hit in enumerate(order, 1)} for side, order in orders.items()}
    return [
        Column(
            head,
            f"the best {RERANKED} of both together, reordered by {by}" if by and side == "fused" else aside,
            tuple(_line(rank, hit, side, ranks) for rank, hit in enumerate(orders[side][:SHOWN_LINES], 1)),
            NONE_BY[side],
        )
        for side, head, aside in COLUMNS
    ]


def near(hit: Hit) -> float:
    """The cosine that the threshold looks at: of the whole passage, or of its best line."""
    return max(hit.cosine, hit.best)


def why_passed(hit: Hit) -> str:
    """Which threshold lets a line pass, or that none does."""
    words = f"{hit.coverage:.0%} of the question's words"
    if passes(hit) == "close":
        return f"It is close enough: a likeness of {near(hit):.2f}, and {SURE:.2f} is needed."
    if passes(hit) == "words":
        return (
            f"It is close enough for the words it shares: a likeness of {near(hit):.2f} ({LIKELY:.2f} is needed) and "
            f"{words} ({COVERED:.0%} are needed)."
        )
    return f"It is not close enough: a likeness of {near(hit):.2f}, and {words}."


def why_none(seen: Sequence[Hit], judgement: Judgement, situation: Situation) -> list[str]:
    """Each reason why a reply would be given no line; [] if nothing speaks against it."""
    reasons = []
    if not any(passes(hit) for hit in seen):
        nearest = max(map(near, seen), default=0.0)
        reasons.append(
            f"No passage is close enough: the nearest has a likeness of {nearest:.2f}. {SURE:.2f} is needed, or "
            f"{LIKELY:.2f} with {COVERED:.0%} of the question's words."
        )
    if not judgement.answered:
        reasons.append(
            "It is more like the questions that no article answers: the chance that one does is "
            f"{judgement.chance or 0.0:.0%}, and {judgement.least:.0%} is needed."
        )
    if situation.knowledge == NOTHING and judgement.answered:
        reasons.append(f"It is read as “{situation.name}”, which is answered without the articles.")
    return reasons


def chance_said(judgement: Judgement) -> str:
    """What the judge says of an answered question; "" where there is none."""
    if judgement.chance is None:
        return ""
    return f"The chance that the articles answer it is {judgement.chance:.0%}; {judgement.least:.0%} is needed."


def link_to(hit: Hit) -> str:
    """The article, at the line's heading."""
    return markup.passage_link(hit.passage.article, slug(hit.passage.heading))


def _line(rank: int, hit: Hit, side: str, ranks: Mapping[str, Mapping[tuple[str, str], int]]) -> Line:
    others = [
        f"{head.lower()}: {ranks[other].get(_key(hit), 'not at all')}" for other, head, _ in COLUMNS if other != side
    ]
    like = f"likeness {near(hit):.2f}" if hit.dense_rank else f"beyond the {POOL} nearest"
    figures = f"{like}, {hit.coverage:.0%} of the words"
    return Line(rank, hit.passage.path, link_to(hit), hit.text, figures, ", ".join(others), bool(passes(hit)))


def _key(hit: Hit) -> tuple[str, str]:
    return hit.passage.id, hit.text
