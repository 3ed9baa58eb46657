"""Results as tables of text, in the order in which they are read. Knows no HTML; wording.py has the sentences."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from chatbot.feedback.balance import DONE, Endings, Plan
from chatbot.feedback.concord import Checked
from chatbot.feedback.counts import Wrote
from chatbot.feedback.duels import FEW, Cell, Duel
from chatbot.feedback.effects import Share
from chatbot.feedback.results import Results
from chatbot.feedback.wording import Table, due_name, excluded, label, percent, rate, reason, span, versus
from chatbot.quality.agreement import Agreement, in_words
from chatbot.quality.page import LABELS, PASSED

Row = tuple[str, ...]


def tables(found: Results, labels: Mapping[str, str], unchecked: str = "") -> list[Table]:
    """Those with something in them. `labels` as in Reading; `unchecked`: why without checks."""
    made = [
        pairs(found), standings(found), sendable(found), given(found, labels), situations(found, labels),
        influences(found), ended(found), voided(found), accounts(found), plans(found), agreeing(found, unchecked),
        days(found), wrote(found),
    ]  # fmt: skip
    return [one for one in made if one.rows]


def pairs(found: Results) -> Table:
    """Raw and adjusted, side by side."""
    note = (
        "“Safe at any time” holds however often you look. “Adjusted” is as if both replies were equally long and sides "
        "played no part; its interval holds for one look, and voters are drawn, not votes. “Each voter once” gives the "
        "busy and the rest one voice each. Ties and both bad are in no percentage. " + " ".join(found.effects.why)
    )
    heads = ("Pair", "Prefer the first", "Share", "Safe at any time", "Adjusted", "Each voter once", "Ties", "Both bad")
    return Table("Who is preferred", note.strip(), heads, tuple(_pair(one) for one in found.duels if one.both_bad.n))


def _pair(one: Duel) -> Row:
    told = one.verdict
    return (
        versus(one.pair), f"{told.wins} of {told.n}", percent(told.rate), span(told.low, told.high) if told.n else "–",
        share(one.adjusted), percent(one.each_voter_once), str(one.ties), rate(one.both_bad),
    )  # fmt: skip


def standings(found: Results) -> Table:
    """Bradley-Terry."""
    note = (
        "The chance to be preferred to another mode, from all pairs together (Bradley-Terry; a tie is half a win for "
        "each). The interval draws voters anew, not votes; “first” is how often the mode leads then."
    )
    rows = tuple(
        (label(one.mode), percent(one.score), span(one.low, one.high), percent(one.leads)) for one in found.ranking
    )
    return Table("All modes in one order", note, ("Mode", "Preferred", "95% interval", "First"), rows)


def sendable(found: Results) -> Table:
    """Good enough to send, which is another question than which is better."""
    rows = tuple(
        (label(mode), rate(one.good), rate(one.late)) for mode, one in found.said.items() if one.good.n or one.late.n
    )
    note = (
        "Asked of each reply by itself; 95% Wilson interval. Only what was said before the vote is blind. "
        f"Both replies bad: {rate(found.both_bad)} of the votes."
    )
    return Table(
        "Good enough to send?", note, ("Mode", "Yes, said blind", "Yes, said after the names were shown"), rows
    )


def given(found: Results, labels: Mapping[str, str]) -> Table:
    """Reasons, the most frequent first."""
    total: Counter[str] = Counter()
    for said in found.said.values():
        total.update(said.reasons)
    keys = sorted(total, key=lambda key: (-total[key], key))
    rows = tuple((reason(key, labels), *(str(one.reasons.get(key, 0)) for one in found.said.values())) for key in keys)
    note = f"Votes that gave the reason. {found.late_reasons} of all reasons were given after the names were shown."
    heads = ("Reason", *(f"{label(mode)} (of {one.votes})" for mode, one in found.said.items()))
    return Table("Why", note, heads, rows)


def situations(found: Results, labels: Mapping[str, str]) -> Table:
    """Small cells are told as such."""
    every = [one.pair for one in found.duels]
    rows = tuple(
        (labels.get(key, key), *(_cell(cells.get(pair), pair) for pair in every))
        for key, cells in found.situations.items()
    )
    note = (
        f"With fewer than {FEW} votes that prefer a reply, a situation is not read. The more situations there are, the "
        "more of them look like something by luck alone."
    )
    return Table("By situation", note, ("Situation", *map(versus, every)), rows)


def _cell(cell: Cell | None, pair: tuple[str, str]) -> str:
    if cell is None:
        return "no votes"
    also = [f"{n} {word}" for n, word in ((cell.ties, "tied"), (cell.both_bad, "both bad")) if n]
    if cell.low is None:
        said = f"{cell.n} {'vote' if cell.n == 1 else 'votes'}: too few to read"
    else:
        found = f"{percent(cell.wins / cell.n)}, {span(cell.low, cell.high)}"
        said = f"{cell.wins} of {cell.n} for {label(pair[0])} ({found})"
    return ", ".join((said, *also))


def influences(found: Results) -> Table:
    """Side, length, voters."""
    told, who, side = found.effects, found.voters, found.side
    rows = [
        ("Left reply chosen", f"{side.wins} of {side.n} ({percent(side.rate)}, {span(side.low, side.high)})"),
        ("Left reply, the rest being equal", share(told.left)),
        ("Reply with twice the words, the rest being equal", share(told.longer)),
        ("Voters", f"{who.voters}, the busiest gave {who.most} of {who.votes} votes"),
        ("Voters with more than one vote", f"{who.again}, {who.by_them} votes"),
    ]
    if told.worth is not None:
        rows.append(
            (
                "What the votes are worth",
                f"as much as {told.worth} votes of {told.worth} different voters (of {told.n})",
            )
        )
    note = "One half is no influence."
    return Table("What else moves votes", note, ("Influence", "Found"), tuple(rows) if found.side.n else ())


def ended(found: Results) -> Table:
    """Replies that were not finished, by mode: they are not missing at random."""
    rows = tuple((label(mode), rate(one.unfinished), _how(one)) for mode, one in _by_mode(found))
    note = (
        "A pair with an unfinished reply is void. A mode that is cut off more often loses its longest replies, and is "
        "judged by the rest."
    )
    return Table("Replies not finished", note, ("Mode", "Not finished", "How"), rows)


def _by_mode(found: Results) -> list[tuple[str, Endings]]:
    return [(mode, found.endings[mode]) for mode in found.modes if mode in found.endings]


def _how(one: Endings) -> str:
    return ", ".join(f"{n} {FINISHES.get(end, end)}" for end, n in one.finishes.items() if end not in DONE) or "–"


FINISHES = {
    "length": "cut off at the longest length", "deadline": "cut off at the time limit", "cancelled": "stopped",
    "failed": "failed",
}  # fmt: skip


def voided(found: Results) -> Table:
    """Why pairs were never judged."""
    rows = tuple((_void(why, found.modes), str(n)) for why, n in found.voids.items())
    return Table("Void pairs of replies", "No vote on them counts.", ("Why", "Pairs"), rows)


def _void(why: str, modes: Iterable[str]) -> str:
    """The reason with modes as the screen calls them."""
    return next((label(mode) + why.removeprefix(mode) for mode in modes if why.startswith(f"{mode} ")), why)


def accounts(found: Results) -> Table:
    """Counted + excluded = cast."""
    told = found.account
    inside = {"prefer a reply": found.decided, "ties": found.ties, "both bad": found.both_bad.k, **found.aside}
    rows = {"Cast": told.cast, "Counted": told.counted}
    rows |= {f"counted: {name}": n for name, n in inside.items()}
    rows |= {f"not counted: {excluded(why)}": n for why, n in told.excluded.items()}
    note = "Counted and not counted are together all that was cast."
    if found.taken_back:
        had = ", ".join(f"{n} for {label(mode)}" for mode, n in found.taken_back.items())
        note += f" Taken back or changed after the names were shown: {had}."
    made = tuple((name, str(n)) for name, n in rows.items()) if told.cast else ()
    return Table("Every vote accounted for", note, ("Votes", "How many"), made)


def plans(found: Results) -> Table:
    """Sample-ratio check: battles beside votes."""
    note = (
        "Each pair should have as many battles (of free questions) and votes as another, and each mode should stand "
        "left half of the time. A small p (under .001) says that something is amiss."
    )
    rows: list[Row] = []
    kinds = sorted({one.of for one in found.plans})
    for kind in kinds:
        both = [one for one in found.plans if one.of == kind]
        rows += _due(both)
        rows.append((f"{kind.capitalize()}: chi-square", *(text for one in both for text in (_tested(one), ""))))
    heads = (
        "What",
        *(text for one in found.plans if one.of == kinds[0] for text in (one.what.capitalize(), "Planned")),
    )
    return Table("As planned?", note, heads, tuple(rows) if found.endings else ())


def _due(both: Sequence[Plan]) -> list[Row]:
    """A row for each thing that was to come, in battles and in votes."""
    lines: dict[str, list[str]] = {}
    for place, one in enumerate(both):
        for due in one.dues:
            cells = lines.setdefault(due_name(due), ["–"] * 2 * len(both))
            cells[2 * place : 2 * place + 2] = [str(due.counted), f"{due.planned:.1f}".removesuffix(".0")]
    return [(name, *cells) for name, cells in lines.items()]


def agreeing(found: Results, unchecked: str) -> Table:
    """Voters with each other, and with the checks of tone QA."""
    note = (
        "Voters with each other: votes on the same two texts. Checks: where just one of the two replies passes, how "
        "often is it the one preferred; and does the check agree with “good enough to send”. The voice is checked by "
        "its rules alone, without the learnt score." + (f" The checks were not made: {unchecked}" if unchecked else "")
    )
    rows: list[Row] = []
    if found.between_voters.same.n:
        rows.append(("Voters with each other", "–", *_agreement(found.between_voters)))
    rows += [_checked(check, one) for check, one in found.checks.items() if one.preferred.n or one.sent.same.n]
    heads = ("Who", "Prefers the reply that passes", "Says the same", "Alpha (95% interval)", "In words")
    return Table("Agreement", note, heads, tuple(rows))


def _checked(check: str, one: Checked) -> Row:
    return (PASSED.get(check, LABELS[check][0]), rate(one.preferred), *_agreement(one.sent))


def _agreement(one: Agreement) -> tuple[str, str, str]:
    interval = "–" if one.alpha is None else f"{one.alpha:z.2f} ({one.low:z.2f} to {one.high:z.2f})".replace("-", "−")
    return rate(one.same), interval, in_words(one)


def days(found: Results) -> Table:
    """Over time."""
    rows = tuple((day, str(n), str(total)) for day, n, total in found.days)
    return Table("Day by day", "Days in UTC; votes that count.", ("Day", "Votes", "So far"), rows)


def wrote(found: Results) -> Table:
    """Settings hashes."""
    rows = tuple(
        (
            label(one.mode),
            one.adapter[:12] or "none",
            one.base[:12],
            one.prompt_version[:12] or "none",
            str(one.battles),
        )
        for one in found.wrote
    )
    note = "The first twelve digits of what wrote the replies. Both replies of a pair came from one frozen request."
    return Table("Settings", note, ("Mode", "Adapter", "Base model", "Prompts", "Battles"), rows)


def _digests(one: Wrote) -> tuple[str, str, str]:
    return one.adapter, one.base, one.prompt_version


def share(found: Share | None) -> str:
    """ "62% (51–72%)"; without an interval the bare number."""
    if found is None:
        return "–"
    return percent(found.value) if found.low is None else f"{percent(found.value)} ({span(found.low, found.high)})"


def _tested(one: Plan) -> str:
    return "too few to test" if one.p is None else f"p = {one.p:.2g}"
