"""Which situation a turn is answered as: what its words are like, whether the articles answer it, and what still stands
from earlier messages."""

from collections.abc import Sequence
from dataclasses import replace

from chatbot.lookup import Outlook
from chatbot.message import Message
from chatbot.situation import (
    ANSWERED,
    CONVERSATION,
    DOUBTFUL,
    FOLLOW_UP,
    NEEDED,
    PLAINLY,
    SHOP,
    TOPIC,
    UNKNOWN,
    Detector,
    Situation,
    Verdict,
    lasted,
)

UNSURE = 0.6  # how sure the head must be of a situation that may give way (see situation.GIVES_WAY)
REMEMBERED = 20  # earlier messages that a lasting situation is looked for in


def found_in(detector: Detector, question: str, wanted: str | None, seen: Outlook) -> Verdict:
    """Before the articles are searched: the situation of `question`, or `wanted`. Raises TurnError."""
    found = detector.detect(question)
    if wanted is not None:
        return Verdict(detector.named(wanted), 1.0, "override", found.evidence)
    if found.situation.key == FOLLOW_UP and seen.joined is not None and not seen.answered:
        return _unknown(detector, found)  # what is meant is plain, but no article says it
    if not _yields(found, seen):
        return found
    if seen.answered:
        # had it been an angry one, the head would have found that first
        return replace(detector.detect(question, (NEEDED,)), origin="answered")
    return _unknown(detector, found)


def settled(detector: Detector, found: Verdict, any_lines: bool, history: Sequence[Message], seen: Outlook) -> Verdict:
    """After it: unknown where lines were needed and none was found; with what lasts from earlier messages."""
    if found.origin == "override":
        return found
    if found.situation.knowledge == NEEDED and not any_lines:
        found = _unknown(detector, found)
    return lasted(found, _earlier(detector, history, seen))


def _earlier(detector: Detector, history: Sequence[Message], seen: Outlook) -> list[Situation]:
    """Situations of earlier messages that still stand, the newest first."""
    said = [message.content for message in history if message.role == "user"]
    found = []
    for past, text in enumerate(reversed(said[-REMEMBERED:])):
        one = detector.detect(text).situation
        same_topic = past == 0 and not seen.changed  # a topic is held from one message to the next
        if (one.lasts == CONVERSATION or (one.lasts == TOPIC and same_topic)) and one not in found:
            found.append(one)
    return found


def _yields(found: Verdict, seen: Outlook) -> bool:
    """Is it a question for the articles after all? Whether they answer, the judge tells better than the head."""
    way, unsure, judged = found.situation.gives_way, found.chance < UNSURE, seen.alone
    if way == ANSWERED:
        return judged.chance is not None and seen.answered
    if way == PLAINLY:
        return judged.plainly
    if way == DOUBTFUL:
        return judged.ours and unsure
    return way == SHOP and (judged.ours or (judged.plainly and unsure))


def _unknown(detector: Detector, found: Verdict) -> Verdict:
    return replace(found, situation=detector.named(UNKNOWN), origin="no-passages", also=None, dropped=())
