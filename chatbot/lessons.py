"""Examples become lessons: the same prompts that a live turn would have, with the reply to learn.

In each pass two of three lessons are in the neutral prompt (the fine-tuned column's) and one in the
full one (the combined column's), other ones in the next pass: the adapter is at home in both. From the
second pass on the figures are other ones: see adapters/counterfactual.py."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.counterfactual import varied
from adapters.examples import Example
from adapters.pack import Lesson
from chatbot.message import Message
from chatbot.prompt import messages_for
from chatbot.situation import UNKNOWN, Situation
from chatbot.voice import Voice

QUESTION = "question"


def passes(
    examples: Sequence[Example], voice: Voice, situations: Mapping[str, Situation], epochs: int, seed: int = 0
) -> list[list[Lesson]]:
    """`epochs` passes over the examples, one lesson of each in every pass; from the second on with other figures."""
    seen = _as_detected(examples)
    made = []
    for epoch in range(epochs):
        told = varied(seen, seed + epoch) if epoch else seen
        made.append(
            [lesson(other, voice, situations, prompted=(place + epoch) % 3 == 1) for place, other in enumerate(told)]
        )
    return made


def _as_detected(examples: Sequence[Example]) -> list[Example]:
    """Where the search found something near, the program seldom sees that it holds no answer: in two of three such
    examples the adapter must learn to say "I don't know" under the guidance for a question."""
    return [
        replace(one, situation=QUESTION) if one.situation == UNKNOWN and one.context and place % 3 else one
        for place, one in enumerate(examples)
    ]


def both_ways(examples: Sequence[Example], voice: Voice, situations: Mapping[str, Situation]) -> list[Lesson]:
    """Two lessons of each example, neutral and full: what a loss is measured on."""
    return [lesson(one, voice, situations, prompted) for one in examples for prompted in (False, True)]


def lesson(example: Example, voice: Voice, situations: Mapping[str, Situation], prompted: bool) -> Lesson:
    """The chat that a live turn would have had, and the reply."""
    *before, (_, question), (_, reply) = example.turns
    history = [Message("user" if role == "user" else "assistant", content) for role, content in before]
    chat = messages_for(prompted, voice, situations[example.situation], example.context, history, question)
    return Lesson(tuple((m.role, m.content) for m in chat), reply, example.place)
