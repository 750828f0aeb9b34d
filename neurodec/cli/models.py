"""``neurodec fit`` and ``neurodec predict``: a model's folder, a table of answers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ._console import escape, refusals


def fit(
    pipeline: Annotated[str, typer.Option(help="Name, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the model.")],
    dataset: Annotated[str, typer.Option(help="Dataset name.")] = "simulated",
    subjects: Annotated[str | None, typer.Option(help="Such as 1-6 or 1,3.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="YAML file with settings that replace the dataset's."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed.")] = 42,
    scores: Annotated[
        Path | None,
        typer.Option(help="results.csv of neurodec benchmark, for the card."),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace the model there.")] = False,
):
    """Fit a pipeline on all trials of a dataset, and save it with its recipe.

    The card has no score of these trials: they were trained on. Score the pipeline with
    neurodec benchmark, and hand in its results.csv.
    """
    from .._yaml import read_mapping
    from ..datasets import load
    from ..decoders import fit_model, pipeline_info
    from ..decoders._model_files import check_place
    from ..decoders.model_card import scores_of_csv
    from ..evaluation import BenchmarkConfig

    console = Console()
    with refusals():
        settings = BenchmarkConfig(
            dataset=dataset,
            subjects=subjects,
            pipelines=[pipeline],
            seed=seed,
            recipe=None if recipe is None else read_mapping(recipe),
        )
        check_place(out.expanduser(), overwrite)  # Before the work, not after.
        rows = None
        if scores is not None:
            name = pipeline_info(pipeline)["name"]
            rows = scores_of_csv(scores, dataset, name)
        trials = load(dataset, settings.subjects, recipe=settings.recipe)
        model = fit_model(trials, pipeline, seed=seed, scores=rows)
        folder = model.save(out, overwrite=overwrite)
    console.print(escape(model), soft_wrap=True)
    card = model.card["training"]
    sessions, trained = card["sessions"], card["trials"]
    n_subjects = len({row["subject"] for row in sessions})
    console.print(
        f"trained on {trained} trials of {n_subjects} subjects, {len(sessions)} "
        f"sessions ({escape(card['licence'] or 'no licence known')})",
        soft_wrap=True,
    )
    console.print(escape(folder), soft_wrap=True)


def predict(
    model: Annotated[Path, typer.Argument(help="Folder that neurodec fit wrote.")],
    recording: Annotated[Path, typer.Argument(help="Any file that MNE reads.")],
    events: Annotated[
        str | None,
        typer.Option(
            help="Annotations or trigger codes of the trials (comma-separated)."
        ),
    ] = None,
    step: Annotated[
        float | None, typer.Option(help="Sliding window: seconds to the next.")
    ] = None,
    window: Annotated[
        float | None, typer.Option(help="Its length; must be the training trials'.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV file; else printed.")] = None,
    target: Annotated[
        str, typer.Option(help="What alignment may use: none, past, prefix(n), all.")
    ] = "none",
    prepared: Annotated[
        bool | None,
        typer.Option(help="Of a file of epochs: whether the recipe was applied."),
    ] = None,
    any_amplitude: Annotated[
        bool, typer.Option(help="Take signals far larger or smaller than training's.")
    ] = False,
    skip_incomplete: Annotated[
        bool, typer.Option(help="Leave events at the edges unanswered.")
    ] = False,
    trust: Annotated[
        str | None, typer.Option(help="Packages of your own estimators.")
    ] = None,
):
    """Apply a model to a recording: at its events, or by a sliding window.

    One row per event or window: onset, time (end of the window, in seconds from the
    start of the recording), predicted, and a probability for each class.
    """
    from .._files import write_whole
    from ..datasets._formats import kind_of, read_recording
    from ..decoders import load_model

    console, notes = Console(), Console(stderr=True)
    with refusals():
        loaded = load_model(model, trusted=_split(trust) or ())
        found = read_recording(recording, kind_of(recording), None, None)
        table = loaded.apply(
            found,
            event_id=_codes(_split(events)),
            step=step,
            window=window,
            prepared=prepared,
            target=target,
            any_amplitude=any_amplitude,
            skip_incomplete=skip_incomplete,
        )
        if out is not None:
            write_whole(out, table.to_csv(index=False))
    for note in table.attrs["notes"]:
        notes.print(f"note: {escape(note)}", soft_wrap=True)
    if out is None:
        print(table.to_csv(index=False), end="")
    else:
        unanswered = int(table["predicted"].isna().sum())
        left = f", {unanswered} unanswered" if unanswered else ""
        console.print(f"{len(table)} rows{left}: {escape(out)}", soft_wrap=True)


def _split(text):
    return None if text is None else [part.strip() for part in text.split(",")]


def _codes(names):
    """Names as trigger codes where all are numbers."""
    numeric = names is not None and all(name.lstrip("-").isdigit() for name in names)
    return [int(name) for name in names] if numeric else names
