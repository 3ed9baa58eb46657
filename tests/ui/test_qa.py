"""`triptych qa` on a fake bot: the contract, the exit codes, and going on after a stop."""

import json
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console
from typer.testing import CliRunner

from chatbot import bot as bot_module
from chatbot.quality import checks
from chatbot.quality.marks import CHECKS
from chatbot.quality.report import read_outcomes
from tests.conftest import FakeRun
from tests.ui.fakes import a_card, a_suite
from ui import counted as counted_module
from ui.cli import app
from ui.counted import counted

RUN = CliRunner()


@pytest.fixture
def suite(bot, monkeypatch, tmp_path: Path) -> Path:
    """Eight questions of two situations, half of them held out; the command runs on fakes."""
    bot.adapter = a_card()
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.setattr(bot_module, "open_bot", lambda settings: bot)
    monkeypatch.setattr(checks, "PAIRS", tmp_path)  # no voice score: learning it takes seconds
    return a_suite(tmp_path / "suite.jsonl")


def run(suite: Path, *more: object):
    return RUN.invoke(app, ["qa", "--suite", str(suite), *map(str, more)])


def written(engine) -> int:
    return sum(len(rows) for rows, _ in engine.history)


def test_the_document_is_the_contract_and_nothing_else_is_printed(suite, tmp_path) -> None:
    done = run(suite, "--mode", "all", "--json")
    document = json.loads(done.stdout)
    assert done.stderr == ""
    assert list(document)[:3] == ["cases", "modes", "gate"]
    assert document["cases"] == 8
    assert list(document["modes"]) == ["base-prompted", "fine-tuned", "combined"]
    for rates in document["modes"].values():
        assert tuple(rates) == CHECKS
        assert all(set(one) == {"n", "rate", "low", "high"} for one in rates.values())
    assert {"passed", "failures"} <= document["gate"].keys()
    assert document["gate"]["mode"] == "combined"
    assert document["latency"]["combined"] == {"n": 3, "first_token_s": 0.1, "total_s": 0.2}
    assert document["consistency"] == {}
    facts = document["settings"]
    assert facts["adapter"] == "w" * 12
    assert facts["base"] == "tiny " + "b" * 12
    assert (facts["brand"], facts["suite"], facts["cases"]) == ("northwind", "suite.jsonl", "8")
    assert {"date", "seed", "prompts", "decoding", "version"} <= facts.keys()


def test_reports_lie_by_date_and_replies_beside_them(suite, tmp_path, engine) -> None:
    run(suite)
    first = written(engine)
    run(suite)
    assert written(engine) - first == 9, "only the live questions are asked anew"
    room = tmp_path / "qa" / "northwind"
    assert (room / "answers.jsonl").is_file()
    folders = [one for one in room.iterdir() if one.is_dir()]
    assert len(folders) == 2
    for one in folders:
        assert {"report.html", "qa.json", "junit.xml", "outcomes.jsonl"} == {file.name for file in one.iterdir()}


def test_out_holds_everything(suite, tmp_path) -> None:
    out = tmp_path / "mine"
    done = run(suite, "--out", out)
    assert (out / "answers.jsonl").is_file()
    assert str(out / "report.html") in done.stdout.replace("\n", "")
    assert not (tmp_path / "qa").exists()


def test_people_see_a_table_the_verdict_and_what_was_judged(suite, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    done = run(suite, "--mode", "combined", "--mode", "plain")
    said = " ".join(done.stdout.split())
    for part in ("Plain base", "Combined", "On brand and right", "Held-in", "Held-out", "n 8", "n 4"):
        assert part in said
    assert "judged: Combined, 4 cases about articles that training never saw (of 8)" in said
    assert "3 questions, one mode at a time" in said
    assert "replies 0/22" in done.stderr, "a line where there is no terminal"
    assert "replies 22/22" in done.stderr


def test_the_gate_looks_at_the_only_mode_there_is(suite) -> None:
    document = json.loads(run(suite, "--mode", "fine-tuned", "--json").stdout)
    assert document["gate"]["mode"] == "fine-tuned"
    assert document["combined_against"] == {}


def test_exit_codes(suite, tmp_path) -> None:
    few = run(suite, "--mode", "combined", "--json")
    assert few.exit_code == 1, "every reply lacks its facts, and the whole interval misses the bar"
    assert json.loads(few.stdout)["gate"]["failures"]

    before = tmp_path / "qa" / "northwind"
    short = run(suite, "--mode", "combined", "--json", "--baseline", next(before.glob("*/outcomes.jsonl")))
    assert short.exit_code == 3
    assert json.loads(short.stdout)["gate"]["verdict"] == "not enough data"

    many = a_suite(tmp_path / "many.jsonl", count=140, must=("Yes",))
    before = tmp_path / "before"
    run(many, "--mode", "combined", "--out", before)
    passed = run(many, "--mode", "combined", "--out", tmp_path / "after", "--baseline", before, "--json")
    assert passed.exit_code == 0, passed.output
    assert json.loads(passed.stdout)["gate"]["paired"] == 140


def test_a_loss_against_the_baseline_fails(suite, engine, tmp_path) -> None:
    many = a_suite(tmp_path / "many.jsonl", count=40, must=("Yes",))
    run(many, "--mode", "combined", "--out", tmp_path / "before")
    engine.enqueue(*(["Maybe."] * 60))
    worse = run(many, "--mode", "combined", "--out", tmp_path / "after", "--baseline", tmp_path / "before")
    assert worse.exit_code == 1
    assert "passed before fail now" in " ".join(worse.stdout.split())


def test_a_sample_is_even_and_the_same_for_a_seed(suite, tmp_path) -> None:
    for name in ("a", "b"):
        run(suite, "--sample", 4, "--seed", 7, "--mode", "plain", "--out", tmp_path / name)
    first, second = (read_outcomes(tmp_path / name) for name in ("a", "b"))
    assert [one.case for one in first] == [one.case for one in second]
    assert sorted(one.situation for one in first) == ["refund", "refund", "upset", "upset"]


def test_another_seed_finds_greedy_answers_kept(suite, engine) -> None:
    run(suite, "--mode", "plain")
    before = written(engine)
    run(suite, "--mode", "plain", "--seed", 5)
    assert written(engine) - before == 3


def test_consistency_asks_five_times_more_with_seeds_of_their_own(suite, engine) -> None:
    done = run(suite, "--mode", "combined", "--consistency", "--json")
    found = json.loads(done.stdout)["consistency"]["combined"]
    assert found["same"] == {"n": 8, "rate": 1.0, "low": found["same"]["low"], "high": 1.0}
    assert found["spread"] is None, "there is no voice score here"
    sampled = {(one.temperature, one.top_p, one.seed) for _, one in engine.history}
    assert sampled == {(0.0, 1.0, 0), *((0.7, 0.95, seed) for seed in range(1, 6))}
    assert "the same facts in 100%" in run(suite, "--mode", "combined", "--consistency").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--mode", "both"], "no mode 'both'"),
        (["--suite", "nowhere.jsonl"], "There is no suite nowhere.jsonl"),
        (["--baseline", "nowhere"], "There is no baseline nowhere"),
        (["--brand", "acme"], "There is no brand 'acme'"),
    ],
)
def test_bad_input_is_one_sentence_before_a_model_is_woken(suite, monkeypatch, arguments, said) -> None:
    monkeypatch.setattr(bot_module, "open_bot", lambda settings: pytest.fail("the model was woken"))
    done = run(suite, *arguments)
    assert done.exit_code == 1
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_bad_lines_are_named(suite, tmp_path) -> None:
    suite.write_text('{"id": "a", "question": "b", "answerable": true, "situation": "angry"}')
    assert "suite.jsonl, line 1 names the situation 'angry'" in " ".join(run(suite).stderr.split())
    (tmp_path / "old.jsonl").write_text("{}")
    done = run(a_suite(suite), "--baseline", tmp_path / "old.jsonl")
    assert "old.jsonl, line 1 is not an outcome" in " ".join(done.stderr.split())


def test_a_brand_without_a_suite_is_told_so(suite, tmp_path, bot) -> None:
    (tmp_path / "prompts" / "acme").mkdir(parents=True)
    for path in bot.brand.prompts.rglob("*.md"):
        place = tmp_path / "prompts" / "acme" / path.relative_to(bot.brand.prompts)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
    (tmp_path / "knowledge" / "acme").mkdir(parents=True)
    done = RUN.invoke(app, ["qa", "--brand", "acme"])
    assert done.exit_code == 1
    assert "Brand 'acme' has no suite" in " ".join(done.stderr.split())


def test_a_second_run_on_the_same_replies_is_told_to_wait(suite, tmp_path) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    with FileLock(out / "answers.jsonl.lock"):
        done = run(suite, "--out", out)
    assert done.exit_code == 1
    assert "Another run is writing" in " ".join(done.stderr.split())


def test_ctrl_c_keeps_what_is_answered_and_says_how_to_go_on(suite, engine, monkeypatch) -> None:
    class Interrupted(FakeRun):
        stopped = False

        def __iter__(self):
            yield ("He",) * len(self.replies)
            raise KeyboardInterrupt

        def stop(self) -> None:
            Interrupted.stopped = True

    usual = engine.write

    def second_breaks(rows, decoding):
        return Interrupted(["He."] * len(rows)) if engine.history else usual(rows, decoding)

    monkeypatch.setattr(engine, "write", second_breaks)
    done = run(suite)
    assert done.exit_code == 130
    assert "goes on where this one stopped" in " ".join(done.stderr.split())
    assert Interrupted.stopped, "the engine does not write on for nobody"
    monkeypatch.setattr(engine, "write", usual)
    kept = written(engine)
    assert kept > 0
    run(suite)
    assert written(engine) == 24 + 9, "what was answered before is not written again"


def test_replies_that_were_cut_by_a_closing_engine_are_not_kept(suite, engine, tmp_path) -> None:
    class Cancelled(FakeRun):
        def __iter__(self):
            yield ("He",) * len(self.replies)
            self.stop()

    engine.write = lambda rows, decoding: Cancelled(["He."] * len(rows))
    done = run(suite)
    assert done.exit_code == 1
    assert "put away in the middle" in " ".join(done.stderr.split())
    assert not (tmp_path / "qa" / "northwind" / "answers.jsonl").exists()


def test_on_a_terminal_there_is_a_bar() -> None:
    console = Console(force_terminal=True, width=100, record=True)
    with counted(console, "replies") as tell:
        tell(3, 24)
        tell(24, 24)
    assert "24/24" in console.export_text()


def test_lines_come_now_and_then_with_the_time_left(monkeypatch) -> None:
    now = iter((0.0, 30.0, 31.0, 90.0, 91.0))  # half a minute of loading says nothing of how fast replies come
    monkeypatch.setattr(counted_module.time, "monotonic", lambda: next(now))
    console = Console(width=100, record=True, force_terminal=False)
    with counted(console, "replies") as tell:
        for done in (20, 21, 40, 60):
            tell(done, 60)
    assert [line.split("  ") for line in console.export_text().splitlines()] == [
        ["replies 20/60", "30 s"],
        ["replies 40/60", "90 s", "about 1.0 min left"],
        ["replies 60/60", "91 s"],
    ]
