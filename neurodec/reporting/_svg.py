"""Figures as markup of the report, in its colours."""

import io
import re
import warnings
from html import escape

from markupsafe import Markup

# Recognised in the rendered figures and replaced by the colour of the page's text.
_INK = "#010203"
STYLE = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.labelcolor": _INK,
    "figure.facecolor": "none",
    "font.size": 11,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "neurodec",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def as_svg(figure, alt, slug, scale=1.5):
    """Figure as markup to put into the page, with ids of its own.

    It is at most `scale` pixels wide for each point of its width.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # The text stays text: the reader's fonts count, not those here.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata=_METADATA, bbox_inches="tight")
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    width = float(re.search(r'width="([\d.]+)pt"', text)[1])
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # page-wide there
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{slug}-", text)
    text = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", text)
    text = re.sub(r" ?font-family:[^;\"]*;?", "", text).replace(_INK, "currentColor")
    opening = f'<svg role="img" aria-label="{escape(alt)}"'
    opening += f' style="max-width: {width * scale:.0f}px"'
    return Markup(text.replace("<svg", opening, 1))
