"""Write the tables that the documentation shows."""

import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs" / "results"


def write_table(name, title, text, columns, rows, note=""):
    """Write ``docs/results/<name>.rst``: a title, a text, a table and a note."""
    lines = [title, "=" * len(title), "", text, ""]
    lines += [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
    for row in [columns, *rows]:
        for i, cell in enumerate(row):
            lines.append(f"   {'* -' if i == 0 else '  -'} {cell}".rstrip())
    lines += ["", note, ""] if note else [""]
    lines.append(f"Printed by ``python benchmarks/{Path(sys.argv[0]).name}``.")
    DOCS.mkdir(parents=True, exist_ok=True)
    path = DOCS / f"{name}.rst"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"wrote {path}")


def show(columns, rows):
    """Print the same table."""
    widths = [
        max(len(str(r[i])) for r in [columns, *rows]) for i in range(len(columns))
    ]
    for row in [columns, *rows]:
        print("  ".join(f"{cell!s:<{w}}" for cell, w in zip(row, widths, strict=True)))


def percent(value):
    """A share as percent with one decimal."""
    return f"{100 * value:.1f}"
