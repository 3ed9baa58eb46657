"""The architecture has a test: the arrow, the doors, the README's tree, and the size of the rooms."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("chatbot", "adapters", "knowledge", "ui")
MAY_IMPORT = {
    "ui": {"ui", "chatbot", "adapters", "knowledge"},
    "chatbot": {"chatbot", "adapters", "knowledge"},
    "adapters": {"adapters"},
    "knowledge": {"knowledge"},
}
DOORS = {
    "torch": ("adapters/", "chatbot/engine/"),
    "peft": ("adapters/", "chatbot/engine/local.py"),
    # in knowledge only to quiet its bars
    "transformers": ("adapters/", "chatbot/engine/", "knowledge/embed.py", "knowledge/rerank.py"),
    "trl": ("adapters/train.py", "adapters/prefer.py", "adapters/scoring.py"),
    "datasets": ("adapters/train.py", "adapters/prefer.py"),
    "chromadb": ("knowledge/store.py",),
    "sentence_transformers": ("knowledge/embed.py", "knowledge/rerank.py"),
    "sklearn": (
        "knowledge/answerable.py",
        "chatbot/head.py",
        "chatbot/quality/score.py",
        "chatbot/quality/agreement.py",
        "chatbot/quality/intents.py",
    ),
    "evalica": ("chatbot/quality/agreement.py", "chatbot/feedback/ranking.py"),
    "statsmodels": ("chatbot/feedback/effects.py",),
    "jinja2": ("chatbot/quality/page.py",),
    "altair": ("ui/views/",),
    "scipy": (
        "chatbot/head.py",
        "chatbot/quality/stats.py",
        "chatbot/feedback/sequential.py",
        "chatbot/feedback/effects.py",
        "chatbot/feedback/balance.py",
    ),
    "bm25s": ("knowledge/words.py",),
    "streamlit": ("ui/app.py", "ui/views/"),
    "typer": ("ui/cli.py", "ui/brands.py", "ui/tones.py", "ui/feedback.py", "ui/command.py"),
    "httpx": ("chatbot/webhook.py", "knowledge/pages.py", "knowledge/store.py"),  # store: errors of Chroma's client
    "trafilatura": ("knowledge/webpage.py",),
    "pypdf": ("knowledge/pdf.py",),
    "markitdown": ("knowledge/office.py",),
    "openpyxl": ("knowledge/sheets.py",),
    "charset_normalizer": ("knowledge/documents.py",),
    "sqlalchemy": tuple(
        f"chatbot/feedback/{name}"
        for name in (
            "database.py",
            "tables.py",
            "queries.py",
            "store.py",
            "shelf.py",
            "forget.py",
            "export.py",
            "migrations/",
        )
    ),
    "alembic": ("chatbot/feedback/database.py", "chatbot/feedback/migrations/"),
    "pg8000": (),  # SQLAlchemy loads it by its name
    "jsonschema": ("chatbot/situations.py", "chatbot/ticket.py"),
}
FILES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_arrow_points_one_way_and_each_heavy_library_has_one_door(path: Path) -> None:
    place = str(path.relative_to(ROOT))
    for name in imports_of(path):
        if name in ROOMS:
            assert name in MAY_IMPORT[place.split("/")[0]], f"{place} may not import {name}"
        if name in DOORS:
            assert place.startswith(DOORS[name]), f"{place} is no door of {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_rooms_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 320
    if path.name == "__init__.py":
        assert not path.read_text(encoding="utf-8").strip(), "__init__.py stays empty"
    else:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} says not what it is"


def test_nothing_heavy_is_imported_for_help() -> None:
    import subprocess
    import sys

    code = (
        "import sys, ui.cli; print([m for m in ('torch', 'chromadb', 'streamlit', 'trl', 'peft') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_readmes_tree_is_what_is_on_disk() -> None:
    tree = re.search(r"```tree\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert tree, "README has no tree"
    listed, folder = set(), ""
    for line in tree[1].splitlines():
        names = re.split(r"\s{2,}", line.strip())[0].split()
        if line and not line.startswith(" "):
            folder = names[0] if names[0].endswith("/") else ""
            listed.add(names[0].rstrip("/"))
            names = names[1:]
        listed |= {f"{folder}{name}".rstrip("/") for name in names}
    for name in listed:
        path = name.replace("<brand>", "northwind")
        assert list(ROOT.glob(path)), f"README lists {name}, which is not there"
    there = {str(p.relative_to(ROOT)) for p in FILES if p.name != "__init__.py"}
    missing = {p for p in there if p not in listed and not p.startswith("ui/views/")}
    assert not missing, f"README's tree lacks {sorted(missing)}"


def test_no_index_host_and_no_machine_path_is_named() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*.txt"), ROOT / "Makefile", ROOT / "pyproject.toml", *FILES]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"/work/|file:///|--index-url|find-links|pypi\.org", text), path
