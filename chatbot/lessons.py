"""Examples become lessons: the same prompts that a live turn would have, with the reply to learn.

Half of the lessons are in the neutral prompt (the fine-tuned column's) and half in the full one
(the combined column's), so that the adapter is at home in both."""

from collections.abc import Mapping, Sequence

from adapters.examples import Example
from adapters.train import Lesson
from chatbot.message import Message
from chatbot.prompt import messages_for
from chatbot.situation import Situation
from chatbot.voice import Voice


def lessons_of(
    examples: Sequence[Example], voice: Voice, situations: Mapping[str, Situation], both: bool = False
) -> list[Lesson]:
    """One lesson per example, every second one prompted; `both` makes two of each."""
    if both:
        return [_lesson(e, voice, situations, prompted) for e in examples for prompted in (False, True)]
    return [_lesson(e, voice, situations, prompted=i % 2 == 1) for i, e in enumerate(examples)]


def _lesson(example: Example, voice: Voice, situations: Mapping[str, Situation], prompted: bool) -> Lesson:
    *before, (_, question), (_, reply) = example.turns
    history = [Message("user" if role == "user" else "assistant", content) for role, content in before]
    chat = messages_for(prompted, voice, situations[example.situation], example.context, history, question)
    return Lesson(tuple((m.role, m.content) for m in chat), reply, example.place)
