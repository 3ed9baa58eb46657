"""`triptych train` and `triptych adapter` on the tiny model: a training makes a version, people choose which is used."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from adapters import train as train_module
from adapters.card import Preferences, read_card
from adapters.train import Recipe
from chatbot import bot as bot_module
from chatbot.lineage import chosen, versions
from chatbot.quality import checks
from tests.ui.fakes import a_card, a_suite
from ui.cli import app
from ui.preferring import found_in_words

RUN = CliRunner()
SHIPPED = Path(__file__).resolve().parents[2] / "adapters" / "northwind"


@pytest.fixture
def home(versioned_home: Path, tiny_folder: Path, monkeypatch) -> Path:
    monkeypatch.setenv("TRIPTYCH_HOME", str(versioned_home))
    monkeypatch.setenv("TRIPTYCH_BASE", str(tiny_folder))
    monkeypatch.setenv("TRIPTYCH_DTYPE", "float32")
    monkeypatch.setenv("COLUMNS", "140")
    return versioned_home


def run(*arguments: object):
    return RUN.invoke(app, [str(one) for one in arguments])


def said(done) -> str:
    return " ".join((done.stdout + done.stderr).split())


def a_file(path: Path, count: int = 12) -> Path:
    lines = [
        {
            "prompt": [{"role": "system", "content": "You are a shop."}, {"role": "user", "content": f"question {n}"}],
            "chosen": [{"role": "assistant", "content": "Yes. Crew"}],
            "rejected": [{"role": "assistant", "content": "Dear Sir."}],
        }
        for n in range(count)
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def test_versions_are_listed_chosen_and_gone_back_from(home: Path) -> None:
    shown = said(run("adapter", "list", "northwind"))
    assert "57 preferences, from version 1" in shown
    assert "better reply gains in 83% of 6" in shown
    used = run("adapter", "use", "northwind", "2")
    assert "Version 2 of northwind's adapter is used from the next start on." in said(used)
    found = json.loads(run("adapter", "list", "northwind", "--json").stdout)
    assert [one["version"] for one in found["versions"] if one["current"]] == ["2"]
    assert json.loads(run("adapter", "back", "northwind", "--json").stdout) == {
        "brand": "northwind",
        "current": "shipped",
    }
    assert "is deleted" in said(run("adapter", "remove", "northwind", "2"))
    again = run("adapter", "back", "northwind")
    assert (again.exit_code, "was in use before" in said(again)) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["list", "nobody"], "no brand 'nobody'"),
        (["use", "northwind", "9"], "Known: shipped, 1, 2"),
        (["remove", "northwind", "shipped"], "stays"),
        (["try", "northwind", "9"], "no version '9'"),
        (["try", "northwind", "1", "--against", "1"], "compared with itself"),
    ],
)
def test_a_wrong_word_is_one_sentence(home: Path, arguments: list[str], told: str) -> None:
    done = run("adapter", *arguments)
    assert done.exit_code == 1
    assert told in said(done)
    assert "Traceback" not in done.output


def test_a_gone_version_is_told_beside_the_list(home: Path) -> None:
    run("adapter", "use", "northwind", "2")
    shutil.rmtree(home / "adapters" / "northwind" / "versions" / "2")
    done = run("adapter", "list", "northwind")
    assert done.exit_code == 0
    assert "is gone from" in said(done)


def test_preferences_make_a_version_that_is_not_used_until_somebody_says_so(home: Path, tmp_path: Path) -> None:
    run("adapter", "use", "northwind", "1")
    parent = {path.name: path.read_bytes() for path in chosen("northwind", home).folder.iterdir()}
    done = run("train", "northwind", "--preferences", a_file(tmp_path / "pairs.jsonl"), "--learning-rate", "0.005")
    assert done.exit_code == 0, done.output
    told = said(done)
    assert "11 pairs to learn from, 1 held out to measure on. They begin with version 1" in told
    assert "reading all pairs once: 10 of 11" in told, "a line where there is no terminal"
    assert "1 pairs are too few to tell" in told
    assert "triptych adapter try northwind 3 --against 1" in told
    assert "triptych adapter use northwind 3" in told
    assert chosen("northwind", home).name == "1"
    assert {path.name: path.read_bytes() for path in chosen("northwind", home).folder.iterdir()} == parent
    card = read_card(home / "adapters" / "northwind" / "versions" / "3")
    assert card.preferences is not None
    assert (card.preferences.pairs, card.preferences.held_out) == (11, 1)
    assert card.recipe["learning_rate"] == 0.005


def test_use_takes_it_at_once_and_json_says_all(home: Path, tmp_path: Path) -> None:
    file = a_file(tmp_path / "pairs.jsonl")
    done = run("train", "northwind", "--preferences", file, "--adapter", "2", "--epochs", "1", "--use", "--json")
    document = json.loads(done.stdout)
    keys = ["adapter", "examples", "steps", "seconds", "tokens_per_s", "peak_mb", "eval_loss", "version", "parent"]
    assert list(document) == [*keys, "preferences"]
    assert (document["version"], document["parent"], document["steps"]) == ("3", "2", 3)
    assert {"accuracy", "margin", "likelier", "likelier_before", "held_out", "parent", "file"} <= set(
        document["preferences"]
    )
    assert chosen("northwind", home).name == "3"
    found = json.loads(run("adapter", "list", "northwind", "--json").stdout)["versions"][-1]
    assert (found["parent"], found["pairs"]) == ("2", 11)


def test_another_folder_makes_no_version(home: Path, tmp_path: Path) -> None:
    file, out = a_file(tmp_path / "pairs.jsonl"), tmp_path / "mine"
    done = run("train", "northwind", "--preferences", file, "--adapter", "1", "--epochs", "1", "--out", out, "--json")
    assert json.loads(done.stdout)["version"] is None
    assert read_card(out).preferences is not None
    assert [one.name for one in versions("northwind", home)] == ["shipped", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--preferences", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (["--preferences", "nowhere.jsonl", "--rank", "4"], "--rank says nothing with --preferences"),
        (["--preferences", "nowhere.jsonl", "--examples", "x"], "--examples says nothing with --preferences"),
        (["--beta", "0.2"], "--beta says something only with --preferences FILE"),
        (["--use"], "--use says something only with --preferences FILE"),
        (["--adapter", "1"], "--adapter says something only with --preferences FILE or --go-on"),
        (["--go-on", "--rank", "4"], "--rank says nothing with --go-on"),
        (["--go-on", "--epochs", "2"], "--epochs says nothing with --go-on"),
        (["--go-on", "--preferences", "nowhere.jsonl"], "--go-on says nothing with --preferences"),
        (["--go-on", "--adapter", "77"], "has no version '77' of its adapter"),
    ],
)
def test_options_that_do_not_go_together_are_named(home: Path, arguments: list[str], told: str) -> None:
    done = run("train", "northwind", *arguments)
    assert done.exit_code == 1
    assert told in said(done)


def test_a_bad_pair_is_told_before_a_model_is_loaded(home: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("adapters.base.load_base", lambda *given, **more: pytest.fail("the model was loaded"))
    (tmp_path / "pairs.jsonl").write_text('{"prompt": []}')
    done = run("train", "northwind", "--preferences", tmp_path / "pairs.jsonl")
    assert done.exit_code == 1
    assert "pairs.jsonl, line 1 lacks 'chosen'" in said(done)


def test_training_on_examples_makes_a_version_too_and_uses_it(home: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(train_module, "Recipe", lambda: Recipe(rank=2, epochs=1, longest=9000, held_out=0.1))
    lines = (SHIPPED / "examples.jsonl").read_text(encoding="utf-8").splitlines()[:10]
    (tmp_path / "some.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = run("train", "northwind", "--examples", tmp_path / "some.jsonl")
    assert done.exit_code == 0, done.output
    assert "Version 3 is used from the next start on; triptych adapter back northwind undoes it." in said(done)
    assert chosen("northwind", home).name == "3"
    assert "Version shipped" in said(run("adapter", "back", "northwind"))


def test_a_training_goes_on_from_a_version_and_leaves_it_alone(home: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(train_module, "Recipe", lambda: Recipe(rank=64, longest=9000, held_out=0.1))
    lines = (SHIPPED / "examples.jsonl").read_text(encoding="utf-8").splitlines()[:10]
    (tmp_path / "some.jsonl").write_text("\n".join(lines), encoding="utf-8")
    before = chosen("northwind", home, "1")
    files = {path.name: path.read_bytes() for path in before.folder.iterdir()}
    done = run("train", "northwind", "--go-on", "--adapter", "1", "--examples", tmp_path / "some.jsonl", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["parent"], document["version"]) == ("1", "3")
    assert "it begins as version 1 of the adapter" in said(done)
    made = chosen("northwind", home)
    assert made.name == "3"
    assert made.card.parent == before.card.weights
    assert made.card.weights != before.card.weights
    assert "examples, from version 1" in said(run("adapter", "list", "northwind"))
    assert made.card.recipe["rank"] < 64, "the parent's shape holds"
    assert made.card.recipe["learning_rate"] == Recipe().learning_rate / 2
    assert f"began as | the adapter {before.card.weights[:12]}" in (made.folder / "README.md").read_text("utf-8")
    assert {path.name: path.read_bytes() for path in before.folder.iterdir()} == files


@pytest.fixture
def suite(home: Path, bot, engine, monkeypatch):
    """Two versions that differ in what they answer: "Yes." and, where `worse` is true, "Maybe."."""
    behaviour = SimpleNamespace(worse=False, opened=[])

    def opened(settings):
        behaviour.opened.append(settings.adapter)
        bot.adapter = a_card()
        bot.adapter.weights = settings.adapter * 64
        if behaviour.worse and settings.adapter == "2":
            engine.enqueue(*["Maybe."] * 200)
        return bot

    monkeypatch.setattr(bot_module, "open_bot", opened)
    monkeypatch.setattr(checks, "PAIRS", home)  # no voice score: learning it takes seconds
    return behaviour


def tried(home: Path, count: int, *more: object):
    path = a_suite(home / f"{count}.jsonl", count=count, must=("Yes",))
    return run("adapter", "try", "northwind", "2", "--against", "1", "--suite", path, *more)


def test_a_new_version_passes_where_it_is_not_worse(suite, home: Path) -> None:
    done = tried(home, 140)
    assert done.exit_code == 0, done.output
    assert suite.opened == ["1", "2"]
    told = said(done)
    assert "Gate: pass" in told
    assert "triptych adapter use northwind 2" in told
    assert chosen("northwind", home).name == "shipped", "trying is not using"


def test_a_worse_version_fails_and_a_few_questions_say_nothing(suite, home: Path) -> None:
    suite.worse = True
    done = tried(home, 40, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert (document["version"], document["against"]) == ("2", "1")
    assert (document["gate"]["verdict"], document["gate"]["paired"]) == ("fail", 40)
    suite.worse = False
    assert tried(home, 8, "--json").exit_code == 3


def test_one_command_can_be_given_a_version(suite, home: Path) -> None:
    assert run("ask", "How long?", "--adapter", "2", "--mode", "combined").exit_code == 0
    path = a_suite(home / "suite.jsonl")
    run("qa", "--suite", path, "--adapter", "1", "--mode", "combined", "--json")
    assert suite.opened == ["2", "1"]


@pytest.mark.parametrize(
    ("share", "held", "told", "not_told"),
    [
        (1.0, 6, "(95% interval 61% to 100%; a coin has 50%)", "could be chance"),
        (0.6667, 6, "That could be chance. 6 pairs are too few to tell; collect 200 votes", "nothing"),
        (0.9, 40, "in 90%", "too few"),
        (0.55, 40, "That could be chance.", "too few"),
    ],
)
def test_what_was_found_is_told_with_its_worth(share: float, held: int, told: str, not_told: str) -> None:
    made = Preferences("p" * 64, "f" * 64, 57, held, 0, 0.1, share, 0.2, 1.0, 0.5, 1.5, 1.4)
    assert told in found_in_words(made)
    assert not_told not in found_in_words(made)
