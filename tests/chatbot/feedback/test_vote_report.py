"""The page that is handed on: whole, inert, alone; and the command that prints and writes it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatbot.feedback.export import records
from chatbot.feedback.gather import read
from chatbot.feedback.report import page, transcripts
from chatbot.feedback.store import Store, open_store
from chatbot.settings import Settings
from tests.chatbot.feedback.given import MODES, a_battle, a_side, a_vote
from tests.chatbot.quality.test_report import EVIL, SAFE_TAGS, Tags
from ui.cli import app

RUN = CliRunner()
DRAWN = {"svg", "polygon", "polyline", "line", "article", "q"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def filled(store: Store, votes: int = 24) -> None:
    """Combined wins wherever it stands; one vote is taken back, one battle is void; everything typed is hostile."""
    experiment = store.experiment("northwind", "demo", MODES)
    for n in range(votes):
        draw = store.draw(experiment, f"secret-voter-{n % 6}")
        sides = tuple(a_side(mode, f"{mode} {n} {EVIL}") for mode in draw.pair)
        battle = a_battle(draw, f"Question {n}? {EVIL}", sides=sides, situation="refund")
        store.save_battle(battle)
        best = max(draw.pair, key=MODES.index)
        choice = "left" if draw.left == best else "right"
        cast = store.cast(a_vote(battle, choice, comment=EVIL, left_reasons=("too-long",)))
        if n == 3:
            store.withdraw(cast.id, draw.voter)
    void = store.draw(experiment, "secret-voter-1")
    cut = (a_side(void.pair[0], "Cut", "length"), a_side(void.pair[1]))
    store.save_battle(a_battle(void, sides=cut, void_reason=f"{void.pair[0]} did not finish its reply (length)"))


@pytest.fixture
def home(monkeypatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    store = open_store(Settings(home=tmp_path))
    filled(store)
    store.close()
    return tmp_path


def test_the_page_holds_verdict_transcripts_votes_and_hashes(store: Store, tmp_path: Path) -> None:
    filled(store)
    made = page(read(store, Settings(home=tmp_path), "northwind"))
    for said in (
        "24 votes cast: 23 count", "Combined against Fine-tuned", "would settle it", "Voter 1 prefers", "Not counted: taken back",
        "not good enough to send", "Too long", "every pair and side is what the experiment&#39;s salt says", "a" * 12, "b" * 12,
        "max_new_tokens 160", "Question 23?", "Refund or return",
    ):  # fmt: skip
        assert said in made, said
    assert "secret-voter" not in made
    assert made.count('<details class="case">') == 24
    curves = re.findall(r'points="([^"]*)"', made)
    assert len(curves) == 6
    assert all(re.fullmatch(r"(-?[\d.]+,-?[\d.]+ ?)+", one) for one in curves)


def test_what_models_and_voters_wrote_is_inert(store: Store, tmp_path: Path) -> None:
    filled(store, 6)
    made = page(read(store, Settings(home=tmp_path), "northwind"))
    tags = Tags()
    tags.feed(made)
    assert {name for name, _ in tags.found} <= SAFE_TAGS | DRAWN
    assert not [
        (name, one) for name, names in tags.found for one in names if one.startswith("on") or one in ("src", "href")
    ]
    assert "default-src 'none'" in made
    assert "&lt;script&gt;" in made
    assert not re.search(r"https?://(?!evil)", made)
    assert "{{ 7*7 }}" in made


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: install chromium to run the end-to-end tests")
def test_in_a_browser_nothing_runs_nothing_is_fetched_and_nothing_sticks_out(home: Path) -> None:
    from playwright.sync_api import sync_playwright

    out = home / "votes.html"
    assert RUN.invoke(app, ["feedback", "report", "--out", str(out)]).exit_code == 0
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for width in (1280, 390):
            seen: list[str] = []
            tab = chromium.new_page(viewport={"width": width, "height": 900})
            tab.on("dialog", lambda box, seen=seen: (seen.append(box.message), box.dismiss()))
            tab.on("request", lambda asked, seen=seen: seen.append(asked.url))
            tab.goto(out.as_uri())
            tab.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
            assert seen == [out.as_uri()]
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.locator("svg polyline").count() == 3
            tab.close()
        chromium.close()


def test_transcripts_tell_who_stood_where_and_number_the_voters(store: Store) -> None:
    filled(store, 8)
    made = transcripts(records(store, "northwind"), {})
    assert len(made) == 8
    for one in made:
        assert {column.side for column in one.columns} == {"left", "right"}
        assert MODES.index(one.columns[0].mode.key) > MODES.index(
            one.columns[1].mode.key
        )  # as everywhere: more levers first
    assert sorted({vote.voter for one in made for vote in one.votes}) == [1, 2, 3, 4, 5, 6]


def test_the_command_prints_the_plain_lines_and_writes_the_page(home: Path) -> None:
    out = home / "votes.html"
    done = RUN.invoke(app, ["feedback", "report", "--experiment", "demo", "--out", str(out)])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "24 votes cast: 23 count (23 prefer a reply, 0 ties, 0 both bad), 1 do not (1 taken back)."
    said = r"Combined against Fine-tuned: ([78]) votes, \1 for Combined: too early to call; 15 of 15 would settle it\."
    assert re.fullmatch(said, lines[1])
    assert sum("too early to call" in line for line in lines) == 3
    assert lines[4].startswith("3 pairs are looked at together")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not [path for path in home.iterdir() if path.name.startswith(".votes")]


def test_the_command_gives_one_json_document(home: Path) -> None:
    document = json.loads(RUN.invoke(app, ["feedback", "report", "--brand", "northwind", "--json"]).stdout)
    assert (document["brand"], document["cast"], document["counted"], document["excluded"]) == (
        "northwind", 24, 23, {"withdrawn": 1},
    )  # fmt: skip
    assert [one["pair"] for one in document["pairs"]] == [
        ["combined", "fine-tuned"], ["combined", "base-prompted"], ["fine-tuned", "base-prompted"],
    ]  # fmt: skip
    assert {"n", "wins", "rate", "low", "high", "p", "called_at", "settles", "adjusted"} <= set(document["pairs"][0])
    assert document["ranking"][0]["mode"] == "combined"
    assert document["audit"] == []


def test_without_votes_it_says_how_to_collect_some(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    done = RUN.invoke(app, ["feedback", "report", "--out", str(tmp_path / "none.html")])
    assert done.exit_code == 0
    assert done.stdout.startswith("No votes yet. Open the page “Vote”")
    assert "No votes yet" in (tmp_path / "none.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--experiment", "spring"], "northwind has no experiment 'spring'. Choose another; there are: demo."),
        (["--out", "/nowhere/votes.html"], "Choose another --out"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(home: Path, arguments: list[str], said: str) -> None:
    done = RUN.invoke(app, ["feedback", "report", *arguments])
    assert done.exit_code == 1
    assert said in " ".join(done.stderr.split())
