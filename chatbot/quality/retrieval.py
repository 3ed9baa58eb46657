"""Does the search put the right line first: by meaning alone, by words alone, and the two together? Prints a table.

What counts as right:
- The brand's suite: its answerable questions without a history. A line is right if it stands in the article that the
  case names (`article`). The lines of all articles are ranked, not articles: the first right one's rank is what counts.
  "facts" is stricter: the line must also hold every fact that the case asks for (`must`). These patterns are written
  for replies, so cases where no line of the article holds them all (a yes, a sum) are left out there.
- Follow-ups: the suite's answerable cases with a history, right as above; searched alone, and with the message before
  as a chat does it (chatbot/lookup.py). There the search's own thresholds stand, and in the last row the judge's too:
  what a chat would refuse to answer counts as not found.
- Banking77 (CC BY 4.0, kept outside the product): 1,000 of its test messages, drawn with a seed, against its 10,003
  training messages. One is right if it has the intent of the message.
Elsewhere thresholds play no part: what they refuse is tradeoff.py's matter. "Dense" orders by what the cosines count
together, "BM25" by words, "fused" as the search does. Hit rates have Wilson intervals, MRR a bootstrap's.
Run: python -m chatbot.quality.retrieval [FOLDER], by default ../shared/data beside the repository."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chatbot.brand import HERE
from chatbot.head import Encoder
from chatbot.lookup import Searcher, lines, outlook
from chatbot.quality.intents import labelled
from chatbot.quality.stats import Mean, Rate, mean_of, rate_of
from chatbot.quality.suite import Case, holds
from knowledge.found import dense, fused
from knowledge.search import Hit
from knowledge.words import Lexicon, stemmed, stems_of

DATA = HERE.parent / "shared" / "data"
DEPTH = 10  # ranks that MRR looks at
MESSAGES = 1000  # of Banking77's test set
SIDES: Mapping[str, Callable[[Hit], float]] = {
    "dense": lambda hit: hit.dense,
    "BM25": lambda hit: hit.lexical,
    "fused": lambda hit: hit.fused,
}
Rank = int | None  # of the first right line, from 1; None where there is none among the first DEPTH


@dataclass(frozen=True)
class Measured:
    """What the ranks of one side come to."""

    hit1: Rate
    hit5: Rate
    mrr: Mean  # mean reciprocal rank within DEPTH (Voorhees 1999)


def measured(ranks: Sequence[Rank]) -> Measured:
    """`measured([1, 3, None])` has hit@1 1/3, hit@5 2/3, MRR 4/9."""
    found = [DEPTH + 1 if rank is None else rank for rank in ranks]
    one, five = (rate_of(sum(rank <= most for rank in found), len(found)) for most in (1, 5))
    return Measured(one, five, mean_of([1 / rank if rank <= DEPTH else 0.0 for rank in found]))


def first(right: Iterable[bool]) -> Rank:
    """The rank of the first right one among the first DEPTH."""
    return next((rank for rank, good in zip(range(1, DEPTH + 1), right, strict=False) if good), None)


def ranked(hits: Sequence[Hit], side: str) -> list[Hit]:
    """`hits` as `side` orders them; those that it knows nothing of are left out."""
    score = SIDES[side]
    return sorted((hit for hit in hits if score(hit) > 0), key=lambda hit: (-score(hit), hit.passage.id, hit.text))


def of_suite(searcher: Searcher, cases: Sequence[Case]) -> dict[str, Measured]:
    """Each side on the answerable cases without a history, by article; and with "facts" behind its name by these."""
    ranks: dict[str, list[Rank]] = {name: [] for side in SIDES for name in (side, f"{side}, facts")}
    for case in answerable(cases):
        found = searcher.look(case.question)
        held = any(_has_facts(hit, case) for hit in found)
        for side in SIDES:
            ordered = ranked(found, side)
            ranks[side].append(first(in_article(hit, case) for hit in ordered))
            if held:
                ranks[f"{side}, facts"].append(first(_has_facts(hit, case) for hit in ordered))
    return {name: measured(some) for name, some in ranks.items()}


def of_follow_ups(searcher: Searcher, cases: Sequence[Case]) -> dict[str, Measured]:
    """The answerable cases with a history: "alone", "with the message before", and what a chat gives of these."""
    names = ("alone", "with the message before", "the same, as a chat gives", "the same, facts")
    ranks: dict[str, list[Rank]] = {name: [] for name in names}
    for case in answerable(cases, follow_up=True):
        seen = outlook(searcher, case.question, case.history)
        both = lines(searcher, seen, DEPTH)
        found = searcher.search(case.question, DEPTH), both, both if seen.answered else ()
        for name, some in zip(names[:3], found, strict=True):
            ranks[name].append(first(in_article(hit, case) for hit in some))
        ranks[names[3]].append(first(_has_facts(hit, case) for hit in found[2]))
    return {name: measured(some) for name, some in ranks.items()}


def of_banking(folder: Path, encoder: Encoder, messages: int = MESSAGES, seed: int = 42) -> dict[str, Measured]:
    """Each side on Banking77. `folder` is .../banking77. A message there is line, passage and phrasing in one."""
    train = labelled(folder / "train.csv")
    test = random.Random(seed).sample(labelled(folder / "test.csv"), messages)
    texts, labels = [text for _, text in train], np.array([label for label, _ in train])
    lexicon = Lexicon(stemmed(texts))
    cosines = encoder.encode([text for _, text in test]) @ encoder.encode(texts).T  # (messages, texts)
    ranks: dict[str, list[Rank]] = {side: [] for side in SIDES}
    for (label, text), near in zip(test, cosines, strict=True):
        words = np.zeros(len(texts))
        for place, score in lexicon.best(stems_of(text), len(texts)):
            words[place] = score
        meant = dense(near, near, near)
        both = fused(meant, words / max(words.max(), 1e-9))
        for side, scores in zip(SIDES, (meant, words, both), strict=True):
            best = np.argsort(-scores, kind="stable")[:DEPTH]
            ranks[side].append(first((labels[best] == label) & (scores[best] > 0)))
    return {side: measured(some) for side, some in ranks.items()}


def answerable(cases: Sequence[Case], follow_up: bool = False) -> list[Case]:
    """The cases that an article answers, without a history or, `follow_up`, with one."""
    return [case for case in cases if case.answerable and case.article and bool(case.history) is follow_up]


def in_article(hit: Hit, case: Case) -> bool:
    """Does it stand in the article that answers `case`?"""
    return case.article is not None and hit.passage.article == case.article.removesuffix(".md")


def _has_facts(hit: Hit, case: Case) -> bool:
    return in_article(hit, case) and bool(case.must) and all(holds(fact, hit.cited) for fact in case.must)


def _print(title: str, found: Mapping[str, Measured]) -> None:
    print(f"\n{title}\n{'':27}{'n':>5}  {'hit@1':18}{'hit@5':18}MRR@{DEPTH}")
    for name, one in found.items():
        cells = "".join(f"{_cell(part):18}" for part in (one.hit1, one.hit5))
        print(f"  {name:25}{one.hit1.n:5}  {cells}{_cell(one.mrr)}")


def _cell(found: Rate | Mean) -> str:
    """ ".939 (.88-.97)"."""
    value = found.rate if isinstance(found, Rate) else found.mean
    if value is None or found.low is None or found.high is None:
        return "-"
    return f"{value:.3f} ({found.low:.2f}-{found.high:.2f})".replace("0.", ".")


def main(folder: Path) -> None:
    """Print all of it, for the brand and the public data in `folder`."""
    from chatbot.bot import open_embedder, open_knowledge
    from chatbot.quality.session import suite_of
    from chatbot.quality.suite import read_suite
    from chatbot.settings import read_settings

    settings = read_settings()
    searcher, cases = open_knowledge(settings), read_suite(suite_of(settings.brand))
    _print(f"{settings.brand}: the suite's answerable questions, by article and by facts", of_suite(searcher, cases))
    _print(f"{settings.brand}: follow-ups", of_follow_ups(searcher, cases))
    banking = folder / "intents" / "banking77"
    if (banking / "train.csv").is_file():
        _print("Banking77: an example of the same intent", of_banking(banking, open_embedder(settings)))
    else:
        print(f"\nBanking77: skipped, for {banking} is not there. Name the folder of the public data.")


if __name__ == "__main__":
    import sys

    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
