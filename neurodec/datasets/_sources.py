"""Pure parts of the simulators: noise, envelopes, and the way to the electrodes."""

from functools import lru_cache

import mne
import numpy as np
from scipy.fft import irfft, next_fast_len, rfftfreq

from .._names import nearest


@lru_cache(maxsize=1)
def standard_montage():
    """MNE's template of the 10-05 system; one for all callers, so never edit it."""
    # MNE 1.13 renamed the template; older versions know it by the second name only.
    names = ("colin27_1005", "standard_1005")
    known = mne.channels.get_builtin_montages()
    name = next(name for name in names if name in known)
    return mne.channels.make_standard_montage(name)


@lru_cache(maxsize=1)
def head_model():
    """MNE's three-layer sphere fitted to the 10-05 electrodes; never edit it."""
    montage = standard_montage()
    info = mne.create_info(montage.ch_names, 1.0, "eeg", verbose=False)
    info.set_montage(montage, verbose=False)
    return mne.make_sphere_model("auto", "auto", info, verbose=False)


def electrode_positions(ch_names):
    """Head coordinates (m) of named electrodes, shape (n_channels, 3)."""
    info = _eeg_info(dict.fromkeys(ch_names))
    positions = {ch["ch_name"]: ch["loc"][:3] for ch in info["chs"]}
    return np.array([positions[name] for name in ch_names])


def check_electrodes(ch_names):
    """Names as a list, if they are distinct electrodes of the 10-05 system.

    Raises
    ------
    TypeError
        If ``ch_names`` is no list of strings.
    ValueError
        If there is none, or one is unknown or repeated.
    """
    if isinstance(ch_names, str) or not np.iterable(ch_names):
        raise TypeError(f"ch_names={ch_names!r} is no list of names; give ['C3', 'C4']")
    ch_names = list(ch_names)
    if not ch_names:
        raise ValueError("ch_names is empty; name at least one electrode, or give None")
    known = {name.lower(): name for name in standard_montage().ch_names}
    for position, name in enumerate(ch_names):
        if not isinstance(name, str):
            raise TypeError(f"ch_names holds {name!r}, which is no string; give names")
        if name in ch_names[:position]:
            raise ValueError(f"ch_names holds {name!r} twice; name it once")
        if known.get(name.lower()) != name:
            raise ValueError(
                f"ch_names holds {name!r}, which the 10-05 system lacks; "
                f"{nearest(name, known.values())}"
            )
    return ch_names


def leadfield(positions, orientations, ch_names):
    """Potential at each electrode for a unit current dipole at each source.

    MNE's forward solution in a three-layer sphere, referenced to infinity.

    Parameters
    ----------
    positions : array-like, shape (n_sources, 3)
        Source positions inside the innermost sphere, head coordinates (m).
    orientations : array-like, shape (n_sources, 3)
        Unit vectors.
    ch_names : list of str
        Names in the 10-05 system.

    Returns
    -------
    gain : ndarray, shape (n_channels, n_sources)
        In V per A m.

    Raises
    ------
    ValueError
        If a source lies outside the innermost sphere.

    Examples
    --------
    >>> centre = head_model()["r0"]
    >>> source = centre + [[-0.04, 0.0, 0.04]]
    >>> gain = leadfield(source, [[0.0, 0.0, 1.0]], ["C3", "C4"])
    >>> bool(gain[0, 0] > gain[1, 0] > 0)
    True
    """
    positions = np.asarray(positions, dtype=float)
    orientations = np.asarray(orientations, dtype=float)
    sphere = head_model()
    limit = sphere["layers"][0]["rad"]
    radius = np.linalg.norm(positions - sphere["r0"], axis=1)
    if np.any(radius >= limit):
        worst = int(np.argmax(radius))
        raise ValueError(
            f"source {worst} lies {1e3 * radius[worst]:.1f} mm from the centre of the "
            f"sphere, outside the brain ({1e3 * limit:.1f} mm); move it inwards"
        )
    source_space = mne.setup_volume_source_space(
        pos={"rr": positions, "nn": orientations}, sphere_units="m", verbose=False
    )
    forward = mne.make_forward_solution(
        _eeg_info(ch_names),
        trans=None,
        src=source_space,
        bem=sphere,
        meg=False,
        mindist=0.0,
        verbose=False,
    )
    free = forward["sol"]["data"].reshape(len(ch_names), len(positions), 3)
    return np.einsum("csk,sk->cs", free, orientations)


def _eeg_info(ch_names):
    info = mne.create_info(list(ch_names), 1.0, "eeg", verbose=False)
    return info.set_montage(standard_montage(), verbose=False)


def power_law(freqs, slope=1.0, corner=1.0):
    """Power density that falls as ``1 / f**slope`` and is 1 below ``corner`` (Hz).

    Examples
    --------
    >>> power_law([0.5, 1, 2, 4])
    array([1.  , 1.  , 0.5 , 0.25])
    """
    return (corner / np.maximum(np.asarray(freqs, dtype=float), corner)) ** slope


def rhythm(freqs, centre, width):
    """Power density of a narrow-band rhythm, a Gaussian: mean and deviation in Hz."""
    freqs = np.asarray(freqs, dtype=float)
    return np.exp(-0.5 * ((freqs - centre) / width) ** 2)


def shaped_noise(power, n_series, n_times, sfreq, rng):
    """Independent Gaussian series of a given spectrum and of variance 1.

    Parameters
    ----------
    power : callable
        ``power(freqs)`` gives the density, in any unit, at frequencies in Hz. Its
        values at 0 and at the Nyquist frequency are not used.
    n_series, n_times : int
        Shape of the result.
    sfreq : float
        Sampling rate (Hz).
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    noise : ndarray, shape (n_series, n_times)
        Series with expected variance 1 and mean 0.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> shaped_noise(power_law, 3, 1000, 100.0, rng).shape
    (3, 1000)
    """
    # The series is periodic, its end continues into its start. No trial spans that
    # seam, so a longer transform that is cut would buy nothing.
    n_fft = next_fast_len(n_times, real=True)
    freqs = rfftfreq(n_fft, 1.0 / sfreq)
    inside = (freqs > 0) & (freqs < sfreq / 2)
    amplitude = np.zeros_like(freqs)
    amplitude[inside] = np.sqrt(power(freqs[inside]))
    amplitude *= n_fft / (2.0 * np.sqrt(np.sum(amplitude**2)))
    spectrum = rng.standard_normal((n_series, len(freqs), 2)).view(complex)[..., 0]
    return irfft(spectrum * amplitude, n_fft)[:, :n_times]


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
    shape = np.hanning(int(round(duration * sfreq)))
    trace = np.zeros(n_times)
    count = rng.poisson(rate * n_times / sfreq)
    for start in rng.integers(0, n_times, count):
        piece = trace[start : start + len(shape)]
        piece += height * np.exp(0.2 * rng.standard_normal()) * shape[: len(piece)]
    return trace


def blink_reach(ch_names):
    """Share of a blink that reaches each electrode, shape (n_channels,).

    Eyes lie outside the spherical brain, so this is no forward model: the share fades
    by a factor e per 5 cm from the point between the eyes.
    """
    distance = electrode_positions(ch_names) - [0.0, 0.1, 0.0]
    return np.exp(-np.linalg.norm(distance, axis=1) / 0.05)
