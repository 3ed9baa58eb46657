"""`triptych brand ...` on a home of its own, with a fake embedder: tables, JSON, sentences, and brands that work."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chatbot.brand import HERE, find_brand
from chatbot.guide import read_guide
from chatbot.starter import OWN, starter_files
from knowledge.ingest import current_index
from tests.conftest import FakeEncoder
from tests.knowledge.papers import zipped
from ui.cli import app

RUN = CliRunner()
NEW = ["brand", "new", "acme", "--name", "Acme: Lamps", "--trade", "a lamp shop", "--contact", "hi@acme.example"]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TRIPTYCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("knowledge.embed.MPNet", lambda models: FakeEncoder())
    monkeypatch.setattr("knowledge.mpnet.set_up", lambda models, fetch: models)
    return tmp_path / "home"


@pytest.fixture
def acme(home: Path) -> Path:
    done = RUN.invoke(app, NEW)
    assert done.exit_code == 0, done.output
    return home


def ok(*arguments: str) -> dict:
    done = RUN.invoke(app, ["brand", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refusal(*arguments: str) -> str:
    done = RUN.invoke(app, ["brand", *arguments])
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    return " ".join(done.stderr.split())


def test_a_new_brand_is_whole_and_nothing_of_northwind_is_in_it(acme: Path) -> None:
    brand = find_brand("acme", acme)
    guide = read_guide(brand.prompts)
    assert guide.voice.name == "Acme: Lamps"
    assert len(guide.situations) == 18
    assert all(len(one.utterances) >= 3 for one in guide.situations), "the fewest that the head learns from"
    legal = next(one for one in guide.situations if one.key == "legal")
    assert "hi@acme.example" in legal.guidance
    assert legal.approved[0].endswith("– Acme: Lamps")
    for name, text in starter_files({"name": "A"}).items():
        assert not OWN.search(text), name
    assert ok("check", "acme") == {
        "brand": "acme",
        "ok": True,
        "situations": 18,
        "articles": 1,
        "examples": 0,
        "faults": [],
    }
    assert "already" in refusal("new", "acme")
    assert "is not a brand's name" in refusal("new", "../acme")


def test_the_list_names_every_brand_a_broken_one_too(acme: Path) -> None:
    (acme / "prompts" / "half").mkdir()
    (acme / "prompts" / "half" / "voice.md").write_text("x")
    found = {one["brand"]: one for one in ok("list")["brands"]}
    assert found.keys() == {"acme", "half", "northwind"}
    assert (found["acme"]["articles"], found["acme"]["adapter"]) == (1, False)
    assert (found["northwind"]["articles"], found["northwind"]["adapter"]) == (24, True)
    assert "northwind" in RUN.invoke(app, ["brand", "list"]).stdout


def test_import_tells_of_every_file_and_builds_the_index(acme: Path, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "bulbs.md").write_text("Bulbs last for two years.")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    done = RUN.invoke(app, ["brand", "import", "acme", str(folder)])
    assert done.exit_code == 0, done.output
    shown = " ".join(done.stdout.split())
    for said in (
        "docs/bulbs.md",
        "bulbs.md, 1 section",
        "docs/photo.png",
        "of no kind that can be read",
        "1 read, 1 refused.",
    ):
        assert said in shown
    assert current_index(acme / "index", "acme") is not None
    again = ok("import", "acme", str(folder))
    assert [one["state"] for one in again["documents"]] == ["skipped", "refused"]
    assert again["passages"] == 2
    assert [one["state"] for one in ok("import", "acme", str(folder), "--replace")["documents"]] == ["read", "refused"]


def test_refused_documents_alone_end_with_1_and_leave_the_index(acme: Path, tmp_path: Path) -> None:
    done = RUN.invoke(app, ["brand", "import", "acme", str(tmp_path / "nowhere.md"), "--json"])
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert "is not there" in document["documents"][0]["why"]
    assert document["passages"] is None
    assert current_index(acme / "index", "acme") is None
    assert "no brand 'nobody'" in refusal("import", "nobody", "x.md")


def test_a_shipped_brands_articles_are_copied_first(home: Path, tmp_path: Path) -> None:
    shipped = {path.name: path.read_bytes() for path in (HERE / "knowledge" / "northwind").iterdir()}
    (tmp_path / "kettles.md").write_text("Kettles whistle.")
    done = RUN.invoke(app, ["brand", "import", "northwind", str(tmp_path / "kettles.md")])
    assert done.exit_code == 0, done.output
    assert "northwind's articles were copied to" in " ".join(done.stderr.split())
    own = home / "knowledge" / "northwind"
    assert {"kettles.md", "returns.md", "asked.jsonl"} <= {path.name for path in own.iterdir()}
    assert {path.name: path.read_bytes() for path in (HERE / "knowledge" / "northwind").iterdir()} == shipped


def test_an_exported_brand_is_installed_under_any_name(acme: Path, tmp_path: Path) -> None:
    (acme / "adapters" / "acme").mkdir(parents=True)
    (acme / "adapters" / "acme" / "examples.jsonl").write_text("")
    path = tmp_path / "acme.zip"
    assert ok("export", "acme", "--out", str(path))["file"] == str(path)
    with zipfile.ZipFile(path) as whole:
        names = set(whole.namelist())
    assert {"prompts/acme/voice.md", "knowledge/acme/contact.md", "adapters/acme/examples.jsonl"} <= names
    assert ok("import", "lamps", str(path))["passages"] == 1
    assert read_guide(find_brand("lamps", acme).prompts) == read_guide(find_brand("acme", acme).prompts)
    assert "already" in refusal("import", "lamps", str(path))
    (acme / "prompts" / "lamps" / "voice.md").write_text("broken")
    ok("import", "lamps", str(path), "--replace")
    assert read_guide(find_brand("lamps", acme).prompts).voice.name == "Acme: Lamps"
    assert "by itself" in refusal("import", "lamps", str(path), str(path))
    assert "could not be written" in refusal("export", "acme", "--out", str(tmp_path / "no" / "where.zip"))


def test_a_brand_with_a_fault_or_from_outside_its_zip_is_not_installed(acme: Path, tmp_path: Path) -> None:
    voice = b"---\nname: A\n---\n"
    for files, said in (
        ({"prompts/a/voice.md": voice}, "lacks trade, contact, signoff"),
        ({"prompts/a/voice.md": voice, "../evil.md": b"x"}, "leads out of its zip"),
        ({"prompts/a/voice.md": voice, "prompts/b/voice.md": voice}, "holds several brands: a, b"),
    ):
        path = tmp_path / "bad.zip"
        path.write_bytes(zipped(files))
        assert said in refusal("import", "other", str(path))
    assert not (acme / "prompts" / "other").exists()
    assert not list(acme.glob(".brand-*")), "what was laid out beside is gone"


def test_check_names_every_fault_by_file_and_line(acme: Path) -> None:
    brand = find_brand("acme", acme)
    (brand.prompts / "situations" / "legal.md").write_text("---\nname: Legal\nknowledge: maybe\n---\n")
    thanks = brand.prompts / "situations" / "thanks.md"
    thanks.write_text(thanks.read_text().replace("## Guidance\n", "## Guidance\n$nothing "))
    (brand.articles / "bad.md").write_text("no title")
    (brand.articles / "asked.jsonl").write_text('{"article": "contact.md"}\n')
    brand.examples.parent.mkdir(parents=True)
    brand.examples.write_text("{}\nno json\n")
    done = RUN.invoke(app, ["brand", "check", "acme", "--json"])
    assert done.exit_code == 1
    faults = json.loads(done.stdout)["faults"]
    for said in (
        "prompts/acme/situations/legal.md, line 3",
        "prompts/acme/situations/thanks.md, line",
        "bad.md has no title",
        "asked.jsonl, line 1",
        "examples.jsonl, line 1",
        "examples.jsonl, line 2",
    ):
        assert any(said in fault for fault in faults), said
    people = RUN.invoke(app, ["brand", "check", "acme"])
    assert people.stdout.count("FAULT") == len(faults) == 6
    (brand.prompts / "voice.md").write_text("x")
    assert "voice.md" in json.loads(RUN.invoke(app, ["brand", "check", "acme", "--json"]).stdout)["faults"][0]


def test_northwind_itself_is_in_order(home: Path) -> None:
    assert ok("check", "northwind")["ok"]


def test_the_same_brand_packs_to_the_same_bytes(acme: Path, tmp_path: Path) -> None:
    for name in ("1.zip", "2.zip"):
        ok("export", "acme", "--out", str(tmp_path / name))
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    assert zipfile.is_zipfile(io.BytesIO((tmp_path / "1.zip").read_bytes()))
