"""Every prompt of a brand's suite, every mode, as lines of JSON: to see what a change of the index or the search does.

    python -m tests.knowledge.suite_prompts before.jsonl      # with the old program
    python -m tests.knowledge.suite_prompts after.jsonl       # with the new one
    diff before.jsonl after.jsonl

Searches the index of TRIPTYCH_HOME with the real embedding model; no reply is written, so no language model is needed.
"""

import json
import sys
from pathlib import Path

from chatbot.bot import Bot, open_embedder, open_guide, open_knowledge
from chatbot.mode import BASE_PROMPTED, COMBINED, FINE_TUNED
from chatbot.quality.suite import read_suite
from chatbot.settings import read_settings
from chatbot.taught import detector_for
from tests.conftest import FakeEngine

SUITES = Path(__file__).resolve().parents[2] / "chatbot" / "quality" / "suites"


def main(out: Path) -> None:
    """Write one line per case and mode."""
    settings = read_settings()
    brand, guide = open_guide(settings)
    detector = detector_for(brand, guide, open_embedder(settings), settings.home)
    bot = Bot(brand, guide, detector, open_knowledge(settings), FakeEngine(), settings, adapter=object())
    with out.open("w", encoding="utf-8") as file:
        for case in read_suite(SUITES / f"{brand.key}.jsonl"):
            brief = bot.prepare(case.question, [BASE_PROMPTED, FINE_TUNED, COMBINED], case.history)
            for mode, prompt in zip(brief.modes, brief.prompts, strict=True):
                row = {"case": case.id, "mode": mode.key, "approved": brief.approved, "prompt": prompt}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
