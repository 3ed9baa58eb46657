"""Results in plain words: the lines of the verdict, and what to beware of. For page, report and terminal alike.

Every number of a table is written out here once, so that no face rounds it in another way. Knows no HTML."""

from collections.abc import Mapping
from dataclasses import dataclass

from chatbot.feedback.balance import Due
from chatbot.feedback.duels import Duel
from chatbot.feedback.results import Results
from chatbot.feedback.sequential import line
from chatbot.feedback.tally import ANEW
from chatbot.mode import mode_of
from chatbot.quality.stats import Rate

HOW_TO = (
    "No votes yet. Open the page “Vote” in the demo (make demo): each question shows two replies without saying which "
    "mode wrote which, and one click is a vote. Nothing can be called with fewer than about 14 votes on a pair."
)
FEW_VOTERS = 5
LEAST_BACK, MUCH_BACK = 3, 0.05  # votes, and their share of those that prefer, taken back: the reader is told
MOSTLY = 0.5  # of the votes from one voter, and the reader is told


@dataclass(frozen=True)
class Table:
    """One table of text. `note` says how to read it; without rows it is not shown."""

    title: str
    note: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def label(mode: str) -> str:
    """What a mode is called on the screen."""
    return mode_of(mode).label


def versus(pair: tuple[str, str]) -> str:
    """A pair as a heading."""
    return f"{label(pair[0])} against {label(pair[1])}"


def verdict_lines(found: Results) -> list[str]:
    """One sentence for each pair, under what was cast; the way to begin where nothing was."""
    if not found.account.cast:
        return [HOW_TO]
    lines = [account_line(found)]
    lines += [duel_line(one) for one in found.duels]
    if len(found.duels) > 1:
        lines.append(
            f"{len(found.duels)} pairs are looked at together, so each must be clearer than one alone would. "
            "The chance of a false winner among them is under 5%, however often you look."
        )
    return lines


def duel_line(one: Duel) -> str:
    """The verdict on one pair."""
    said = line(one.verdict, *map(label, one.pair))
    return said if one.verdict.called_at else f"{versus(one.pair)}: {said}"


def account_line(found: Results) -> str:
    """All that was cast, and what became of it."""
    told = found.account
    why = "; ".join(f"{n} {excluded(reason)}" for reason, n in told.excluded.items())
    said = [
        f"{found.decided} prefer a reply",
        f"{found.ties} {_are('tie', found.ties)}",
        f"{found.both_bad.k} both bad",
    ]
    said += [f"{n} {reason}" for reason, n in found.aside.items()]
    out = f"{sum(told.excluded.values())} do not ({why})" if why else "none is left out"
    return f"{told.cast} {_are('vote', told.cast)} cast: {told.counted} count ({', '.join(said)}), {out}."


def warnings(found: Results) -> list[str]:
    """What a reader must know before believing the verdict; [] when all is well."""
    made = [
        *_side(found), *_plan(found), *_uneven(found), *_versions(found), *_voters(found), *_audit(found)
    ]  # fmt: skip
    if anew := found.aside.get(ANEW):
        made.append(f"{anew} {_are('vote', anew)} {ANEW}: not blind, so in no win rate.")
    if sum(found.taken_back.values()) >= max(LEAST_BACK, MUCH_BACK * found.decided):
        had = ", ".join(f"{n} had preferred {label(mode)}" for mode, n in found.taken_back.items())
        made.append(f"Taken back or changed once the names were shown: {had}. If mostly one mode's, its rivals gain.")
    if found.deleted:
        made.append(f"{found.deleted} votes of this brand were deleted for good; of which experiment is not known.")
    return made


def _side(found: Results) -> list[str]:
    side = found.side
    if side.state not in ("first", "second"):
        return []
    left = side.state == "first"
    ours = side.wins if left else side.n - side.wins
    low, high = (side.low, side.high) if left else (1 - side.high, 1 - side.low)
    return [
        f"Side bias: voters choose the {'left' if left else 'right'} reply in {ours} of {side.n} votes, "
        f"{percent(ours / side.n)} ({span(low, high)}). A coin put the modes left or right, so none gains by it, but "
        "a true difference looks smaller than it is. See the adjusted numbers."
    ]


def _plan(found: Results) -> list[str]:
    return [
        f"The {one.of} of {one.what} are not as planned (p = {one.p:.1g}): "
        + ", ".join(f"{due_name(due)} {due.counted} instead of {due.planned:.0f}" for due in one.dues)
        + ". Something draws or loses them unevenly; find it before you believe a win rate."
        for one in found.plans
        if one.off
    ]


def _uneven(found: Results) -> list[str]:
    if found.uneven is None:
        return []
    most, least = found.uneven
    worst, best = (found.endings[mode].unfinished for mode in (most, least))
    return [
        f"Replies left unfinished: {label(most)} {rate(worst)}, {label(least)} {rate(best)}. Such pairs are void, so "
        f"{label(most)} is judged by the replies it finished: its win rates are not those of all its replies."
    ]


def _versions(found: Results) -> list[str]:
    made = []
    for mode in found.modes:
        versions = [one for one in found.wrote if one.mode == mode]
        if len(versions) > 1:
            shares = ", ".join(f"{one.battles} battles" for one in versions)
            told = f"{len(versions)} versions count together ({shares})"
            made.append(f"{label(mode)} changed while votes were collected: {told}.")
    if len(found.decodings) > 1:
        made.append(f"The decoding settings changed: {len(found.decodings)} kinds count together.")
    return made


def _voters(found: Results) -> list[str]:
    who = found.voters
    made = []
    if 0 < who.voters < FEW_VOTERS:
        these = "that one prefers" if who.voters == 1 else "these prefer"
        few = f"{who.voters} {_are('voter', who.voters)}"
        made.append(f"All votes are of {few}: they say what {these}, not what people prefer.")
    elif who.votes and who.most > MOSTLY * who.votes:
        made.append(f"{who.most} of {who.votes} votes are of one voter.")
    return made


def _audit(found: Results) -> list[str]:
    if not found.audit:
        return []
    return [f"{len(found.audit)} draws are not what the experiment's salt says. The first: {found.audit[0]}"]


def due_name(due: Due) -> str:
    """What was to come so often."""
    return versus(due.pair) + (f", {label(due.left)} left" if due.left else "")


def percent(share: float | None) -> str:
    """0..1 as a whole percentage."""
    return "–" if share is None else f"{share:.0%}"


def span(low: float | None, high: float | None) -> str:
    """An interval: "53–93%"."""
    return "–" if low is None or high is None else f"{low * 100:.0f}–{high:.0%}"


def rate(found: Rate) -> str:
    """ "31 of 40 (78%, 62–88%)"."""
    if not found.n:
        return "–"
    return f"{found.k} of {found.n} ({percent(found.rate)}, {span(found.low, found.high)})"


def _are(word: str, n: int) -> str:
    return word if n == 1 else f"{word}s"


def excluded(why: str) -> str:
    """Why a vote does not count, as a reader would say it."""
    return "taken back" if why == "withdrawn" else why


def reason(key: str, labels: Mapping[str, str]) -> str:
    """A reason as the page calls it; one that the brand no longer has by its key."""
    return labels.get(key) or key.removeprefix("rule-").replace("-", " ").capitalize()
