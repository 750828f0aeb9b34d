"""``neurodec check-submission``: a checklist for a pull request to MOABB."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ._console import escape, refusals

# Exit status when the checks ran and at least one failed.
SOME_FAILED = 3
_STYLES = {"passed": "green", "noted": "yellow", "failed": "bold red"}


def check_submission(
    files: Annotated[list[Path], typer.Argument(help="Pipeline files, NAME.yml.")],
):
    """Ask of a pipeline file what MOABB's maintainers would ask.

    Prints what was checked; each failure comes with its remedy, and exit status 3.
    """
    # Heavy libraries load after the arguments have been read.
    from ..decoders import check_submission as check

    console = Console()
    with refusals(), console.status("fitting, and running moabb.benchmark"):
        findings = check(files)
    shown = None
    for found in findings:
        if found.file != shown:
            console.print(f"[bold]{escape(found.file)}[/]", soft_wrap=True)
            shown = found.file
        style = _STYLES[found.status]
        line = f"  [{style}]{found.status}[/]  {found.check}: {escape(found.text)}"
        console.print(line, soft_wrap=True, highlight=False)
        if found.remedy:
            remedy = f"          {escape(found.remedy)}"
            console.print(remedy, soft_wrap=True, highlight=False)
    failed = sum(found.status == "failed" for found in findings)
    noted = sum(found.status == "noted" for found in findings)
    console.print(f"{len(findings)} checks, {failed} failed, {noted} noted")
    if failed:
        raise typer.Exit(SOME_FAILED)
