"""Eye artefacts: learned from training trials, taken out of any trial.

Both transformers take trials with EOG channels among the signals and give trials
without, so that the EOG itself never reaches a decoder.
"""

import warnings

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._checks import check_choice, check_number
from ._eyes import (
    BLOCK,
    ICA_METHODS,
    EyeCleaner,
    centred,
    correlations,
    regression_weights,
    unmix,
)


class EyeRegression(EyeCleaner):
    """Regress EOG channels out of the others, and drop them.

    Each channel loses what a weighted sum of the EOG channels explains of it [1]_. The
    weights are least squares over the training trials; a trial is cleaned by its own
    EOG alone.

    Parameters
    ----------
    eog : list of str or int
        EOG channels, by name or by position.
    ch_names : list of str or None, default=None
        Names of all channels of `X`, such as ``trials.ch_names``, where `X` is an array
        and ``eog`` holds names.

    Attributes
    ----------
    coef_ : array, shape (n_kept, n_eog)
        Weight of each EOG channel in each channel that is kept.
    eog_, kept_ : array of int
        Positions of the EOG channels, and of the others.
    n_channels_ : int
        EOG included.
    ch_names_ : tuple of str or None

    See Also
    --------
    ICACleaner : Where EOG electrodes see much of the brain.
    mne.preprocessing.EOGRegression : The same on `mne.Epochs`.

    Notes
    -----
    EOG electrodes see the brain as well: what frontal channels share with them goes,
    too. Reference EEG beforehand (``Recipe(reference=...)``), and filter EOG channels
    as the EEG, which ``picks`` does.

    References
    ----------
    .. [1] G. Gratton, M. G. H. Coles, E. Donchin. A new method for off-line removal of
       ocular artifact. Electroencephalography and Clinical Neurophysiology 55(4),
       468-484, 1983. https://doi.org/10.1016/0013-4694(83)90135-9

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.preprocessing import EyeRegression
    >>> brain, blink = np.random.default_rng(0).standard_normal((2, 20, 1, 100))
    >>> X = np.concatenate([brain + 0.5 * blink, blink], axis=1)
    >>> cleaner = EyeRegression(eog=["EOG"], ch_names=["Fz", "EOG"])
    >>> cleaner.fit_transform(X).shape
    (20, 1, 100)
    >>> cleaner.coef_.round(1)
    array([[0.5]])
    """

    def __init__(self, eog, ch_names=None):
        self.eog = eog
        self.ch_names = ch_names

    def fit(self, X, y=None):
        """Learn the weights.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
            EOG channels included.
        y : None
            Not used.

        Returns
        -------
        self : EyeRegression

        Raises
        ------
        ValueError
            If an EOG channel is unknown, constant or the sum of others, or a trial
            holds NaN.
        """
        X = self._split(X, reset=True)
        self.coef_ = regression_weights(X[:, self.kept_], X[:, self.eog_])
        return self

    def transform(self, X):
        """Trials without eye artefacts and without EOG channels.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_kept, n_times)
            In the unit of `X`; float32 where `X` is.

        Raises
        ------
        ValueError
            If a trial holds NaN, or the channels are not those of `fit`.
        """
        check_is_fitted(self)
        X = self._split(X, reset=False)
        X_new = X[:, self.kept_]
        for start in range(0, len(X), BLOCK):
            block = slice(start, start + BLOCK)
            X_new[block] -= self.coef_ @ centred(X[block, self.eog_])
        return X_new


class ICACleaner(EyeCleaner):
    """Take out the independent components that follow the EOG, and drop the EOG.

    Components of the training trials are found by `mne.preprocessing.ICA`, those that
    correlate with an EOG channel are set to zero, and what remains is one matrix that
    cleans any trial without its EOG.

    Parameters
    ----------
    eog : list of str or int
        EOG channels, by name or by position.
    n_components : int, float or None, default=None
        Principal components that are unmixed: how many, or which share of the variance.
        None takes all that are not numerically zero.
    method : {"fastica", "infomax", "picard"}, default="fastica"
        "infomax" is extended infomax; "picard" needs the package python-picard.
    threshold : float, default=0.7
        Least correlation, in absolute value, of a component that is taken out with an
        EOG channel over the training trials.
    random_state : int, default=0
    ch_names : list of str or None, default=None
        Names of all channels of `X`, such as ``trials.ch_names``, where `X` is an array
        and ``eog`` holds names.

    Attributes
    ----------
    matrix_ : array, shape (n_kept, n_kept)
        Cleans the channels that are kept; its rank is lower by the components taken
        out.
    correlations_ : array, shape (n_components,)
        Greatest absolute correlation of each component with an EOG channel.
    excluded_ : array of int
        Components taken out.
    eog_, kept_ : array of int
        Positions of the EOG channels, and of the others.
    n_channels_ : int
        EOG included.
    ch_names_ : tuple of str or None

    See Also
    --------
    EyeRegression : Faster, and enough where the EOG sees little of the brain.

    Notes
    -----
    Slow drifts mislead ICA: high-pass at 1 Hz, as with ``Recipe(band=(1, 40))``.
    Channels that are kept must be of one type.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.preprocessing import ICACleaner
    >>> sources = np.random.default_rng(0).laplace(size=(30, 3, 200))
    >>> mixed = np.array([[1, 0.3, 0.9], [0.2, 1, 0.8], [0.5, 0.6, 1]]) @ sources
    >>> X = np.concatenate([mixed, sources[:, 2:]], axis=1)  # the last is the EOG
    >>> cleaner = ICACleaner(eog=[3]).fit(X)
    >>> len(cleaner.excluded_), cleaner.transform(X).shape
    (1, (30, 3, 200))
    """

    def __init__(
        self,
        eog,
        n_components=None,
        method="fastica",
        threshold=0.7,
        random_state=0,
        ch_names=None,
    ):
        self.eog = eog
        self.n_components = n_components
        self.method = method
        self.threshold = threshold
        self.random_state = random_state
        self.ch_names = ch_names

    def fit(self, X, y=None):
        """Unmix the training trials and choose components.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
            EOG channels included.
        y : None
            Not used.

        Returns
        -------
        self : ICACleaner

        Raises
        ------
        ValueError
            If an EOG channel is unknown or constant, a setting breaks its rule, or a
            trial holds NaN.
        ModuleNotFoundError
            If the method is "picard" and python-picard is not installed.

        Warns
        -----
        UserWarning
            If no component correlates with an EOG channel.
        """
        check_choice("method", self.method, ICA_METHODS)
        threshold = check_number("threshold", self.threshold, above=0)
        if threshold >= 1:
            raise ValueError(
                f"threshold is {threshold:g}; a correlation is below 1, such as 0.7."
            )
        X = self._split(X, reset=True, one_type=True)
        if len(self.kept_) < 2:
            raise ValueError(
                "one channel is left beside the EOG, which holds no components to "
                "unmix; use EyeRegression."
            )
        brain = centred(X[:, self.kept_])
        unmixing, mixing = unmix(
            brain, self.n_components, self.method, self.random_state
        )
        eyes = np.concatenate(centred(X[:, self.eog_]), axis=1)
        if not eyes.any(axis=1).all():
            raise ValueError(
                f"EOG channel {self.eog_[~eyes.any(axis=1)][0]} is constant in every "
                "training trial; leave it out of eog."
            )
        sources = np.concatenate(unmixing @ brain, axis=1)
        self.correlations_ = np.abs(correlations(sources, eyes)).max(axis=1)
        self.excluded_ = np.flatnonzero(self.correlations_ > threshold)
        if not len(self.excluded_):
            warnings.warn(
                f"no component correlates above {threshold:g} with an EOG channel "
                f"(greatest {self.correlations_.max():.2f}); nothing is taken out. "
                "Lower threshold, or raise n_components.",
                stacklevel=2,
            )
        artefact = mixing[:, self.excluded_] @ unmixing[self.excluded_]
        self.matrix_ = np.eye(len(self.kept_)) - artefact
        return self

    def transform(self, X):
        """Trials without eye artefacts and without EOG channels.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_kept, n_times)
            In the unit of `X`; float32 where `X` is.

        Raises
        ------
        ValueError
            If a trial holds NaN, or the channels are not those of `fit`.
        """
        check_is_fitted(self)
        X = self._split(X, reset=False)
        X_new = np.empty((len(X), len(self.kept_), X.shape[2]), X.dtype)
        for start in range(0, len(X), BLOCK):
            block = slice(start, start + BLOCK)
            X_new[block] = self.matrix_ @ X[block, self.kept_].astype(np.float64)
        return X_new
