"""The command line: parses, calls, prints. One file for each group of commands."""

from typing import Annotated

import typer

from .benchmark import benchmark
from .datasets import app as datasets
from .models import fit, predict
from .submission import check_submission

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(benchmark)
app.add_typer(datasets, name="datasets")
app.command()(fit)
app.command()(predict)
app.command()(check_submission)


def _print_version(wanted):
    if wanted:
        from .. import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True),
    ] = False,
):
    """Decode EEG and MEG, and score decoders honestly."""


@app.command("sys-info")
def sys_info():
    """Versions and machine, for bug reports."""
    from .. import sys_info as describe

    print(describe())
