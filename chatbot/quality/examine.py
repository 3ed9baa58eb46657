"""Answer a suite and mark every reply: one outcome per case and mode."""

from collections.abc import Sequence
from pathlib import Path

from chatbot.bot import Bot
from chatbot.engine.protocol import Decoding
from chatbot.mode import Mode
from chatbot.quality.checks import Examiner
from chatbot.quality.marks import Outcome
from chatbot.quality.run import Answer, answers
from chatbot.quality.suite import HELD_OUT, Case
from knowledge.filling import Tell


def examine(
    bot: Bot,
    examiner: Examiner,
    cases: Sequence[Case],
    modes: Sequence[Mode],
    path: Path,
    tell: Tell,
    decoding: Decoding | None = None,
) -> list[Outcome]:
    """Outcomes case by case, modes in the given order. `path` keeps the replies, so a killed run goes on."""
    return marked(examiner, answers(bot, cases, modes, path, tell, decoding))


def marked(examiner: Examiner, found: Sequence[Answer]) -> list[Outcome]:
    """Mark what was written; needs no language model."""
    replies = [(answer, mode) for answer in found for mode in answer.replies]
    scores = examiner.scores([answer.replies[mode].text for answer, mode in replies])
    return [_outcome(examiner, answer, mode, score) for (answer, mode), score in zip(replies, scores, strict=True)]


def _outcome(examiner: Examiner, answer: Answer, mode: str, score: float | None) -> Outcome:
    case, written = answer.case, answer.replies[mode]
    passages = tuple(hit.cited for hit in answer.brief.hits)
    return Outcome(
        case=case.id,
        mode=mode,
        situation=case.situation or answer.brief.verdict.situation.key,
        held_out=HELD_OUT in case.tags,
        question=case.question,
        text=written.text,
        finish=written.end.finish,
        detected=answer.brief.verdict.situation.key,
        passages=passages,
        tokens_out=written.end.tokens_out,
        first_token_s=round(written.end.first_token_s, 3),
        total_s=round(written.end.total_s, 3),
        marks=examiner.mark(case, written.text, (*passages, answer.brief.approved), score),
        voice_score=None if score is None else round(score, 4),
    )
