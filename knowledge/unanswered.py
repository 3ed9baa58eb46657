"""What customers ask and no article answers: unanswered.jsonl beside the articles.

One JSON line per question: {"article": "returns.md", "question": "...", "missing": "the fact that no article gives"};
without "article" where it sounds like none of them ("are you hiring?"). A question near these is told apart from one
that an article answers (answerable.py). A brand without the file goes without."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from knowledge.asked import plain, rows_of
from knowledge.errors import ArticleError

FILE = "unanswered.jsonl"
FORM = '{"article": "...", "question": "...", "missing": "..."} (article only if it sounds like one)'


@dataclass(frozen=True)
class Unanswered:
    """One question, the article it sounds like ("" for none), and what that does not tell."""

    article: str
    text: str
    missing: str


def read_unanswered(folder: Path, articles: Collection[str], answered: Iterable[str] = ()) -> list[Unanswered]:
    """The questions of `folder`; [] when there are none.

    Raises ArticleError naming file, line and way out; also for a question that is one of the `answered`, too.
    """
    known = {one.lower() for one in answered}
    return [_made(place, data, articles, known) for place, data in rows_of(folder / FILE, FORM)]


def _made(place: str, data: dict[str, object], articles: Collection[str], answered: set[str]) -> Unanswered:
    article, *texts = (data.get(key, default) for key, default in (("article", ""), ("question", ""), ("missing", "")))
    if not isinstance(article, str) or not all(isinstance(one, str) and one.strip() for one in texts):
        raise ArticleError(f"{place} must read {FORM}.")
    question, missing = (plain(str(one)) for one in texts)
    name = article.removesuffix(".md")
    if name and name not in articles:
        raise ArticleError(f"{place}: there is no article {article}. Name one of them, or delete this.")
    if question.lower() in answered:
        raise ArticleError(f'{place}: "{question[:80]}" stands in asked.jsonl as answered. Delete it in one of them.')
    return Unanswered(name, question, missing)
