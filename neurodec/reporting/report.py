"""One self-contained HTML page for a benchmark."""

import re
from importlib.resources import files

import jinja2
import matplotlib

from .._files import write_whole
from ..evaluation.comparison import score_intervals
from . import figures, tables
from ._comparison_views import comparison_card
from ._facts import facts_of, failures_of
from ._svg import STYLE, as_svg
from ._views import confusion_card, metric_view, score_view, subject_view
from .tables import scoring_style

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def write_report(results, path):
    """Write a benchmark as one HTML page that needs nothing else.

    The page holds the score tables with intervals, figures (inline SVG), comparisons
    of pipelines, confusion matrices, failures, recipe, protocols and versions. It runs
    no script and asks for no other file. The file appears whole or not at all.

    Parameters
    ----------
    results : neurodec.evaluation.Results
        A benchmark.
    path : str or pathlib.Path
        Where to write; a missing parent folder is created.

    Returns
    -------
    path : pathlib.Path
        The file.

    Raises
    ------
    IsADirectoryError, NotADirectoryError
        If `path` is a folder, or its parent is a file.
    TypeError, ValueError
        If `results` is not the result of a benchmark.

    Examples
    --------
    >>> import tempfile
    >>> from neurodec.datasets import load
    >>> from neurodec.evaluation import evaluate
    >>> trials = load("simulated", subjects=[1])
    >>> results = evaluate(trials, ["mdm"], ["cross-session"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(results, f"{folder}/report.html").name
    'report.html'
    """
    return write_whole(path, _render(results))


def _render(results):
    scores = tables.score_table(results)
    intervals = score_intervals(results) if len(scores) else None
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    source = files(__package__).joinpath("report.html.j2").read_text("utf-8")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # the page does not depend on the user's style
        matplotlib.rcParams.update(STYLE)
        protocols = [
            _protocol(
                results, name, scores[scores["protocol"] == name], intervals, f"p{i}"
            )
            for i, name in enumerate(scores["protocol"].unique())
        ]
    facts = facts_of(results)
    page = environment.from_string(source).render(
        **facts,
        descriptions={s["name"]: s["description"] for s in facts["settings"]},
        protocols=protocols,
        n_folds=int(scores["n_folds"].sum()),
        n_failed=int(scores["n_failed"].sum()),
        failures=failures_of(results),
    )
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", page)


def _protocol(results, name, scores, intervals, slug):
    subjects = tables.subject_table(results, name)
    scoring, _, unit, _ = scoring_style(scores["scoring"].iloc[0])
    measure = f"{scoring}{',' if unit else ''}{unit}"
    plot = None
    if not subjects.empty:
        alt = f"Scores per subject and pipeline, {name}. The table beside it has the"
        figure = figures.draw_scores(subjects, scores)
        plot = as_svg(figure, f"{alt} same numbers.", f"{slug}s")
    metrics = tables.metric_table(results, name)
    confusions = [
        confusion_card(results, pipeline, name, f"{slug}c{i}")
        for i, pipeline in enumerate(scores["pipeline"])
    ]
    return {
        "name": name,
        "slug": slug,
        "scores": score_view(scores, intervals, name, measure),
        "plot": plot,
        "measure": measure,
        "subjects": subject_view(subjects, scores, name, measure),
        "metrics": metric_view(metrics, name) if metrics.shape[1] > 1 else None,
        "comparison": comparison_card(
            results, name, subjects, scores["scoring"].iloc[0], slug
        ),
        "confusions": confusions,
        "large": any(card["n"] > 6 for card in confusions),
    }
