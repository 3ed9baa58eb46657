"""Answer a suite: many cases in every mode, each case frozen as a live turn would be.

Replies of one mode and one beginning are written together, 24 at a time: that is what makes a suite
a matter of minutes. Each is kept at once, one JSON line, so a killed run goes on where it was. Knows
nothing about checks: marking a reply needs no language model and can be done again."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

from chatbot.approved import spoken_end
from chatbot.bot import Bot
from chatbot.brief import Brief
from chatbot.engine.protocol import Decoding, End, Row, Run
from chatbot.errors import EngineError
from chatbot.journal import append, lines
from chatbot.mode import Mode
from chatbot.quality.suite import Case
from knowledge.filling import Tell

ROWS = 24  # rows in one batch: more are hardly faster on two cores, and cost memory
PATIENCE = 3600.0  # seconds for one batch: a slow machine shall not cut replies short


@dataclass(frozen=True)
class Written:
    """One reply, as it is kept."""

    text: str
    end: End


@dataclass(frozen=True)
class Answer:
    """One case as every mode was asked it, and what each wrote (by Mode.key)."""

    case: Case
    brief: Brief
    replies: dict[str, Written]


@dataclass(frozen=True)
class _Job:
    """One reply to write."""

    name: str
    mode: str  # Mode.key
    row: Row
    length: int  # characters of its prompt
    decoding: Decoding
    key: str  # what the reply depends on beside prompt and adapter


def answers(
    bot: Bot, cases: Sequence[Case], modes: Sequence[Mode], path: Path, tell: Tell, decoding: Decoding | None = None
) -> list[Answer]:
    """Every case's answers, in the suite's order; replies that `path` already holds are not written again."""
    decoding = replace(decoding or bot.settings.decoding, deadline_s=PATIENCE)
    briefs = [bot.prepare(case.question, modes, case.history, decoding=decoding) for case in cases]
    jobs = [job for case, brief in zip(cases, briefs, strict=True) for job in _jobs(bot, case, brief)]
    known = _read(path, {job.name: job.key for job in jobs})
    total = len(cases) * len(modes)
    missing = [job for job in jobs if job.name not in known]
    done = total - len(missing)
    tell(done, total)
    for batch in _batches(missing):
        fresh = _written(bot.engine.write([job.row for job in batch], batch[0].decoding), done, total, tell)
        done += len(batch)
        kept = {job.name: one for job, one in zip(batch, fresh, strict=True)}
        append(path, [{"key": batch[0].key, "reply": name, **asdict(one)} for name, one in kept.items()])
        known |= kept
    return [
        Answer(case, brief, _approved(brief) or {job.mode: known[job.name] for job in _jobs(bot, case, brief)})
        for case, brief in zip(cases, briefs, strict=True)
    ]


def _approved(brief: Brief) -> dict[str, Written]:
    """The replies that nothing has to be written for."""
    return {mode.key: Written(brief.approved, spoken_end()) for mode in brief.modes} if brief.approved else {}


def _written(run: Run, done: int, total: int, tell: Tell) -> list[Written]:
    """The replies of one batch. Whatever interrupts it, the engine is not left writing for nobody."""
    texts = [""] * len(run.ends)
    try:
        for column in run:
            texts = [text + piece for text, piece in zip(texts, column, strict=True)]
            tell(done + sum(end is not None for end in run.ends), total)
    except BaseException:
        run.stop()
        raise
    tell(done + len(texts), total)
    ends = [end for end in run.ends if end is not None]
    if any(end.finish == "cancelled" for end in ends):
        raise EngineError("The model was put away in the middle of a run. Start it again: what is answered is kept.")
    return [Written(text.strip(), end) for text, end in zip(texts, ends, strict=True)]


def _jobs(bot: Bot, case: Case, brief: Brief) -> Iterator[_Job]:
    """What has to be written."""
    for mode, row, prompt in zip(brief.modes, brief.rows, brief.prompts, strict=True) if not brief.approved else ():
        name, key = _name(bot, case, mode, prompt), _key(bot, brief.decoding)
        yield _Job(name, mode.key, row, len(prompt), brief.decoding, key)


def _batches(jobs: Sequence[_Job]) -> Iterator[list[_Job]]:
    """Alike in tone and beginning, so that the engine can share it, and of like length: padding is work."""
    for _, alike in groupby(sorted(jobs, key=_beginning), key=_beginning):
        ordered = sorted(alike, key=lambda job: job.length)
        for start in range(0, len(ordered), ROWS):
            yield ordered[start : start + ROWS]


def _beginning(job: _Job) -> tuple[str, str, str]:
    return (job.key, job.row.tone or "", job.row.messages[0].content)


def _name(bot: Bot, case: Case, mode: Mode, prompt: str) -> str:
    """Id, the exact prompt, mode, and the adapter of a mode that has one: what changed in case, prompt layer, articles
    or search is asked again, and what the bare base wrote is not written again for a new adapter."""
    adapter = f" {bot.adapter.weights[:12]}" if mode.tuned and bot.adapter else ""
    return f"{case.id} {hashlib.sha256(prompt.encode()).hexdigest()[:12]} {mode.key}{adapter}"


def _key(bot: Bot, decoding: Decoding) -> str:
    """What a reply depends on beside prompt and adapter: decoding and base."""
    return hashlib.sha256(json.dumps([repr(decoding), bot.settings.base]).encode()).hexdigest()[:16]


def _read(path: Path, keys: Mapping[str, str]) -> dict[str, Written]:
    """Whole lines whose name and key are in `keys`; a half-written last line is left out."""
    found: dict[str, Written] = {}
    for kept in lines(path):
        try:
            if keys.get(kept["reply"]) == kept["key"]:
                found[kept["reply"]] = Written(kept["text"], End(**kept["end"]))
        except (KeyError, TypeError):
            continue  # not a kept reply
    return found
