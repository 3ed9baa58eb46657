"""Examples become lessons: the same prompts that a live turn would have, with the reply to learn.

In each pass half of the lessons are in the neutral prompt (the fine-tuned column's) and half in
the full one (the combined column's), and the halves change places from pass to pass: the adapter
is at home in both."""

from collections.abc import Mapping, Sequence

from adapters.examples import Example
from adapters.pack import Lesson
from chatbot.message import Message
from chatbot.prompt import messages_for
from chatbot.situation import Situation
from chatbot.voice import Voice


def passes(
    examples: Sequence[Example], voice: Voice, situations: Mapping[str, Situation], epochs: int
) -> list[list[Lesson]]:
    """`epochs` passes over the examples, one lesson of each in every pass."""
    return [
        [lesson(one, voice, situations, prompted=(i + epoch) % 2 == 1) for i, one in enumerate(examples)]
        for epoch in range(epochs)
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
