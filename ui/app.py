"""`streamlit run ui/app.py`: navigation, and the outermost edge: no traceback ever reaches a page."""

import logging

import streamlit as st

from chatbot.errors import SHOWN

log = logging.getLogger("triptych")


def main() -> None:
    """One script run of whichever page is open."""
    st.set_page_config(page_title="Triptych", page_icon=":material/view_column:", layout="wide")
    pages = [
        st.Page("views/compare.py", title="Compare", icon=":material/view_column:", default=True),
        st.Page("views/vote.py", title="Vote", icon=":material/how_to_vote:", url_path="vote"),
        st.Page("views/results.py", title="Results", icon=":material/leaderboard:", url_path="results"),
        st.Page("views/knowledge.py", title="Knowledge", icon=":material/menu_book:", url_path="knowledge"),
        st.Page("views/search.py", title="Search", icon=":material/manage_search:", url_path="search"),
        st.Page("views/prompts.py", title="Prompts", icon=":material/edit_note:", url_path="prompts"),
        st.Page("views/quality.py", title="Tone QA", icon=":material/fact_check:", url_path="quality"),
        st.Page("views/review.py", title="Review", icon=":material/rate_review:", url_path="review"),
    ]
    chosen = st.navigation(pages, position="top")
    try:
        chosen.run()
    except SHOWN as error:
        st.error(str(error))
    except Exception:  # the outermost edge; Streamlit's own control flow is not an Exception
        log.exception("a page failed")
        st.error("Something in the program went wrong; the details are in the terminal. Reload the page to go on.")


main()
