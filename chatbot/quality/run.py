"""Answer a suite: many cases and all modes in one batch, each case frozen as a live turn would be.

What is written is kept at once, one JSON line a case, so a killed run goes on where it was. Knows
nothing about checks: marking an answer needs no model and can be done again."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chatbot.bot import Bot
from chatbot.brief import Brief, Turn
from chatbot.engine.protocol import Decoding, End
from chatbot.journal import append
from chatbot.mode import Mode
from chatbot.quality.suite import Case

ROWS = 24  # rows in one batch: more are hardly faster on two cores, and cost memory
Tell = Callable[[int, int], None]  # (cases done, cases in all)
Answer = dict[str, Any]  # one case, all modes: see _answer


def answers(
    bot: Bot, cases: Sequence[Case], modes: Sequence[Mode], path: Path, tell: Tell, decoding: Decoding | None = None
) -> list[Answer]:
    """Every case's answers, in the suite's order; those that `path` already holds are not written again."""
    decoding = decoding or bot.settings.decoding
    key = _key(bot, modes, decoding)
    known = _read(path, key)
    open_cases = [case for case in cases if _name(case) not in known]
    tell(len(cases) - len(open_cases), len(cases))
    for batch in _batches(bot, open_cases, modes, decoding):
        fresh = [_answer(case, turn, key) for case, turn in _written(bot, batch, decoding)]
        append(path, fresh)
        known |= {answer["case"]: answer for answer in fresh}
        tell(sum(_name(case) in known for case in cases), len(cases))
    return [known[_name(case)] for case in cases]


def _batches(
    bot: Bot, cases: Sequence[Case], modes: Sequence[Mode], decoding: Decoding
) -> Iterator[list[tuple[Case, Brief]]]:
    """Cases with prompts of like length together: padding is work."""
    briefs = [(case, bot.prepare(case.question, modes, case.history, decoding=decoding)) for case in cases]
    briefs.sort(key=lambda pair: max(map(len, pair[1].prompts)))
    size = max(1, ROWS // len(modes))
    for start in range(0, len(briefs), size):
        yield briefs[start : start + size]


def _written(bot: Bot, batch: Sequence[tuple[Case, Brief]], decoding: Decoding) -> Iterator[tuple[Case, Turn]]:
    run = bot.engine.write([row for _, brief in batch for row in brief.rows], decoding)
    texts = [""] * sum(len(brief.rows) for _, brief in batch)
    for column in run:
        texts = [text + piece for text, piece in zip(texts, column, strict=True)]
    ends = [end for end in run.ends if end is not None]
    start = 0
    for case, brief in batch:
        stop = start + len(brief.rows)
        yield case, bot.turn(brief, texts[start:stop], ends[start:stop])
        start = stop


def _answer(case: Case, turn: Turn, key: str) -> Answer:
    brief = turn.brief
    return {
        "key": key,
        "case": _name(case),
        "detected": brief.verdict.situation.key,
        "origin": brief.verdict.origin,
        "passages": [hit.passage.cited for hit in brief.hits],
        "articles": [f"{hit.passage.article}.md" for hit in brief.hits],
        "replies": {
            reply.mode.key: {"text": reply.text, "unsupported": list(reply.unsupported), **_end(reply.end)}
            for reply in turn.replies
        },
    }


def _end(end: End) -> dict[str, Any]:
    return {name: value if isinstance(value, str) else round(value, 3) for name, value in asdict(end).items()}


def _name(case: Case) -> str:
    """The id and what was asked: a case that was edited is asked again."""
    asked = json.dumps([case.question, [m.content for m in case.history]])
    return f"{case.id} {hashlib.sha256(asked.encode()).hexdigest()[:8]}"


def _key(bot: Bot, modes: Sequence[Mode], decoding: Decoding) -> str:
    """What an answer depends on beside the question: adapter, prompts, modes, decoding."""
    parts = [bot.adapter.weights if bot.adapter else "", repr(decoding), [mode.key for mode in modes]]
    parts += [repr(bot.voice), repr(bot.situations), [article.digest for article in bot.articles]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _read(path: Path, key: str) -> dict[str, Answer]:
    """Whole lines with the same key; a half-written last line is left out."""
    found: dict[str, Answer] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return found
    for line in lines:
        try:
            answer = json.loads(line)
        except ValueError:
            continue
        if isinstance(answer, dict) and answer.get("key") == key:
            found[answer["case"]] = answer
    return found
