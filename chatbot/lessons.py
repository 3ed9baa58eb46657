"""Examples become lessons: the same prompts that a live turn would have, with the reply to learn.

In each pass two of three lessons are in the neutral prompt (the fine-tuned column's) and one in the
full one (the combined column's), other ones in the next pass: the adapter is at home in both. Where there
is nothing to look up a reply is all manner: such an example is told both ways in every pass ("unknown" one
way). Of very many examples with lines, half are told in a pass and the others in the next. From the second
pass on the figures are other ones: see adapters/counterfactual.py.

A training that goes on from an adapter tells one pass of fewer: see `further`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

from adapters.counterfactual import varied
from adapters.examples import Example
from adapters.pack import Lesson
from chatbot.message import Message
from chatbot.prompt import messages_for
from chatbot.situation import NEEDED, NOTHING, UNKNOWN, Situation
from chatbot.voice import Voice

QUESTION = "question"
FURTHER = 1400  # lessons of a training that goes on
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


def further(
    examples: Sequence[Example], voice: Voice, situations: Mapping[str, Situation], seed: int = 0
) -> list[Lesson]:
    """The one pass of a training that goes on from an adapter: each example once, every second with other figures."""
    seen = _as_detected(examples, situations)
    pairs = enumerate(zip(seen, varied(seen, seed + 1), strict=True))
    told = [pair[place % 2] for place, pair in pairs]
    full = _full(told, situations)
    return [lesson(one, voice, situations, prompted) for one, prompted in zip(told, full, strict=True)]


def _full(told: Sequence[Example], situations: Mapping[str, Situation]) -> list[bool]:
    """Which are told in the full prompt: one in three of those with lines, and of each situation's without."""
    counts: Counter[str] = Counter()
    made = []
    for one in told:
        kind = "" if one.context else one.situation
        made.append(counts[kind] % 2 == 1 if _is_manner(one, situations) else counts[kind] % 3 == 0)
        counts[kind] += 1
    return made


def drawn(examples: Sequence[Example], situations: Mapping[str, Situation], most: int = FURTHER) -> list[Example]:
    """At most `most` of `examples`, in their order: of each kind (situation, and no, one or several lines) the last
    ones of the file, for what was added last mends what was wrong. Kinds share by the square root of their number, so
    that rare ones are heard; one with approved wording, which is seldom written, by half of that."""
    kinds: dict[tuple[str, int], list[int]] = {}
    for place, one in enumerate(examples):
        kinds.setdefault((one.situation, min(2, len(one.context))), []).append(place)
    weights = {kind: sqrt(len(places)) / (2 if situations[kind[0]].approved else 1) for kind, places in kinds.items()}
    amounts = _amounts({kind: len(places) for kind, places in kinds.items()}, weights, most)
    kept = [place for kind, places in kinds.items() for place in places[len(places) - amounts[kind] :]]
    return [examples[place] for place in sorted(kept)]


def _amounts(held: Mapping[Any, int], weights: Mapping[Any, float], most: int) -> dict[Any, int]:
    """By `weights`, but none more than it holds; what those leave over goes to the others."""
    amounts: dict[Any, int] = {}
    for kind in sorted(held, key=lambda kind: held[kind] / weights[kind]):
        left = sum(weights[other] for other in held if other not in amounts)
        amounts[kind] = min(held[kind], round((most - sum(amounts.values())) * weights[kind] / left))
    return amounts


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
