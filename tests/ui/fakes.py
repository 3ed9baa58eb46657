"""A card and a suite for faces that run examinations; what a page under AppTest has drawn."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from streamlit.testing.v1 import AppTest


def a_card() -> SimpleNamespace:
    """What the pages and reports read of an adapter's card."""
    return SimpleNamespace(
        weights="w" * 64, base=SimpleNamespace(name="tiny", weights="b" * 64), examples=12, trained="2026-01-02",
        preferences=None,
        seconds=60.0, processor="2 x x86_64",
    )  # fmt: skip


def a_suite(path: Path, count: int = 8, must: Sequence[str] = ("45 days",)) -> Path:
    """`count` questions, in turn of two situations; half are held out. The fake engine says "Yes." to all."""
    lines = [
        {
            "id": f"c{n}", "question": f"Question {n}?", "situation": "refund" if n % 2 else "upset",
            "answerable": True, "must": list(must), "tags": ["held-out"] if n % 4 < 2 else [],
        }
        for n in range(count)
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return path


def html(page: AppTest) -> str:
    """Bodies of all st.html of a page."""
    return "\n".join(str(one.proto.body) for one in page.get("html"))


def drawn(page: AppTest) -> str:
    """All that the browser is sent: every element with its key, and the address."""

    def walk(node) -> list[str]:
        children = getattr(node, "children", {})
        return [str(getattr(node, "proto", "")), *(text for child in children.values() for text in walk(child))]

    return "\n".join([*walk(page._tree), str(page.query_params)])
