"""Fit a model of resting activity to a recording."""

import mne
import numpy as np
from scipy.optimize import least_squares, nnls

from .. import _sources as head
from .background import Background, source_gain, source_grid

_BAND = (2.0, 45.0)  # Hz, of the fit: above slow drifts, below the line
_WINDOW = 2.0  # s, of the cross-spectra


def fit_background(raw, *, quiet=0.5, name="rest"):
    """Fit a `Background` to a recording at rest.

    Cross-spectra of the quieter windows of 2 s between 2 and 45 Hz on the average
    reference. A power law, a floor and a Gaussian alpha peak are fitted to the log of
    the mean spectrum; the spatial covariances outside and inside the alpha peak are
    fitted by sources of non-negative power on a grid (Frobenius norm).

    Parameters
    ----------
    raw : mne.io.BaseRaw
        At least 20 s and 16 EEG channels with names of the 10-05 system. Channels
        marked bad are left out, and those with ten times the usual variance.
    quiet : float, default=0.5
        Share of the windows to keep: those with the smallest peak of variance over
        channels, since eyes and muscles are not modelled.
    name : str, default="rest"
        Kept with the numbers.

    Returns
    -------
    background : Background

    Raises
    ------
    TypeError
        If ``raw`` is no recording.
    ValueError
        If it is too short, has too few channels, an unknown channel name or a sampling
        rate below 100 Hz, holds NaN, or ``quiet`` is not within 0 and 1.

    Examples
    --------
    >>> from neurodec.datasets import default_backgrounds
    >>> names = head.standard_montage().ch_names[:90:3]
    >>> truth = default_backgrounds()[0]
    >>> data = truth.noise(names, 7680, 128.0, np.random.default_rng(0))
    >>> raw = mne.io.RawArray(data, mne.create_info(names, 128.0, "eeg"), verbose=False)
    >>> abs(fit_background(raw).alpha_freq - truth.alpha_freq) < 1
    True
    """
    data, ch_names, sfreq = _check_rest(raw, quiet)
    data, ch_names = _without_noisy(data, ch_names, sfreq)
    freqs, spectra = _cross_spectra(data, sfreq, quiet)
    shape = _fit_spectrum(freqs, np.einsum("fcc->f", spectra) / len(ch_names))
    aperiodic, alpha = _separate(freqs, spectra, shape)
    own, sources = _fit_sources(aperiodic, ch_names)
    _, alpha_sources = _fit_sources(alpha, ch_names, own=False)
    return Background(
        name=name, own=own, sources=sources, alpha_sources=alpha_sources, **shape
    )


def _check_rest(raw, quiet):
    if not isinstance(raw, mne.io.BaseRaw):
        raise TypeError(
            f"raw is {type(raw).__name__}; read the recording with mne.io.read_raw"
        )
    if not 0 < quiet <= 1:
        raise ValueError(f"quiet={quiet!r} is not within 0 and 1; give a share")
    picks = mne.pick_types(raw.info, eeg=True, exclude="bads")
    if len(picks) < 16:
        raise ValueError(
            f"the recording has {len(picks)} good EEG channels; a spatial covariance "
            "needs at least 16: set the channel types, or use default_backgrounds()"
        )
    ch_names = head.check_electrodes([raw.ch_names[pick] for pick in picks])
    sfreq = raw.info["sfreq"]
    if sfreq < 100:
        raise ValueError(
            f"the sampling rate is {sfreq:g} Hz; the spectrum is fitted up to "
            f"{_BAND[1]:g} Hz, give a recording of at least 100 Hz"
        )
    if raw.n_times < 20 * sfreq:
        raise ValueError(
            f"the recording lasts {raw.n_times / sfreq:.1f} s; give at least 20 s"
        )
    data = raw.get_data(picks=picks)
    if not np.isfinite(data).all():
        raise ValueError("the recording holds NaN or infinity; cut that part out")
    return data, ch_names, sfreq


def _windows(data, sfreq):
    """Fourier coefficients of overlapping tapered windows, and their frequencies."""
    length = round(_WINDOW * sfreq)
    starts = np.arange(0, data.shape[1] - length + 1, length // 2)
    windows = np.stack([data[:, start : start + length] for start in starts])
    windows = windows - windows.mean(axis=-1, keepdims=True)
    taper = np.hanning(length)
    spectra = np.fft.rfft(windows * taper, axis=-1)
    freqs = np.fft.rfftfreq(length, 1 / sfreq)
    inside = (freqs >= _BAND[0]) & (freqs <= _BAND[1])
    scale = np.sqrt(2 / (sfreq * np.sum(taper**2)))
    return spectra[..., inside] * scale, freqs[inside]


def _without_noisy(data, ch_names, sfreq):
    """Channels whose typical variance is at most ten times that of the others."""
    # The median as reference: one loud channel would spoil the mean.
    spectra, _ = _windows(data - np.median(data, axis=0), sfreq)
    power = np.median(np.sum(np.abs(spectra) ** 2, axis=-1), axis=0)
    good = (power > 0) & (power < 10 * np.median(power))
    return data[good], [name for name, g in zip(ch_names, good, strict=True) if g]


def _cross_spectra(data, sfreq, quiet):
    """Real part of the cross-spectral density of quiet windows, average reference."""
    spectra, freqs = _windows(data - data.mean(axis=0), sfreq)
    power = np.sum(np.abs(spectra) ** 2, axis=-1)
    loudness = np.max(power / np.median(power, axis=0), axis=1)
    kept = np.argsort(loudness, kind="stable")[: max(2, int(quiet * len(spectra)))]
    density = np.einsum("wcf,wdf->fcd", spectra[kept], spectra[kept].conj()).real
    return freqs, density / len(kept)


def _fit_spectrum(freqs, density):
    """Parameters of the mean spectrum, by least squares of its logarithm."""
    alpha = (freqs >= 7.5) & (freqs <= 13.5)
    law = np.polyfit(np.log(freqs[~alpha] / 10), np.log(density[~alpha]), 1)
    excess = density / np.exp(np.polyval(law, np.log(freqs / 10)))
    centre = freqs[alpha][np.argmax(excess[alpha])]
    level = np.exp(law[1])
    start = [max(-law[0], 0.5), law[1], np.log(0.1 * level), centre, 1.0,
             np.log(level * max(excess[alpha].max() - 1, 0.1) * 2.5)]  # fmt: skip

    def parameters(x):
        return {
            "exponent": float(x[0]),
            "level": float(np.exp(x[1])),
            "floor": float(np.exp(x[2])),
            "alpha_freq": float(x[3]),
            "alpha_width": float(x[4]),
            "alpha_power": float(np.exp(x[5])),
        }

    def residual(x):
        model = Background(
            name="", own=0, sources=(), alpha_sources=(), **parameters(x)
        )
        return np.log((model.aperiodic(freqs) + model.alpha(freqs)) / density)

    unit = np.log(level)
    lower = [0.2, unit - 5, unit - 9, 8.0, 0.5, unit - 6]
    upper = [3.0, unit + 3, unit + 1, 13.0, 1.5, unit + 9]
    start = np.clip(start, np.add(lower, 1e-6), np.subtract(upper, 1e-6))
    return parameters(least_squares(residual, start, bounds=(lower, upper)).x)


def _spectrum_only(shape):
    return Background(name="", own=0.0, sources=(), alpha_sources=(), **shape)


def _separate(freqs, spectra, shape):
    """Spatial covariance of the aperiodic part and of alpha, mean variance 1."""
    model = _spectrum_only(shape)
    aperiodic = model.aperiodic(freqs)
    distance = np.abs(freqs - model.alpha_freq) / model.alpha_width
    outside, inside = distance > 3, distance < 1.5
    noise = np.mean(spectra[outside] / aperiodic[outside, None, None], axis=0)
    rest = spectra[inside].sum(axis=0) - aperiodic[inside].sum() * noise
    return [matrix * len(matrix) / np.trace(matrix) for matrix in (noise, rest)]


def _fit_sources(covariance, ch_names, own=True):
    """Non-negative powers of grid and electrodes whose covariance comes nearest."""
    gain = source_gain(source_grid(), ch_names)
    gain = gain - gain.mean(axis=0)
    parts = np.einsum("csk,dsk->scd", gain, gain)
    centred = np.eye(len(ch_names)) - 1 / len(ch_names)
    parts = np.concatenate([parts, own * centred[np.newaxis]])
    rows, columns = np.triu_indices(len(ch_names))
    weight = np.where(rows == columns, 1.0, np.sqrt(2.0))
    powers, _ = nnls(
        (parts[:, rows, columns] * weight).T, covariance[rows, columns] * weight
    )
    variance = np.einsum("s,scc->", powers, parts) / len(ch_names)
    powers = powers / variance if variance else powers
    return float(powers[-1]), tuple(powers[:-1].tolist())
