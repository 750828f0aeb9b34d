"""What all commands share: how they refuse, and how they print."""

import contextlib

import typer
from rich.console import Console
from rich.markup import escape as _escape_text

# Exit status of a request that was refused; nothing was computed.
REFUSED = 2


@contextlib.contextmanager
def refusals():
    """Print the errors that a user can mend as one line, and exit with status 2."""
    try:
        yield
    except (ValueError, OSError) as error:
        Console(stderr=True).print(
            f"[bold red]error:[/] {escape(error)}", soft_wrap=True
        )
        raise typer.Exit(REFUSED) from None


def escape(value):
    """Text whose square brackets are no markup."""
    return _escape_text(str(value))
