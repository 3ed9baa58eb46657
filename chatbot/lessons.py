"""Examples become lessons: the same prompts that a live turn would have, with the reply to learn.

In each pass half of the lessons are in the neutral prompt (the fine-tuned column's) and half in
the full one (the combined column's), and the halves change places from pass to pass: the adapter
is at home in both. From the second pass on the figures are other ones: see adapters/counterfactual.py."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.counterfactual import varied
from adapters.examples import Example
from adapters.pack import Lesson
from chatbot.message import Message
from chatbot.prompt import messages_for
from chatbot.situation import Situation
from chatbot.voice import Voice

ANSWERS = ("question", "refund", "order-problem")  # situations that passages answer
UNKNOWN = "unknown"


def passes(
    examples: Sequence[Example], voice: Voice, situations: Mapping[str, Situation], epochs: int, seed: int = 0
) -> list[list[Lesson]]:
    """`epochs` passes over the examples, one lesson of each in every pass; from the second on with other figures."""
    places: dict[tuple[str, ...], int] = {}  # examples that share their passages share their prompt, too: see pack.py
    for one in examples:
        places.setdefault(one.context, len(places))
    seen = _as_detected(examples)
    made = []
    for epoch in range(epochs):
        told = varied(seen, seed + epoch) if epoch else seen
        made.append(
            [
                lesson(other, voice, situations, prompted=(places[one.context] + epoch) % 2 == 1)
                for one, other in zip(seen, told, strict=True)
            ]
        )
    return made


def _as_detected(examples: Sequence[Example]) -> list[Example]:
    """A near miss among answerable questions about the same passages looks like them to the program, so the adapter
    must learn to say "I don't know" under their guidance, too."""
    known: dict[tuple[str, ...], Counter[str]] = {}
    for one in examples:
        if one.situation in ANSWERS:
            known.setdefault(one.context, Counter())[one.situation] += 1
    return [
        replace(one, situation=known[one.context].most_common(1)[0][0])
        if one.situation == UNKNOWN and one.context in known
        else one
        for one in examples
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
