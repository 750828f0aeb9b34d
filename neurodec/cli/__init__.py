"""The command line: parses, calls, prints. One file for each group of commands."""

from typing import Annotated

import typer

from .benchmark import benchmark

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(benchmark)


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
