"""``neurodec datasets``: what there is, what one of them is, and fetching it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from ._console import escape, refusals

# What of an entry's source is shown besides its files.
_SOURCE = ("folder", "reader", "paradigm_parameters", "sign", "licence_to_accept")

app = typer.Typer(no_args_is_help=True, help="List, describe and fetch datasets.")


@app.command("list")
def list_(
    modality: Annotated[str | None, typer.Option(help="eeg or meg.")] = None,
    paradigm: Annotated[
        str | None, typer.Option(help="imagery, p300, ssvep, movement or images.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Text of the licence, such as 'CC BY'.")
    ] = None,
    min_subjects: Annotated[
        int | None, typer.Option(min=1, help="So many subjects or more.")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Only what is on this machine.")
    ] = False,
):
    """Table of the datasets that neurodec knows by name."""
    from ..datasets import dataset_info, list_datasets, subjects_here

    console = Console()
    with refusals():
        names = list_datasets(
            modality=modality,
            paradigm=paradigm,
            licence=licence,
            min_subjects=min_subjects,
            local=local,
        )
        rows = [(name, dataset_info(name), subjects_here(name)) for name in names]
    if not rows:
        console.print("no dataset is like that; leave out an option")
        return
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for title in ("name", "paradigm", "subj", "sess", "chan.", "size"):
        right = title not in ("name", "paradigm")
        table.add_column(title, justify="right" if right else "left", no_wrap=True)
    for title in ("licence", "here"):
        table.add_column(title, no_wrap=True)
    for name, entry, here in rows:
        table.add_row(
            name + (" *" if entry.get("unverified") else ""),
            entry["paradigm"],
            str(len(entry["subjects"])),
            str(entry["sessions"]),
            f"{entry['channels']} {entry['modality']}",
            _size(entry["size"]),
            escape(entry["licence"]),
            _here(entry, here),
        )
    console.print(table)
    console.print("here: subjects on this machine; ?: not known; *: no checksum known")


@app.command()
def info(name: Annotated[str, typer.Argument(help="A wrong one names the nearest.")]):
    """Everything the registry says about a dataset."""
    from .._names import number_ranges
    from ..datasets import dataset_info, subjects_here
    from ..datasets._set_files import subjects_by_folder

    console = Console()
    with refusals():
        entry, here = dataset_info(name), subjects_here(name)
        folders = {} if _simulated(entry) else subjects_by_folder(entry)
    source = entry.pop("source")
    table = Table(title=escape(name), title_justify="left", show_header=False, box=None)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    shown = {
        **entry,
        "subjects": f"{len(entry['subjects'])}: {number_ranges(entry['subjects'])}",
        "size": _size(entry["size"]),
        "doi": entry["doi"] and f"https://doi.org/{entry['doi']}",
        "unverified": "yes: no checksum is known" if entry.get("unverified") else "no",
        "source": source.get("url") or source.get("moabb") or source["simulator"],
        **{key: source[key] for key in _SOURCE if key in source},
        "fetched": _origin(source),
        "on this machine": _here({**entry, "source": source}, here),
        **{
            f"in {folder}": f"subjects {number_ranges(held)}"
            for folder, held in folders.items()
        },
    }
    for key, value in shown.items():
        table.add_row(escape(key), escape(_text(value)))
    console.print(table)
    files = source.get("files") or {}
    if "pattern" in files:
        patterns = escape(_text(files["pattern"]))
        console.print(f"[bold]files[/] by MOABB: {patterns}", soft_wrap=True)
    if "pattern" in files or not files:
        return
    console.print("[bold]files[/] and their SHA-256")
    for file, sha256 in files.items():
        console.print(f"  {escape(file)}  {sha256 or '?'}", soft_wrap=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A wrong one names the nearest.")],
    subjects: Annotated[
        str | None, typer.Option(help="Such as 1-6 or 1,3; all by default.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Data folder; MNE's by default.")
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Where its authors ask for it.")
    ] = False,
    retries: Annotated[int, typer.Option(min=0, help="Further attempts.")] = 3,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Longest wait for the next bytes (s).")
    ] = 30.0,
):
    """Download the public files of a dataset; an interrupted download goes on."""
    from ..datasets import fetch as fetch_files
    from ..datasets.local import data_folders
    from ..evaluation import BenchmarkConfig

    console = Console()
    with refusals():
        chosen = BenchmarkConfig(dataset=name, subjects=subjects).subjects
        try:
            with _progress(console) as progress:
                folders = fetch_files(
                    name,
                    chosen,
                    to=to,
                    accept_licence=accept_licence,
                    report=_reporter(progress),
                    retries=retries,
                    timeout=timeout,
                )
        except KeyboardInterrupt:
            text = "stopped; run the same command again to go on"
            Console(stderr=True).print(text, soft_wrap=True)
            raise typer.Exit(130) from None
        found = data_folders()
    for folder in folders:
        console.print(f"{escape(name)} is in {escape(folder)}", soft_wrap=True)
        if to is not None and folder.resolve() not in [f.resolve() for f in found]:
            console.print(
                f"to load it from there: export NEURODEC_DATA={escape(folder)}",
                soft_wrap=True,
            )


def _progress(console):
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _reporter(progress):
    tasks = {}

    def report(file, done, total):
        if file not in tasks:
            tasks[file] = progress.add_task(escape(file.split("/")[-1]), total=total)
        progress.update(tasks[file], completed=done, total=total)

    return report


def _size(n_bytes):
    if n_bytes is None:
        return "?"
    size = float(n_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.{0 if unit == 'B' else 1}f} {unit}"
        size /= 1000


def _here(entry, here):
    if _simulated(entry):
        return "always"
    return f"{len(here)}/{len(entry['subjects'])}" if here else "-"


def _simulated(entry):
    return "simulator" in entry["source"]


def _origin(source):
    if "download" in source:
        return source["download"]["url"]
    if "moabb" in source:
        return "through MOABB"
    return source.get("no_download", "no: made on this machine")


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "not known" if value is None else str(value)
