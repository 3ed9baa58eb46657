"""Where a reply came from: the arm of each mode, the battle of a turn, and what both sides were given alike."""

import pytest

from chatbot.engine.protocol import Decoding
from chatbot.feedback.ballot import Draw
from chatbot.feedback.provenance import arms, battle, failed_battle, origin, shared
from chatbot.message import Message
from chatbot.mode import BASE_PROMPTED, COMBINED, FINE_TUNED, THREE
from chatbot.prompt import ground
from tests.ui.fakes import a_card

HISTORY = (Message("user", "Hi"), Message("assistant", "Hello."))


@pytest.fixture
def bot(bot):
    bot.adapter = a_card()
    return bot


def a_draw(*modes) -> Draw:
    return Draw("b1", "e1", "ana", 0, "free", 0, (modes[0].key, modes[1].key), modes[1].key, None)


def test_arms_differ_in_their_levers_alone(bot) -> None:
    prompted, tuned, combined = arms(bot, bot.prepare("How long?", THREE, situation="question"))
    assert (prompted.adapter, tuned.adapter, combined.adapter) == ("", "w" * 64, "w" * 64)
    assert (prompted.prompt_version, tuned.prompt_version) == (combined.prompt_version, "")
    assert prompted.prompt_version == bot.guide.version != ""
    assert {one.base for one in (prompted, tuned, combined)} == {"b" * 64}
    assert prompted.prompt_hash == combined.prompt_hash != tuned.prompt_hash
    assert all(len(one.prompt_hash) == 64 for one in (prompted, tuned, combined))
    again = arms(bot, bot.prepare("And tents?", THREE, situation="question"))
    assert [one.id for one in again] == [prompted.id, tuned.id, combined.id]
    assert again[0].prompt_hash != prompted.prompt_hash


def test_a_turn_becomes_the_battle_that_was_drawn(bot, engine) -> None:
    engine.enqueue("Forty-five days.", "You've got 45 days.")
    turn = bot.reply("How long?", (FINE_TUNED, COMBINED), HISTORY, situation="refund", decoding=Decoding(seed=9))
    made = battle(a_draw(COMBINED, FINE_TUNED), bot, turn)
    assert [side.arm.mode for side in made.sides] == ["combined", "fine-tuned"], "in the draw's order"
    assert (made.left.text, made.right.text) == ("Forty-five days.", "You've got 45 days.")
    assert (made.situation, made.decoding.seed, made.passages) == ("refund", 9, ("returns#how long",))
    assert (made.void_reason, made.history) == ("", HISTORY)
    with pytest.raises(ValueError, match="the draw"):
        battle(a_draw(COMBINED, BASE_PROMPTED), bot, turn)


def test_identical_replies_and_a_failed_writer_make_void_battles(bot, engine) -> None:
    engine.enqueue("Same.", "Same.")
    pair = (FINE_TUNED, COMBINED)
    assert battle(a_draw(*pair), bot, bot.reply("How long?", pair)).void_reason == "both replies are the same text"
    failed = failed_battle(a_draw(*pair), bot, bot.prepare("How long?", pair), "The writer failed.")
    assert failed.void_reason == "The writer failed."
    assert {(one.finish, one.text) for one in failed.sides} == {("failed", "")}


def test_approved_wording_makes_a_void_battle(bot) -> None:
    pair = (FINE_TUNED, COMBINED)
    brief = bot.prepare("I'll sue you.", pair, situation="legal", approved=True)
    assert brief.approved
    run = bot.write(brief)
    texts = ["", ""]
    for column in run:
        texts = [text + piece for text, piece in zip(texts, column, strict=True)]
    assert "approved wording" in battle(a_draw(*pair), bot, bot.turn(brief, texts, run.ends)).void_reason


def test_a_pairs_prompt_is_what_both_were_given_alike(bot) -> None:
    alone = bot.prepare("How long?", THREE, HISTORY, situation="refund").rows
    tuned_and_combined = shared(alone[1:])
    assert tuned_and_combined == (Message("system", ground(bot.voice)), *HISTORY, alone[0].messages[-1])
    assert shared((alone[0], alone[2])) == alone[0].messages, "both prompted: the whole prompt"
    for row in alone:
        assert row.messages[0].content.startswith(tuned_and_combined[0].content)


def test_a_thumb_knows_where_its_reply_came_from(bot, engine) -> None:
    engine.enqueue("One.", "Two.", "Three.")
    turn = bot.reply("How long?", THREE, HISTORY, situation="refund")
    found = origin(bot, turn, FINE_TUNED, "c1", 2)
    assert (found.reply, found.text, found.arm.mode) == ("c1/2/fine-tuned", "Two.", "fine-tuned")
    assert (found.finish, found.situation, found.brand) == ("stop", "refund", "northwind")
