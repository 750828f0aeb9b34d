"""Behaviour of the report: numbers, escaping, self-containment, bad input."""

from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from neurodec.evaluation import (
    compare_pipelines,
    paired_differences,
    score_intervals,
)
from neurodec.reporting import (
    comparison_matrix,
    confusion_table,
    metric_table,
    plot_confusion,
    plot_differences,
    plot_paired,
    plot_scores,
    score_table,
    subject_table,
    write_report,
)

PIPELINES = ("csp-lda", "mdm", "ts-lr")
PROTOCOLS = ("within-session", "cross-session")


class FakeResults:
    """What the report uses of a benchmark's results, computed the long way."""

    def __init__(self, rows, predictions, description):
        self.rows = rows
        self._predictions = predictions
        self.description = description

    def predictions(self, key):
        return self._predictions[key]

    def summary(self):
        pairs = self.rows[["protocol", "pipeline"]].drop_duplicates()
        return pd.DataFrame([self._line(*pair) for pair in pairs.to_numpy()])

    def _line(self, protocol, pipeline):
        here = self.rows[self.rows["protocol"] == protocol]
        here = here[here["pipeline"] == pipeline]
        ok = here[here["status"] == "ok"]
        means = []
        for subject in ok["subject"].unique():
            part = ok[ok["subject"] == subject]
            names = part["session"].fillna("")
            sessions = [part["score"][names == name].mean() for name in names.unique()]
            means.append(np.mean(sessions))
        return dict(
            protocol=protocol,
            target=here["target"].iloc[0],
            pipeline=pipeline,
            score=np.mean(means) if means else np.nan,
            sd=np.std(means, ddof=1) if len(means) > 1 else np.nan,
            chance=ok["chance"].iloc[0] if len(ok) else None,
            chance_level=ok["chance_level"].iloc[0] if len(ok) else None,
            majority=ok["majority"].mean(),
            n_subjects=len(means),
            n_folds=len(ok),
            n_failed=len(here) - len(ok),
            time=ok["time"].mean(),
        )


def make_results(
    pipelines=PIPELINES,
    protocols=PROTOCOLS,
    n_subjects=3,
    n_sessions=2,
    classes=("left_hand", "right_hand"),
    chance=True,
    scoring="roc_auc",
    fails=lambda fold: False,
    error="covariance 3 has rank 21 of 22",
    n_folds=5,
    n_trials=40,
):
    """Benchmark of guesses that are right more often for later pipelines."""
    rng = np.random.default_rng(0)
    rows, predictions = [], {}
    classes = np.asarray(classes)
    level = 1 / len(classes)
    places = [
        dict(
            protocol=protocol,
            subject=str(subject),
            session=str(session),
            fold=fold,
            pipeline=pipeline,
        )
        for protocol in protocols
        for subject in range(1, n_subjects + 1)
        for session in range(n_sessions)
        for fold in range(n_folds if protocol == "within-session" else 1)
        for pipeline in pipelines
    ]
    for place in places:
        key = "/".join(map(str, place.values()))
        i = pipelines.index(place["pipeline"])
        right = 0.02 if i == 0 else 0.3 + 0.5 * i / len(pipelines)
        right += 0.02 * int(place["subject"])
        y_true = rng.permutation(np.resize(classes, n_trials))
        guess = rng.choice(classes, n_trials)
        y_pred = np.where(rng.random(n_trials) < right, y_true, guess)
        score = float(np.mean(y_true == y_pred))
        failed = fails(place)
        if not failed:
            trial = np.arange(n_trials)
            predictions[key] = dict(trial=trial, y_true=y_true, y_pred=y_pred)
        rows.append(
            dict(
                dataset="demo",
                target="all" if place["protocol"] == "adaptive" else "none",
                transductive=place["protocol"] == "adaptive",
                scoring=scoring,
                score=np.nan if failed else score,
                scores={} if failed else {scoring: score},
                chance=level if chance else None,
                chance_level=level + 0.12 if chance else None,
                majority=level,
                n_train=160,
                n_test=n_trials,
                n_classes=len(classes),
                channels=22,
                time=0.25,
                status="failed" if failed else "ok",
                error=error if failed else "",
                key=key,
                **place,
            )
        )
    description = dict(
        dataset=dict(name="demo", title="Demonstration set", modality="eeg"),
        recipe=dict(band=(8, 32), resample=None, reject={"eeg": 1e-4}),
        protocols=[
            dict(name=name, target="none", description=f"About {name}.", unit="session")
            for name in protocols
        ],
        scoring=scoring,
        seed=42,
        versions={"neurodec": "0.1.0", "numpy": "2.4.1"},
        command="neurodec benchmark --dataset demo",
        started="2026-11-02 10:00:00",
        failures=[],
    )
    return FakeResults(pd.DataFrame(rows), predictions, description)


class Page(HTMLParser):
    """A page's tables, attributes and text; counts unbalanced tags."""

    VOID = ("meta", "br", "hr", "img", "link", "input")

    def __init__(self, markup):
        super().__init__()
        self.tags, self.tables, self.open, self.text = [], {}, [], ""
        self.rows, self.caption = None, None
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "table":
            self.rows, self.caption = [], ""
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "table":
            self.tables[self.caption.strip()] = self.rows
            self.rows = None

    def handle_data(self, data):
        self.text += data
        if "caption" in self.open:
            self.caption += data
        elif {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.strip()


@pytest.fixture
def write(tmp_path):
    def write(results):
        path = write_report(results, tmp_path / "report.html")
        return Page(path.read_text("utf-8"))

    return write


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    return Page(write_report(make_results(), path).read_text("utf-8"))


def attributes(page, *names):
    return [
        (tag, name, value)
        for tag, attrs in page.tags
        for name, value in attrs.items()
        if name in names
    ]


def set_score(results, where, scores):
    for name, value in where.items():
        assert (results.rows[name] == value).any()
    mask = np.logical_and.reduce([results.rows[k] == v for k, v in where.items()])
    results.rows.loc[mask, "score"] = scores


# Tables


def test_sessions_are_collapsed_before_subjects():
    results = make_results(
        ("a",), ("within-session",), n_subjects=2, n_sessions=2, n_folds=2
    )
    # Subject 2 has one session fewer; folds differ between sessions.
    results.rows = results.rows[
        (results.rows["subject"] != "2") | (results.rows["session"] != "1")
    ].reset_index(drop=True)
    results.rows["score"] = [0.5, 0.7, 0.9, 0.9, 0.6, 0.8]
    table = subject_table(results, "within-session")
    np.testing.assert_allclose(table["a"], [0.75, 0.7])
    scores = score_table(results)
    np.testing.assert_allclose(scores["score"], [0.725])
    np.testing.assert_allclose(table.mean(), scores["score"])


def test_best_pipeline_first_and_natural_order_of_subjects():
    results = make_results(n_subjects=11)
    for protocol in PROTOCOLS:
        table = subject_table(results, protocol)
        assert list(table.columns) == ["ts-lr", "mdm", "csp-lda"]
        assert list(table.index) == [str(i) for i in range(1, 12)]
    scores = score_table(results)
    assert list(scores["protocol"]) == [p for p in PROTOCOLS for _ in PIPELINES]
    assert list(scores["pipeline"]) == ["ts-lr", "mdm", "csp-lda"] * 2


def test_confusion_counts_equal_scikit_learn():
    from sklearn.metrics import confusion_matrix

    results = make_results(classes=("10", "9", "feet"))
    rows = results.rows.query("pipeline == 'mdm' and protocol == 'cross-session'")
    parts = [results.predictions(key) for key in rows["key"]]
    truth = np.concatenate([part["y_true"] for part in parts])
    predicted = np.concatenate([part["y_pred"] for part in parts])
    counts = confusion_table(results, "mdm", "cross-session")
    assert list(counts.index) == list(counts.columns) == ["9", "10", "feet"]
    expected = confusion_matrix(truth, predicted, labels=["9", "10", "feet"])
    np.testing.assert_array_equal(counts, expected)


def test_a_class_that_is_only_predicted_has_a_row_of_zeros(write):
    results = make_results(("a",), ("cross-session",), n_subjects=1, n_sessions=1)
    (key,) = results.rows["key"]
    y_true, y_pred = np.array(["b", "b"]), np.array(["b", "c"])
    results._predictions[key] = dict(y_true=y_true, y_pred=y_pred)
    counts = confusion_table(results, "a", "cross-session")
    np.testing.assert_array_equal(counts, [[1, 1], [0, 0]])
    rows = write(results).tables["a, cross-session: % of each true class (trials)"]
    assert rows[1:] == [["b", "50.0 % (1)", "50.0 % (1)"], ["c", "– % (0)", "– % (0)"]]


def test_metrics_are_averaged_like_the_score(write):
    results = make_results(("a", "b"))
    results.rows["scores"] = [
        {"roc_auc": score, "accuracy": score / 2, "cohen_kappa": -score}
        for score in results.rows["score"]
    ]
    page = write(results)
    for protocol in PROTOCOLS:
        table = metric_table(results, protocol)
        scores = score_table(results).query("protocol == @protocol")["score"]
        np.testing.assert_allclose(table["roc_auc"], scores)
        np.testing.assert_allclose(table["accuracy"], scores / 2)
        rows = page.tables[f"{protocol}: every metric, mean over subjects"]
        assert rows[0] == ["Pipeline", "ROC-AUC, %", "accuracy, %", "cohen kappa"]
        assert rows[1][3] == f"{-scores.iloc[0]:.3f}"


def test_missing_chance_is_not_called_above_or_below():
    assert score_table(make_results(chance=False))["above_chance"].isna().all()
    above = score_table(make_results()).set_index(["protocol", "pipeline"])
    assert not above.loc[("within-session", "csp-lda"), "above_chance"]
    assert above.loc[("within-session", "ts-lr"), "above_chance"]


def test_unknown_names_are_answered_with_the_known():
    results = make_results()
    with pytest.raises(ValueError, match="no rows of protocol 'x'.*within-session"):
        subject_table(results, "x")
    with pytest.raises(ValueError, match="no rows of pipeline 'y'.*csp-lda"):
        plot_confusion(results, "y", "within-session")


# Figures


def test_figures_draw_into_given_axes_and_leave_the_style_alone():
    results = make_results(fails=lambda fold: fold["pipeline"] == "mdm")
    before = dict(matplotlib.rcParams)
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_scores(results, "within-session", ax=left) is figure
    assert plot_confusion(results, "ts-lr", "within-session", ax=right) is figure
    assert [label.get_text() for label in left.get_yticklabels()] == [
        *("ts-lr", "csp-lda", "mdm")
    ]
    texts = [text.get_text() for text in left.texts]
    assert texts[2] == "failed"
    counts = confusion_table(results, "ts-lr", "within-session").to_numpy().ravel()
    cells = [text.get_text().split("\n")[1] for text in right.texts]
    assert cells == [str(count) for count in counts]
    assert dict(matplotlib.rcParams) == before


def test_figures_without_axes_are_new_and_not_pyplot_s():
    import matplotlib.pyplot as plt

    results = make_results()
    open_before = plt.get_fignums()
    for figure in (
        plot_scores(results, "within-session"),
        plot_confusion(results, "mdm", "within-session"),
    ):
        assert isinstance(figure, Figure)
        assert len(figure.axes) == 1
    assert plt.get_fignums() == open_before


def test_dots_are_the_subject_table():
    results = make_results(n_subjects=4)
    (ax,) = plot_scores(results, "cross-session").axes
    table = subject_table(results, "cross-session")
    clouds = [c.get_offsets() for c in ax.collections if len(c.get_offsets()) == 4]
    assert len(clouds) == 3
    for name, cloud in zip(table.columns, clouds, strict=True):
        np.testing.assert_allclose(cloud[:, 0], table[name])


def test_confusion_of_a_failed_pipeline_is_refused():
    results = make_results(fails=lambda fold: fold["pipeline"] == "mdm")
    with pytest.raises(ValueError, match="no predicted labels of pipeline 'mdm'"):
        plot_confusion(results, "mdm", "within-session")


# Comparison


def test_difference_dots_and_bars_are_the_comparison():
    results = make_results(n_subjects=6)
    (ax,) = plot_differences(results, "cross-session", "mdm").axes
    table = compare_pipelines(results, "cross-session", reference="mdm")
    values = paired_differences(results, "cross-session", reference="mdm")
    assert [label.get_text() for label in ax.get_yticklabels()] == list(table["first"])
    clouds = [c.get_offsets() for c in ax.collections if len(c.get_offsets()) == 6]
    bars = [line.get_xdata() for line in ax.lines[1:]]
    for i, row in enumerate(table.itertuples()):
        np.testing.assert_allclose(clouds[i][:, 0], 100 * values.iloc[:, i])
        np.testing.assert_allclose(bars[i], [100 * row.low, 100 * row.high])


def test_paired_dots_are_the_subjects():
    results = make_results(n_subjects=4)
    (ax,) = plot_paired(results, "cross-session", "mdm", "ts-lr").axes
    subjects = 100 * subject_table(results, "cross-session")
    np.testing.assert_allclose(
        ax.collections[0].get_offsets(), subjects[["ts-lr", "mdm"]]
    )


def test_comparison_tables_hold_the_numbers(write):
    results = make_results(protocols=("cross-session",), n_subjects=9)
    page = write(results)
    pairs = compare_pipelines(results, "cross-session")
    matrix = comparison_matrix(pairs)
    header, *rows = page.tables[
        "cross-session: row minus column, percentage points (p, corrected)"
    ]
    assert header[1:] == list(matrix)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row[1:]):
            if i == j:
                assert cell == "–"
            else:
                value = float(cell.split()[0].replace("−", "-"))
                assert value == pytest.approx(100 * matrix.iat[i, j], abs=0.051)
                assert cell.endswith("*")
    rows = page.tables["cross-session: every pair, percentage points"][1:]
    for row, pair in zip(rows, pairs.itertuples(), strict=True):
        assert row[0] == f"{pair.first} − {pair.second}"
        assert row[4] == f"{pair.n_better} of 9"
        assert row[6].startswith(f"{pair.p_holm:.3f}")
    assert "9 subjects: p cannot be less than 0.004, or 0.012 after" in page.text


def test_intervals_are_printed_and_few_subjects_said_plainly(write):
    results = make_results(protocols=("cross-session",), n_subjects=5)
    page = write(results)
    intervals = score_intervals(results).set_index("pipeline")
    for row in page.tables["cross-session: ROC-AUC, %"][1:]:
        found = intervals.loc[row[0]]
        assert row[2] == f"{100 * found['low']:.1f} to {100 * found['high']:.1f}"
    assert "5 subjects: p cannot be less than 0.062" in page.text
    assert "no difference, however large, can reach 0.05 here" in page.text


def test_one_subject_gets_words_instead_of_an_empty_figure(write):
    options = dict(n_subjects=1, protocols=("cross-session",), scoring="accuracy")
    page = write(make_results(**options))
    assert "One subject: how pipelines compare in other people" in page.text
    rows = page.tables["cross-session: accuracy, %"][1:]
    assert all(row[2].endswith(" (trials)") for row in rows)
    assert len([tag for tag, _ in page.tags if tag == "svg"]) == 1 + 3
    page = write(make_results(("a",), ("cross-session",)))
    assert "One pipeline has a score: there is nothing to compare." in page.text


def test_pipelines_without_common_subjects_are_not_compared(write):
    page = write(
        make_results(
            ("a", "b"),
            ("cross-session",),
            n_subjects=2,
            fails=lambda fold: (fold["pipeline"] == "a") == (fold["subject"] == "1"),
        )
    )
    assert "No two subjects have scores of the same two pipelines" in page.text
    assert page.open == []


# The page


def test_page_asks_for_nothing_and_is_well_formed(write):
    page = write(make_results(fails=lambda fold: fold["fold"] == 2))
    assert page.open == []
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base"}
    links = attributes(page, "src", "href", "xlink:href", "srcset", "action", "data")
    assert all(v.startswith(("#", "data:")) for tag, _, v in links if tag != "a")
    style = Path(write_report.__code__.co_filename).with_name("report.html.j2")
    assert "@import" not in style.read_text() and "url(" not in style.read_text()
    assert not [attrs for _, attrs in page.tags for name in attrs if name[:2] == "on"]


def test_ids_are_unique_and_references_resolve(page):
    ids = [value for _, _, value in attributes(page, "id")]
    assert len(ids) == len(set(ids))
    for _, _, value in attributes(page, "href", "xlink:href"):
        assert value.removeprefix("#") in ids
    for _, _, value in attributes(page, "clip-path"):
        assert value.removeprefix("url(#").removesuffix(")") in ids


def test_page_is_accessible(page):
    assert ("html", {"lang": "en"}) in page.tags
    figures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(figures) == 2 + 2 * 2 + 6
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in figures)
    assert all(attrs.get("scope") for tag, attrs in page.tags if tag == "th")
    tables = [tag for tag, _ in page.tags if tag == "table"]
    assert len(tables) == len(page.tables) and all(page.tables)


def test_score_table_prints_percent_and_marks_what_is_not_above_chance(write):
    results = make_results(fails=lambda f: f["pipeline"] == "mdm" and f["fold"] == 4)
    page = write(results)
    expected = score_table(results).query("protocol == 'within-session'")
    header, *rows = page.tables["within-session: ROC-AUC, %"]
    assert header[:2] == ["Pipeline", "Score ± sd"]
    for row, want in zip(rows, expected.itertuples(), strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["Pipeline"] == want.pipeline
        assert cells["Score ± sd"] == f"{100 * want.score:.1f} ± {100 * want.sd:.1f}"
        assert cells["Above chance"] == ("yes" if want.above_chance else "≤ chance")
        assert cells["Chance level"] == "62.0"
        assert cells["Chance"] == cells["Majority, %"] == "50.0"
        assert cells["Target"] == "none"
        assert cells["Subjects"] == "3" and cells["Folds"] == "30"
        assert cells["Failed"] == ("6" if want.pipeline == "mdm" else "0")
    assert [row[3] for row in rows].count("≤ chance") == 1


def test_subject_and_confusion_tables_hold_the_numbers(page):
    results = make_results()
    subjects = subject_table(results, "cross-session")
    rows = page.tables["cross-session, each subject: ROC-AUC, %"]
    assert rows[0] == ["Subject", *subjects.columns]
    for row, (name, values) in zip(rows[1:-1], subjects.iterrows(), strict=True):
        assert row == [name, *(f"{100 * value:.1f}" for value in values)]
    assert rows[-1] == ["Mean", *(f"{100 * value:.1f}" for value in subjects.mean())]
    counts = confusion_table(results, "mdm", "cross-session").to_numpy()
    rows = page.tables["mdm, cross-session: % of each true class (trials)"]
    shares = 100 * counts / counts.sum(axis=1, keepdims=True)
    for i in range(2):
        want = [f"{shares[i, j]:.1f} % ({counts[i, j]})" for j in range(2)]
        assert rows[i + 1][1:] == want


def test_provenance_is_printed(page):
    assert page.tables["From the recording to trials"] == [
        *(["band", "8, 32"], ["resample", "–"], ["reject.eeg", "0.0001"])
    ]
    assert page.tables["Libraries"] == [["neurodec", "0.1.0"], ["numpy", "2.4.1"]]
    settings = dict(page.tables["Settings of within-session"])
    assert settings["folds here"] == "30"
    assert settings["seed"] == "42" and settings["scoring"] == "roc_auc"
    for text in ("2026-11-02 10:00:00", "neurodec benchmark --dataset demo"):
        assert text in page.text


def test_a_benchmark_that_describes_nothing_is_named_by_its_rows(write):
    results = make_results(("a",), ("cross-session",))
    results.description = {}
    page = write(results)
    assert page.tables["Dataset"] == [["name", "demo"]]
    settings = dict(page.tables["Settings of cross-session"])
    assert settings["target"] == "none" and settings["scoring"] == "roc_auc"
    assert settings["folds here"] == "6" and settings["seed"] == "–"


def test_transductive_protocol_says_so(write):
    page = write(make_results(protocols=("adaptive",)))
    header, *rows = page.tables["adaptive: ROC-AUC, %"]
    assert {row[header.index("Target")] for row in rows} == {"all (transductive)"}


def test_every_failed_fold_is_listed_with_its_error(write):
    failed = {("mdm", "1", "0", 3), ("mdm", "1", "0", 4), ("ts-lr", "2", "1", 0)}
    page = write(
        make_results(
            protocols=("within-session",),
            fails=lambda f: (
                (f["pipeline"], f["subject"], f["session"], f["fold"]) in failed
            ),
        )
    )
    assert "3 of 90 folds failed." in page.text
    assert "mdm, within-session: 2 folds" in page.text
    assert "subject 1, session 0: folds 3, 4" in page.text
    assert "subject 2, session 1: fold 0" in page.text
    assert page.text.count("covariance 3 has rank 21 of 22") == 2


def test_hostile_text_stays_text(write):
    bad = "</table></svg><script>alert('1')</script>\" onload=\"x $\\frac$ & \x1b"
    results = make_results(
        ("ok", bad),
        protocols=("cross-session", bad),
        classes=("a", bad),
        error=bad,
        fails=lambda fold: fold["pipeline"] == "ok" and fold["subject"] == "1",
    )
    results.description["dataset"] = dict(name=bad, title=bad, authors=[bad])
    results.description["recipe"] = {bad: {bad: bad}}
    results.description["versions"] = {bad: bad}
    results.description.update(command=bad, started=bad + "\udcff")
    page = write(results)
    assert page.open == []
    assert "script" not in {tag for tag, _ in page.tags}
    assert not attributes(page, "onload")
    assert "\x1b" not in page.text
    assert page.text.count(bad.replace("\x1b", "\N{REPLACEMENT CHARACTER}")) > 10


def test_same_results_give_the_same_bytes_whatever_the_user_s_style(tmp_path):
    results = make_results(
        ("a", "b"), ("cross-session",), fails=lambda fold: fold["subject"] == "1"
    )
    first = write_report(results, tmp_path / "a.html").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        second = write_report(results, tmp_path / "b.html").read_bytes()
        assert matplotlib.rcParams["font.size"] == 30
    assert first == second


@pytest.mark.parametrize(
    "options",
    [
        dict(fails=lambda fold: True),
        dict(n_subjects=1, n_sessions=1, protocols=("within-session",)),
        dict(classes=("a", "b", "c", "d"), pipelines=("a",), scoring="accuracy"),
        dict(
            classes=[f"{f:g} Hz" for f in range(8, 20)],
            n_trials=48,
            pipelines=("a",),
            protocols=("cross-session",),
            scoring="accuracy",
        ),
        dict(chance=False, pipelines=("a",), scoring="cohen_kappa"),
        dict(
            pipelines=[f"pipeline-{i}" for i in range(20)], protocols=("cross-session",)
        ),
        dict(
            pipelines=("a",),
            protocols=("cross-session",),
            classes=[str(i) for i in range(40)],
            n_trials=80,
        ),
    ],
    ids=["all failed", "one", "4 classes", "12 classes", "kappa", "20", "40 classes"],
)
def test_every_shape_of_benchmark_renders(write, options):
    page = write(make_results(**options))
    assert page.open == []
    assert "nan" not in page.text.lower().split()
    lines = make_results(**options).rows[["protocol", "pipeline"]].drop_duplicates()
    scores = [rows for rows in page.tables.values() if "Score ± sd" in rows[0]]
    assert sum(len(rows) - 1 for rows in scores) == len(lines)


def test_one_subject_has_no_deviation(write):
    results = make_results(("a",), ("cross-session",), n_subjects=1, n_sessions=1)
    _, *rows = write(results).tables["cross-session: ROC-AUC, %"]
    assert all("±" not in row[1] for row in rows)


def test_scores_that_are_no_shares_are_not_printed_in_percent(write):
    results = make_results(("a",), ("cross-session",), scoring="neg_log_loss")
    set_score(results, dict(pipeline="a"), -1.25)
    _, row = write(results).tables["cross-session: neg log loss"]
    assert row[1] == "-1.250 ± 0.000"


def test_no_rows_at_all(write):
    page = write(FakeResults(pd.DataFrame(), {}, dict(dataset=dict(name="none"))))
    assert "No pipeline was scored." in page.text
    assert page.open == []


def test_sessions_may_be_missing_and_subjects_numbers(write):
    results = make_results(protocols=("cross-subject",), n_sessions=1)
    results.rows["subject"] = results.rows["subject"].astype(int)
    results.rows["session"] = None
    rows = write(results).tables["cross-subject, each subject: ROC-AUC, %"]
    assert [row[0] for row in rows[1:-1]] == ["1", "2", "3"]


def test_size_of_a_usual_benchmark(tmp_path):
    results = make_results([f"pipeline-{i}" for i in range(6)], n_subjects=4)
    path = write_report(results, tmp_path / "report.html")
    assert path.stat().st_size < 3e6


# The file


def test_parent_is_made_and_the_path_returned(tmp_path):
    path = write_report(make_results(), str(tmp_path / "new" / "deep" / "r.html"))
    assert path == tmp_path / "new" / "deep" / "r.html"
    assert [p.name for p in path.parent.iterdir()] == ["r.html"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    results = make_results()
    results.predictions = lambda key: {}[key]
    with pytest.raises(KeyError):
        write_report(results, path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_replacement_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def refuse(source, target):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_report(make_results(("a",), ("cross-session",)), path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_bad_paths(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder; name a file"):
        write_report(make_results(), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="a file is in its way"):
        write_report(make_results(), tmp_path / "file" / "report.html")


def test_bad_results(tmp_path):
    with pytest.raises(TypeError, match="DataFrame without 'rows'"):
        write_report(pd.DataFrame(), tmp_path / "r.html")
    results = make_results()
    results.rows = results.rows.drop(columns="chance_level")
    with pytest.raises(ValueError, match="lacks the columns \\['chance_level'\\]"):
        write_report(results, tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []
