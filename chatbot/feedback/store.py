"""The store of blind votes: draws, battles, votes. A vote that was thanked for is on the disk, once, and stays.

One transaction a vote. A repeated post with the same key finds the stored vote; another key for the same battle and
voter is refused. The winner is stored as an arm, whatever side it stood on. A vote that is taken back stays too, with
the time and a row of its own. Thumbs, reviews and tickets lie in shelf.py."""

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from chatbot.errors import AlreadyVoted, FeedbackError
from chatbot.feedback import rows
from chatbot.feedback.ballot import FREE, Battle, Draw, Experiment, Vote, left_of, pair_at, thinnest
from chatbot.feedback.database import WAIT_S, Database, open_database
from chatbot.feedback.privacy import scrubber
from chatbot.feedback.queries import Cast, cast, cast_of, check, counts, many, next_number, one, put, short
from chatbot.feedback.tables import battles, draws, experiments, marks, reasons, sides, votes, withdrawals
from chatbot.settings import Settings
from chatbot.voice import Voice

WITHDRAWN, AMENDED = "vote", "amended"  # kinds of withdrawals: taken back; replaced by one with other remarks


class Store:
    """Share one between threads. Every method raises FeedbackError with the sentence for the voter."""

    def __init__(self, database: Database, scrub: rows.Scrub):
        self.database = database
        self.scrub: rows.Scrub = lambda text: scrub(rows.clean(text))

    def experiment(self, brand: str, name: str, modes: Sequence[str]) -> Experiment:
        """The brand's experiment of that name; made, with a new salt, the first time. Its modes never change."""
        made = Experiment(secrets.token_hex(8), brand, name, secrets.token_hex(16), tuple(modes), rows.now())
        if len(made.pairs) == 0 or len(set(modes)) != len(modes):
            raise FeedbackError(f"An experiment needs at least two different modes, not {', '.join(modes) or 'none'}.")
        found = self._experiment(brand, name)
        if found is None:
            try:
                with self.database.writing("The experiment") as connection:
                    connection.execute(insert(experiments).values(rows.experiment_row(made)))
                return made
            except FeedbackError as error:
                # another page made it in the same moment
                found = self._experiment(brand, name) if isinstance(error.__cause__, IntegrityError) else None
                if found is None:
                    raise
        if set(found.modes) != set(modes):
            raise FeedbackError(
                f"The experiment {name!r} compares {', '.join(found.modes)}, not {', '.join(modes)}. "
                f"Begin another one under a new name."
            )
        return found

    def experiments(self, brand: str | None = None) -> list[Experiment]:
        """All of them, or the brand's, oldest first."""
        asked = select(experiments).order_by(experiments.c.created)
        if brand is not None:
            asked = asked.where(experiments.c.brand == brand)
        return [rows.experiment_of(row) for row in self._all(asked)]

    def draw(self, experiment: Experiment, voter: str, situations: Sequence[str] = ()) -> Draw:
        """Reserve the voter's next battle: a free question's, or with `situations` (the deck's) the thinnest cell's.

        What was reserved stays, also if no battle comes of it.
        """
        with self.database.writing("The battle") as connection:
            # one at a time in an experiment: numbers have no gaps and no twins. SQLite has but one writer anyway
            connection.execute(select(experiments.c.id).where(experiments.c.id == experiment.id).with_for_update())
            made = self._drawn(connection, experiment, short(voter, "voter"), situations)
            connection.execute(insert(draws).values(rows.draw_row(made, rows.now())))
        return made

    def save_battle(self, battle: Battle) -> None:
        """Both replies, before the page shows them. Saved twice, it is there once. A void one is kept, and why."""
        key = battle.draw.id
        try:
            with self.database.writing("This pair of replies") as connection:
                connection.execute(insert(battles).values(rows.battle_row(battle, self.scrub)))
                connection.execute(insert(sides), [rows.side_row(key, one, self.scrub) for one in battle.sides])
        except FeedbackError as error:
            if not isinstance(error.__cause__, IntegrityError) or self.battle(key) is None:
                raise

    def battle(self, battle: str) -> Battle | None:
        """A stored battle, with its texts as they were kept; None if there is none of that id."""
        with self.database.reading() as connection:
            found = one(connection, select(battles).where(battles.c.id == battle))
            if found is None:
                return None
            draw = one(connection, select(draws).where(draws.c.id == battle))
            both = many(connection, select(sides).where(sides.c.battle == battle))
        return rows.battle_of(rows.draw_of(draw or {}), found, both)

    def cast(self, vote: Vote) -> Cast:
        """Store a vote. When this returns it is on the disk: only then say thanks and show who wrote what.

        Raises AlreadyVoted for a second vote under another key, FeedbackError if it was not stored: keep the buttons
        and the same key, so that a second try cannot count twice.
        """
        check(vote)
        try:
            with self.database.writing("The vote") as connection:
                found = self._stored(connection, vote)
                return found or self._cast(connection, vote)
        except FeedbackError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
        with self.database.reading() as connection:  # the same post, a moment earlier, from a second click
            found = self._stored(connection, vote)
        if found is None:
            raise FeedbackError("The vote was not stored: another change came between. Give it again.")
        return found

    def withdraw(self, vote: str, voter: str) -> Cast:
        """Take a vote back. It stays in the store and counts no more; the voter may then vote on the battle again."""
        with self.database.writing("The taking back") as connection:
            found = one(connection, cast_of(votes.c.id == vote, votes.c.voter == voter))
            if found is None:
                raise FeedbackError("There is no such vote of yours to take back.")
            if found["withdrawn"] is None:
                _take_back(connection, vote, voter, WITHDRAWN)
                found = one(connection, cast_of(votes.c.id == vote)) or found
        return cast(found)

    def amend(self, of: str, vote: Vote) -> Cast:
        """Put `vote`, the same choice with other remarks, in the place of the voter's vote `of`: both or neither.

        The earlier one stays as an audit row and counts no more. Whoever amends has been shown who wrote what, so the
        choice cannot change. Raises FeedbackError, and then the earlier vote stands as it was.
        """
        check(vote)
        with self.database.writing("What you added") as connection:
            if found := one(connection, cast_of(votes.c.key == vote.key, votes.c.voter == vote.voter)):
                return cast(found, again=True)
            theirs = (votes.c.id == of, votes.c.voter == vote.voter, votes.c.battle == vote.battle)
            earlier = one(connection, cast_of(*theirs, votes.c.withdrawn.is_(None)))
            if earlier is None:
                raise FeedbackError("What you added was not stored: your vote on this pair was taken back.")
            _take_back(connection, of, vote.voter, AMENDED)
            made = self._cast(connection, vote)
            if (made.verdict, made.winner) != (earlier["verdict"], earlier["winning_mode"] or ""):
                raise FeedbackError("What you added was not stored: the choice of a vote that was given stays.")
        return made

    def standing(self, battle: str, voter: str) -> Cast | None:
        """The voter's vote on that battle, if it stands: only then may a page show this voter who wrote what."""
        asked = cast_of(votes.c.battle == battle, votes.c.voter == voter, votes.c.withdrawn.is_(None))
        return next((cast(row) for row in self._all(asked)), None)

    def void(self, battle: str, why: str) -> None:
        """No vote on that battle counts any more, whoever gave it; why is shown with the counts."""
        with self.database.writing("The reason") as connection:
            done = connection.execute(update(battles).where(battles.c.id == battle).values(void_reason=self.scrub(why)))
            if not done.rowcount:
                raise FeedbackError(f"There is no battle {battle!r}.")

    def counts(self, experiment: Experiment, situations: Sequence[str]) -> dict[str, int]:
        """Votes that count, by cell of situation and pair; 0 for the cells that have none."""
        with self.database.reading() as connection:
            return counts(connection, experiment, situations)

    def draws(self, experiment: Experiment) -> list[Draw]:
        """Every draw, in its order: what `ballot.audit` looks through."""
        asked = select(draws).where(draws.c.experiment == experiment.id).order_by(draws.c.stratum, draws.c.number)
        return [rows.draw_of(row) for row in self._all(asked)]

    def lefts(self, experiment: Experiment) -> dict[str, str]:
        """Battle to the mode that was stored as standing on the left: for `ballot.audit`."""
        asked = (
            select(battles.c.id, sides.c.mode)
            .join(sides, (sides.c.battle == battles.c.id) & (sides.c.arm == battles.c.left_arm))
            .join(draws, draws.c.id == battles.c.id)
            .where(draws.c.experiment == experiment.id)
        )
        return {row["id"]: row["mode"] for row in self._all(asked)}

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def _all(self, asked: Any) -> list[rows.Row]:
        with self.database.reading() as connection:
            return many(connection, asked)

    def _experiment(self, brand: str, name: str) -> Experiment | None:
        asked = select(experiments).where(experiments.c.brand == brand, experiments.c.name == name)
        return next((rows.experiment_of(row) for row in self._all(asked)), None)

    def _drawn(self, connection: Connection, experiment: Experiment, voter: str, situations: Sequence[str]) -> Draw:
        votes_by_cell = counts(connection, experiment, situations) if situations else None
        stratum, pair = FREE, None
        if votes_by_cell is not None:
            stratum, pair = thinnest(experiment.salt, situations, experiment.pairs, votes_by_cell)
        here = draws.c.experiment == experiment.id
        turn = next_number(connection, draws.c.turn, here, draws.c.voter == voter)
        number = next_number(connection, draws.c.number, here, draws.c.stratum == stratum)
        pair = pair or pair_at(experiment.salt, stratum, number, experiment.pairs)
        left = left_of(experiment.salt, experiment.id, voter, turn, pair)
        return Draw(secrets.token_urlsafe(12), experiment.id, voter, turn, stratum, number, pair, left, votes_by_cell)

    def _stored(self, connection: Connection, vote: Vote) -> Cast | None:
        """What this post already left: the vote under its key; or AlreadyVoted for one under another key."""
        found = one(connection, cast_of(votes.c.key == vote.key))
        if found is None:
            standing = (votes.c.battle == vote.battle, votes.c.voter == vote.voter, votes.c.withdrawn.is_(None))
            found = one(connection, cast_of(*standing))
            # a second click may commit between these two looks: then what stands is this very form
            if found is not None and found["key"] != vote.key:
                raise AlreadyVoted("You have voted on this pair already. Take that vote back to vote anew.")
        if found is not None:
            if (found["battle"], found["voter"]) != (vote.battle, vote.voter):
                raise FeedbackError("The vote was not stored: its form belongs to another pair. Reload the page.")
            return cast(found, again=True)
        return None

    def _cast(self, connection: Connection, vote: Vote) -> Cast:
        battle = one(connection, select(battles.c.left_arm, battles.c.void_reason).where(battles.c.id == vote.battle))
        if battle is None:
            raise FeedbackError("The vote was not stored: this pair of replies is not in the store. Ask again.")
        if battle["void_reason"]:
            raise FeedbackError(f"The vote was not stored: this pair cannot be judged ({battle['void_reason']}).")
        arms = many(connection, select(sides.c.arm).where(sides.c.battle == vote.battle))
        (right,) = {row["arm"] for row in arms} - {battle["left_arm"]}
        made = rows.vote_rows(vote, secrets.token_urlsafe(12), battle["left_arm"], right, self.scrub)
        put(connection, {votes: made["votes"], marks: made["marks"], reasons: made["reasons"]})
        return cast(one(connection, cast_of(votes.c.key == vote.key)) or {})


def _take_back(connection: Connection, vote: str, voter: str, kind: str) -> None:
    at = rows.now()
    changed = connection.execute(
        update(votes).where(votes.c.id == vote, votes.c.withdrawn.is_(None)).values(withdrawn=at)
    )
    if changed.rowcount:  # else a second click was first
        connection.execute(insert(withdrawals).values(of=vote, kind=kind, voter=voter, at=at))


def open_store(
    settings: Settings, voice: Voice | None = None, own: Iterable[str] = (), wait_s: float = WAIT_S
) -> Store:
    """The store of `settings`, made or migrated: `open_store(settings, bot.voice, own_texts(bot.articles))`.

    `voice`, `own`: see privacy.scrubber. `wait_s`: seconds to wait for another writer. Raises FeedbackError.
    """
    return Store(open_database(settings, wait_s), scrubber(voice, own) if settings.scrub == "on" else str)
