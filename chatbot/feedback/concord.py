"""Do voters agree with each other, and with the automatic checks of tone QA?

Voters who were given the same question and the same two texts judge the same thing, whatever battle it was. The store
keeps no marks of a check, but all that three of them need: the reply, and the messages both sides were given, passages
included. The voice is checked by its rules alone, without the learnt score, which needs the embedding model."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from chatbot.feedback.tally import PLACES, Counted, Document, deciding
from chatbot.message import Message
from chatbot.quality.agreement import Agreement, Key, agreement, alpha
from chatbot.quality.checks import Examiner, invented, on_voice, situation_ok
from chatbot.quality.stats import Rate, rate_of
from chatbot.quality.suite import Case

CHECKED = ("invented", "on_voice", "situation_ok")  # the checks of tone QA that need no question from its suite
Marks = Mapping[tuple[str, str], Mapping[str, bool]]  # (battle, mode) -> check -> passed


@dataclass(frozen=True)
class Checked:
    """One check against people. `preferred`: of the votes where just one reply passed, those that prefer that one."""

    preferred: Rate
    sent: Agreement  # with "good enough to send?", reply by reply

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {"preferred": self.preferred.document(), "sent": self.sent.document()}


def between_voters(votes: Iterable[Counted], seed: int = 0) -> Agreement:
    """Of all votes on the same texts, each voter's first on them; a tie and both bad are answers too. Kappa is None:
    of many voters who share few texts it says nothing that alpha does not."""
    said: dict[str, dict[Key, int]] = {}
    texts: dict[str, Counter[int]] = {}
    for one in votes:
        mine, key = said.setdefault(one.voter, {}), (one.item, "/".join(one.pair))
        if key not in mine:
            mine[key] = _answer(one)
            texts.setdefault("\0".join(key), Counter())[mine[key]] += 1
    alike = sum(comb(n, 2) for found in texts.values() for n in found.values())
    pairs = sum(comb(found.total(), 2) for found in texts.values())
    return Agreement(rate_of(alike, pairs), None, *alpha(list(said.values()), seed))


def with_checks(votes: Sequence[Counted], marks: Marks, seed: int = 0) -> dict[str, Checked]:
    """check -> how far people and it say the same."""
    return {check: _checked(votes, marks, check, seed) for check in CHECKED} if marks else {}


def marked(battles: Iterable[Document], examiner: Examiner) -> dict[tuple[str, str], dict[str, bool]]:
    """What the checks say of every reply that was written to its end."""
    made = {}
    for one in battles:
        for place in PLACES:
            if one[f"{place}_finish"] == "stop":
                made[one["battle"], one[f"{place}_mode"]] = _marks(one, one[f"{place}_text"], examiner)
    return made


def _marks(battle: Document, reply: str, examiner: Examiner) -> dict[str, bool]:
    history = tuple(Message(**one) for one in battle["history"])
    case = Case(battle["battle"], battle["question"], history, battle["situation"], (), (), True, None, ())
    sources = [examiner.ground, *(one["content"] for one in battle["shared"])]
    found = (invented(reply, sources), on_voice(examiner, case, reply, None), situation_ok(examiner, case, reply))
    return {check: bool(mark.passed) for check, mark in zip(CHECKED, found, strict=True)}


def _checked(votes: Sequence[Counted], marks: Marks, check: str, seed: int) -> Checked:
    differ = [
        marks[one.battle, one.winner][check]
        for one in deciding(votes)
        if len({marks[one.battle, mode][check] for mode in one.pair if (one.battle, mode) in marks}) == 2
    ]
    people: dict[Key, int] = {}
    machine: dict[Key, int] = {}
    for one in votes:
        for mode, good in one.good.items():
            if good is not None and (one.battle, mode) in marks:
                key = (f"{one.battle} {one.voter}", mode)
                people[key], machine[key] = good, marks[one.battle, mode][check]
    return Checked(rate_of(sum(differ), len(differ)), agreement([people, machine], seed))


def _answer(vote: Counted) -> int:
    answers = (vote.pair[0], vote.pair[1], "tie", "both-bad")
    return answers.index(vote.winner or vote.verdict)
