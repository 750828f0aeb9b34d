"""Steps that no benchmark should run, each with one fault; and one without."""

from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Flat(TransformerMixin, BaseEstimator):
    """A few samples of each trial as a row: no fault."""

    def fit(self, X, y=None):
        self.n_times_ = np.shape(X)[2]
        return self

    def transform(self, X):
        return np.reshape(X[:, :, ::5], (len(X), -1))


class Hopeful(Flat):
    """Makes the best of missing samples."""

    def fit(self, X, y=None):
        return super().fit(X)

    def transform(self, X):
        return np.nan_to_num(super().transform(X))


class Diary(Flat):
    """Keeps a file."""

    def transform(self, X):
        Path("diary.txt").write_text(str(len(X)))
        return super().transform(X)


class Lookup(Flat):
    """Reads a file that no package holds."""

    def fit(self, X, y=None):
        Path(__file__).parents[1].joinpath("pyproject.toml").read_text()
        return super().fit(X)


class Moody(Flat):
    """Draws from NumPy's global generator."""

    def transform(self, X):
        X = super().transform(X)
        return X + 1e-4 * np.random.standard_normal(X.shape)  # noqa: NPY002


class Attached(Flat):
    """Holds what cannot be pickled."""

    def fit(self, X, y=None):
        self.scale_ = lambda rows: rows
        return super().fit(X)


class Default:
    """Its text holds an address, another one in each object."""


class Nameless(Flat):
    """Its clones have other parameters."""

    def __init__(self, state=None):
        self.state = state

    def get_params(self, deep=True):
        return {"state": self.state or Default()}


class Deaf(Flat):
    """Needs what MOABB does not hand over."""

    def fit(self, X, y=None):
        raise ValueError("the montage is unknown")


class Needy(Flat):
    """Imports what neither moabb nor neurodec requires."""

    def fit(self, X, y=None):
        import pluggy  # noqa: F401

        return super().fit(X)
