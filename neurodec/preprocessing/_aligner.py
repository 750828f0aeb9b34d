"""What all aligners share: domains, targets, checks, and what is averaged."""

import numpy as np
from pyriemann.geometry.base import logm
from pyriemann.geometry.covariance import covariances
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ._references import mean_of, prior_weight, running_means
from ._target import parse_target

KINDS = ("trials", "covariances", "tangent")
_SHAPES = {
    "trials": "(n_trials, n_channels, n_times)",
    "covariances": "(n_trials, n_channels, n_channels)",
    "tangent": "(n_trials, n_features)",
}


class Aligner(TransformerMixin, BaseEstimator):
    """Base of the aligners: a reference for each domain, and one for all others.

    A subclass says what is averaged (``_items``), by which mean (``_metric``), and
    what is done with the mean (``_apply``).
    """

    # scikit-learn hands these on inside a Pipeline while metadata routing is enabled.
    __metadata_request__fit = {"domains": True}
    __metadata_request__transform = dict.fromkeys(
        ("domains", "target", "order", "labels"), True
    )

    def fit(self, X, y=None, domains=None):
        """Learn a reference for each domain of the training trials.

        Parameters
        ----------
        X : array, shape as ``inputs`` says
        y : array, shape (n_trials,) or None
            Labels; only `Rotate` looks at them.
        domains : array, shape (n_trials,) or (n_trials, n_columns), or None
            Which domain each trial is of, such as subject and session. None is one
            domain.

        Returns
        -------
        self
        """
        self._check_parameters()
        X = self._check(X, reset=True)
        items = self._items(X)
        groups = group(domains, len(X))
        means = [self._mean(items[rows]) for _, rows in groups]
        self._remember(groups, means)
        self.reference_ = self._mean(np.stack(means))
        if self.prior is None:
            parts = [rows for _, rows in groups]
            self.prior_ = prior_weight(items, parts, means, self._metric)
        else:
            self.prior_ = float(self.prior)
        return self

    def _remember(self, groups, references):
        self.references_, self.n_trials_ = {}, {}
        for (domain, rows), reference in zip(groups, references, strict=True):
            if domain is not None:
                self.references_[domain] = reference
                self.n_trials_[domain] = len(rows)

    def transform(self, X, domains=None, target="none", order=None, labels=None):
        """Align each domain by its reference.

        Parameters
        ----------
        X : array, shape as ``inputs`` says
        domains : array, shape (n_trials,) or (n_trials, n_columns), or None
            As in ``fit``. A domain that training knew has its reference from there.
            None is one domain that training did not know.
        target : str, default="none"
            What a domain's reference may be taken from in ``X``. "none": nothing; a
            domain that training did not know gets ``reference_``. "past": the trials
            of the domain that stand before the one to align. "prefix(n)": its first n
            trials, and "prefix(n, labelled)" their labels too. "all": all of them,
            and nothing else.
        order : array, shape (n_trials,) or None
            When each trial was recorded, in any unit; "past" and "prefix" need it.
        labels : array, shape (n_trials,) or None
            For a labelled prefix; labels beyond it are not read.

        Returns
        -------
        X_new : array, shape of ``X``

        Raises
        ------
        ValueError
            If trials of a domain are not in the order of recording, or a prefix is
            longer than its domain; the message names the remedy.
        """
        check_is_fitted(self, "reference_")
        target = parse_target(target)
        X = self._check(X, reset=False)
        if target.labelled and labels is None:
            raise ValueError(
                f"target is '{target}' but labels is None; give labels, or 'prefix(n)'."
            )
        X_new = np.empty_like(X)
        for domain, rows in group(domains, len(X)):
            if target.kind in ("past", "prefix"):
                _refuse_disorder(order, rows, len(X), domain, target)
            known = None if labels is None else np.asarray(labels)[rows]
            references = self._references(X[rows], domain, target, known)
            X_new[rows] = self._apply(X[rows], references)
        return X_new

    def fit_transform(self, X, y=None, domains=None):
        """The same as ``fit(X, y, domains).transform(X, domains)``."""
        return self.fit(X, y, domains=domains).transform(X, domains=domains)

    def _references(self, X, domain, target, labels):
        """The reference of a domain, or one for each of its trials."""
        start = self.references_.get(domain, self.reference_)
        # Its own training trials count one by one; those of others are a guess.
        weight = self.n_trials_.get(domain, self.prior_)
        if target.kind == "past":
            return running_means(self._items(X), start, weight, self._metric)
        if target.kind == "prefix":
            items = self._items(X[: prefix_length(target, X, domain)])
            return self._mean(items, start, weight)
        return self._mean(self._items(X)) if target.kind == "all" else start

    def _mean(self, items, start=None, weight=0.0):
        return mean_of(items, self._metric, start, weight)

    _metric = None

    def _matrices(self, X, full_rank=True):
        """Covariance matrices of trials; covariances and vectors are as they are."""
        X = X.astype(float)
        if self.inputs == "tangent":
            return X
        C = covariances(X, self.estimator) if self.inputs == "trials" else X
        if full_rank:
            refuse_low_rank(C, "the covariance")
        return C

    def _logarithms(self, X):
        """Logarithms of covariances; vectors are as they are."""
        items = self._matrices(X)
        return items if self.inputs == "tangent" else logm(items)

    def _refuse_uncentred(self, X):
        logs = self._logarithms(X)
        spread, offset = np.sum(logs**2) / len(logs), np.sum(logs.mean(axis=0) ** 2)
        if len(logs) > 1 and offset > 0.95 * spread:
            raise ValueError(
                f"the mean of the training trials is {np.sqrt(offset):.3g} from the "
                f"origin and their spread about it is only "
                f"{np.sqrt(max(spread - offset, 0)):.3g}; put "
                f"Recenter(inputs={self.inputs!r}) before {type(self).__name__}."
            )

    def _check_parameters(self):
        if self.inputs not in KINDS:
            raise ValueError(
                f"inputs is {self.inputs!r}; use one of {', '.join(KINDS)}."
            )
        prior = getattr(self, "prior", None)
        if prior is None:
            return
        number = isinstance(prior, int | float) and not isinstance(prior, bool)
        if not number or not 0 <= prior < np.inf:
            raise ValueError(
                f"prior is {prior!r}; give a number of trials from 0, or None."
            )

    def _check(self, X, reset):
        if hasattr(X, "to_epochs"):
            raise TypeError(
                "X is a Trials object; estimators take arrays: pass trials.X, and "
                "trials.metadata[['subject', 'session']] as domains."
            )
        if hasattr(X, "get_data") and hasattr(X, "info"):
            X = X.get_data(copy=False)
        flat = self.inputs == "tangent"
        if flat and getattr(X, "ndim", 2) != 3:
            return validate_data(self, X, reset=reset, dtype=(np.float64, np.float32))
        if not flat:
            X = check_array(
                X, dtype=(np.float64, np.float32), ensure_2d=False, allow_nd=True
            )
        if flat or X.ndim != 3:
            raise ValueError(
                f"X has shape {X.shape}, but inputs={self.inputs!r} takes "
                f"{_SHAPES[self.inputs]}; set inputs to what this step is given. "
                "Reshape your data: for a single trial pass X[np.newaxis]."
            )
        if not reset and X.shape[1] != self.n_channels_:
            raise ValueError(
                f"X has {X.shape[1]} channels, but {type(self).__name__} was fitted on "
                f"{self.n_channels_}: pick the training data's channels."
            )
        if reset:
            self.n_channels_ = X.shape[1]
        if self.inputs == "covariances" and X.shape[1] != X.shape[2]:
            raise ValueError(
                f"X has shape {X.shape}, which are no covariance matrices; use "
                "inputs='trials' for signals."
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self.inputs == "tangent"
        tags.input_tags.three_d_array = self.inputs != "tangent"
        return tags


def group(domains, n_trials):
    """Pairs of domain and the rows of its trials, in the order of appearance."""
    if domains is None:
        return [(None, np.arange(n_trials))]
    values = np.asarray(domains)
    if values.ndim not in (1, 2) or len(values) != n_trials:
        raise ValueError(
            f"domains has shape {values.shape} but there are {n_trials} trials; give "
            "one per trial, such as metadata[['subject', 'session']]."
        )
    groups = {}
    for row, value in enumerate(values.tolist()):
        key = tuple(value) if isinstance(value, list) else value
        if any(v is None or v != v for v in (key if isinstance(key, tuple) else [key])):
            raise ValueError(
                f"the domain of trial {row} is {key!r}; every trial needs its subject "
                "and session."
            )
        groups.setdefault(key, []).append(row)
    return [(key, np.array(rows)) for key, rows in groups.items()]


def refuse_low_rank(matrices, what):
    """Raise ValueError if a covariance matrix has an eigenvalue of zero, or below."""
    values = np.linalg.eigvalsh(matrices)
    ranks = np.sum(values > 1e-12 * values[:, -1:], axis=1)
    n_channels = matrices.shape[1]
    if (ranks < n_channels).any():
        trial = int(np.argmax(ranks < n_channels))
        where = f" of trial {trial}" if len(matrices) > 1 else ""
        raise ValueError(
            f"{what}{where} has rank {ranks[trial]} of {n_channels} (average "
            "reference? few samples?); drop a channel, or use estimator='oas' where "
            "covariances are estimated."
        )


def prefix_length(target, X, domain):
    """Trials of a domain that are given beforehand."""
    n = target.length(len(X))
    if not 0 < n <= len(X):
        raise ValueError(
            f"target is '{target}' but domain {domain!r} has {len(X)} trials; give a "
            "shorter prefix."
        )
    return n


def _refuse_disorder(order, rows, n_trials, domain, target):
    if order is None:
        raise ValueError(
            f"target is '{target}' but order is None; give the time of each trial, "
            "such as metadata['onset']."
        )
    order = np.asarray(order)
    if order.shape != (n_trials,):
        raise ValueError(
            f"order has shape {order.shape} but there are {n_trials} trials; give one "
            "number each."
        )
    steps = np.diff(order[rows])
    if not (steps > 0).all():
        later = rows[1:][~(steps > 0)][0]
        raise ValueError(
            f"trial {later} (order {order[later]}) does not follow the trial before it "
            f"in domain {domain!r}; '{target}' needs the order of recording: sort the "
            "trials by it, with every array alike."
        )
