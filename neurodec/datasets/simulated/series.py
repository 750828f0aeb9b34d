"""Time courses: stationary Gaussian noise, envelopes, responses and blinks."""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfftfreq


def power_law(freqs, slope=1.0, corner=1.0):
    """Power density that falls as ``1 / f**slope`` and is 1 below ``corner`` (Hz).

    Examples
    --------
    >>> power_law([0.5, 1, 2, 4])
    array([1.  , 1.  , 0.5 , 0.25])
    """
    return (corner / np.maximum(np.asarray(freqs, dtype=float), corner)) ** slope


def rhythm(freqs, centre, width):
    """Power density of a narrow-band rhythm of variance 1 (1 / Hz).

    A Gaussian: mean and deviation in Hz.

    Examples
    --------
    >>> rhythm([9.0, 10.0, 11.0], centre=10.0, width=1.0).round(3)
    array([0.242, 0.399, 0.242])
    """
    freqs = np.asarray(freqs, dtype=float)
    peak = np.exp(-0.5 * ((freqs - centre) / width) ** 2)
    return peak / (np.sqrt(2 * np.pi) * width)


def _line_powers(density, n_times, sfreq):
    """Variance at each frequency of the transform, and the transform's length."""
    # The series is periodic, its end continues into its start. No trial spans that
    # seam, so a longer transform that is cut would buy nothing.
    n_fft = next_fast_len(n_times, real=True)
    freqs = rfftfreq(n_fft, 1.0 / sfreq)
    inside = (freqs > 0) & (freqs < sfreq / 2)
    powers = np.zeros_like(freqs)
    powers[inside] = density(freqs[inside]) * sfreq / n_fft
    return powers, n_fft


def shaped_noise(density, n_series, n_times, sfreq, rng):
    """Independent stationary Gaussian series of a given spectrum.

    Parameters
    ----------
    density : callable
        ``density(freqs)`` gives the one-sided power density, in squared units per
        Hz, at frequencies in Hz. 0 and the Nyquist frequency are left out.
    n_series, n_times : int
        Shape of the result.
    sfreq : float
        Sampling rate (Hz).
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    noise : ndarray, shape (n_series, n_times)
        Series of expected mean 0, whose covariance is `autocovariance`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shaped_noise(power_law, 3, 1000, 100.0, rng).shape
    (3, 1000)
    """
    powers, n_fft = _line_powers(density, n_times, sfreq)
    spectrum = rng.standard_normal((n_series, len(powers), 2)).view(complex)[..., 0]
    return irfft(spectrum * (0.5 * n_fft * np.sqrt(powers)), n_fft)[:, :n_times]


def autocovariance(density, n_times, sfreq, n_lags):
    """Covariance of samples 0, 1, ... apart of `shaped_noise`, shape (n_lags,).

    Exact for the series of ``n_times`` samples that `shaped_noise` gives.

    Examples
    --------
    >>> def alpha(freqs):
    ...     return rhythm(freqs, centre=10.0, width=1.0)
    >>> autocovariance(alpha, 1000, 100.0, 2).round(2)
    array([1.  , 0.81])
    """
    powers, n_fft = _line_powers(density, n_times, sfreq)
    return irfft(0.5 * n_fft * powers, n_fft)[:n_lags]


def erd_envelope(n_times, onsets, depths, duration, sfreq, *, delay=0.5, ramp=0.5):
    """Amplitude of a rhythm that is desynchronised during trials.

    Power is 1 at rest. In a trial it falls by the trial's depth over ``ramp`` seconds
    from ``delay`` seconds after the cue, stays there to the end of the trial, and
    recovers over another ``ramp``; both ramps are half a cosine.

    Parameters
    ----------
    n_times : int
        Length of the recording, samples.
    onsets : array-like of int, shape (n_trials,)
        Cue samples; trials with their recovery must not overlap.
    depths : array-like, shape (n_trials,)
        Relative loss of power, from 0 (none) to 1 (all), as in [1]_.
    duration : float
        Cue to end of trial (s).
    sfreq : float
        Sampling rate (Hz).
    delay, ramp : float
        Cue to begin of the fall, and length of fall and of recovery (s).

    Returns
    -------
    envelope : ndarray, shape (n_times,)
        Factor on the amplitude: the square root of the power.

    Raises
    ------
    ValueError
        If a depth is not within 0 and 1, or trials overlap.

    References
    ----------
    .. [1] Pfurtscheller, G. and Lopes da Silva, F. H. (1999). Event-related EEG/MEG
       synchronization and desynchronization: basic principles. Clinical
       Neurophysiology 110, 1842-1857.

    Examples
    --------
    >>> envelope = erd_envelope(500, [100], [0.75], 2.0, 100.0)
    >>> [float(envelope[sample]) for sample in (0, 150, 250, 400)]
    [1.0, 1.0, 0.5, 1.0]
    """
    depths = np.asarray(depths, dtype=float)
    if not np.all((depths >= 0) & (depths <= 1)):
        wrong = depths[~((depths >= 0) & (depths <= 1))][0]
        raise ValueError(f"depth {wrong:g} is not within 0 and 1; clip the depths")
    times = np.arange(int(np.ceil((duration + ramp) * sfreq))) / sfreq
    fall = np.clip((times - delay) / ramp, 0, 1)
    recovery = np.clip((duration + ramp - times) / ramp, 0, 1)
    window = np.minimum(
        *(0.5 - 0.5 * np.cos(np.pi * edge) for edge in (fall, recovery))
    )
    if np.any(np.diff(onsets) < len(window)):
        raise ValueError(
            f"two cues are {np.min(np.diff(onsets))} samples apart but a trial with "
            f"its recovery takes {len(window)}; sort the onsets or leave longer gaps"
        )
    power = np.ones(n_times)
    for onset, depth in zip(onsets, depths, strict=True):
        trial = power[onset : onset + len(window)]
        trial -= depth * window[: len(trial)]
    return np.sqrt(power)


def blinks(n_times, sfreq, rng, *, rate=0.2, duration=0.3, height=150e-6):
    """Blinks as an electrode above the eye sees them, in volts, shape (n_times,).

    ``rate`` is per second, ``duration`` in seconds, ``height`` the median peak (V).
    """
    shape = np.hanning(round(duration * sfreq))
    trace = np.zeros(n_times)
    count = rng.poisson(rate * n_times / sfreq)
    for start in rng.integers(0, n_times, count):
        piece = trace[start : start + len(shape)]
        piece += height * np.exp(0.2 * rng.standard_normal()) * shape[: len(piece)]
    return trace
