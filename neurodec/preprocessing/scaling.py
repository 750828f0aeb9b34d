"""One scale per channel type, for recordings that mix them."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .._arrays import check_trials, remember_channels, require_same_channels

SCALED = ("mag", "grad", "eeg", "seeg", "ecog", "dbs")
_BLOCK = 256


class ChannelTypeScaler(TransformerMixin, BaseEstimator):
    """Bring each channel type to unit variance, so that types may be mixed.

    Magnetometers are in tesla, gradiometers in tesla per metre and EEG in volt: side by
    side, a shrunk covariance or a penalised model sees the EEG alone, whose numbers are
    the largest. Each type is divided by the standard deviation of its channels over the
    training trials; differences between channels of a type stay. As first step of a
    pipeline it is fitted on training trials only.

    Parameters
    ----------
    ch_types : str, list of str or None, default=None
        MNE type of each channel, such as ``trials.info.get_channel_types()``; None
        takes those of the `mne.Epochs` in `fit`.

    Attributes
    ----------
    scales_ : dict
        Standard deviation by channel type, in the unit of `X`.
    ch_types_ : tuple of str
    n_channels_ : int
    ch_names_ : tuple of str or None
        Known if fitted on `mne.Epochs`.

    See Also
    --------
    mne.decoding.Scaler : With ``scalings`` of ``1 / scales_``, the same; else a scale
        per channel.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.preprocessing import ChannelTypeScaler
    >>> X = np.random.default_rng(0).standard_normal((40, 3, 100))
    >>> X *= np.array([1e-13, 3e-13, 1e-5])[:, None]
    >>> scaler = ChannelTypeScaler(["mag", "mag", "eeg"])
    >>> scaler.fit_transform(X).std(axis=(0, 2)).round(1)
    array([0.4, 1.3, 1. ])
    """

    def __init__(self, ch_types=None):
        self.ch_types = ch_types

    def fit(self, X, y=None):
        """Estimate the scales.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
        y : None
            Not used.

        Returns
        -------
        self : ChannelTypeScaler

        Raises
        ------
        ValueError
            If no types are known, they do not fit, or a type does not vary.
        """
        types = self._types(X)
        X, ch_names, _ = check_trials(X, SCALED)
        types = _check_types(types, X.shape[1])
        variance = _channel_variance(X)
        scales = {
            kind: float(np.sqrt(variance[types == kind].mean()))
            for kind in dict.fromkeys(types.tolist())
        }
        for kind, scale in scales.items():
            if scale == 0:
                raise ValueError(
                    f"all channels of type {kind!r} are constant over the training "
                    "trials; leave them out."
                )
        self.scales_, self.ch_types_ = scales, tuple(types.tolist())
        remember_channels(self, X, ch_names)
        return self

    def transform(self, X):
        """Divide each channel by the scale of its type.

        Parameters
        ----------
        X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs

        Returns
        -------
        X_new : ndarray, shape (n_trials, n_channels, n_times)
            Without unit; float32 where `X` is.

        Raises
        ------
        ValueError
            If a trial holds NaN, or the channels are not those of `fit`.
        """
        check_is_fitted(self)
        X, ch_names, _ = check_trials(X, SCALED)
        require_same_channels(self, X, ch_names)
        scales = np.array([self.scales_[kind] for kind in self.ch_types_], X.dtype)
        return X / scales[:, np.newaxis]

    def _types(self, X):
        known = X.get_channel_types() if hasattr(X, "get_channel_types") else None
        given = self.ch_types
        if given is None and known is None:
            raise ValueError(
                "an array does not tell the types of its channels; give ch_types, such "
                "as trials.info.get_channel_types(), or fit on mne.Epochs."
            )
        if given is not None and known is not None:
            given = [given] * len(known) if isinstance(given, str) else list(given)
            if given != known:
                raise ValueError(
                    f"ch_types is {given}, but the epochs have {known}; leave ch_types "
                    "out to take theirs."
                )
        return known if given is None else given

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _check_types(types, n_channels):
    types = [types] * n_channels if isinstance(types, str) else list(types)
    if len(types) != n_channels:
        raise ValueError(
            f"{len(types)} channel types for {n_channels} channels; give one for each."
        )
    other = [kind for kind in types if kind not in SCALED]
    if other:
        raise ValueError(
            f"channel type {other[0]!r} is none of {', '.join(SCALED)}; leave such "
            "channels out of the trials."
        )
    return np.array(types)


def _channel_variance(X):
    """Variance of each channel about its mean over all trials, in double precision."""
    mean = X.mean(axis=(0, 2), dtype=np.float64)[:, np.newaxis]
    total = np.zeros(X.shape[1])
    for start in range(0, len(X), _BLOCK):
        total += ((X[start : start + _BLOCK] - mean) ** 2).sum(axis=(0, 2))
    return total / (len(X) * X.shape[2])
