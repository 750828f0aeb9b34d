"""Guards against scores that were bought with test data."""

import numpy as np
from scipy.stats import norm, rankdata


def drop_copies(train, test, hashes):
    """Training positions whose trial does not also stand in the test part.

    Public sets hold the same recording under two names (two subjects of Kalunga
    2016, for one); a decoder that saw a test trial in training is not tested by it.

    Parameters
    ----------
    train, test : array of int
    hashes : array of str, shape (n_trials,)
        ``Trials.signal_hashes()``.

    Returns
    -------
    train : array of int
        Without the copies.

    Examples
    --------
    >>> drop_copies(np.array([0, 1]), np.array([2]), np.array(["a", "b", "a"]))
    array([1])
    """
    return train[~np.isin(hashes[train], hashes[test])]


def shuffle_labels(trials, seed):
    """The same trials with labels permuted inside each subject and session.

    Parameters
    ----------
    trials : Trials
    seed : int

    Returns
    -------
    shuffled : Trials
    """
    from ..datasets.trials import Trials

    rng = np.random.default_rng(seed)
    y = trials.y.copy()
    for rows in trials.metadata.groupby(["subject", "session"]).indices.values():
        y[rows] = rng.permutation(y[rows])
    return Trials(
        trials.X,
        y,
        trials.metadata,
        trials.info,
        unit=trials.unit,
        tmin=trials.tmin,
        name=trials.name,
        recipe=trials.recipe,
    )


def shuffled_label_test(
    trials,
    pipelines,
    protocols,
    *,
    seed=0,
    n_permutations=2000,
    n_jobs=1,
    evaluate=None,
):
    """Whether pipelines stay at chance when the labels mean nothing.

    The labels are shuffled inside each session and every pipeline is evaluated. Then
    the true labels of each test part are permuted against the kept predictions,
    which gives the distribution of the mean score when predictions and labels are
    unrelated. A pipeline that saw test labels scores beyond it.

    Parameters
    ----------
    trials : Trials
    pipelines : dict or list
        As in :func:`neurodec.evaluation.evaluate`.
    protocols : list of str or Protocol
    seed : int, default=0
    n_permutations : int, default=2000
        Of the labels in each test part; the tail beyond them is extrapolated by a
        normal distribution, which the mean of many folds follows closely.
    n_jobs : int, default=1
    evaluate : callable or None, default=None
        Stands in for :func:`neurodec.evaluation.evaluate`.

    Returns
    -------
    table : DataFrame
        protocol, pipeline, n_folds, score (ROC-AUC for two classes, else accuracy),
        expected, deviation, p (one-sided, that honest predictions reach the score),
        and ``leaks``: p below .001 divided by the number of rows.

    Raises
    ------
    RuntimeError
        If a fold failed: an error is no evidence of honesty.
    """
    import pandas as pd

    if evaluate is None:
        from .evaluator import evaluate
    results = evaluate(
        shuffle_labels(trials, seed), pipelines, protocols, seed=seed, n_jobs=n_jobs
    )
    rows = results.rows
    if (rows["status"] != "ok").any():
        error = rows.loc[rows["status"] != "ok", "error"].iloc[0]
        raise RuntimeError(f"a fold failed, so nothing was tested: {error}")
    rng = np.random.default_rng(seed)
    table = []
    for (protocol, pipeline), part in rows.groupby(
        ["protocol", "pipeline"], sort=False
    ):
        observed, null = [], []
        for key in part["key"]:
            score, permuted = _permuted_scores(
                results.predictions(key), n_permutations, rng
            )
            observed.append(score)
            null.append(permuted)
        null = np.mean(null, axis=0)
        z = (np.mean(observed) - null.mean()) / null.std()
        table.append(
            dict(
                protocol=protocol,
                pipeline=pipeline,
                n_folds=len(part),
                score=np.mean(observed),
                expected=null.mean(),
                deviation=null.std(),
                p=norm.sf(z),
            )
        )
    table = pd.DataFrame(table)
    return table.assign(leaks=table["p"] < 0.001 / len(table))


def _permuted_scores(predictions, n_permutations, rng):
    """The score of a test part, and its scores under permuted labels."""
    y, response = predictions["y_true"], predictions["response"]
    classes, codes = np.unique(y, return_inverse=True)
    orders = rng.permuted(np.tile(codes, (n_permutations, 1)), axis=1)
    if len(classes) == 2 and response.size:
        graded = response[:, -1] if response.ndim == 2 else response
        return _auc(graded, codes), _auc(graded, orders)
    right = np.searchsorted(classes, predictions["y_pred"])
    return np.mean(right == codes), np.mean(right == orders, axis=1)


def _auc(response, codes):
    """ROC-AUC from ranks (Mann-Whitney), for one or many label vectors."""
    ranks = rankdata(response)
    n_positive = codes.sum(axis=-1)
    n_negative = codes.shape[-1] - n_positive
    above = codes @ ranks - n_positive * (n_positive + 1) / 2
    return above / (n_positive * n_negative)
