"""Told apart: what the articles answer and what they do not. On made-up vectors, and on northwind's lists."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from knowledge.answerable import KEPT, LEAST_EACH, Judge, Judgement, _groups, learn
from knowledge.article import read_articles
from knowledge.errors import ArticleError
from knowledge.ingest import build_index, judge_of
from knowledge.search import Searcher, open_searcher
from knowledge.unanswered import Unanswered, read_unanswered
from tests.conftest import FakeEncoder
from tests.knowledge.conftest import NORTHWIND

COSINES = arrays(np.float32, st.integers(0, 30), elements=st.floats(-1, 1, width=32))


def cloud(seed: int, n: int, to: int) -> np.ndarray:
    """(n, 8) vectors of length 1 around the axis `to`."""
    found = np.random.default_rng(seed).normal(0, 0.35, (n, 8)).astype(np.float32)
    found[:, to] += 1
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def chance(judge: Judge, question: np.ndarray, answered: np.ndarray, unanswered: np.ndarray) -> float:
    """The judge asked as a searcher asks it."""
    cosines = answered @ question
    return judge.chance(question, cosines, unanswered @ question, answered[cosines.argmax()])


def pots(folder: Path) -> Path:
    """A brand with one article and no lists."""
    folder.mkdir()
    (folder / "pots.md").write_text("---\ntitle: Pots\n---\n\n## Price\n\nA pot costs $18.\n", encoding="utf-8")
    return folder


def test_what_is_near_the_answered_questions_is_answered() -> None:
    answered, unanswered = cloud(1, 200, 0), cloud(2, 120, 1)
    judge = learn(answered, unanswered)
    assert judge is not None

    def refused(some: np.ndarray) -> float:
        return float(np.mean([chance(judge, one, answered, unanswered) < judge.least for one in some]))

    assert refused(cloud(3, 100, 0)) < 0.12
    assert refused(cloud(4, 100, 1)) > 0.7


def test_the_share_of_answered_questions_that_must_keep_their_lines_does_when_left_out() -> None:
    answered, unanswered = cloud(1, 200, 0), cloud(2, 120, 0)  # cannot be told apart
    judge = learn(answered, unanswered)
    assert judge is not None
    kept = [
        chance(judge, one, np.delete(answered, n, axis=0), unanswered) >= judge.least for n, one in enumerate(answered)
    ]
    assert np.mean(kept) == pytest.approx(KEPT, abs=0.02)


def test_many_questions_are_learnt_from_in_blocks_and_by_a_sample_but_all_are_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answered, unanswered = cloud(1, 200, 0), cloud(2, 120, 1)
    whole = learn(answered, unanswered)
    assert whole is not None
    monkeypatch.setattr("knowledge.answerable.BLOCK", 7)
    blocks = learn(answered, unanswered)
    assert blocks is not None
    found, wanted = blocks.document(), whole.document()
    assert found.pop("weights") == pytest.approx(wanted.pop("weights"), rel=1e-3)
    assert found.pop("line") == wanted.pop("line") == (0.0, 0.0, 0.0), "no line was told"
    for judged in ("answered", "unanswered"):
        blocked, at_once = found.pop(judged), wanted.pop(judged)
        assert blocked["n"] == at_once["n"] == len({"answered": answered, "unanswered": unanswered}[judged])
        assert blocked["quantiles"] == pytest.approx(at_once["quantiles"], rel=1e-3, abs=1e-4)  # rounded to 4 places
    assert found == pytest.approx(wanted, rel=1e-3)
    monkeypatch.setattr("knowledge.answerable.MOST", 60)
    some = learn(answered, unanswered)
    assert some is not None
    assert some.share == pytest.approx(whole.share, rel=0.5)


def test_a_judge_remembers_what_its_threshold_was_chosen_on() -> None:
    answered, unanswered = cloud(1, 200, 0), cloud(2, 120, 1)
    judge = learn(answered, unanswered)
    assert judge is not None
    assert (judge.answered.n, judge.unanswered.n) == (200, 120)
    for chances in (judge.answered, judge.unanswered):
        assert list(chances.quantiles) == sorted(chances.quantiles)
        assert 0 <= chances.quantiles[0] <= chances.quantiles[-1] <= 1
    kept = np.mean(np.array(judge.answered.quantiles) >= judge.least)
    assert kept == pytest.approx(KEPT, abs=0.01), "the threshold is that quantile of them"
    before = Judge.of({name: value for name, value in judge.document().items() if not name.endswith("answered")})
    assert before.answered is None, "an index of an older program"
    assert before.least == judge.least


def test_too_few_questions_of_either_list_teach_nothing() -> None:
    many, few = cloud(1, 200, 0), cloud(2, LEAST_EACH - 1, 1)
    assert learn(many, few) is None
    assert learn(few, many) is None


@given(answered=COSINES, unanswered=COSINES)
def test_a_chance_is_a_chance_and_a_nearer_answered_question_never_lowers_it(
    answered: np.ndarray, unanswered: np.ndarray
) -> None:
    judge = Judge(4.0, 3.0, 1.0, -5.0, 0.3, (0.5, -0.5) * 3, 0.1)
    question, twin = np.array([0.6, 0.8]), np.array([1.0, 0.0])
    before = judge.chance(question, answered, unanswered, twin)
    assert 0 <= before <= 1
    assert judge.chance(question, np.append(answered, np.float32(1.0)), unanswered, twin) >= before - 1e-6


def test_questions_about_one_thing_are_told_apart_by_what_they_ask() -> None:
    """Both lists lie around the same places; an unanswered question differs in what it asks (the last number)."""
    rng = np.random.default_rng(5)

    def asked(n: int, last: float) -> np.ndarray:
        found = np.eye(8, dtype=np.float32)[rng.integers(0, 7, n)] + rng.normal(0, 0.3, (n, 8)).astype(np.float32)
        found[:, 7] = last + rng.normal(0, 0.1, n)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    answered, unanswered = asked(300, -0.15), asked(200, 0.15)
    judge = learn(answered, unanswered)
    assert judge is not None
    refused = [chance(judge, one, answered, unanswered) < judge.least for one in asked(200, 0.15)]
    assert np.mean(refused) > 0.7
    assert Judge.of(json.loads(json.dumps(judge.document()))) == judge


def test_how_well_the_nearest_line_fits_tells_questions_apart_that_nothing_else_does() -> None:
    answered, unanswered = cloud(1, 200, 0), cloud(2, 120, 0)
    rng = np.random.default_rng(4)
    fits, fits_not = (rng.normal((middle, 0.5, 0.5), 0.1, (n, 3)) for middle, n in ((0.8, 200), (0.3, 120)))
    judge = learn(answered, unanswered, near=(fits.astype(np.float32), fits_not.astype(np.float32)))
    assert judge is not None
    question, cosines = answered[0], answered[1:] @ answered[0]
    asked = question, cosines, unanswered @ question, answered[1 + cosines.argmax()]
    assert judge.chance(*asked, (0.3, 0.5, 0.5)) < judge.least < judge.chance(*asked, (0.8, 0.5, 0.5))


def test_one_line_asked_for_in_many_ways_is_one_group() -> None:
    """The comparison is learnt without the other questions for the same line."""
    assert _groups(["a", "b", "a"], 2).tolist() == [0, 1, 0, 2, 3]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2 must read"),
        ("[1]", "line 2 must read"),
        ({"article": "pots.md", "question": "x"}, "line 2 must read"),
        ({"article": 3, "question": "x", "missing": "y"}, "line 2 must read"),
        ({"article": "pots.md", "question": " ", "missing": "x"}, "line 2 must read"),
        ({"article": "pans.md", "question": "x", "missing": "y"}, "line 2: there is no article pans.md"),
    ],
)
def test_a_bad_line_is_refused_by_file_and_line(tmp_path: Path, line: object, said: str) -> None:
    good = json.dumps({"article": "pots.md", "question": "Who  designed it?", "missing": "designer"})
    more = json.dumps({"question": "Are you hiring?", "missing": "jobs"})
    (tmp_path / "unanswered.jsonl").write_text(f"{good}\n\n{more}", encoding="utf-8")
    assert read_unanswered(tmp_path, {"pots"}) == [
        Unanswered("pots", "Who designed it?", "designer"),
        Unanswered("", "Are you hiring?", "jobs"),
    ]
    bad = line if isinstance(line, str) else json.dumps(line)
    (tmp_path / "unanswered.jsonl").write_text(f"{good}\n{bad}\n", encoding="utf-8")
    with pytest.raises(ArticleError, match=f"unanswered.jsonl, {said}"):
        read_unanswered(tmp_path, {"pots"})


def test_a_question_cannot_be_answered_and_unanswered(tmp_path: Path) -> None:
    row = {"article": "pots.md", "question": "Price of a pot?", "missing": "price"}
    (tmp_path / "unanswered.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(ArticleError, match=r"line 1: .* stands in asked\.jsonl as answered"):
        read_unanswered(tmp_path, {"pots"}, ["price of a pot?"])


def test_a_brand_without_the_list_answers_as_its_search_finds(tmp_path: Path) -> None:
    articles = pots(tmp_path / "articles")
    build_index(articles, "pots", tmp_path / "index", FakeEncoder())
    assert open_searcher("pots", tmp_path / "index", FakeEncoder()).judge("Who designed it?") == Judgement()


def test_a_new_unanswered_question_makes_a_new_index(tmp_path: Path) -> None:
    articles = pots(tmp_path / "articles")
    first = build_index(articles, "pots", tmp_path / "index", FakeEncoder())
    row = {"article": "pots.md", "question": "Who designed it?", "missing": "designer"}
    (articles / "unanswered.jsonl").write_text(json.dumps(row), encoding="utf-8")
    second = build_index(articles, "pots", tmp_path / "index", FakeEncoder())
    assert first.path != second.path
    assert second.embedded == 0, "the passages are the old ones"
    assert judge_of(second.path) is None


def test_northwinds_questions_name_articles_and_stand_in_one_list_only() -> None:
    articles = {article.name for article in read_articles(NORTHWIND)}
    unanswered = read_unanswered(NORTHWIND, articles)
    assert {one.article for one in unanswered} == {*articles, ""}
    texts = [one.text.lower() for one in unanswered]
    assert len(set(texts)) == len(texts) >= 3000
    rows = [json.loads(line) for line in (NORTHWIND / "asked.jsonl").read_text("utf-8").splitlines()]
    assert not set(texts) & {asked.lower() for row in rows for asked in row["asked"]}


def test_northwind_tells_near_misses_from_what_it_answers(searcher: Searcher) -> None:
    assert searcher.judge("How long do I have to return boots?").answered
    assert searcher.judge("what does express shipping cost").answered
    assert not searcher.judge("Do your tents come with a bell?").answered
    assert not searcher.judge("Who makes the zips in your jackets?").answered
    assert not searcher.judge("Which factory sews your rain jackets, and what do its workers earn?").answered
