"""One turn, on fakes: what is decided, and what reaches the engine."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from chatbot.engine.protocol import Decoding
from chatbot.errors import TurnError
from chatbot.message import Message
from chatbot.mode import COMBINED, FINE_TUNED, PLAIN, THREE, modes_named
from knowledge.answerable import OURS, Judgement
from tests.conftest import FakeEngine, FakeSearcher, hit


def test_combined_mode_uses_both_levers(bot, engine: FakeEngine) -> None:
    engine.enqueue("You've got 45 days.")
    turn = bot.reply("How long do I have to return boots?", [COMBINED])
    row = engine.history[-1][0][0]
    assert row.tone == "northwind"
    assert "How we write" in row.messages[0].content
    assert turn.replies[0].text == "You've got 45 days."
    assert turn.replies[0].unsupported == ()


def test_the_guard_is_the_same_for_every_mode(bot, engine: FakeEngine) -> None:
    engine.enqueue("It is 90 days.", "It is 90 days.", "It is 45 days.")
    turn = bot.reply("How long do I have to return boots?", THREE)
    assert [reply.unsupported for reply in turn.replies] == [("90",), ("90",), ()]


def test_all_modes_share_one_run_and_its_settings(bot, engine: FakeEngine) -> None:
    bot.reply("How long?", THREE, decoding=Decoding(seed=3, temperature=0.5))
    assert len(engine.history) == 1
    rows, decoding = engine.history[0]
    assert (len(rows), decoding.seed, decoding.temperature) == (3, 3, 0.5)


def test_a_question_without_passages_is_one_we_do_not_know(bot, searcher: FakeSearcher) -> None:
    searcher.hits = ()
    brief = bot.prepare("How much is express shipping?", [COMBINED])
    assert (brief.verdict.situation.key, brief.verdict.origin) == ("unknown", "no-passages")


def test_what_the_articles_do_not_answer_gets_no_lines_however_near_they_are(bot, searcher: FakeSearcher) -> None:
    searcher.judgements = {"How much is express shipping?": Judgement(0.1, 0.3)}
    brief = bot.prepare("How much is express shipping?", [COMBINED])
    assert (brief.hits, brief.verdict.situation.key, brief.verdict.origin) == ((), "unknown", "no-passages")
    assert bot.prepare("How much is express shipping?", [COMBINED], situation="question").hits, "chosen by hand"


@pytest.mark.parametrize(
    ("share", "chance", "found", "origin"),
    [
        ({"small-talk": 0.5, "question": 0.4, "human": 0.1}, 0.6, "question", "answered"),
        ({"small-talk": 0.7, "question": 0.3}, 0.6, "small-talk", "detected"),
        ({"small-talk": 0.5, "question": 0.5}, 0.4, "small-talk", "detected"),
        ({"unknown": 0.9, "question": 0.1}, 0.6, "question", "answered"),
        ({"unknown": 0.9, "question": 0.1}, 0.4, "question", "answered"),
        ({"unknown": 0.9, "question": 0.1}, 0.2, "unknown", "detected"),
        ({"unknown": 0.4, "upset": 0.35, "question": 0.25}, 0.6, "question", "answered"),
        ({"upset": 0.6, "question": 0.25, "unknown": 0.15}, 0.6, "upset", "detected"),
        ({"upset": 0.4, "question": 0.35, "unknown": 0.25}, 0.6, "question", "detected"),  # less than its odds
        ({"legal": 0.55, "refund": 0.25, "question": 0.2}, 0.9, "legal", "detected"),
        ({"human": 0.4, "refund": 0.3, "question": 0.3}, 0.9, "human", "detected"),
    ],
)
def test_what_is_light_and_doubtful_gives_way_to_a_question_that_is_plainly_answered(
    bot, searcher: FakeSearcher, monkeypatch: pytest.MonkeyPatch, share, chance, found, origin
) -> None:
    monkeypatch.setattr(bot._detector, "head", SimpleNamespace(sharpness=1.0, chances=lambda vector, message: share))
    searcher.judgement = Judgement(chance, 0.3)
    verdict = bot.prepare("thanks, how much is express shipping", [PLAIN]).verdict
    assert (verdict.situation.key, verdict.origin) == (found, origin)


@pytest.mark.parametrize(
    ("key", "chance", "near", "found", "origin"),
    [
        ("off-topic", 0.4, OURS, "question", "answered"),
        ("off-topic", 0.1, OURS, "unknown", "no-passages"),
        ("small-talk", 0.1, OURS, "unknown", "no-passages"),
        ("off-topic", 0.4, OURS - 0.01, "off-topic", "detected"),
        ("human", 0.4, OURS, "human", "detected"),
    ],
)
def test_what_is_about_the_shop_is_neither_off_topic_nor_small_talk_however_sure_the_head_is(
    bot, searcher: FakeSearcher, monkeypatch: pytest.MonkeyPatch, key, chance, near, found, origin
) -> None:
    share = {key: 0.9, "question": 0.1}
    monkeypatch.setattr(bot._detector, "head", SimpleNamespace(sharpness=1.0, chances=lambda vector, message: share))
    searcher.judgement = Judgement(chance, 0.3, near)
    verdict = bot.prepare("thanks, how much is express shipping", [PLAIN]).verdict
    assert (verdict.situation.key, verdict.origin) == (found, origin)


@pytest.mark.parametrize(
    ("key", "share", "chance", "near", "found"),
    [
        ("human", 0.5, 0.4, OURS, "question"),
        ("human", 0.5, 0.1, OURS, "unknown"),
        ("human", 0.7, 0.4, OURS, "human"),
        ("human", 0.5, 0.4, OURS - 0.01, "human"),
        ("legal", 0.5, 0.4, OURS, "legal"),
    ],
)
def test_a_doubtful_wish_for_a_person_gives_way_to_a_question_about_the_shop_a_legal_threat_never(
    bot, searcher: FakeSearcher, monkeypatch: pytest.MonkeyPatch, key, share, chance, near, found
) -> None:
    shares = {key: share, "question": 0.4}
    monkeypatch.setattr(bot._detector, "head", SimpleNamespace(sharpness=1.0, chances=lambda vector, message: shares))
    searcher.judgement = Judgement(chance, 0.3, near)
    assert bot.prepare("who is in charge of tents", [PLAIN]).verdict.situation.key == found


def test_where_there_is_nothing_to_look_up_nothing_is_searched(bot, searcher: FakeSearcher) -> None:
    brief = bot.prepare("How much is express shipping?", THREE, situation="human")
    assert (brief.hits, searcher.asked) == ((), [])
    assert bot.prepare("How much is express shipping?", THREE, situation="upset").hits


def test_the_situation_can_be_chosen(bot) -> None:
    brief = bot.prepare("hello", [COMBINED], situation="legal")
    assert (brief.verdict.situation.key, brief.verdict.origin) == ("legal", "override")
    assert "Admit nothing" in brief.rows[0].messages[0].content


@pytest.mark.parametrize(
    ("question", "modes", "situation", "said"),
    [
        ("  ", THREE, None, "empty"),
        ("x" * 2001, THREE, None, "2001 characters; 2000"),
        ("hi", (), None, "No mode"),
        ("hi", THREE, "angry", "no situation 'angry'. Choose one of"),
    ],
)
def test_bad_turns_are_refused_with_a_sentence(bot, question, modes, situation, said) -> None:
    with pytest.raises(TurnError) as caught:
        bot.prepare(question, modes, situation=situation)
    assert said in str(caught.value)


def test_without_an_adapter_the_tuned_modes_say_why_and_the_others_work(bot) -> None:
    bot.adapter, bot.adapter_fault = None, "Adapter 'northwind' lacks its weights."
    assert bot.reply("How long?", [PLAIN]).replies
    with pytest.raises(TurnError, match="lacks its weights"):
        bot.prepare("How long?", [FINE_TUNED])


def test_modes_by_name() -> None:
    assert modes_named("all") == THREE
    assert modes_named("plain") == (PLAIN,)
    with pytest.raises(TurnError, match="combined, or all"):
        modes_named("both")


def test_passages_are_at_most_what_the_settings_say(bot, searcher: FakeSearcher) -> None:
    searcher.hits = tuple(hit(f"Fact {n}.", heading=f"H{n}") for n in range(9))
    assert len(bot.prepare("How much is express shipping?", [PLAIN]).hits) == bot.settings.passages == 1


def test_a_situations_own_decoding_settings_hold_for_every_mode(bot, engine: FakeEngine) -> None:
    legal = bot.situation("legal")
    bot._detector.situations["legal"] = replace(legal, decoding={"max_new_tokens": 60, "temperature": 0.5})
    bot.reply("hello", THREE, situation="legal", decoding=Decoding(max_new_tokens=200, seed=3))
    assert engine.history[-1][1] == Decoding(max_new_tokens=60, temperature=0.5, seed=3)


MOODS = {"My father died.": "vulnerable", "You useless lot": "upset", "Thanks": "thanks"}


@pytest.fixture
def moods(bot, monkeypatch: pytest.MonkeyPatch):
    """The bot, with a head that knows these messages and takes all others for questions."""
    head = SimpleNamespace(sharpness=1.0, chances=lambda vector, message: {MOODS.get(message, "question"): 1.0})
    monkeypatch.setattr(bot._detector, "head", head)
    monkeypatch.setattr("chatbot.situation.SURE", -1.0)
    return bot


@pytest.mark.parametrize(
    ("earlier", "changed", "also"),
    [
        (["My father died."], False, "vulnerable"),
        (["My father died.", "Thanks", "How much is it?"], True, "vulnerable"),
        (["You useless lot"], False, "upset"),
        (["You useless lot"], True, None),
        (["You useless lot", "How much is it?"], False, None),
        (["Thanks"], False, None),
    ],
)
def test_a_fact_about_the_customer_lasts_a_mood_only_while_the_topic_does(
    moods, searcher, earlier, changed, also
) -> None:
    question = "How much is express shipping?"
    if changed:
        searcher.judgements = {question: Judgement(0.9, 0.3), f"{earlier[-1]} {question}": Judgement(0.5, 0.3)}
    history = [Message("user", text) for text in earlier]
    verdict = moods.prepare(question, [COMBINED], history).verdict
    assert (verdict.also.key if verdict.also else None, verdict.lasting) == (also, also or "")
    if also:
        assert f"Also: {verdict.also.name}" in moods.prepare(question, [COMBINED], history).rows[0].messages[0].content


def test_what_lasts_and_cannot_join_says_why(moods) -> None:
    verdict = moods.prepare("Thanks", [COMBINED], [Message("user", "My father died.")]).verdict
    assert (verdict.situation.key, verdict.also) == ("thanks", None)
    assert "Needs care" in verdict.dropped[0]


def test_two_likely_situations_guide_the_prompted_modes_together(bot, monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"upset": 0.6, "refund": 0.28, "legal": 0.12}
    monkeypatch.setattr(bot._detector, "head", SimpleNamespace(sharpness=1.0, chances=lambda vector, message: shares))
    brief = bot.prepare("this is a joke, I want my money back", THREE)
    base, tuned, combined = (row.messages[0].content for row in brief.rows)
    assert (brief.verdict.situation.key, brief.verdict.also.key) == ("upset", "refund")
    assert "Now: Upset customer" in base
    assert "Also: Refund or return" in base
    assert base == combined
    assert "Also:" not in tuned
    assert bot.prepare("this is a joke", THREE, situation="upset").verdict.also is None, (
        "chosen by hand: that one alone"
    )
