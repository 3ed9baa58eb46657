"""Where a reply came from, to the byte: the arm of each mode, and a turn's two replies as a battle.

The exact prompt and the version of the prompt files are kept as digests; an arm tells nothing of the question, so the
battles of one arm can be counted together. Knows no database."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile

from chatbot.bot import Bot
from chatbot.brief import Brief, Turn
from chatbot.engine.protocol import Decoding, Row
from chatbot.feedback.ballot import Arm, Battle, Draw, Side, void_reason
from chatbot.feedback.rows import now
from chatbot.message import Message
from chatbot.mode import Mode

PARAGRAPH = "\n\n"  # between the parts of a system message: see prompt.messages_for
FAILED = "failed"  # the finish of a side that the engine could not write


@dataclass(frozen=True)
class Origin:
    """All that must be known of one reply in a plain conversation, for a thumb under it."""

    reply: str  # names the reply: "<conversation>/<turn>/<mode>"
    brand: str
    question: str
    situation: str  # its key
    history: tuple[Message, ...]
    passages: tuple[str, ...]  # ids
    decoding: Decoding
    version: str  # of the program
    arm: Arm
    text: str
    finish: str


def arms(bot: Bot, brief: Brief) -> tuple[Arm, ...]:
    """The arm of each of the brief's modes, in their order."""
    return tuple(
        _arm(bot, mode, text, brief.prompt_version) for mode, text in zip(brief.modes, brief.prompts, strict=True)
    )


def battle(draw: Draw, bot: Bot, turn: Turn) -> Battle:
    """The turn's two replies as the battle that `draw` reserved, with the reason if it is void.

    The turn's modes must be the draw's pair, in any order: ValueError otherwise.
    """
    made = {
        reply.mode.key: Side(
            arm, reply.text, reply.end.finish, reply.end.tokens_out, reply.end.first_token_s, reply.end.total_s
        )
        for reply, arm in zip(turn.replies, arms(bot, turn.brief), strict=True)
    }
    return _battle(draw, turn.brief, made, "")


def failed_battle(draw: Draw, bot: Bot, brief: Brief, why: str) -> Battle:
    """A battle whose replies could not be written (EngineError): kept, void, with the reason."""
    made = {arm.mode: Side(arm, "", FAILED, 0, 0.0, 0.0) for arm in arms(bot, brief)}
    return _battle(draw, brief, made, why)


def origin(bot: Bot, turn: Turn, mode: Mode, conversation: str, number: int) -> Origin:
    """Of the reply in `mode` to turn `number` of a conversation. ValueError if the turn has no such mode."""
    place = [reply.mode for reply in turn.replies].index(mode)
    reply, brief = turn.replies[place], turn.brief
    return Origin(
        reply=f"{conversation}/{number}/{mode.key}",
        brand=brief.brand,
        question=brief.question,
        situation=brief.verdict.situation.key,
        history=brief.history,
        passages=tuple(hit.passage.id for hit in brief.hits),
        decoding=brief.decoding,
        version=app_version(),
        arm=arms(bot, brief)[place],
        text=reply.text,
        finish=reply.end.finish,
    )


def shared(rows: Sequence[Row]) -> tuple[Message, ...]:
    """The messages all rows were given alike, and of their system messages the paragraphs they begin with alike.

    What only one lever adds, its guidance and example turns, is left out: a preference pair has one prompt.
    """
    first = rows[0].messages
    if all(row.messages == first for row in rows):
        return first
    parts = zip(*(row.messages[0].content.split(PARAGRAPH) for row in rows), strict=False)
    start = [part[0] for part in takewhile(lambda part: len(set(part)) == 1, parts)]
    common = 0
    shortest = min(len(row.messages) for row in rows)
    while common < shortest - 1 and len({row.messages[-1 - common] for row in rows}) == 1:
        common += 1
    return Message("system", PARAGRAPH.join(start)), *first[len(first) - common :]


def app_version() -> str:
    """The program's version, as installed; "unknown" when it runs from a bare folder."""
    try:
        return version("triptych")
    except PackageNotFoundError:
        return "unknown"


def _arm(bot: Bot, mode: Mode, prompt: str, current: str) -> Arm:
    card = bot.adapter
    return Arm(
        mode=mode.key,
        adapter=card.weights if card and mode.tuned else "",
        base=card.base.weights if card else bot.settings.base,
        prompt_version=current if mode.prompted else "",
        prompt_hash=hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest(),
    )


def _battle(draw: Draw, brief: Brief, made: dict[str, Side], why: str) -> Battle:
    if set(made) != set(draw.pair):
        raise ValueError(f"the turn has {sorted(made)}, the draw {draw.pair}")
    both = (made[draw.pair[0]], made[draw.pair[1]])
    return Battle(
        draw=draw,
        brand=brief.brand,
        question=brief.question,
        situation=brief.verdict.situation.key,
        history=brief.history,
        shared=shared(brief.rows),
        passages=tuple(hit.passage.id for hit in brief.hits),
        sides=both,
        decoding=brief.decoding,
        version=app_version(),
        created=now(),
        void_reason=why or void_reason(both),
    )
