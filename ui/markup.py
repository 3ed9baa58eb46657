"""Strings of HTML for the pages. Whatever a model or a person wrote is escaped: it shows as typed."""

import re
from collections.abc import Sequence
from difflib import unified_diff
from html import escape
from typing import TYPE_CHECKING

from chatbot.mode import mode_of

if TYPE_CHECKING:  # finding.py links by this room's passage_link
    from ui.finding import Line as FoundLine

STYLE = """<style>
.stMainBlockContainer {padding-top: 5rem; padding-bottom: 6rem; max-width: 82rem;}
.tp-brand {font-size: .82rem; letter-spacing: .14em; text-transform: uppercase; opacity: .7;}
.tp-title {font-size: clamp(1.35rem, 2.4vw, 1.9rem); font-weight: 650; line-height: 1.2; margin: .15rem 0 .3rem;}
.tp-lead {opacity: .8; max-width: 46rem; line-height: 1.5;}
.tp-ask {margin: 1.1rem 0 .2rem auto; width: fit-content; max-width: 44rem; padding: .7rem 1rem; white-space: pre-wrap;
  overflow-wrap: anywhere; border-radius: 1rem 1rem .2rem 1rem; background: rgba(61, 139, 102, .16);}
.tp-fair {font-size: .84rem; opacity: .72; padding-top: .45rem;}
.tp-mode {border-top: 4px solid var(--tp); padding-top: .55rem; display: flex; justify-content: space-between;
  align-items: baseline; gap: .5rem; flex-wrap: wrap;}
.tp-mode b {font-size: 1.05rem;}
.tp-mode span {font-size: .8rem; opacity: .7;}
.tp-side {--tp: currentColor;}
.tp-side span {visibility: hidden;}
[data-testid="stButtonGroup"] button {height: auto; white-space: normal; text-align: left;}
[data-testid="stButtonGroup"] button p {white-space: normal;}
.tp-reply {min-height: 8.5rem; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.55;}
.tp-cite {font-size: .72rem; vertical-align: super; padding: 0 .28rem; margin-left: .15rem; border-radius: .3rem;
  text-decoration: none; background: rgba(61, 139, 102, .2); color: inherit;}
.tp-whole {white-space: nowrap;}
.tp-wait {opacity: .6; font-style: italic;}
.tp-note {font-size: .84rem; padding: .3rem .6rem; border-radius: .4rem; background: rgba(192, 122, 44, .17);}
.tp-plain {line-height: 1.5; overflow-wrap: anywhere; margin: .15rem 0 .5rem;}
.tp-quote {opacity: .85; margin: 0 0 .55rem; line-height: 1.45; font-size: .92rem;}
.tp-quote small {opacity: .75;}
.tp-who {font-size: .84rem; opacity: .75; margin: .6rem 0 .2rem;}
.tp-who.tp-right {text-align: right; margin-bottom: -.8rem;}
.tp-said {margin: .2rem auto .4rem 0; width: fit-content; max-width: 44rem; padding: .7rem 1rem; white-space: pre-wrap;
  overflow-wrap: anywhere; line-height: 1.5; border-radius: 1rem 1rem 1rem .2rem; background: rgba(192, 160, 90, .14);}
.tp-diff {font-family: ui-monospace, monospace; font-size: .84rem; line-height: 1.5; white-space: pre-wrap;
  overflow-wrap: anywhere; margin-bottom: .8rem;}
.tp-diff .tp-at {opacity: .65; padding-top: .4rem;}
.tp-diff .tp-in {background: rgba(61, 139, 102, .2);}
.tp-diff .tp-out {background: rgba(190, 70, 60, .17);}
.tp-found {margin: 0 0 .7rem; padding: .5rem .7rem; border-radius: .5rem; border-left: 4px solid #3d8b66;
  background: rgba(127, 127, 127, .09); line-height: 1.45; overflow-wrap: anywhere;}
.tp-found.tp-refused {border-left-color: rgba(127, 127, 127, .5); opacity: .8;}
.tp-found a {color: inherit; font-weight: 600; text-underline-offset: .15em;}
.tp-found p {margin: .25rem 0;}
.tp-found small, .tp-by {font-size: .84rem; opacity: .75; line-height: 1.4;}
.tp-finding ul {margin: .3rem 0 0 1.1rem; padding: 0; line-height: 1.5;}
.tp-table {width: 100%; border-collapse: collapse; margin: .2rem 0 .8rem; line-height: 1.4;}
.tp-table th {text-align: left; font-size: .84rem; font-weight: 600; opacity: .75;}
.tp-table th, .tp-table td {padding: .45rem .9rem .45rem 0; vertical-align: top;
  border-bottom: 1px solid rgba(127, 127, 127, .28);}
@media (max-width: 640px) {
  .tp-side span {visibility: visible;}
  .tp-reply {min-height: 5.5rem;}
  .tp-table thead {display: none;}
  .tp-table tr {display: block; padding: .5rem 0; border-bottom: 1px solid rgba(127, 127, 127, .28);}
  .tp-table td {display: block; border: 0; padding: .1rem 0;}
  .tp-table td:first-child {font-weight: 600;}
  .tp-table td:not(:first-child)::before {content: attr(data-head) " "; opacity: .75;}
  .stMainBlockContainer {padding-left: 1rem; padding-right: 1rem;}
}
</style>"""


def header(over: str, title: str, lead: str) -> str:
    """A page's first lines: where we are, what it is about, and one sentence more."""
    return (
        f'<div class="tp-brand">Triptych · {escape(over)}</div>'
        f'<div class="tp-title">{escape(title)}</div>'
        f'<div class="tp-lead">{escape(lead)}</div>'
    )


def section(title: str, aside: str) -> str:
    """A heading with a line of explanation, as the report's sections have them."""
    return f'<div class="qa"><h2>{escape(title)}</h2><p class="aside">{escape(aside)}</p></div>'


def question(text: str) -> str:
    """The customer's bubble."""
    return f'<div class="tp-ask">{escape(text)}</div>'


def fair(line: str) -> str:
    """What was the same for every column."""
    return f'<div class="tp-fair">{escape(line)}</div>'


def mode(key: str, label: str, lever: str) -> str:
    """A column's head."""
    words = f"<b>{escape(label)}</b><span>{escape(lever)}</span>"
    return f'<div class="tp-mode" style="--tp:{mode_of(key).colour}">{words}</div>'


def side(name: str, place: str) -> str:
    """A column's head where nobody may know what wrote it. `place`: where it stands on a phone, "above"."""
    return f'<div class="tp-mode tp-side"><b>{escape(name)}</b><span>{escape(place)}</span></div>'


def reply(text: str, waiting: str = "", cited: Sequence[tuple[int, str, str]] = ()) -> str:
    """A column's text as the model wrote it, or what it waits for.

    `cited`: where a sentence ends in the stripped text, the sign to put there, and what it opens.
    """
    if not text and waiting:
        return f'<div class="tp-reply tp-wait">{escape(waiting)}</div>'
    text, made, begun = text.strip(), [], 0
    for end, sign, link in cited:
        made += [_whole_numbers(escape(text[begun:end])), _citation(sign, link)]
        begun = end
    return f'<div class="tp-reply">{"".join(made)}{_whole_numbers(escape(text[begun:]))}</div>'


def _citation(sign: str, link: str) -> str:
    return f'<a class="tp-cite" href="{escape(link)}" target="_self" title="Where this stands">{escape(sign)}</a>'


def _whole_numbers(html: str) -> str:
    """A phone number is not torn at the end of a line."""
    return re.sub(r"\b(?:\d{3}-)+\d{4}\b", r'<span class="tp-whole">\g<0></span>', html)


def plain(text: str) -> str:
    """A sentence or two that may be anybody's words."""
    return f'<div class="tp-plain">{escape(text)}</div>'


def unmarked(text: str) -> str:
    """Anybody's words for a label that reads Markdown: they show as typed, on one line."""
    return re.sub(r"([\\`*_{}\[\]()#+.!$:<>|~-])", r"\\\1", " ".join(text.split()))


def priced(text: str) -> str:
    """Markdown in which a price is never a formula."""
    return text.replace("$", "\\$")


def passage_link(article: str, section: str = "") -> str:
    """Address of an article, at a section's slug."""
    return f"/knowledge?article={article}" + (f"&section={section}" if section else "")


def note(text: str) -> str:
    """A remark under a reply."""
    return f'<div class="tp-note">{escape(text)}</div>'


def unsupported(words: Sequence[str]) -> str:
    """What the guard found."""
    return note(f"Not in the sources: {', '.join(words)}")


def quote(head: str, text: str) -> str:
    """A small quotation with its head, for evidence and passages."""
    return f'<div class="tp-quote"><small>{escape(head)}</small><br>{escape(text)}</div>'


def who(name: str) -> str:
    """Whose the text below is."""
    return f'<div class="tp-who">{escape(name)}</div>'


def said(name: str, text: str) -> str:
    """A message that is not the customer's, on the other side."""
    return f'{who(name)}<div class="tp-said">{escape(text.strip())}</div>'


def asked(name: str, text: str) -> str:
    """The customer's bubble, where more than one person speaks."""
    return f'<div class="tp-who tp-right">{escape(name)}</div>{question(text)}'


def finding(head: str, reasons: Sequence[str], ok: bool) -> str:
    """What came of a search in one bold line, and the reasons."""
    sign = "✓" if ok else "–"
    why = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f'<div class="tp-finding"><b>{sign} {escape(head)}</b><ul>{why}</ul></div>'


def quoted(place: str, link: str, text: str) -> str:
    """A line of an article, with the way to it."""
    return f'<div class="tp-found">{_opens(place, link)}<p>{escape(text)}</p></div>'


def found(head: str, aside: str, lines: "Sequence[FoundLine]", otherwise: str) -> str:
    """One column of a search: its head, and its lines from the best on; `otherwise` where there are none."""
    made = "".join(map(_found_line, lines)) or f"<p>{escape(otherwise)}</p>"
    return f'<h4>{escape(head)}</h4><p class="tp-by">{escape(aside)}</p>{made}'


def _found_line(line: "FoundLine") -> str:
    kind, said = ("", "close enough") if line.passed else (" tp-refused", "not close enough")
    small = f"{escape(line.figures)}: {said}<br>{escape(line.elsewhere)}"
    head = f"<b>{line.rank}</b> {_opens(line.place, line.link)}"
    return f'<div class="tp-found{kind}">{head}<p>{escape(line.text)}</p><small>{small}</small></div>'


def _opens(place: str, link: str) -> str:
    return f'<a href="{escape(link)}" target="_self">{escape(place)}</a>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that becomes a list on a phone."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join(f"<tr>{_cells(heads, row)}</tr>" for row in rows)
    return f'<table class="tp-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _cells(heads: Sequence[str], row: Sequence[str]) -> str:
    """Each with its head, for the list on a phone: a question needs no colon."""
    named = [escape(head if head.endswith("?") else f"{head}:") for head in heads]
    return "".join(f'<td data-head="{head}">{escape(cell)}</td>' for head, cell in zip(named, row, strict=True))


def diff(before: str, after: str, around: int = 2) -> str:
    """What was taken out and what was put in, line by line, with `around` lines that stayed on either side."""
    lines = list(unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=around))[2:]
    return f'<div class="tp-diff">{"".join(map(_diff_line, lines))}</div>'


def _diff_line(line: str) -> str:
    if line.startswith("@@"):
        numbers = re.search(r"\+(\d+)", line)
        return f'<div class="tp-at">line {numbers[1] if numbers else "?"}</div>'
    kind = {"+": "tp-in", "-": "tp-out"}.get(line[:1], "")
    return f'<div class="{kind}">{escape(line[:1]) or " "} {escape(line[1:])}</div>'


def to_top(number: int) -> str:
    """Back to the head of the page, once for each `number`: the next reply is read from its beginning."""
    return f"<script>/* {number} */ document.querySelector('[data-testid=\"stMain\"]')?.scrollTo(0, 0)</script>"
