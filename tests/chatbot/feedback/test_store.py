"""The store on both databases: a vote is there once, by arm, and stays; thumbs, reviews and tickets beside it."""

import json
import re
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatbot import ticket as ticket_files
from chatbot.engine.protocol import Decoding
from chatbot.errors import AlreadyVoted, FeedbackError
from chatbot.feedback import forget, shelf
from chatbot.feedback.ballot import CHOICES, audit
from chatbot.feedback.database import Database
from chatbot.feedback.export import account, records
from chatbot.feedback.privacy import new_voter
from chatbot.feedback.provenance import Origin
from chatbot.feedback.store import Store, open_store
from chatbot.feedback.tables import METADATA
from chatbot.journal import append
from chatbot.message import Message
from chatbot.quality.review import Review, Verdict
from chatbot.settings import Settings
from chatbot.ticket import Ticket
from tests.chatbot.feedback.faults import Ground, opened, rows
from tests.chatbot.feedback.given import MODES, a_battle, a_side, a_vote, saved


def an_experiment(store: Store):
    return store.experiment("northwind", "demo", MODES)


def test_the_migrations_leave_the_tables_that_the_code_reads(store: Store) -> None:
    with store.database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_an_experiment_is_made_once_and_keeps_its_salt_and_modes(store: Store) -> None:
    first = an_experiment(store)
    assert store.experiment("northwind", "demo", MODES) == first
    assert store.experiment("acme", "demo", MODES).salt != first.salt
    assert len(store.experiments()) == 2
    with pytest.raises(FeedbackError, match="compares base-prompted, fine-tuned, combined, not combined, plain"):
        store.experiment("northwind", "demo", ("combined", "plain"))
    with pytest.raises(FeedbackError, match="at least two"):
        store.experiment("northwind", "alone", ("combined",))


def test_draws_have_no_gaps_and_stand_the_audit(store: Store) -> None:
    experiment = an_experiment(store)
    for n in range(7):
        store.draw(experiment, f"voter-{n % 2}")
        saved_one = a_battle(store.draw(experiment, "ana", ["refund", "upset"]))
        store.save_battle(saved_one)
        store.cast(a_vote(saved_one))
    draws = store.draws(experiment)
    assert [one.number for one in draws if one.stratum == "free"] == list(range(7))
    assert sorted(one.turn for one in draws if one.voter == "ana") == list(range(7))
    assert audit(experiment, draws, store.lefts(experiment)) == ()
    counts = store.counts(experiment, ["refund", "upset"])
    assert sorted(counts.values()) == [1, 1, 1, 1, 1, 2], "the thinnest cell was filled first"


def test_a_battle_comes_back_as_it_was_saved(store: Store) -> None:
    battle = saved(store, an_experiment(store), "ana")
    store.save_battle(battle)
    assert store.battle(battle.draw.id) == battle
    assert store.battle("nothing") is None


@pytest.mark.parametrize("choice", CHOICES)
def test_a_vote_is_stored_by_arm_and_never_by_side(store: Store, choice: str) -> None:
    battle = saved(store, an_experiment(store), "ana")
    vote = a_vote(battle, choice, left_reasons=("too-long", "too-long"), right_reasons=("no-empathy",), comment="Hm.")
    cast = store.cast(vote)
    arm = {"left": battle.left.arm, "right": battle.right.arm}.get(choice)
    assert (cast.verdict, cast.winner) == (("better", arm.mode) if arm else (choice, ""))
    with store.database.reading() as connection:
        dump = [
            dict(row)
            for table in ("votes", "marks", "reasons")
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
        ]
    assert "left" not in json.dumps(dump, default=str)
    assert {(one["arm"], one["good"]) for one in dump if "good" in one} == {
        (battle.left.arm.id, 1),
        (battle.right.arm.id, 0),
    }
    assert {(one["arm"], one["reason"]) for one in dump if "reason" in one} == {
        (battle.left.arm.id, "too-long"),
        (battle.right.arm.id, "no-empathy"),
    }
    assert dump[0]["winner"] == (arm.id if arm else None)


def test_the_same_form_twice_is_one_vote_and_another_form_is_refused(store: Store) -> None:
    battle = saved(store, an_experiment(store), "ana")
    vote = a_vote(battle)
    first = store.cast(vote)
    again = store.cast(replace(vote, choice="tie"))
    assert again == replace(first, again=True), "what was stored counts, not what the second click says"
    with pytest.raises(AlreadyVoted):
        store.cast(a_vote(battle, "right"))
    other = saved(store, an_experiment(store), "ana")
    with pytest.raises(FeedbackError, match="belongs to another pair"):
        store.cast(a_vote(other, key=vote.key))
    assert rows(store) == 1


def test_a_vote_taken_back_stays_counts_no_more_and_may_be_given_again(store: Store) -> None:
    experiment = an_experiment(store)
    battle = saved(store, experiment, "ana")
    vote = a_vote(battle)
    first = store.cast(vote)
    assert store.standing(battle.draw.id, "ana") == first
    assert store.withdraw(first.id, "ana").withdrawn
    assert store.withdraw(first.id, "ana") == store.withdraw(first.id, "ana"), "twice is once"
    assert store.standing(battle.draw.id, "ana") is None
    assert store.cast(vote).withdrawn, "a late click on the old form does not vote again"
    second = store.cast(a_vote(battle, "tie"))
    assert store.standing(battle.draw.id, "ana") == second
    assert (rows(store), rows(store, "withdrawals")) == (2, 1)
    with pytest.raises(FeedbackError, match="no such vote of yours"):
        store.withdraw(second.id, "ben")
    told = account(store, records(store))
    assert (told.cast, told.counted, told.excluded) == (2, 1, {"withdrawn": 1})


def test_remarks_added_later_take_the_votes_place_and_leave_the_choice(store: Store) -> None:
    battle = saved(store, an_experiment(store), "ana")
    first = store.cast(a_vote(battle, "right"))
    fuller = replace(a_vote(battle, "right", key="later"), left_reasons=("too-long",), comment="Hm.")
    second = store.amend(first.id, fuller)
    assert (second.winner, second.again, store.standing(battle.draw.id, "ana")) == (first.winner, False, second)
    assert store.amend(first.id, fuller) == replace(second, again=True), "a second click changes nothing"
    for vote, of, said in (
        (a_vote(battle, "left"), second.id, "choice of a vote that was given stays"),
        (a_vote(battle, "tie"), second.id, "choice of a vote that was given stays"),
        (a_vote(battle, "right"), first.id, "was taken back"),
        (replace(a_vote(battle, "right"), voter="ben"), second.id, "was taken back"),
    ):
        with pytest.raises(FeedbackError, match=said):
            store.amend(of, vote)
        assert store.standing(battle.draw.id, "ana") == second, "nothing is half done"
    assert (rows(store), rows(store, "withdrawals", "kind = 'amended'")) == (2, 1)
    told = account(store, records(store))
    assert (told.cast, told.counted, told.excluded) == (2, 1, {"replaced when remarks were added": 1})
    store.withdraw(second.id, "ana")
    assert account(store, records(store)).excluded == {"replaced when remarks were added": 1, "withdrawn": 1}
    with pytest.raises(FeedbackError, match="was taken back"):
        store.amend(second.id, a_vote(battle, "right"))


def test_a_void_battle_takes_no_vote_and_says_why(store: Store) -> None:
    experiment = an_experiment(store)
    void = saved(store, experiment, "ana", void_reason="combined did not finish its reply (length)")
    with pytest.raises(FeedbackError, match=r"cannot be judged \(combined did not finish"):
        store.cast(a_vote(void))
    later = saved(store, experiment, "ana")
    store.cast(a_vote(later))
    store.void(later.draw.id, "the page showed a name")
    told = account(store, records(store))
    assert (told.counted, told.excluded) == (0, {"void: the page showed a name": 1})
    assert sum(store.counts(experiment, ["refund"]).values()) == 0
    with pytest.raises(FeedbackError, match="no battle"):
        store.void("nothing", "why")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"choice": "both"}, "'both' is none of"),
        ({"key": " "}, "key of the form"),
        ({"comment": "x" * 4001}, "4000 is the most"),
        ({"left_reasons": ("x" * 101,)}, "reason must have"),
        ({"battle": "nothing"}, "not in the store"),
    ],
)
def test_a_vote_that_no_page_gives_is_refused(store: Store, other: dict, said: str) -> None:
    vote = a_vote(saved(store, an_experiment(store), "ana"))
    with pytest.raises(FeedbackError, match=said):
        store.cast(replace(vote, **other))
    assert rows(store) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(comment=st.text(st.characters(codec=None), max_size=60).map(lambda text: re.sub(r"[\d@]", "", text)))
def test_any_text_can_be_said(store: Store, comment: str) -> None:
    battle = saved(store, an_experiment(store), new_voter())
    store.cast(a_vote(battle, comment=comment))
    kept = next(one for one in records(store) if one["kind"] == "vote" and one["battle"] == battle.draw.id)["comment"]
    assert kept == comment.replace("\x00", "").encode("utf-8", "replace").decode()


def test_nothing_personal_reaches_the_disk_unless_scrubbing_is_off(ground: Ground, bot) -> None:
    secrets = "ana@mail.example", "+1 212 555 0199", "4111 1111 1111 1111", "NW-204817"
    text = "I'm " + ", ".join(secrets)
    for mode, there in (("on", False), ("off", True)):
        store = open_store(replace(ground.settings, scrub=mode), bot.voice)
        experiment = store.experiment("northwind", mode, MODES)
        draw = store.draw(experiment, "ana")
        said = (Message("user", text),)
        battle = a_battle(
            draw, text, history=said, shared=said, sides=tuple(a_side(one, f"{one}: {text}") for one in draw.pair)
        )
        store.save_battle(battle)
        store.cast(a_vote(battle, comment=text))
        shelf.give_thumb(store, an_origin(text), "ana", f"key-{mode}", True, text)
        dump = json.dumps(records(store))
        store.close()
        assert [secret in dump for secret in secrets] == [there] * 4, mode


def an_origin(text: str = "How long?", reply: str = "c1/0/combined") -> Origin:
    side = a_side("combined", text)
    decoding = Decoding(seed=7)
    return Origin(
        reply, "northwind", text, "refund", (Message("user", text),), ("p",), decoding, "0.1.0", side.arm, text, "stop"
    )


def test_a_thumb_may_be_changed_and_taken_back_and_every_one_stays(store: Store) -> None:
    one = shelf.give_thumb(store, an_origin(), "ana", "k1", True)
    assert shelf.give_thumb(store, an_origin(), "ana", "k1", False) == one, "the same form twice is one thumb"
    assert shelf.thumb(store, "c1/0/combined", "ana") is True
    shelf.give_thumb(store, an_origin(), "ana", "k2", False, "Too long.")
    assert shelf.thumb(store, "c1/0/combined", "ana") is False
    assert shelf.thumb(store, "c1/0/combined", "ben") is None
    shelf.withdraw_thumb(store, "c1/0/combined", "ana")
    shelf.withdraw_thumb(store, "c1/0/combined", "ana")
    assert shelf.thumb(store, "c1/0/combined", "ana") is None
    assert (rows(store, "thumbs"), rows(store, "thumbs", "withdrawn IS NULL"), rows(store, "withdrawals")) == (2, 0, 2)
    assert [one["up"] for one in records(store) if one["kind"] == "thumb"] == [True, False]


def a_review(number: int, on_brand: bool = True) -> Review:
    return Review(
        "ana",
        number,
        "case-1",
        "combined",
        False,
        Verdict(on_brand, True, ("no-slang",), "Hm."),
        "d1",
        "2026-11-26T10:00",
    )


def test_reviews_come_back_the_last_one_of_each_number(store: Store) -> None:
    for one in (a_review(1), a_review(0), a_review(1, on_brand=False)):
        shelf.save_review(store, "northwind", "run 1", one)
    assert shelf.read_reviews(store, "northwind", "run 1") == [a_review(0), a_review(1, on_brand=False)]
    assert shelf.read_reviews(store, "northwind", "run 2") == []


def a_ticket(key: str = "T-1") -> Ticket:
    return Ticket(
        key,
        "2026-11-26T10:00:00Z",
        "northwind",
        "legal",
        "Legal: NW-204817",
        "why",
        ("NW-204817",),
        (Message("user", "Hi"),),
        (),
    )


def test_tickets_are_kept_once_with_their_order_numbers(store: Store) -> None:
    assert shelf.keep_ticket(store, a_ticket())
    assert not shelf.keep_ticket(store, a_ticket())
    shelf.keep_ticket(store, a_ticket("T-2"))
    found = shelf.read_tickets(store, "northwind")
    assert [one["id"] for one in found] == ["T-1", "T-2"]
    assert found[0] == json.loads(json.dumps(a_ticket().document()))


def test_what_the_files_hold_is_brought_in_once(store: Store, ground: Ground) -> None:
    from dataclasses import asdict

    home = ground.settings.home
    ticket_files.keep(home, a_ticket())
    ticket_files.keep(home, a_ticket("T-2"))
    path = home / "reviews" / "northwind" / "run 1" / "ana.jsonl"
    append(path, [asdict(one) for one in (a_review(0), a_review(1), a_review(0, on_brand=False))])
    assert shelf.import_files(store, home, "northwind") == {"reviews": 2, "tickets": 2}
    assert shelf.import_files(store, home, "northwind") == {"reviews": 0, "tickets": 0}
    assert shelf.read_tickets(store, "northwind") == ticket_files.tickets(home, "northwind")
    assert shelf.read_reviews(store, "northwind", "run 1") == [a_review(0, on_brand=False), a_review(1)]
    append(path, [asdict(a_review(1, on_brand=False))])
    assert shelf.import_files(store, home, "northwind") == {"reviews": 1, "tickets": 0}
    assert [one.verdict.on_brand for one in shelf.read_reviews(store, "northwind", "run 1")] == [False, False]


def test_what_is_forgotten_is_gone_and_the_counts_stay_honest(ground: Ground) -> None:
    with opened(ground) as store:
        experiment = an_experiment(store)
        for voter in ("ana", "ana", "ben"):
            store.cast(a_vote(saved(store, experiment, voter, question=f"Asked by {voter} in person"), comment="WORDS"))
        old = a_battle(store.draw(experiment, "ben"), "Asked long ago", created="2026-01-01T00:00:00.000000Z")
        store.save_battle(old)
        store.withdraw(store.cast(a_vote(old, "tie")).id, "ben")
        shelf.give_thumb(store, an_origin("Asked by ana in person"), "ana", "t1", True)
        assert forget.due(store, voter="ana") == forget.Gone(2, 2, 1)
        assert forget.forget(store, voter="ana") == forget.Gone(2, 2, 1)
        assert forget.forget(store, older_than=30) == forget.Gone(1, 1, 0)
        assert forget.due(store, voter="ana") == forget.Gone(0, 0, 0)
        told = account(store, records(store))
        assert (told.cast, told.counted) == (4, 1)
        assert told.excluded == {"deleted: the voter's wish": 2, "deleted: older than 30 days": 1}
        assert rows(store, "draws", "voter = 'ana'") == rows(store, "withdrawals") == 0
        assert {row["voter"] for row in records(store) if row["kind"] == "vote"} == {"ben"}
        assert store.draw(experiment, "carl").number == 4, "a place is not given twice while later ones stand"
    if not ground.server:
        left = b"".join(path.read_bytes() for path in ground.file.parent.iterdir())
        assert b"Asked by ben" in left
        assert b"Asked by ana" not in left, "deleted text is not left in the file's free pages or its log"
        assert b"Asked long ago" not in left


def test_forgetting_all_or_nothing(store: Store) -> None:
    with pytest.raises(FeedbackError, match="Say what to delete"):
        forget.forget(store)
    assert forget.days("90d") == 90
    for bad in ("90", "d", "0d", "-3d", "999999d", "1.5d"):
        with pytest.raises(FeedbackError, match="write 90d"):
            forget.days(bad)


def test_a_database_address_that_is_none_is_named_without_its_password() -> None:
    from chatbot.feedback.database import open_database

    with pytest.raises(FeedbackError) as caught:
        open_database(Settings(database_url="postgresql://ana:s3cret@host:port/x"))
    assert "s3cret" not in str(caught.value)
    assert "postgresql://ana:***@host:port/x" in str(caught.value)


def test_the_place_of_a_database_names_no_password(ground: Ground) -> None:
    with opened(ground) as store:
        database: Database = store.database
        assert "s3cret" not in database.place
        assert ("***" in database.place) == bool(ground.server)
