"""Mode, situation, passages and history become messages. Pure text; no model, no search.

What is the same for every mode comes from the same lines here: who answers, the contact, the
passages, the history, the question. `prompted` alone adds the voice guide, the situation's guidance
and its example replies, shown as turns of the chat: a small model follows what it saw done better
than what it is told. The parts that never change stand first, so that a prefix can be reused; the
passages stand last, next to the question they are for."""

from collections.abc import Sequence

from chatbot.message import Message
from chatbot.situation import PLAIN, SHORT, STEPS, Situation
from chatbot.voice import Voice

GROUND = (
    "You are the support assistant of {name}, {trade}. Answer the customer from the passages. "
    "If they do not hold the answer, say so and give the contact: {contact}."
)

WRITTEN = {
    PLAIN: "",
    STEPS: "Write it as numbered steps, one on each line: 1., 2., 3.",
    SHORT: "One or two short sentences, no more.",
}


def messages_for(
    prompted: bool,
    voice: Voice,
    situation: Situation,
    passages: Sequence[str],
    history: Sequence[Message],
    question: str,
    also: Situation | None = None,
) -> tuple[Message, ...]:
    """The chat one row continues: system, history, then passages and question as the last turn."""
    system = ground(voice)
    shown: tuple[Message, ...] = ()
    if prompted:
        second = [f"Also: {also.name}\n{also.guidance}"] if also else []
        system = "\n\n".join((system, voice_part(voice), situation_part(situation), *second))
        shown = examples_part(situation)
    return Message("system", system), *shown, *history, Message("user", asked(passages, question))


def ground(voice: Voice) -> str:
    """The one line every mode begins with."""
    return GROUND.format(name=voice.name, trade=voice.trade, contact=voice.contact)


def voice_part(voice: Voice) -> str:
    """The voice guide: the same in every situation."""
    rules = "\n".join(f"- {rule}" for rule in voice.rules)
    return f"{voice.who}\n\nHow we write:\n{rules}\nEnd with: {voice.signoff}"


def situation_part(situation: Situation) -> str:
    """What to do in this situation."""
    return "\n".join(filter(None, (f"Now: {situation.name}", situation.guidance, WRITTEN[situation.format])))


def examples_part(situation: Situation) -> tuple[Message, ...]:
    """The situation's example replies, as if they had been given earlier in this chat."""
    turns = []
    for one in situation.examples:
        turns += [Message("user", asked(one.passages, one.said)), Message("assistant", one.reply)]
    return tuple(turns)


def asked(passages: Sequence[str], question: str) -> str:
    """The customer's words, numbered passages, and the words again, unedited: read left to right, a passage can only
    be weighed against a question that stands before it."""
    numbered = "\n".join(f"[{number}] {passage}" for number, passage in enumerate(passages, 1))
    return f"Customer: {question}\n\nPassages:\n{numbered or 'none'}\n\nCustomer: {question}"
