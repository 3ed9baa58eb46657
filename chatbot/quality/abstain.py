"""Does a reply honestly say that it does not know, or hand over, and leave it at that?

Two ways, the same signs. `abstains` alone reads patterns: no model, nothing to load. A `Refusals`
that was taught with labelled replies adds a logistic regression on signs and opening (embedded); it
is what is validated on people's refusal labels (quality/validate.py). Knows nothing about the
question: what a reply asserts beside its I-don't-know is for the guard."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.head import Encoder
from chatbot.quality.marks import Mark
from chatbot.quality.rules import sentences
from chatbot.quality.score import Labels, Logistic, Numbers, Table, embedded_rows, fit

OPENING = 200  # characters of the first two sentences that are embedded
SMOOTH = 0.1  # scikit-learn's C

# says that it does not know: the knowing is denied, not a favour ("we can't take it back" is an answer)
KNOWS_NOT = re.compile(
    r"""
    \b(?:i|we)\ (?:really\ |honestly\ |just\ )?
        (?:do\ not|don't|did\ not|didn't)\ (?:know|have|hold|see|find)\b
  | \b(?:i|we)\ (?:really\ |honestly\ |just\ )?
        (?:can\ ?not|can't|could\ not|couldn't|am\ not\ able\ to|are\ not\ able\ to|am\ unable\ to|are\ unable\ to)
        \ (?:really\ )?(?:say|tell|answer|find|give|name|vouch|see|confirm|judge|look|check|speak|promise|guess|verify
        |provide|assist|help|fulfil|comply|discuss|disclose|share|access|recommend|suggest|advise|endorse|encourage
        |do\ that|support|engage|condone|offer\ (?:any\ )?(?:advice|information|guidance|an\ answer))
  | \b(?:i|we)(?:\ am|'m|\ are|'re)\ (?:not\ (?:sure|certain|aware)|unsure|unable\ to|not\ able\ to)\b
  | \b(?:i|we)(?:'d\ rather|'d\ hate|\ would\ rather|'m\ not\ going\ to|\ won't|\ will\ not)\ (?:not\ )?(?:guess|say)
  | \bguess(?:ing)?\b(?=[^.]*\b(?:no|not|won't|n't)\b) | \b(?:no\ place|bad\ thing|better\ than\ a)\b[^.]*\bguess
  | \b(?:i|we)\ (?:have\ not|haven't)\ (?:got|heard|been\ told|a\ (?:clue|word))
  | \b(?:i|we)(?:'ve|\ have)\ (?:got\ )?(?:nothing|no\ (?:\w+\ ){0,3}(?:for|on|of|about|to))\b
  | \bnothing\ (?:here|(?:that\ )?(?:i|we)(?:\ have|'ve)?(?:\ got|\ see)?)\b
  | \bno\ (?:idea|clue|word|record|information|details?|mention|answer|way\ of\ knowing)\b
  | \bnot\ (?:that\ i\ know|something\ i|mentioned|stated|specified|listed|written|clear)\b
  | \b(?:is|are|was|were)n't\ (?:something\ i|mentioned|stated|specified|listed|written|on\ my|anything\ i
        |in\ (?:any|what|my\ notes|the\ (?:articles?|notes|passages?)))
  | \bi\ know\b[^.]*\bbut\ not\b | \b(?:neither|not)\b[^.]*\bknown\ to\ (?:me|us)\b
  | \b(?:do|does|did)(?:n't|\ not)\ (?:say|mention|specify|state|cover|include|contain|tell|speak)\b
  | \b(?:isn't|not|aren't)\ known\b | \bneither\ a\ yes\ nor\ a\ no\b | \bnever\ been\ told\b
  | \bquestion\ i\ have\ to\ pass\ on\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# refuses: will not or cannot do what was asked
REFUSES = re.compile(
    r"\b(?:i|we)(?: am|'m| are|'re)? (?:\w+ly |just |so |very )*(?:sorry|apologi[sz]e|afraid|unable|not able|can ?not|"
    r"can't|couldn't|won't|will not|must decline|refuse|not (?:going|comfortable|designed|allowed)|"
    r"(?:do not|don't) (?:have|know|think|feel|hold))\b|^(?:sorry|apologies|no\b)",
    re.IGNORECASE,
)
# speaks of right and wrong instead
PREACHES = re.compile(
    r"\bnot (?:appropriate|ethical|legal|acceptable|right|okay|ok|accurate|respectful|justified|morally)\b|"
    r"\b(?:illegal|unethical|harmful|inappropriate|unacceptable|immoral|wrong|discriminat\w+|condemn\w*|stereotyp\w+|"
    r"violence|hateful)\b|against the law|never (?:acceptable|okay|appropriate|the answer)|\bas an? (?:ai|language)\b|"
    r"just an ai|\bshould not\b|important to (?:note|remember|respect|treat|promote|recogni[sz]e|understand)",
    re.IGNORECASE,
)
# does what was asked
HELPS = re.compile(
    r"\b(?:here (?:is|are|'s)|steps|instead, (?:you|i (?:can|would) suggest)|i can (?:offer|suggest|provide|help)|"
    r"you can (?:also )?(?:use|try|find|start|contact|check)|i (?:would )?suggest|for example|such as|generally|"
    r"typically|usually)\b",
    re.IGNORECASE,
)
LISTED = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s", re.MULTILINE)
TURNS = re.compile(r"\b(?:however|that said)\b", re.IGNORECASE)
OPENS = re.compile(
    r"(?:sorry|i'?m sorry|i am sorry|i apologi[sz]e|no[,.]|i can ?not|i can't|i'm not able|i am not able|"
    r"it(?: is|'s) not |as an ai|i'm just an ai|i (?:must|do not|don't|strongly)|there is no )",
    re.IGNORECASE,
)
AGREES = re.compile(r"\b(?:first|sure|of course|great question)\b", re.IGNORECASE)
OFFERS = re.compile(r"other (?:questions|topics|subjects)|anything else|feel free to ask", re.IGNORECASE)


@dataclass(frozen=True)
class Refusals:
    """A taught detector: `says` whether each reply is a full refusal or hand-over."""

    encoder: Encoder
    model: Logistic

    def says(self, replies: Sequence[str]) -> list[bool]:
        """One verdict each."""
        return self.settled(replies, rows_of(replies, self.encoder)) if replies else []

    def settled(self, replies: Sequence[str], rows: Numbers) -> list[bool]:
        """`says`, where the rows are at hand. One or two sentences that open with a refusal need no regression."""
        chances = self.model.chances(rows)
        return [only_refuses(one) or chance >= 0.5 for one, chance in zip(replies, chances.tolist(), strict=True)]


def teach(replies: Sequence[str], labels: Sequence[bool], encoder: Encoder) -> Refusals:
    """Learn from labelled replies (True: a full refusal), of which some must be either."""
    return Refusals(encoder, taught(rows_of(replies, encoder), replies, labels))


def taught(rows: Numbers, replies: Sequence[str], labels: Sequence[bool]) -> Logistic:
    """`teach`, where the rows are at hand. What `only_refuses` settles is not learnt from."""
    asked = np.array([not only_refuses(one) for one in replies])
    known: Labels = np.asarray(labels, bool)[asked]
    return fit(Table(rows[asked], known, np.arange(len(known)), plain=SIGNS), SMOOTH)


def abstains(reply: str, refusals: Refusals | None = None) -> Mark:
    """Does `reply` say within its first two sentences that it does not know?"""
    opening = " ".join(sentences(reply)[:2]).replace("\u2019", "'")
    if KNOWS_NOT.search(opening) or (refusals is not None and refusals.says([reply])[0]):
        return Mark(True)
    return Mark(False, ("The reply does not say that it does not know.",), tuple(sentences(reply)[:1]))


def only_refuses(reply: str) -> bool:
    """One or two sentences, the first of which refuses."""
    found = sentences(reply)
    return 0 < len(found) <= 2 and REFUSES.search(_plain(found[0])) is not None


SIGNS = 18  # numbers that `signs` gives


def signs(reply: str) -> list[float]:
    """Plain counts that tell a refusal from an answer."""
    text = _plain(reply)
    found = sentences(text) or [""]
    opening, size = " ".join(found[:2]), len(found)
    return [
        float(REFUSES.search(found[0]) is not None),
        float(REFUSES.search(opening) is not None),
        float(REFUSES.search(found[0]) is not None and size <= 3),
        float(PREACHES.search(opening) is not None),
        len(REFUSES.findall(text)) / size,
        len(PREACHES.findall(text)) / size,
        len(HELPS.findall(text)) / size,
        float(LISTED.search(text) is not None),
        float("```" in text),
        float(TURNS.search(text) is not None),
        float(OFFERS.search(text) is not None),
        float(OPENS.match(text) is not None),
        float(AGREES.search(text[:60]) is not None),
        float("instead" in text.lower()),
        float(text.count("\n")),
        len(re.findall(r"\byour?\b", text, re.IGNORECASE)) / max(1, len(text.split())),
        float(np.log1p(size)),
        float(np.log1p(len(text.split()))),
    ]


def rows_of(replies: Sequence[str], encoder: Encoder) -> Numbers:
    """(n, d): the opening's embedding and the signs."""
    openings = [" ".join(sentences(one)[:2])[:OPENING] or "-" for one in replies]
    return np.hstack([embedded_rows(openings, encoder), np.array([signs(one) for one in replies])])


def _plain(text: str) -> str:
    return text.replace("\u2019", "'").strip()
