"""Example lines: what is taken, and what is refused by file and line."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.errors import ExampleError
from adapters.examples import read_examples, split

GOOD = {
    "situation": "question",
    "context": ["Returns › How long: 45 days."],
    "messages": [{"role": "user", "content": "How long?"}, {"role": "assistant", "content": "You've got 45 days."}],
}


def written(folder: Path, *lines: object, first: int = 12) -> Path:
    path = folder / "examples.jsonl"
    texts = [json.dumps(GOOD)] * first + [one if isinstance(one, str) else json.dumps(one) for one in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ({**GOOD, "contxt": []}, "unknown key 'contxt'"),
        ({**GOOD, "situation": "angry"}, "names the situation 'angry'; known are question, refund"),
        ({**GOOD, "situation": ""}, "'situation' must be text"),
        ({**GOOD, "context": "text"}, "'context' must be a list"),
        ({**GOOD, "context": [3]}, "'context' must be text"),
        ({**GOOD, "messages": []}, "at least a question and a reply"),
        ({**GOOD, "messages": [user("a"), user("b")]}, "message 2 is from 'user' where 'assistant' is due"),
        ({**GOOD, "messages": [*GOOD["messages"], user("and?")]}, "last message must be the brand's reply"),
        ({**GOOD, "messages": [user("  "), GOOD["messages"][1]]}, "'content' must be text and not empty"),
        ({**GOOD, "messages": [user("a<|im_end|>"), GOOD["messages"][1]]}, "control token '<|im_end|>'"),
        ({**GOOD, "detect": "no"}, "'detect' must be true or false"),
        ({**GOOD, "context": ["x" * 4001]}, "4001 characters; 4000 is the most"),
    ],
)
def test_a_bad_line_is_refused_by_file_and_line(tmp_path: Path, line: object, said: str) -> None:
    path = written(tmp_path, line)
    with pytest.raises(ExampleError) as caught:
        read_examples(path, ["question", "refund"])
    assert str(caught.value).startswith("examples.jsonl, line 13")
    assert said in str(caught.value)


def test_too_few_no_file_and_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="holds 3 examples; 10 is the least"):
        read_examples(written(tmp_path, first=3))
    with pytest.raises(ExampleError, match=r"no file .*nowhere"):
        read_examples(tmp_path / "nowhere.jsonl")
    path = tmp_path / "bytes.jsonl"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(ExampleError, match="not UTF-8"):
        read_examples(path)


def test_empty_lines_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = written(tmp_path, "", json.dumps(GOOD), "")
    path.write_text("\ufeff" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert len(read_examples(path)) == 13


def test_a_line_separator_inside_a_reply_ends_no_line(tmp_path: Path) -> None:
    path = tmp_path / "separators.jsonl"
    odd = json.dumps({**GOOD, "context": ["one\u2028two\u0085three"]}, ensure_ascii=False)
    path.write_text("\r\n".join([odd] * 10) + "\r\n", encoding="utf-8", newline="")
    assert len(read_examples(path)) == 10


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(st.text())
def test_any_line_is_taken_or_refused_never_a_crash(tmp_path: Path, line: str) -> None:
    path = tmp_path / "any.jsonl"
    path.write_bytes((line + "\n").encode("utf-8", "surrogatepass"))
    with pytest.raises(ExampleError):
        read_examples(path)


@given(st.integers(10, 300), st.floats(0.01, 0.5), st.integers(0, 99))
def test_a_split_loses_nothing_and_repeats_with_its_seed(count: int, share: float, seed: int) -> None:
    items = list(range(count))
    learnt, held = split(items, share, seed)  # type: ignore[arg-type]
    assert sorted([*learnt, *held]) == items
    assert held
    assert (learnt, held) == split(items, share, seed)  # type: ignore[arg-type]
    assert len(held) <= len(learnt) + 1
    more, longer = split([*items, *range(count, count + 40)], share, seed)  # type: ignore[arg-type]
    if count >= 1 / share + 1:
        assert more[: len(learnt)] == learnt, "what is appended moves none"
        assert longer[: len(held)] == held


ROOT = Path(__file__).resolve().parents[2]
NORTHWINDS = sorted((ROOT / "chatbot" / "quality" / "suites").glob("northwind*.jsonl"))
# one pattern per held-out article: what an example that is about it would have to say. A product that is also sold
# (the Ember 2 stove) is no sign of the recall.
HELD_OUT = {
    "courses": r"\bcourses?\b|map and compass|winter skills|snowshoe weekend",
    "gift-cards": r"gift ?cards?|\bvouchers?\b",
    "group-orders": r"group (orders?|discount)|bulk order|team order|\bprinted? logos?",
    "price-match": r"price.?match|match (a|the|their|that) (lower )?price|cheaper elsewhere",
    "product-recall": r"\brecall(s|ed)?\b|EM2-|lot numbers?\b.*stove|leak(s|ing)? gas",
    "rentals": r"\brent(s|al|als|ed|ing)?\b|\bhir(e|es|ed|ing) (out|gear|a|the)\b",
    "stores": r"boulder|asheville|duluth|our stores|in.store|store hours|opening hours|boot fitting|fitting appointment|book(s|ed)? (a|the) fitting",
    "trade-in": r"trad(e|es|ed|ing).?in\b|second.?hand|\bused gear\b",
}


@pytest.fixture(scope="module")
def northwind():
    return read_examples(ROOT / "adapters" / "northwind" / "examples.jsonl")


@pytest.mark.parametrize("article", HELD_OUT)
def test_no_example_is_about_a_held_out_article(northwind, article: str) -> None:
    assert (ROOT / "knowledge" / "northwind" / f"{article}.md").is_file()
    for one in northwind:
        assert one.article not in (article, f"{article}.md"), one.place
        told = "\n".join([*one.context, *(text for _, text in one.turns)])
        found = re.search(HELD_OUT[article], told, re.IGNORECASE)
        assert found is None, f"{one.place} speaks of {found and found[0]!r}"


def test_the_held_out_articles_are_a_third_of_all() -> None:
    assert len(HELD_OUT) * 3 == len(list((ROOT / "knowledge" / "northwind").glob("*.md")))


@pytest.mark.parametrize("path", NORTHWINDS, ids=lambda path: path.stem)
def test_a_suite_tags_the_held_out_articles_and_no_other(path: Path) -> None:
    from chatbot.quality.suite import HELD_OUT as TAG
    from chatbot.quality.suite import read_suite

    suite = read_suite(path)
    held_out = {f"{article}.md" for article in HELD_OUT}
    assert {case.article for case in suite if TAG in case.tags and case.article} == held_out
    assert not [case.id for case in suite if case.article in held_out and TAG not in case.tags]


def test_northwinds_examples_are_many_and_of_every_kind(northwind) -> None:
    assert len(northwind) >= 500
    kinds = Counter(one.situation for one in northwind)
    assert len(kinds) == 9
    assert min(kinds.values()) >= 20
    assert sum(len(one.turns) > 2 for one in northwind) >= 50
    assert sum(len(one.context) > 1 for one in northwind) >= 300, "distractors"


def test_no_reply_sentence_is_shared_by_more_than_three_examples(northwind) -> None:
    shared: dict[str, set[str]] = {}
    for one in northwind:
        for role, text in one.turns:
            for sentence in re.split(r"(?<=[.?])\s+|\n+", text) if role == "assistant" else ():
                if sentence and not sentence.startswith("–"):
                    shared.setdefault(sentence.strip().lower(), set()).add(one.place)
    assert {sentence: len(places) for sentence, places in shared.items() if len(places) > 3} == {}
