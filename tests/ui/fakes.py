"""A card and a suite for faces that run examinations."""

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace


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
