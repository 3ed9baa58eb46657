"""Examples become lessons: the same prompts that a live turn would have, with the reply to learn.

In each pass two of three lessons are in the neutral prompt (the fine-tuned column's) and one in the
full one (the combined column's), other ones in the next pass: the adapter is at home in both. Where there
is nothing to look up a reply is all manner: such an example is told both ways in every pass ("unknown" one
way). Of very many examples with lines, half are told in a pass and the others in the next. From the second
pass on the figures are other ones: see adapters/counterfactual.py."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adapters.counterfactual import varied
from adapters.examples import Example
from adapters.pack import Lesson
from chatbot.message import Message
from chatbot.prompt import messages_for
from chatbot.situation import NEEDED, NOTHING, UNKNOWN, Situation
from chatbot.voice import Voice

QUESTION = "question"
ENOUGH = 1000  # examples with lines beside them; where there are more, each is told in every second pass


def passes(
    examples: Sequence[Example], voice: Voice, situations: Mapping[str, Situation], epochs: int, seed: int = 0
) -> list[list[Lesson]]:
    """`epochs` passes over the examples; from the second on with other figures."""
    seen = _as_detected(examples, situations)
    all_told = epochs == 1 or sum(bool(one.context) for one in seen) < ENOUGH
    made = []
    for epoch in range(epochs):
        told = varied(seen, seed + epoch) if epoch else seen
        once = [
            (other, (place + epoch) % 3 == 1)
            for place, other in enumerate(told)
            if all_told or not other.context or (place + epoch) % 2
        ]
        again = [(other, not full) for other, full in once if _is_manner(other, situations)]
        made.append([lesson(other, voice, situations, full) for other, full in (*once, *again)])
    return made


def _is_manner(example: Example, situations: Mapping[str, Situation]) -> bool:
    return example.situation != UNKNOWN and not example.context and situations[example.situation].knowledge != NEEDED


def _as_detected(examples: Sequence[Example], situations: Mapping[str, Situation]) -> list[Example]:
    """Where a message that nothing answers has a line beside it, the program took it for a question: in two of three
    such examples the adapter must learn under that guidance to leave the line alone."""
    return [
        replace(one, situation=QUESTION)
        if one.context and place % 3 and situations[one.situation].knowledge == NOTHING
        else one
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
