"""A run of the suite on fakes: batched, kept at once, and gone on with after a kill."""

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from chatbot.errors import SuiteError
from chatbot.mode import BASE_PROMPTED, COMBINED
from chatbot.quality.run import answers
from chatbot.quality.suite import HELD_OUT, read_suite, sample
from tests.conftest import hit

MODES = (BASE_PROMPTED, COMBINED)
ROOT = Path(__file__).resolve().parents[3]
SUITES = ROOT / "chatbot" / "quality" / "suites"
NORTHWINDS = sorted(SUITES.glob("northwind*.jsonl"))


def cases(count: int = 20):
    return [
        {"id": f"c{n}", "question": f"Question {n}?", "situation": "refund" if n % 2 else "upset", "answerable": True}
        for n in range(count)
    ]


@pytest.fixture
def suite(tmp_path: Path):
    path = tmp_path / "suite.jsonl"
    path.write_text("\n".join(map(json.dumps, cases())), encoding="utf-8")
    return read_suite(path)


@pytest.fixture
def tested(bot):
    bot.adapter = SimpleNamespace(weights="w" * 64)
    return bot


def quiet(done: int, total: int) -> None:
    pass


def test_every_case_is_answered_in_every_mode_in_few_batches(tested, engine, suite, tmp_path: Path) -> None:
    found = answers(tested, suite, MODES, tmp_path / "out" / "answers.jsonl", quiet)
    assert [one.case.id for one in found] == [case.id for case in suite]
    assert all(list(one.replies) == ["base-prompted", "combined"] for one in found)
    for rows, _ in engine.history:
        assert len(rows) <= 24
        assert len({(row.tone, row.messages[0]) for row in rows}) == 1, "a batch shares tone and beginning"
    assert sum(len(rows) for rows, _ in engine.history) == 40


def test_each_reply_is_filed_under_its_own_case_and_mode(tested, engine, suite, tmp_path: Path) -> None:
    engine.enqueue(*(f"Reply {n}." for n in range(8)))
    found = answers(tested, suite[:4], MODES, tmp_path / "answers.jsonl", quiet)
    written = {}
    texts = iter(f"Reply {n}." for n in range(8))
    for rows, _ in engine.history:
        for row in rows:
            mode = "combined" if row.tone else "base-prompted"
            written[row.messages[-1].content.split("Customer: ")[-1], mode] = next(texts)
    for one in found:
        for mode, reply in one.replies.items():
            assert reply.text == written[one.case.question, mode]


def test_a_killed_run_goes_on_where_it_was(tested, engine, suite, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    first = answers(tested, suite, MODES, path, quiet)
    whole = path.read_text(encoding="utf-8").split("\n")
    path.write_text("\n".join(whole[:12]) + '\n{"key": "half a li', encoding="utf-8")
    engine.history.clear()
    told: list[tuple[int, int]] = []
    again = answers(tested, suite, MODES, path, lambda done, total: told.append((done, total)))
    assert told[0] == (12, 40)
    assert told[-1] == (40, 40)
    assert sum(len(rows) for rows, _ in engine.history) == 28
    assert [one.replies.keys() for one in again] == [one.replies.keys() for one in first]
    engine.history.clear()
    answers(tested, suite, MODES, path, quiet)
    assert engine.history == [], "nothing is left to write"


def test_other_prompts_or_settings_are_another_run(tested, engine, suite, tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "answers.jsonl"
    answers(tested, suite[:2], MODES, path, quiet)
    engine.history.clear()
    answers(tested, suite[:2], MODES, path, quiet, replace(tested.settings.decoding, seed=9))
    assert sum(len(rows) for rows, _ in engine.history) == 4


def test_other_passages_are_asked_again_and_nothing_else_is(tested, engine, suite, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    answers(tested, suite[:2], MODES, path, quiet)
    engine.history.clear()
    tested._searcher.hits = (hit("Another fact."),)
    looked_up = [one for one in suite[:2] if tested.prepare(one.question, MODES, one.history).hits]
    assert looked_up
    answers(tested, suite[:2], MODES, path, quiet)
    assert sum(len(rows) for rows, _ in engine.history) == len(looked_up) * len(MODES), "what has no lines is the same"
    engine.history.clear()
    answers(tested, suite[:2], MODES, path, quiet)
    assert engine.history == []


def test_a_sample_is_seeded_and_even_over_situations(suite) -> None:
    drawn = sample(suite, 7, 3)
    assert drawn == sample(suite, 7, 3)
    assert sorted([sum(c.situation == s for c in drawn) for s in ("refund", "upset")]) == [3, 4]
    assert sample(suite, 99, 3) == suite


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1 is not valid JSON"),
        ('{"id": "a", "question": "b"}', "'answerable' must be true or false"),
        ('{"id": "a", "question": "", "answerable": true}', "'question' must be text"),
        ('{"id": "a", "question": "b", "answerable": true, "must": ["/(/"]}', "is no regular expression"),
        ('{"id": "a", "question": "b", "answerable": true, "mist": []}', "unknown key 'mist'"),
        ('{"id": "a", "question": "b", "answerable": true, "history": [{"role": "assistant"}]}', "must be from 'user'"),
        ("", "holds no cases"),
    ],
)
def test_a_bad_suite_is_refused_by_file_and_line(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(SuiteError, match=r"suite\.jsonl") as caught:
        read_suite(path)
    assert said in str(caught.value)


def test_northwinds_suite_is_what_it_should_be() -> None:
    found = read_suite(SUITES / "northwind.jsonl")
    tags = [tag for case in found for tag in case.tags]
    assert len(found) >= 150
    assert sum(not case.answerable for case in found) >= 30
    assert sum(bool(case.history) for case in found) >= 20
    assert tags.count("typos") + tags.count("shouting") >= 15
    assert tags.count("injection") >= 10


@pytest.mark.parametrize(("suite", "answerable", "vain"), [("northwind-fresh", 10, 5), ("northwind-confirm", 9, 4)])
def test_a_later_suite_asks_about_every_held_out_article_and_nothing_twice(
    suite: str, answerable: int, vain: int
) -> None:
    found, known = read_suite(SUITES / f"{suite}.jsonl"), read_suite(SUITES / "northwind.jsonl")
    assert {case.article for case in found} == {case.article for case in known if HELD_OUT in case.tags} - {None}
    assert all(HELD_OUT in case.tags for case in found)
    assert min(Counter(case.article for case in found if case.answerable).values()) >= answerable
    assert min(Counter(case.article for case in found if not case.answerable).values()) >= vain
    others = [case for path in NORTHWINDS if path.stem != suite for case in read_suite(path)]
    assert not {case.id for case in found} & {case.id for case in others}
    assert not {case.question for case in found} & {case.question for case in others}


@pytest.mark.parametrize("path", NORTHWINDS, ids=lambda path: path.stem)
def test_no_case_enters_training(path: Path) -> None:
    asked = {case.question.strip().lower() for case in read_suite(path)}
    examples = (ROOT / "adapters" / "northwind" / "examples.jsonl").read_text(encoding="utf-8").split("\n")
    learnt = {m["content"].strip().lower() for line in examples if line for m in json.loads(line)["messages"]}
    assert not asked & learnt


def test_a_new_adapter_asks_only_the_modes_that_have_it_again(tested, engine, suite, tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    answers(tested, suite[:3], MODES, path, quiet)
    engine.history.clear()
    tested.adapter = SimpleNamespace(weights="v" * 64)
    found = answers(tested, suite[:3], MODES, path, quiet)
    assert [row.tone for rows, _ in engine.history for row in rows] == [tested.brand.key] * 3
    assert all(set(one.replies) == {"base-prompted", "combined"} for one in found)
