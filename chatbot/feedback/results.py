"""Stored votes become one value that holds every number a page, a report or a program may show.

    found = records(store, "northwind")
    told = results(found, account(store, found, "northwind"), store.experiments("northwind"))
    told.duels[0].verdict.low, told.document()      # or all of it at once: gather.read(store, "northwind")

Pure: knows no database, no page and no words; wording.py puts it into sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatbot.feedback import balance, concord, counts, duels, effects
from chatbot.feedback.balance import Endings, Plan
from chatbot.feedback.ballot import FREE, Experiment, Pair
from chatbot.feedback.concord import Checked, Marks
from chatbot.feedback.counts import Said, Wrote
from chatbot.feedback.duels import Cell, Duel
from chatbot.feedback.effects import Effects, Voters
from chatbot.feedback.export import Account
from chatbot.feedback.ranking import Standing, ranking
from chatbot.feedback.sequential import ALPHA, Verdict
from chatbot.feedback.tally import (
    Counted,
    Document,
    battles_of,
    counted,
    deciding,
    modes_of,
    ordered,
    pairs_of,
    taken_back,
)
from chatbot.quality.agreement import Agreement
from chatbot.quality.stats import Rate


@dataclass(frozen=True)
class Results:
    """All that the votes say, and all that is to be known before they are believed."""

    account: Account
    experiments: tuple[str, ...]  # names
    modes: tuple[str, ...]
    duels: tuple[Duel, ...]
    decided: int  # votes that prefer one of two and are weighed
    ties: int
    both_bad: Rate  # of the votes that are weighed
    aside: Mapping[str, int]  # why -> votes; decided + ties + both bad + these are the votes counted
    ranking: tuple[Standing, ...]
    said: Mapping[str, Said]  # by mode
    late_reasons: int  # of all reasons, those given after the names were shown
    taken_back: Mapping[str, int]  # mode -> votes for it that were taken back or changed after the names were shown
    situations: Mapping[str, Mapping[Pair, Cell]]
    side: Verdict  # wins are the left one's
    effects: Effects
    voters: Voters
    plans: tuple[Plan, ...]
    endings: Mapping[str, Endings]
    uneven: tuple[str, str] | None  # see balance.uneven
    voids: Mapping[str, int]
    days: tuple[tuple[str, int, int], ...]  # day, its votes, votes up to then
    between_voters: Agreement
    checks: Mapping[str, Checked]
    wrote: tuple[Wrote, ...]
    decodings: tuple[Document, ...]
    versions: tuple[str, ...]  # of the program
    audit: tuple[str, ...] | None  # what the salt does not confirm; None if it was not asked
    deleted: int  # votes of the brand deleted for good, beside the account where one experiment is read

    def document(self) -> dict[str, Any]:
        """The JSON document of `triptych feedback report`."""
        return {
            **self.account.document(), "experiments": list(self.experiments), "modes": list(self.modes),
            "pairs": [one.document() for one in self.duels], "decided": self.decided, "ties": self.ties,
            "both_bad": self.both_bad.document(), "aside": dict(self.aside),
            "ranking": [one.document() for one in self.ranking],
            "said": {mode: one.document() for mode, one in self.said.items()},
            "late_reasons": self.late_reasons, "taken_back": dict(self.taken_back),
            "situations": {
                name: {" / ".join(pair): cell.document() for pair, cell in cells.items()}
                for name, cells in self.situations.items()
            },
            "side": self.side.document(), "effects": self.effects.document(), "voters": self.voters.document(),
            "plans": [one.document() for one in self.plans],
            "endings": {mode: one.document() for mode, one in self.endings.items()},
            "uneven": self.uneven and list(self.uneven), "voids": dict(self.voids),
            "days": [{"day": day, "votes": n, "so_far": so_far} for day, n, so_far in self.days],
            "between_voters": self.between_voters.document(),
            "checks": {name: one.document() for name, one in self.checks.items()},
            "wrote": [dict(vars(one)) for one in self.wrote], "decodings": [dict(one) for one in self.decodings],
            "versions": list(self.versions), "audit": None if self.audit is None else list(self.audit),
            "deleted": self.deleted,
        }  # fmt: skip


def results(
    found: Sequence[Document],
    told: Account,
    experiments: Sequence[Experiment],
    marks: Marks | None = None,
    audit: tuple[str, ...] | None = None,
    deleted: int = 0,
    seed: int = 0,
) -> Results:
    """`found`: export.records of the experiments; `told`: export.account of them; `marks`: concord.marked.

    A winner is called with a chance of a false one of at most ALPHA over all pairs of the experiments together.
    """
    votes, battles, pairs = counted(found), battles_of(found), pairs_of(experiments)
    alpha, known, ended = ALPHA / max(len(pairs), 1), effects.effects(votes), balance.endings(battles)
    modes = modes_of(pairs)
    return Results(
        account=told,
        experiments=tuple(one.name for one in experiments),
        modes=modes,
        duels=tuple(duels.duel(votes, pair, known, alpha) for pair in pairs),
        decided=len(deciding(votes)),
        ties=sum(one.verdict == "tie" and not one.aside for one in votes),
        both_bad=counts.both_bad(votes),
        aside=counts.set_aside(votes),
        ranking=tuple(ranking(votes, modes, seed)),
        said={mode: counts.said(votes, mode) for mode in modes},
        late_reasons=sum(one.late_reasons for one in votes),
        taken_back=taken_back(found),
        situations=duels.situations(votes, pairs, alpha),
        side=balance.side_bias(balance.left_votes(votes)),
        effects=known,
        voters=effects.voters(votes),
        plans=_plans(votes, battles, experiments),
        endings=ended,
        uneven=balance.uneven(ended),
        voids=balance.voids(battles),
        days=counts.days(votes),
        between_voters=concord.between_voters(votes, seed),
        checks=concord.with_checks(votes, marks or {}, seed),
        wrote=counts.wrote(battles),
        decodings=counts.decodings(battles),
        versions=tuple(sorted({one["version"] for one in battles})),
        audit=audit,
        deleted=deleted,
    )


def _plans(
    votes: Sequence[Counted], battles: Sequence[Document], experiments: Sequence[Experiment]
) -> tuple[Plan, ...]:
    drawn = [(one, ordered((one["first_mode"], one["second_mode"]))) for one in battles]
    # the deck gives a pair battles until it has votes; only a free question's pair is drawn without a look at them
    free = [(one["experiment"], pair) for one, pair in drawn if one["stratum"] == FREE]
    return (
        balance.pairs_planned("battles", free, experiments),
        balance.sides_planned("battles", [(pair, one["left_mode"]) for one, pair in drawn]),
        balance.pairs_planned("votes", [(one.experiment, one.pair) for one in votes], experiments),
        balance.sides_planned("votes", [(one.pair, one.left) for one in votes]),
    )
