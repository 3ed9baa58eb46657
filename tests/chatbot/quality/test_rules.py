"""The voice's rules as data: what they let through, what they catch, and which files are refused."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import SuiteError
from chatbot.quality.rules import Rulebook, read_moves, read_rules, sentences, without_signoff
from chatbot.situations import read_situations
from chatbot.voice import read_voice

ROOT = Path(__file__).resolve().parents[3]
PROMPTS = ROOT / "chatbot" / "prompts" / "northwind"
SIGN = "\n\n– The Northwind crew"
KEYS = [path.stem for path in sorted((PROMPTS / "situations").glob("*.md"))]
RULES = read_rules(PROMPTS / "rules.toml", KEYS)
SHARED, MOVES = read_rules(PROMPTS / "situations.toml", KEYS), read_moves(PROMPTS / "situations")
SITUATIONS = Rulebook((*SHARED.rules, *MOVES.rules))
EXAMPLES = [json.loads(line) for line in (ROOT / "adapters/northwind/examples.jsonl").read_text("utf-8").splitlines()]


def names(reply: str, situation: str = "question", book: Rulebook = RULES, facts: tuple[str, ...] = ()) -> list[str]:
    return [one.rule for one in book.broken(reply, situation, facts)]


def test_every_training_reply_keeps_every_voice_rule() -> None:
    broken = {
        line["messages"][-1]["content"]: found
        for line in EXAMPLES
        if (found := names(line["messages"][-1]["content"], line["situation"]))
    }
    assert broken == {}


def test_every_rule_names_a_rule_of_the_voice_guide() -> None:
    voice = read_voice(PROMPTS / "voice.md")
    read_situations(PROMPTS / "situations", voice)
    for rule in RULES.rules:
        assert rule.voice is not None
        assert 1 <= rule.voice <= len(voice.rules)
        assert rule.why.endswith(".")
    assert {rule.voice for rule in RULES.rules} == set(range(1, 11))


def test_the_guides_own_bad_examples_break_a_rule_and_the_good_ones_do_not() -> None:
    text = (PROMPTS / "voice.md").read_text("utf-8").replace("$signoff", "– The Northwind crew")
    missing = {"sign-off"}  # examples in the guide are single sentences
    for bad in re.findall(r"(?m)^- Bad: (.+)$", text):
        assert set(names(bad)) - missing, bad
    for good in re.findall(r"(?m)^- Good: (.+)$", text):
        if not good.startswith("–"):
            assert set(names(good)) <= missing, good


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("Thank you for reaching out. You've got 45 days.", "no opening formula"),
        ("Dear hiker, you've got 45 days.", "no opening formula"),
        ("The customer has 45 days.", "never the customer"),
        ("Northwind gives you 45 days.", "we, not the company"),
        ("The passages say 45 days.", "talk to a person"),
        ("It is on us.", "contractions"),
        ("You do not need the box.", "contractions"),
        ("We cannot take it back.", "contractions"),
        ("One. Two. Three. Four. Five. Six.", "short reply"),
        ("You can " + "walk and " * 20 + "rest.", "short sentences"),
        ("Boots and tents. " * 3 + "You can " + "rest and walk " * 25 + "now.", "few words"),
        ("You've got 45 days to", "whole sentences"),
        ("You've got:\n- 45 days.", "plain text"),
        ("You've got **45** days.", "plain text"),
        ("You've got 45 days to send it back. You've got 45 days to send it back.", "says nothing twice"),
        ("Purchasing it takes a minute.", "plain words"),
        ("You'll receive it on Friday.", "plain words"),
        ("It's around $10.", "no rough figures"),
        ("It's $10. Feel free to ask.", "one next step"),
        ("a@x.example, b@x.example, c@x.example, 555-0142: pick one.", "one way to reach us"),
        ("It's $10. Happy trails.", "no adventure talk"),
        ("It's $10!", "no exclamation marks"),
        ("It's $10. 😊", "no emoji"),
        ("Unfortunately it's $10.", "no unfortunately"),
        ("We apologize, it's $10.", "never gush"),
        ("It's $10.\n\nKind regards,", "no other sign-off"),
    ],
)
def test_a_broken_rule_is_named(body: str, rule: str) -> None:
    assert rule in names(body + SIGN)


@pytest.mark.parametrize(
    "body",
    [
        "Keep it just as it is.",
        "The pair of you will be fine.",
        "Nothing I have says so.",
        "We have a form for that.",
        "Yes, however new it looks.",
        "Write to help@northwind.example or call 555-0142, Monday to Friday, 8 am to 6 pm.",
        "Zips cost $18 to replace.",
    ],
)
def test_what_breaks_nothing(body: str) -> None:
    assert names(body + SIGN) == []


@pytest.mark.parametrize("reply", ["It's $10.", "It's $10. – The Northwind crew", "It's $10.\n\nThe Northwind crew"])
def test_the_sign_off_stands_on_its_own_line(reply: str) -> None:
    assert "sign-off" in names(reply)


def test_the_failing_words_and_the_plainer_ones_are_given() -> None:
    found = RULES.broken("Please purchase it, and we'll provide a label." + SIGN, "question")
    assert [(one.rule, one.words) for one in found] == [("plain words", ("purchase", "provide"))]
    assert "'purchase': buy" in found[0].why


def test_a_curly_apostrophe_is_an_apostrophe() -> None:
    assert names("It’s on us, you don’t need the box." + SIGN) == []


@pytest.mark.parametrize(
    ("situation", "body", "rule"),
    [
        ("upset", "Your tent leaked.", "sorry first"),
        ("upset", "In 5 days it's there, sorry.", "sorry before figures"),
        ("upset", "I'm sorry your 2 tents leaked.", ""),
        ("legal", "It's our fault. A person reads help@northwind.example.", "admit nothing"),
        ("legal", "We'll refund you. A person reads help@northwind.example.", "promise nothing"),
        ("legal", "We deny that. A person reads help@northwind.example.", "argue nothing"),
        ("legal", "A person will read it.", "contact given"),
        ("legal", "Write to help@northwind.example.", "a person named"),
        ("legal", "This needs a person. Write to help@northwind.example.", ""),
        ("human", "We can help. Call 555-0142.", ""),
        ("human", "There's a lot we can do for you right here. Call 555-0142.", "contact at once"),
        ("human", "Call 555-0142. What's it about?", "does not ask why"),
        ("off-topic", "Roses are red, and boots are brown.", "declines"),
        ("off-topic", "We can't do that.", "offers gear or order help"),
        ("off-topic", "Sure, here is a poem about gear, sorry.", "does not do the task"),
        ("off-topic", "Poems are off our map, sorry. Ask us about gear.", ""),
        ("order-problem", "I looked up your order.", "looked nothing up"),
        ("small-talk", "Hi. Hello. Hey. What's up?", "brief small talk"),
        ("small-talk", "Hi, we've 24 stores.", "no figures in small talk"),
        ("small-talk", "Hi, call 555-0142.", ""),
        ("unknown", "Yes, it does.", "we don't know, first"),
    ],
)
def test_each_situation_has_its_own_rules(situation: str, body: str, rule: str) -> None:
    assert names(body + SIGN, situation, SITUATIONS) == ([rule] if rule else [])


def test_answer_first_is_asked_only_where_a_figure_is_expected() -> None:
    reply = "Our boots are made for walking. You've got 45 days."
    assert names(reply, "refund", SITUATIONS, ("45 days",)) == ["answer first"]
    assert names(reply, "refund", SITUATIONS, ("the tag",)) == []
    assert names("Yes, we do. It's 45 days.", "refund", SITUATIONS, ("45 days",)) == []


@pytest.mark.parametrize("situation", KEYS)
def test_training_replies_keep_their_situations_rules(situation: str) -> None:
    replies = [line["messages"][-1]["content"] for line in EXAMPLES if line["situation"] == situation]
    assert [reply for reply in replies if names(reply, situation, SITUATIONS)] == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rule = 3", "must hold [[rule]] tables"),
        ("[[rule]]", "rule 1 has no name"),
        ("[[rule]]\nname = 'a'\nkind = 'odd'\nwhy = 'x'", "rule 1 (a) must be one of the kinds"),
        ("[[rule]]\nname = 'a'\nkind = 'count'\nwhy = 'x'\npattern = 'y'", "needs 'most'"),
        ("[[rule]]\nname = 'a'\nkind = 'required'\npattern = 'y'", "needs 'why'"),
        ("[[rule]]\nname = 'a'\nkind = 'required'\nwhy = 'x'\npattern = '('", "no regular expression"),
        ("[[rule]]\nname = 'a'\nkind = 'required'\nwhy = 'x'\npattern = 'y'\nplace = 'x'", "unknown key 'place'"),
        ("[[rule]]\nname = 'a'\nkind = 'required'\nwhy = 'x'\npattern = 'y'\nwhere = 'x'", "'where' must be one of"),
        ("[[rule]]\nname = 'a'\nkind = 'length'\nwhy = 'x'\nunit = 'pages'\nmost = 3", "'unit' must be one of"),
        ("[[rule]]\nname = 'a'\nkind = 'substitution'\nwhy = 'x'\nwords = {b = 3}", "plainer one in quotes"),
        ("[[rule]]\nname = 'a'\nkind = 'required'\nwhy = 'x'\npattern = 'y'\nsituations = ['odd']", "situation 'odd'"),
        ("[[rule]]\nname = 'a'\nkind = 'required'\nwhy = 'x'\npattern = 3", "'pattern' must be of the kind str"),
        ("[[rule]\n", "not valid TOML"),
    ],
)
def test_a_bad_file_is_refused_by_name_and_place(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match=r"rules\.toml") as error:
        read_rules(path, KEYS)
    assert complaint in str(error.value)


MOVE = "---\nname: Refund\n{}\n---\n## Guidance\nx\n"


@pytest.mark.parametrize(
    ("front", "reply", "broken"),
    [
        ("moves: [{name: thanks, kind: required, pattern: thank, why: It thanks.}]", "Fine.", ["thanks"]),
        ("moves: [{name: thanks, kind: required, pattern: thank, why: It thanks.}]", "We thank you.", []),
        ("format: short", "One. Two. Three.", ["short form"]),
        ("format: short", "One. Two.", []),
        ("format: steps", "Unscrew it, then clean it.", ["numbered steps"]),
        ("format: steps", "1. Unscrew it.\n2. Clean it.", []),
        ("format: plain", "Unscrew it.", []),
    ],
)
def test_a_situations_own_moves_and_form_hold_there_alone(
    tmp_path: Path, front: str, reply: str, broken: list[str]
) -> None:
    (tmp_path / "refund.md").write_text(MOVE.format(front), encoding="utf-8")
    book = read_moves(tmp_path)
    assert [one.rule for one in book.broken(reply, "refund")] == broken
    assert book.broken(reply, "question") == ()


@pytest.mark.parametrize(
    ("front", "complaint"),
    [
        ("moves: thank them", "refund.md: 'moves' must be a list of rules"),
        ("moves: [{name: x, kind: required, why: y}]", "refund.md, move 1 (x) needs 'pattern'"),
        ("moves: [{name: x, kind: required, why: y, pattern: '('}]", "refund.md, move 1 (x)"),
        ("moves: [{name: x, kind: asked, why: y}]", "must be one of the kinds required"),
    ],
)
def test_a_bad_move_is_refused_by_file_and_number(tmp_path: Path, front: str, complaint: str) -> None:
    (tmp_path / "refund.md").write_text(MOVE.format(front), encoding="utf-8")
    with pytest.raises(SuiteError) as caught:
        read_moves(tmp_path)
    assert complaint in str(caught.value)


def test_two_rules_of_one_name_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("[[rule]]\nname = 'a'\nkind = 'required'\nwhy = 'x'\npattern = 'y'\n" * 2, encoding="utf-8")
    with pytest.raises(SuiteError, match="two rules are named 'a'"):
        read_rules(path)
    with pytest.raises(SuiteError, match="There is no rule file"):
        read_rules(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        ("It's $5." + SIGN, "It's $5."),
        ("It's $5.\n\nKind regards,\nCustomer Support Team", "It's $5."),
        ("It's $5.\nBest regards", "It's $5."),
        ("It's $5.\n- The Acme team", "It's $5."),
        ("It's $5.", "It's $5."),
        ("Cheers to that.", "Cheers to that."),
    ],
)
def test_the_sign_off_is_cut(reply: str, body: str) -> None:
    assert without_signoff(reply) == body


def test_a_price_and_an_address_end_no_sentence() -> None:
    assert sentences("It's $4.95. Ask help@northwind.example. Go on?" + SIGN) == [
        "It's $4.95.", "Ask help@northwind.example.", "Go on?"
    ]  # fmt: skip


@given(st.text(), st.sampled_from(KEYS))
def test_any_text_can_be_judged(text: str, situation: str) -> None:
    for book in (RULES, SITUATIONS):
        for one in book.broken(text, situation, ("5",)):
            assert one.why


@given(st.text(max_size=60))
def test_failing_words_stand_in_the_reply(text: str) -> None:
    for one in RULES.broken(text + "! 😊 purchase" + SIGN, "question"):
        assert all(word in text + "! 😊 purchase" + SIGN for word in one.words)
