"""A Word document as markdown, by markitdown."""

import io
import re
import warnings


def read_word(data: bytes) -> tuple[str, str]:
    """(title, markdown); the title is "" where its first heading shall be it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice between libraries
        from markitdown import StreamInfo
        from markitdown.converters import DocxConverter

        found = DocxConverter().convert(io.BytesIO(data), StreamInfo(extension=".docx"))
    return "", _without_pictures(found.markdown)


def _without_pictures(text: str) -> str:
    return re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
