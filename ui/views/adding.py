"""Documents dropped on the knowledge page become articles; how each ended stands below until the next ones come."""

import time
from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from chatbot.bot import Bot, renew_index
from chatbot.brand import find_brand, own_articles
from chatbot.errors import SHOWN
from knowledge.archive import Found
from knowledge.documents import KINDS
from knowledge.importing import REFUSED, Outcome, import_documents
from ui.views.parts import span

ENDED, ROUND = "documents-ended", "documents-round"  # keys of the session


def add_documents(bot: Bot) -> None:
    """The place to drop files, and the table of how the last ones ended."""
    with st.expander("Add your own documents", expanded=bool(st.session_state.get(ENDED))):
        number = st.session_state.get(ROUND, 0)  # a new key empties the place to drop
        files = st.file_uploader(
            "Drop files here: Markdown, text, HTML, PDF, Word, Excel or CSV, or a zip of them",
            type=[kind[1:] for kind in (*KINDS, ".zip")],
            accept_multiple_files=True,
            key=f"documents-{number}",
        )
        replace = st.checkbox(
            "Write over articles of the same name, even those written by hand", key="documents-replace"
        )
        if st.button("Make articles of them", key="documents-go", disabled=not files, type="primary"):
            try:
                st.session_state[ENDED] = _imported(bot, files, replace)
            except SHOWN as error:
                st.error(str(error))
            else:
                st.session_state[ROUND] = number + 1
                st.rerun()
        if ended := st.session_state.get(ENDED):
            _show(ended)


def _imported(bot: Bot, files: Sequence[UploadedFile], replace: bool) -> list[Outcome]:
    """Read the files, then bring the index up to the articles: from the next question on they are searched."""
    settings = bot.settings
    brand = find_brand(bot.brand.key, settings.home)
    folder, _ = own_articles(brand, settings.home)
    with st.status("Reading the documents …", expanded=True) as status:
        outcomes = import_documents(
            [Found(file.name, file.getvalue()) for file in files],
            folder,
            lambda one: st.text(f"{one.file}: {one.state}"),
            replace,
        )
        if any(one.state != REFUSED for one in outcomes):
            status.update(label="Embedding their passages …")
            bar, began = st.progress(0.0), time.monotonic()

            def tell(done: int, total: int) -> None:
                left = (time.monotonic() - began) / max(done, 1) * (total - done)
                bar.progress(done / max(total, 1), text=f"{done} of {total}, about {span(left)} left")

            renew_index(settings, find_brand(brand.key, settings.home), bot.encoder, tell)
        status.update(label="Done.", state="complete")
    return outcomes


def _show(outcomes: Sequence[Outcome]) -> None:
    rows = [
        {
            "document": one.file,
            "": one.state,
            "became, or why not": one.why or f"{one.article}, {one.sections} sections",
        }
        for one in outcomes
    ]
    st.dataframe(rows, hide_index=True)
    states = [one.state for one in outcomes]
    st.caption(", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) + ".")
