"""The command line on a fake bot: documents as DESIGN promises them, sentences and exit codes for the rest."""

import json
import re
import tomllib
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import pytest
from typer.testing import CliRunner

from chatbot import bot as bot_module
from chatbot.brand import HERE
from knowledge.ingest import build_index
from knowledge.search import Reordered, open_searcher
from tests.conftest import FakeEncoder, hit
from ui.cli import app
from ui.doctor import _packages

RUN = CliRunner()


@pytest.fixture
def on_fakes(bot, searcher, monkeypatch, tmp_path):
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path))
    monkeypatch.setattr(bot_module, "open_bot", lambda settings: bot)
    monkeypatch.setattr(bot_module, "open_knowledge", lambda settings: searcher)
    return bot


def test_ask_prints_the_contract(on_fakes, engine) -> None:
    engine.enqueue("One.", "Two.", "You've got 45 days, not 99.")
    done = RUN.invoke(app, ["ask", "How long do I have to return boots?", "--mode", "all", "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert list(document) == ["question", "brand", "situation", "passages", "replies"]
    assert document["situation"].keys() == {"name", "confidence"}
    assert document["passages"][0].keys() == {"id", "article", "score", "text"}
    assert [one["mode"] for one in document["replies"]] == ["base-prompted", "fine-tuned", "combined"]
    keys = ["mode", "text", "finish", "unsupported", "tokens_in", "tokens_out", "first_token_s", "total_s"]
    assert list(document["replies"][2]) == keys
    assert document["replies"][2]["unsupported"] == ["99"]


def test_ask_for_people_shows_panels(on_fakes, engine) -> None:
    engine.enqueue("You've got 45 days.")
    done = RUN.invoke(app, ["ask", "How long?", "--mode", "combined"])
    assert done.exit_code == 0
    assert "Combined" in done.stdout
    assert "You've got 45 days." in done.stdout


def test_search_prints_the_contract(on_fakes) -> None:
    document = json.loads(RUN.invoke(app, ["search", "boots", "-k", "1", "--json"]).stdout)
    assert list(document) == ["question", "passages", "seconds"]
    assert document["passages"][0]["article"] == "returns.md"


def test_search_is_held_to_the_named_articles(on_fakes, searcher) -> None:
    searcher.hits = (hit("Boots: 45 days."), hit("A tent dries.", "tents"), hit("Standard: $6.", "delivery"))
    named = ["search", "how long", "--article", "tents", "--article", "delivery", "--json"]
    document = json.loads(RUN.invoke(app, named).stdout)
    assert [one["article"] for one in document["passages"]] == ["tents.md", "delivery.md"]


def test_an_unknown_article_is_one_sentence_with_the_known_ones(on_fakes, tmp_path, monkeypatch) -> None:
    (tmp_path / "articles").mkdir()
    for name in ("lamps", "returns"):
        (tmp_path / "articles" / f"{name}.md").write_text(f"---\ntitle: {name}\n---\n## How\nBy hand.\n")
    build_index(tmp_path / "articles", "lamps", tmp_path / "index", FakeEncoder())
    made = open_searcher("lamps", tmp_path / "index", FakeEncoder())
    monkeypatch.setattr(bot_module, "open_knowledge", lambda settings: made)
    done = RUN.invoke(app, ["search", "how", "--article", "boots"])
    assert done.exit_code == 1
    assert " ".join(done.stderr.split()) == "There is no article 'boots' in the index. It holds: lamps, returns."


def test_a_reordered_search_says_by_whom(on_fakes, searcher) -> None:
    searcher.hits = (replace(hit("Boots: 45 days."), reordered=Reordered("tiny", 3)),)
    assert "Reordered by tiny." in RUN.invoke(app, ["search", "boots"]).stdout


def test_a_bad_reranker_is_a_sentence_to_search_and_a_fault_to_doctor(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TRIPTYCH_RERANKER", str(tmp_path / "nowhere"))
    done = RUN.invoke(app, ["search", "boots"])
    assert done.exit_code == 1
    assert "nowhere has no config.json" in " ".join(done.stderr.split())
    findings = json.loads(RUN.invoke(app, ["doctor", "--json"]).stdout)["findings"]
    fault = next(one for one in findings if one["what"] == "reranker")
    assert not fault["ok"]
    assert "or unset TRIPTYCH_RERANKER" in fault["way_out"]


def test_chat_talks_forgets_and_gives_reasons(on_fakes, engine) -> None:
    engine.enqueue("You've got 45 days.", "For tents too.")
    done = RUN.invoke(app, ["chat"], input="How long for boots?\n/why\nand tents?\n/new\nhello\n/quit\n")
    assert done.exit_code == 0, done.output
    for said in ("You've got 45 days.", "For tents too.", "The exact prompt", "A new conversation."):
        assert said in done.stdout
    second, third = engine.history[1][0][0], engine.history[2][0][0]
    assert any(m.content == "You've got 45 days." for m in second.messages)
    assert not any("45 days." in m.content for m in third.messages[:-1] if m.role == "assistant"), "/new forgets"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ask", "hi", "--mode", "both"], "no mode 'both'"),
        (["ask", "  "], "question is empty"),
        (["ask", "hi", "--situation", "angry"], "no situation 'angry'"),
        (["ask", "hi", "--temperature", "9"], "--temperature=9.0 is out of range"),
        (["train", "acme"], "no brand 'acme'"),
        (["setup", "--brand", "../x"], "is not a brand's name"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_1(on_fakes, arguments, said) -> None:
    done = RUN.invoke(app, arguments)
    assert done.exit_code == 1
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_a_bad_example_line_is_refused_before_any_model_is_loaded(on_fakes, tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"situation": "question"}\n')
    done = RUN.invoke(app, ["train", "northwind", "--examples", str(path)])
    assert done.exit_code == 1
    assert "mine.jsonl, line 1" in " ".join(done.stderr.split())


def test_ctrl_c_ends_with_130(on_fakes, monkeypatch) -> None:
    def interrupted(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(bot_module, "open_bot", interrupted)
    done = RUN.invoke(app, ["ask", "hi"])
    assert done.exit_code == 130


def test_doctor_on_an_empty_home_names_every_fault_and_its_way_out(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "empty"))
    done = RUN.invoke(app, ["doctor", "--json"])
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    faults = [one for one in document["findings"] if not one["ok"]]
    assert {"base model SmolLM2-135M-Instruct", "index of northwind"} <= {one["what"] for one in faults}
    assert all(one["way_out"] for one in faults)
    people = RUN.invoke(app, ["doctor"])
    assert "FAULT base model" in people.stdout
    assert "triptych setup" in people.stdout
    assert "ok    Python" in people.stdout


def test_doctor_looks_at_every_package_that_the_project_file_names(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "empty"))
    needed = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {re.match(r"[\w.-]+", one)[0] for one in needed}
    document = json.loads(RUN.invoke(app, ["doctor", "--json"]).stdout)
    assert names | {"triptych"} <= {one["what"] for one in document["findings"]}


def test_doctor_names_a_package_that_is_missing_or_another_version(monkeypatch) -> None:
    def there(name: str) -> str:
        if name == "Jinja2":
            raise PackageNotFoundError(name)
        return {"lxml_html_clean": "0.0.1"}.get(name, version(name))

    monkeypatch.setattr("ui.doctor.version", there)
    faults = {one.what: one for one in _packages() if not one.ok}
    assert set(faults) == {"Jinja2", "lxml_html_clean"}
    assert faults["Jinja2"].detail == "not installed"
    assert "is what was tested" in faults["lxml_html_clean"].way_out


def test_doctor_names_a_home_that_may_not_be_written(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "file"))
    document = json.loads(RUN.invoke(app, ["doctor", "--json"]).stdout)
    home = next(one for one in document["findings"] if one["what"] == "home folder")
    assert not home["ok"]
    assert "TRIPTYCH_HOME" in home["way_out"]


def test_tickets_are_listed_and_exported(on_fakes, tmp_path) -> None:
    from chatbot.message import Message
    from chatbot.ticket import fill, keep

    none = RUN.invoke(app, ["tickets"])
    assert (none.exit_code, "No ticket yet" in none.stdout) == (0, True)
    said = [Message("user", "My lawyer asks about NW-204817.")]
    keep(tmp_path, fill("T-1", on_fakes.voice, "northwind", on_fakes.situation("legal"), "why", said, []))
    assert "NW-204817" in RUN.invoke(app, ["tickets"]).stdout
    document = json.loads(RUN.invoke(app, ["tickets", "--json"]).stdout)
    assert list(document) == ["brand", "tickets"]
    assert document["tickets"][0]["transcript"] == [{"role": "user", "content": "My lawyer asks about NW-204817."}]


def test_approved_wording_is_named_in_the_terminal(on_fakes) -> None:
    from dataclasses import replace

    on_fakes.settings = replace(on_fakes.settings, approved="on")
    done = RUN.invoke(app, ["ask", "My lawyer will be in touch.", "--situation", "legal"])
    assert done.exit_code == 0, done.output
    assert "approved wording, no model wrote it" in done.stdout
