"""One voter's battle, from the draw to the vote: a frozen request, two replies kept before anybody sees them, one vote.

A planned deck of customer messages fills the situations that have few votes; voters may also ask their own. What may
be seen of a ballot before its vote are the question, the passages and `texts`. Knows nothing about Streamlit."""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from chatbot.bot import Bot
from chatbot.brief import Brief
from chatbot.errors import AlreadyVoted, EngineError, TurnError
from chatbot.feedback.ballot import Battle, Card, Choice, Draw, Experiment, Side, Vote, card_at
from chatbot.feedback.privacy import new_voter
from chatbot.feedback.provenance import battle, failed_battle
from chatbot.feedback.queries import Cast
from chatbot.feedback.store import Store
from chatbot.message import Message
from chatbot.mode import THREE, mode_of
from chatbot.situation import FOLLOW_UP, Situation
from ui.state import Pending

EXPERIMENT = "vote"  # the name under which the page's votes are counted
VOTER = re.compile(r"[\w-]{16,64}", re.ASCII)
APPROVED = (
    "The reply to this message is approved wording: the same text in every mode, so there is nothing to compare. "
    "Ask something else, or take a message from the deck."
)
NO_DECK = "The deck is empty: every situation of this brand has approved wording. Ask a question of your own."


@dataclass(frozen=True)
class Remarks:
    """What a voter may say besides the choice, in the page's words."""

    left_good: bool | None = None  # good enough to send? None: not said
    right_good: bool | None = None
    left_reasons: tuple[str, ...] = ()  # keys of feedback.ballot.reasons
    right_reasons: tuple[str, ...] = ()
    comment: str = ""


@dataclass
class Ballot:
    """A battle in one session. `key` and `amend_key` name its forms: a second click on one changes nothing."""

    draw: Draw
    pending: Pending
    from_deck: bool
    key: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    amend_key: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    columns: int = 0  # written so far, of decoding.max_new_tokens at most
    battle: Battle | None = None  # once both sides have ended, however they did
    stored: bool = False
    shown_at: float | None = None  # time.monotonic when both texts were first on the screen
    cast: Cast | None = None  # what the store says of the vote; withdrawn when it was taken back
    elsewhere: bool = False  # was the vote given in another window?

    @property
    def brief(self) -> Brief:
        """The frozen request."""
        return self.pending.brief

    @property
    def void(self) -> bool:
        """Is it written, and is no vote on it possible?"""
        return self.battle is not None and bool(self.battle.void_reason)

    @property
    def texts(self) -> tuple[str, str]:
        """The left and the right reply, as they were written."""
        assert self.battle is not None, "nothing is shown before both are written"
        return self.battle.left.text, self.battle.right.text

    @property
    def voted(self) -> bool:
        """Does this voter's vote stand? Only then may `names` be shown."""
        return self.cast is not None and not self.cast.withdrawn

    def share(self) -> float:
        """How much of the longest possible reply is written, 0..1. It is of both together, so it tells nothing."""
        return min(1.0, self.columns / max(1, self.brief.decoding.max_new_tokens))


def open_experiment(store: Store, bot: Bot) -> Experiment:
    """The experiment that the page's votes belong to. Raises FeedbackError."""
    return store.experiment(bot.brand.key, EXPERIMENT, [mode.key for mode in THREE])


def deck(situations: Sequence[Situation], approved: bool) -> tuple[Card, ...]:
    """A card for every example message that both modes would write a reply to.

    Left out are situations that are not shown on a stage, messages that need an earlier one, and, if `approved` wording
    is on, situations that have it. The examination's questions are no cards: votes may train the next adapter.
    """
    dealt = (one for one in situations if not one.quiet and one.key != FOLLOW_UP and not (approved and one.approved))
    return tuple(Card(one.key, text) for one in dealt for text in dict.fromkeys(one.utterances))


def begin(bot: Bot, store: Store, voter: str, question: str | None = None, history: Sequence[Message] = ()) -> Ballot:
    """Draw a pair and begin to write both replies: to the deck's next card, or to `question` after `history`.

    Raises what errors.SHOWN lists; TurnError where the reply is approved wording, so that no battle comes of it.
    """
    experiment = open_experiment(store, bot)
    if question is not None:
        whole = bot.prepare(question, THREE, history)  # before the pair is drawn: it cannot decide anything
        _refuse_approved(whole)
        draw = store.draw(experiment, voter)
        return _ballot(bot, draw, _only(whole, draw), from_deck=False)
    cards = deck(bot.situations, bot.settings.approved == "on")
    if not cards:
        raise TurnError(NO_DECK)
    draw = store.draw(experiment, voter, sorted({card.situation for card in cards}))
    card = card_at(experiment.salt, cards, draw.stratum, draw.number)
    whole = bot.prepare(card.question, THREE, situation=draw.stratum)
    _refuse_approved(whole)
    return _ballot(bot, draw, _only(whole, draw), from_deck=True)


def write(bot: Bot, ballot: Ballot) -> Iterator[float]:
    """Write both replies to their ends, yielding the share that is done. Two script runs may be here at once."""
    why = ""
    try:
        for _ in ballot.pending.drain():
            ballot.columns += 1
            yield ballot.share()
    except EngineError as error:
        why = str(error)
    ballot.pending.settle(lambda: _settle(bot, ballot, why))


def keep(store: Store, ballot: Ballot) -> None:
    """Store the battle, void or not: nobody sees a pair that is not in the store. Raises FeedbackError."""
    if not ballot.stored and ballot.battle is not None:
        store.save_battle(ballot.battle)
        ballot.stored = True


def why_void(ballot: Ballot) -> str:
    """Why this pair cannot be judged, without a word of which side it was: nobody has voted on it."""
    assert ballot.battle is not None
    finishes = {side.finish for side in ballot.battle.sides}
    if "failed" in finishes:
        return "The model failed while it wrote this pair, so there is nothing to compare."
    if finishes & {"length", "deadline", "cancelled"}:
        return "One of the two replies was cut off before its end, so a comparison would not be fair."
    if not all(side.text.strip() for side in ballot.battle.sides):
        return "One of the two replies came out empty, so there is nothing to compare."
    return "Both modes wrote word for word the same reply, so there is nothing to compare."


def vote(store: Store, ballot: Ballot, choice: Choice, remarks: Remarks, now: float) -> None:
    """Store the vote; then `ballot.voted`. Raises FeedbackError: nothing was stored, the same form can try again."""
    if ballot.cast is not None:
        return
    seconds = None if ballot.shown_at is None else round(now - ballot.shown_at, 2)
    given = _vote(ballot, ballot.key, choice, remarks, seconds)
    try:
        ballot.cast = store.cast(given)
    except AlreadyVoted:
        ballot.cast, ballot.elsewhere = store.standing(ballot.draw.id, ballot.draw.voter), True
        if ballot.cast is None:
            raise


def amend(store: Store, ballot: Ballot, remarks: Remarks) -> None:
    """Put other remarks beside the choice that was given. Raises FeedbackError, and then the vote is as it was."""
    assert ballot.cast is not None, "only a vote can be amended"
    given = _vote(ballot, ballot.amend_key, choice_of(ballot), remarks, None)
    ballot.cast = store.amend(ballot.cast.id, given)
    ballot.amend_key = secrets.token_urlsafe(9)


def take_back(store: Store, ballot: Ballot) -> None:
    """Withdraw the vote. The pair is not judged anew: its voter has seen who wrote what. Raises FeedbackError."""
    assert ballot.cast is not None, "only a vote can be taken back"
    ballot.cast = store.withdraw(ballot.cast.id, ballot.draw.voter)


def choice_of(ballot: Ballot) -> Choice:
    """What the stored vote says, in the page's words."""
    assert ballot.cast is not None
    if ballot.cast.winner:
        return "left" if ballot.cast.winner == ballot.draw.left else "right"
    return "tie" if ballot.cast.verdict == "tie" else "both-bad"


def thanks(ballot: Ballot) -> str:
    """What was stored, with the modes' names. Only after the vote."""
    left, right = (mode_of(side.arm.mode).label for side in sides(ballot))
    said = {
        "left": f"you prefer {left}, on the left, to {right}.",
        "right": f"you prefer {right}, on the right, to {left}.",
        "tie": f"{left} and {right} are equally good.",
        "both-bad": f"{left} and {right} are both bad.",
    }[choice_of(ballot)]
    if ballot.elsewhere:
        return f"You had voted on this pair already, in another window. That vote counts: {said}"
    return f"Thank you. Your vote is stored: {said}"


def conversation(ballot: Ballot) -> tuple[Message, ...]:
    """What a follow-up comes after: the message and the reply that was preferred, the left one if none was. Both modes
    of the next pair are given it. Only after the vote."""
    reply = ballot.texts[choice_of(ballot) == "right"]
    return *ballot.brief.history, Message("user", ballot.brief.question), Message("assistant", reply)


def sides(ballot: Ballot) -> tuple[Side, Side]:
    """Left and right, with what wrote them. Only after the vote."""
    assert ballot.battle is not None
    assert ballot.cast is not None, "who wrote what is for those who voted"
    return ballot.battle.left, ballot.battle.right


def known_voter(cookie: str = "") -> str:
    """The voter whom the browser's cookie names, or a new one."""
    return cookie if VOTER.fullmatch(cookie) else new_voter()


def _ballot(bot: Bot, draw: Draw, brief: Brief, from_deck: bool) -> Ballot:
    return Ballot(draw, Pending(brief, bot.write(brief)), from_deck)


def _only(whole: Brief, draw: Draw) -> Brief:
    """The same frozen request for the draw's two modes alone. In the pair's order: a side decides nothing."""
    places = [[mode.key for mode in whole.modes].index(key) for key in draw.pair]
    return replace(
        whole,
        modes=tuple(whole.modes[n] for n in places),
        rows=tuple(whole.rows[n] for n in places),
        prompts=tuple(whole.prompts[n] for n in places),
    )


def _refuse_approved(brief: Brief) -> None:
    if brief.approved:
        raise TurnError(APPROVED)


def _settle(bot: Bot, ballot: Ballot, why: str) -> None:
    pending = ballot.pending
    if why:
        ballot.battle = failed_battle(ballot.draw, bot, ballot.brief, why)
    else:
        ballot.battle = battle(ballot.draw, bot, bot.turn(ballot.brief, pending.texts, pending.ends))


def _vote(ballot: Ballot, key: str, choice: Choice, remarks: Remarks, seconds: float | None) -> Vote:
    return Vote(ballot.draw.id, ballot.draw.voter, key, choice, **vars(remarks), seconds=seconds)
