"""The articles that every column answers from; a link from a passage opens its section; a place to add documents."""

import streamlit as st

from knowledge.article import Article
from knowledge.chunk import slug
from ui import markup
from ui.views.adding import add_documents
from ui.views.parts import the_bot


def page() -> None:
    """A list of articles, or the one that the address names."""
    st.html(markup.STYLE)
    bot = the_bot()
    wanted = st.query_params.get("article")
    if not wanted:
        _list(bot.name, bot.articles)
        add_documents(bot)
        return
    article = bot.article(wanted)
    st.markdown("[← All articles](/knowledge)")
    st.header(article.title, anchor=False)
    section = st.query_params.get("section", "")
    if article.source:
        st.caption(f"Imported from {markup.priced(article.source)}.")
    for one in article.sections:
        _section(one.heading, one.text, slug(one.heading) == section)


def _list(brand: str, articles: tuple[Article, ...]) -> None:
    st.header(f"What {brand} knows", anchor=False)
    st.caption(f"{len(articles)} articles. Every column is given the same passages from them.")
    columns = st.columns(3)
    for number, article in enumerate(articles):
        with columns[number % 3], st.container(border=True):
            st.markdown(f"**[{markup.priced(article.title)}]({markup.passage_link(article.name)})**")
            st.caption(markup.priced(" · ".join(one.heading for one in article.sections if one.heading)))


def _section(heading: str, text: str, wanted: bool) -> None:
    with st.container(border=wanted):
        st.subheader(markup.priced(heading), anchor=slug(heading))
        if wanted:
            st.caption("The passage you came from")
        st.markdown(markup.priced(text))


page()
