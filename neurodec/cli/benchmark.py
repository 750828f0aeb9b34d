"""``neurodec benchmark``: a table, results.csv and report.html."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from ._console import escape, refusals

# Exit status when every row was tried but some hold an error instead of a score.
SOME_FAILED = 3


def _list(help_text):
    return typer.Option(help=help_text + " (comma-separated)")


def benchmark(
    config: Annotated[
        Path | None, typer.Argument(help="YAML file with these settings.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Dataset name; a wrong one prints all.")
    ] = None,
    subjects: Annotated[str | None, typer.Option(help="Such as 1-6 or 1,3.")] = None,
    pipelines: Annotated[
        str | None, _list("Pipeline names or YAML files; a wrong one prints all")
    ] = None,
    protocols: Annotated[
        str | None,
        _list(
            "within-session, cross-session, cross-subject, chronological; what may be "
            "used of the test session stands after a colon, as in cross-session:past, "
            "cross-subject:prefix(20) or cross-session:all"
        ),
    ] = None,
    scoring: Annotated[str | None, _list("scikit-learn scorers")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed; 42 by default.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Processes; 1 by default.")] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder; neurodec-results by default.")
    ] = None,
):
    """Score pipelines on a dataset: a table, results.csv and report.html.

    Without arguments: simulated imagery, six pipelines, within-session and
    cross-session. A second run computes only what is missing.
    """
    # Heavy libraries load after the arguments have been read.
    from ..evaluation import BenchmarkConfig, run_benchmark
    from ..reporting import write_report

    console = Console()
    given = dict(
        dataset=dataset,
        subjects=subjects,
        pipelines=pipelines,
        protocols=protocols,
        scoring=scoring,
        seed=seed,
        jobs=jobs,
        out=out,
    )
    given = {name: value for name, value in given.items() if value is not None}
    command = "neurodec " + shlex.join(sys.argv[1:])
    with refusals():
        settings = (
            BenchmarkConfig(**given)
            if config is None
            else BenchmarkConfig.from_yaml(config, **given)
        )
        try:
            with _progress(console) as progress:
                results = run_benchmark(settings, _reporter(progress), command)
            folder = Path(settings.out)
            report = write_report(results, folder / "report.html")
        except KeyboardInterrupt:
            text = f"stopped; finished rows are in {settings.out}: run again to go on"
            Console(stderr=True).print(escape(text), soft_wrap=True)
            raise typer.Exit(130) from None
    summary = results.summary()
    for protocol in summary["protocol"].unique():
        console.print(_table(protocol, summary[summary["protocol"] == protocol]))
    failed = results.rows[results.rows["status"] == "failed"]
    for (name, protocol, error), rows in failed.groupby(
        ["pipeline", "protocol", "error"], sort=False
    ):
        text = f"{name}, {protocol}, {len(rows)} folds: {error}"
        console.print(f"[bold red]failed[/] {escape(text)}", soft_wrap=True)
    console.print(f"{folder / 'results.csv'}\n{report}", soft_wrap=True)
    for protocol in results.description["protocols"]:
        _, mark, left_out = protocol["description"].partition("Left out")
        if mark:
            console.print(f"{protocol['name']}: left out{left_out}")
    found = results.description["dataset"]
    if settings.subjects is None and len(found["subjects"]) < found["of_subjects"]:
        console.print(
            f"subjects on this machine: {len(found['subjects'])} of "
            f"{found['of_subjects']}; --subjects names others"
        )
    if summary["n_failed"].sum():
        raise typer.Exit(SOME_FAILED)


def _progress(console):
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _reporter(progress):
    bar = progress.add_task("reading", total=None)

    def report(done, total, row):
        what = "starting" if row is None else f"{row['protocol']} {row['pipeline']}"
        progress.update(bar, completed=done, total=total, description=f"{what:<26}")

    return report


def _table(protocol, summary):
    from ..reporting.tables import scoring_style

    scoring, target = summary["scoring"].iloc[0], summary["target"].iloc[0]
    subjects, folds = summary["n_subjects"].max(), summary["n_folds"].max()
    plural = "" if subjects == 1 else "s"
    what = f"target: {target}; {subjects} subject{plural}, {folds} folds"
    table = Table(title=f"{protocol} ({what})", title_justify="left")
    title, factor, unit, decimals = scoring_style(scoring)
    table.add_column("pipeline")
    for name in (title + unit, "chance", "adjusted", "majority", "failed", "fit s"):
        table.add_column(name, justify="right")

    def shown(value):
        return "" if value != value else f"{factor * value:.{decimals}f}"

    for row in summary.sort_values("score", ascending=False).itertuples():
        spread = f" ± {shown(row.sd)}" if shown(row.sd) else ""
        table.add_row(
            row.pipeline,
            shown(row.score) + spread,
            shown(row.chance),
            shown(row.chance_level),
            shown(row.majority),
            str(row.n_failed or ""),
            f"{row.time:.2f}",
        )
    return table
