"""What every transformer of trials refuses, and how it says so."""

import numpy as np
from sklearn.utils import check_array


def check_trials(X, together=()):
    """Trials as an array, with what `mne.Epochs` know about them.

    Parameters
    ----------
    X : array-like, shape (n_trials, n_channels, n_times), or mne.Epochs
    together : tuple of str, default=()
        Channel types that epochs may hold side by side.

    Returns
    -------
    X : ndarray, shape (n_trials, n_channels, n_times)
        float64, or float32 where it was float32; not copied if it was a float array.
    ch_names : tuple of str or None
    sfreq : float or None
        Sampling rate in Hz.

    Raises
    ------
    TypeError
        If `X` is a `neurodec.datasets.Trials`.
    ValueError
        If `X` has not three dimensions, is empty, is not numeric, holds NaN or
        infinity, or if the epochs mix channel types.
    """
    ch_names = sfreq = None
    if hasattr(X, "get_data") and hasattr(X, "info"):
        _refuse_mixed_types(X, together)
        ch_names, sfreq = tuple(X.ch_names), float(X.info["sfreq"])
        X = X.get_data(copy=False)
    elif hasattr(X, "to_epochs"):
        raise TypeError(
            "X is a Trials object; estimators take arrays or epochs: pass trials.X or "
            "trials.to_epochs()."
        )
    X = check_array(
        X,
        dtype=(np.float64, np.float32),
        ensure_2d=False,
        allow_nd=True,
        ensure_all_finite=False,
        input_name="X",
    )
    if X.ndim != 3:
        raise ValueError(
            f"X has shape {X.shape}; expected (n_trials, n_channels, n_times). "
            "Reshape your data: for a single trial pass X[np.newaxis]."
        )
    if 0 in X.shape:
        raise ValueError(
            f"X has shape {X.shape}: no trials, no channels or no samples are left; "
            "check the events, the picks and tmin and tmax."
        )
    finite = np.isfinite(X).all(axis=-1)
    if not finite.all():
        trial, channel = np.argwhere(~finite)[0]
        raise ValueError(
            f"trial {trial}, {_channel(channel, ch_names)} holds NaN or infinity, as "
            f"{np.count_nonzero(~finite)} of {finite.size} signals do: drop the trial, "
            "or interpolate the channel (mne's interpolate_bads)."
        )
    return X, ch_names, sfreq


def refuse_constant(X, ch_names=None):
    """Raise ValueError if a channel does not vary within a trial.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_channels, n_times)
    ch_names : sequence of str or None
    """
    constant = X.max(axis=-1) == X.min(axis=-1)
    if constant.any():
        trial, channel = np.argwhere(constant)[0]
        raise ValueError(
            f"trial {trial}, {_channel(channel, ch_names)} is constant at "
            f"{X[trial, channel, 0]:g} and has no power, as in "
            f"{np.count_nonzero(constant[:, channel])} of {len(X)} trials: drop the "
            "trial (mne's drop_bad(flat=...)), or the channel."
        )


def remember_channels(estimator, X, ch_names):
    """Set ``n_channels_`` and ``ch_names_`` of an estimator in its fit."""
    estimator.n_channels_ = X.shape[1]
    estimator.ch_names_ = ch_names


def require_same_channels(estimator, X, ch_names):
    """Raise ValueError unless the channels are those that the estimator was fitted on.

    Names are compared where both sides know them, that is where both were epochs.
    """
    name = type(estimator).__name__
    if X.shape[1] != estimator.n_channels_:
        raise ValueError(
            f"X has {X.shape[1]} channels, but {name} was fitted on "
            f"{estimator.n_channels_}: pick the channels of the training data."
        )
    fitted = estimator.ch_names_
    if fitted is None or ch_names is None or fitted == ch_names:
        return
    position = next(i for i, ch_name in enumerate(ch_names) if ch_name != fitted[i])
    if set(fitted) == set(ch_names):
        remedy = f"epochs.reorder_channels({list(fitted)})"
    else:
        remedy = f"pick the training data's channels: {list(fitted)}"
    raise ValueError(
        f"channel {position} is {ch_names[position]!r}, but {name} was fitted with "
        f"{fitted[position]!r} there: {remedy}."
    )


def _refuse_mixed_types(epochs, together):
    types = sorted(set(epochs.get_channel_types()))
    if len(types) > 1 and not set(types) <= set(together):
        raise ValueError(
            f"the epochs mix channels of types {types}, which have other units, and a "
            "stimulus channel holds the labels: pick one type, such as "
            "epochs.pick('eeg')."
        )


def _channel(index, ch_names):
    return f"channel {index}" + (f" ({ch_names[index]})" if ch_names else "")
