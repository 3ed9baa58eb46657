"""Pieces that several pages draw."""

import streamlit as st

from chatbot.bot import Bot, open_bot, open_embedder, renew_index, stale_index
from chatbot.brand import find_brand
from chatbot.guide import KINDS
from chatbot.settings import Settings, read_settings
from ui import markup
from ui.state import NO_PASSAGES, NOTES, Record, sure


def the_bot() -> Bot:
    """One bot for all sessions of this server, guided by the prompt files as they are now. Raises errors.SHOWN."""
    settings = read_settings()
    if why := stale_index(settings):
        with st.spinner(why):
            renew_index(settings, find_brand(settings.brand, settings.home), open_embedder(settings))
    _opened()  # here, not within _guided: of two that are wrapped only the outer one's spinner is seen
    return _guided(stamp(settings))


def stamp(settings: Settings) -> str:
    """Changes with every change to the brand's prompt files, and when its articles move to the user's own folder,
    without reading them. A newer index is noticed by the searcher itself."""
    brand = find_brand(settings.brand, settings.home)
    found = ((path, path.stat()) for kind in KINDS for path in sorted(brand.prompts.glob(kind)))
    return repr([str(brand.articles), *((str(path), facts.st_mtime_ns, facts.st_size) for path, facts in found)])


@st.cache_resource(show_spinner="Waking the model. This takes a few seconds …")
def _opened() -> Bot:
    return open_bot(read_settings())


@st.cache_resource(max_entries=1, show_spinner="Reading the prompt files …")
def _guided(stamped: str) -> Bot:
    return _opened().reread()


def span(seconds: float) -> str:
    """How long, in words."""
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def draw_reply(record: Record, reply: Record) -> None:
    """The finished text; each sentence that leans on a passage ends in its number, which opens the article there."""
    passages = record["passages"]
    cited = [
        (int(end), str(n + 1), _link(passages[n])) for _, end, n in reply.get("citations", ()) if n < len(passages)
    ]
    st.html(markup.reply(reply["text"], "No words came.", cited))


def _link(passage: Record) -> str:
    return markup.passage_link(passage["article"], passage["section"])


def draw_foot(reply: Record) -> None:
    """Remarks under a finished reply: how it ended, and what no source supports."""
    if NOTES.get(reply["finish"]):
        st.html(markup.note(NOTES[reply["finish"]]))
    if reply["unsupported"]:
        st.html(markup.unsupported(reply["unsupported"]))


def draw_why(record: Record, reply: Record) -> None:
    """Why this answer: situation and evidence, passages, the exact prompt, tokens and times."""
    situation = record["situation"]
    with st.expander("Why this answer"):
        st.markdown(f"**Situation:** {situation['name']} ({sure(situation)})")
        draw_evidence(situation["evidence"][:3])
        st.markdown("**Passages**, the same for every column")
        draw_passages(record["passages"])
        if reply["finish"] == "approved":
            st.caption("No model was asked: the situation's file holds the wording.")
            return
        st.markdown("**The exact prompt**")
        st.code(reply["prompt"], language=None, wrap_lines=True, height=260)
        st.caption(
            f"{reply['tokens_in']} tokens read, {reply['tokens_out']} written. First word after "
            f"{reply['first_token_s']:.1f} s, finished after {reply['total_s']:.1f} s. "
            f"Prompt files: version {record.get('prompt_version') or 'not noted'}."
        )


def draw_evidence(evidence: list[Record]) -> None:
    """The example messages that decided the situation."""
    for one in evidence:
        st.html(markup.quote(f"{one['situation']} · likeness {one['cosine']:.2f}", one["utterance"]))


def draw_passages(passages: list[Record]) -> None:
    """Each passage with its score and a link to its place in the article."""
    if not passages:
        st.caption(f"{NO_PASSAGES} No column was given any.")
    for number, one in enumerate(passages, 1):
        st.markdown(f"{number}. [{one['title']} › {one['heading']}]({_link(one)}) · {one['score']:.2f}")
        if moved := one.get("reordered"):  # not in a turn of an older program
            st.caption(f"Reordered by {moved['by']}: it was number {moved['before']} before.")
        st.html(markup.quote("", " ".join(one["text"].split())))
