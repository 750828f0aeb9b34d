"""What eye cleaners share: which channels are eyes, regression and unmixing."""

import mne
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from .._arrays import check_trials, remember_channels, require_same_channels
from .._names import nearest

# Types that epochs may hold beside each other.
TOGETHER = ("eog", "eeg", "mag", "grad", "seeg", "ecog", "dbs")
ICA_METHODS = ("fastica", "infomax", "picard")
BLOCK = 256


def regression_weights(brain, eyes):
    """Least-squares weights of EOG channels in each brain channel.

    Parameters
    ----------
    brain : array, shape (n_trials, n_brain, n_times)
    eyes : array, shape (n_trials, n_eyes, n_times)
        The mean over each trial is removed from both.

    Returns
    -------
    weights : array, shape (n_brain, n_eyes)

    Raises
    ------
    ValueError
        If an EOG channel is constant, or the sum of others.

    Examples
    --------
    >>> eyes = np.random.default_rng(0).standard_normal((5, 1, 50))
    >>> regression_weights(0.25 * eyes, eyes)
    array([[0.25]])
    """
    inner = np.zeros((eyes.shape[1], eyes.shape[1]))
    outer = np.zeros((brain.shape[1], eyes.shape[1]))
    for start in range(0, len(eyes), BLOCK):
        block = slice(start, start + BLOCK)
        moving = centred(eyes[block])
        inner += np.einsum("nit,njt->ij", moving, moving, optimize=True)
        outer += np.einsum("nit,njt->ij", centred(brain[block]), moving, optimize=True)
    scale = np.sqrt(np.diagonal(inner))
    if not scale.all() or np.linalg.matrix_rank(inner / np.outer(scale, scale)) < len(
        inner
    ):
        raise ValueError(
            f"the {len(inner)} EOG channels are constant or sums of each other over "
            "the training trials; name fewer in eog."
        )
    return np.linalg.solve(inner, outer.T).T


def centred(X):
    X = X.astype(np.float64, copy=False)
    return X - X.mean(axis=-1, keepdims=True)


class EyeCleaner(TransformerMixin, BaseEstimator):
    """What the transformers share: which channels are eyes."""

    def _split(self, X, reset, one_type=False):
        """Trials as an array; ``reset`` finds which channels are eyes."""
        types = X.get_channel_types() if hasattr(X, "get_channel_types") else None
        X, ch_names, _ = check_trials(X, TOGETHER)
        names = ch_names if self.ch_names is None else tuple(self.ch_names)
        if len(names or X[0]) != X.shape[1]:
            raise ValueError(
                f"ch_names has {len(names)} names but X has {X.shape[1]} channels; "
                "give one for each, EOG included."
            )
        if reset:
            eyes = _rows_of(self.eog, names, X.shape[1])
            remember_channels(self, X, names)
            self.eog_ = eyes
            self.kept_ = np.setdiff1d(np.arange(X.shape[1]), eyes)
            kept = sorted({types[row] for row in self.kept_}) if types else []
            if one_type and len(kept) > 1:
                raise ValueError(
                    f"the channels beside the EOG are of types {', '.join(kept)}, in "
                    "other units; clean one type at a time."
                )
        else:
            require_same_channels(self, X, ch_names)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _rows_of(eog, names, n_channels):
    if isinstance(eog, str) or np.ndim(eog) != 1 or not len(eog):
        raise ValueError(
            f"eog is {eog!r}; give a list of the EOG channels, by name or by position."
        )
    rows = []
    for channel in eog:
        if isinstance(channel, str) and names is None:
            raise ValueError(
                f"eog names {channel!r}, but an array does not name its channels; give "
                "ch_names, such as trials.ch_names, or positions."
            )
        if isinstance(channel, str):
            if channel not in names:
                raise ValueError(
                    f"there is no EOG channel {channel!r}; {nearest(channel, names)} "
                    "Readers keep EOG channels that picks names."
                )
            channel = names.index(channel)
        if isinstance(channel, bool | np.bool_) or not 0 <= channel < n_channels:
            raise ValueError(
                f"eog has {channel!r}; give a name, or a position from 0 to "
                f"{n_channels - 1}."
            )
        rows.append(int(channel))
    if len(set(rows)) < len(rows):
        raise ValueError(f"eog, {list(eog)}, repeats a channel; give each once.")
    if len(rows) == n_channels:
        raise ValueError(f"eog, {list(eog)}, are all channels; none would be left.")
    return np.array(rows)


def check_components(n_components, n_channels):
    """Refuse a number or share of components that cannot be unmixed."""
    if n_components is None:
        return
    if isinstance(n_components, float | np.floating):
        fits = 0 < n_components < 1
    else:
        whole = isinstance(n_components, int | np.integer)
        fits = whole and not isinstance(n_components, bool)
        fits = fits and 2 <= n_components <= n_channels
    if not fits:
        raise ValueError(
            f"n_components is {n_components!r}; give a whole number from 2 to "
            f"{n_channels} (channels beside the EOG), a share of the variance between "
            "0 and 1, or None."
        )


def unmix(brain, n_components, method, random_state):
    """Matrices from channels to components and back, by MNE's ICA."""
    check_components(n_components, brain.shape[1])
    info = mne.create_info(brain.shape[1], 1000.0, "eeg", verbose=False)
    with info._unlock():
        info["highpass"] = 1.0  # Else MNE remarks on what an array cannot tell.
    ica = mne.preprocessing.ICA(
        n_components=n_components,
        method=method,
        random_state=random_state,
        fit_params={"extended": True} if method == "infomax" else None,
        verbose=False,
    )
    try:
        epochs = mne.EpochsArray(brain, info, proj=False, verbose=False)
        ica.fit(epochs, verbose=False)
    except (ImportError, RuntimeError) as error:
        if method == "picard" and "picard" in str(error):
            raise ModuleNotFoundError(
                "method 'picard' needs the package python-picard: pip install "
                "python-picard, or use method='fastica'."
            ) from error
        raise
    components = ica.pca_components_[: ica.n_components_]
    unmixing = ica.unmixing_matrix_ @ components / ica.pre_whitener_.T
    mixing = ica.pre_whitener_ * (components.T @ ica.mixing_matrix_)
    return unmixing, mixing


def correlations(sources, eyes):
    """Correlations of centred rows, shape (n_sources, n_eyes)."""
    lengths = np.outer(np.linalg.norm(sources, axis=1), np.linalg.norm(eyes, axis=1))
    return sources @ eyes.T / lengths
