"""Real documents, made by the real libraries: a PDF by reportlab, Word by python-docx, Excel by openpyxl, zips."""

import io
import stat
import warnings
import zipfile
from collections.abc import Mapping, Sequence

PAGE = """<!doctype html><html><head><title>Returns | Acme</title></head><body>
<div id="CookieBar"><p>We use cookies to make your visit nicer. Accept all of them now.</p></div>
<nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Shop everything</a></li></ul></nav>
<main><h1>Returns</h1><p>A lamp can be sent back within 30 days if it is unused.</p>
<h2>How it works</h2><ul><li>Print the label.</li><li>Drop the box at a post office.</li></ul>
<h4>Postage</h4><table><tr><th>Country</th><th>Price</th></tr><tr><td>Germany</td><td>4 EUR</td></tr></table></main>
<footer><p>Copyright Acme, imprint and privacy.</p></footer></body></html>"""


def pdf(chapters: Sequence[tuple[str, Sequence[str]]], head: str = "", password: str = "") -> bytes:
    """A page per (heading, paragraphs), with a running head and "Page 2" at the foot."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    def frame(canvas, document) -> None:
        canvas.drawString(72, 810, head)
        canvas.drawString(300, 30, f"Page {document.page}")

    looks, made, whole = getSampleStyleSheet(), [], io.BytesIO()
    for title, paragraphs in chapters:
        made += [Paragraph(title, looks["Heading1"]), *(Paragraph(one, looks["Normal"]) for one in paragraphs)]
        made.append(PageBreak())
    locked = {"encrypt": password} if password else {}
    SimpleDocTemplate(whole, **locked).build(made, onFirstPage=frame, onLaterPages=frame)
    return whole.getvalue()


def scan() -> bytes:
    """A PDF that is one picture."""
    from reportlab.pdfgen.canvas import Canvas

    whole = io.BytesIO()
    canvas = Canvas(whole)
    canvas.rect(100, 100, 300, 400, fill=1)
    canvas.showPage()
    canvas.save()
    return whole.getvalue()


def word(title: str, paragraphs: Sequence[str], rows: Sequence[Sequence[str]] = (), deep: str = "") -> bytes:
    import docx

    whole, made = io.BytesIO(), docx.Document()
    made.add_heading(title, 1)
    for one in paragraphs:
        made.add_paragraph(one)
    if deep:
        made.add_heading(deep, 5)
        made.add_paragraph("Deep below.")
    if rows:
        table = made.add_table(len(rows), len(rows[0]))
        for r, row in enumerate(rows):
            for c, text in enumerate(row):
                table.cell(r, c).text = text
    made.save(whole)
    return whole.getvalue()


def excel(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    from openpyxl import Workbook

    whole, book = io.BytesIO(), Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    book.save(whole)
    return whole.getvalue()


def zipped(files: Mapping[str, bytes], links: Sequence[str] = (), locked: bool = False) -> bytes:
    """A zip of any names, the bad ones too; `links` are symbolic, `locked` sets every file's password bit."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of double names
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = ((stat.S_IFLNK if name in links else stat.S_IFREG) | 0o644) << 16
            made.writestr(info, data)
    if not locked:
        return whole.getvalue()
    data = bytearray(whole.getvalue())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := data.find(sign, start + 1)) >= 0:
            data[start + at] |= 1
    return bytes(data)
