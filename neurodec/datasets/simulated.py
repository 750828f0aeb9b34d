"""Simulated recordings whose truth is known."""

from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral, Real

import mne
import numpy as np
from scipy.spatial.transform import Rotation

from . import _sources

CLASSES = ("left_hand", "right_hand")
DEFAULT_CHANNELS = (
    *("Fz", "FC3", "FC1", "FCz", "FC2", "FC4", "C5", "C3", "C1", "Cz", "C2"),
    *("C4", "C6", "CP3", "CP1", "CPz", "CP2", "CP4", "P1", "Pz", "P2", "POz"),
)
LINE_FREQ = 50.0
_BETA_EDGE = 32.0  # Hz; no rhythm of the simulation goes beyond
_LEAD = 2.0  # rest before the first cue (s)
_GAP = (1.5, 2.5)  # rest after a trial, shortest and longest (s)
# Root mean squares (V): of the background at C3 and C4, of the noise of a sensor and
# of what the eye's electrode sees beside blinks.
_BACKGROUND, _SENSOR, _EOG = 12e-6, 1e-6, 5e-6
_N_BACKGROUND = 100
_NEAREST = ("O1", "O2", "C3", "C4", "C3", "C4")  # to alpha, mu and beta, left and right


def make_imagery(
    n_subjects=4,
    n_sessions=2,
    n_trials=40,
    *,
    ch_names=None,
    sfreq=128.0,
    trial_length=3.0,
    snr=0.6,
    line_noise=2e-6,
    drift=1.0,
    random_state=0,
):
    """Simulate motor imagery of the left and the right hand.

    Mu (about 10 Hz) and beta (about 20 Hz) rhythms of dipoles near both hand areas
    lose power during imagery, from 0.5 s after the cue to the end of the trial:
    50 to 90 % opposite to the hand and 20 to 60 % of that beside it (event-related
    desynchronisation [1]_). With 100 dipoles of 1/f noise and two of posterior alpha
    they reach the electrodes through MNE's spherical head model [2]_. Sensor noise,
    line noise and blinks are added.

    Subjects differ in source positions and orientations, frequency and strength of
    the rhythms, depth of the desynchronisation and spectrum of the noise. Sessions
    differ by a turn of the cap, electrode gains and levels of rhythm and noise.

    Parameters
    ----------
    n_subjects, n_sessions : int, default=4, 2
        How many; subject 2 is the same whether 2 or 9 are made, as is a session.
    n_trials : int, default=40
        Trials per session, even: half of each class, in random order.
    ch_names : list of str, default=None
        Electrodes in the 10-05 system; None takes 22 around the sensorimotor strip.
    sfreq : float, default=128.0
        Sampling rate (Hz).
    trial_length : float, default=3.0
        Cue to end of imagery (s), at least 1. Trials are 1.5 to 2.5 s apart.
    snr : float, default=0.6
        How easy decoding is: root mean square of the mu rhythm at rest over that of
        the background, both at C3 and C4, for a median subject. At 0 there is
        nothing to decode.
    line_noise : float, default=2e-6
        Root mean square of the 50 Hz line noise (V).
    drift : float, default=1.0
        Scale of the differences between sessions: 1 turns the cap by about 3 degrees
        and changes gains by about 10 %. At 0 a subject's sessions are statistically
        identical.
    random_state : int or None, default=0
        Seed. The same seed gives the same arrays, None gives new ones.

    Returns
    -------
    recordings : dict of {int: dict of {str: mne.io.RawArray}}
        ``recordings[subject][session]``, subjects from 1 and sessions from "0". Data
        are in volts, EEG referenced to infinity. Cues are annotations ("left_hand",
        "right_hand") and, as 1 and 2, pulses in the stimulus channel "STI", so that
        this channel gives the classes away; blinks are in channel "EOG".

    Raises
    ------
    TypeError
        If a count or ``random_state`` is not an integer, a quantity no number, or
        ``ch_names`` no list of strings.
    ValueError
        If a value is out of its range or a channel name is unknown or repeated.

    References
    ----------
    .. [1] Pfurtscheller, G. and Lopes da Silva, F. H. (1999). Event-related EEG/MEG
       synchronization and desynchronization: basic principles. Clinical
       Neurophysiology 110, 1842-1857.
    .. [2] Gramfort, A. et al. (2014). MNE software for processing MEG and EEG data.
       NeuroImage 86, 446-460 (:func:`mne.make_sphere_model`).

    Examples
    --------
    >>> recordings = make_imagery(n_subjects=1, n_sessions=2, n_trials=4)
    >>> raw = recordings[1]["0"]
    >>> raw.get_channel_types(unique=True)
    ['eeg', 'eog', 'stim']
    >>> sorted(str(cue) for cue in raw.annotations.description)
    ['left_hand', 'left_hand', 'right_hand', 'right_hand']
    """
    n_subjects = _check_count("n_subjects", n_subjects)
    n_sessions = _check_count("n_sessions", n_sessions)
    design = _check_design(n_trials, ch_names, sfreq, trial_length, line_noise, drift)
    snr = _check_number("snr", snr)
    if random_state is not None:
        random_state = _check_count("random_state", random_state, 0)
    # Drawn once for None, so that all parts of one call still share their entropy.
    entropy = np.random.SeedSequence(random_state).entropy

    def rng(*key):
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))

    recordings = {}
    for subject in range(1, n_subjects + 1):
        truth = _draw_subject(snr, len(design["ch_names"]), rng(subject))
        recordings[subject] = {
            str(session): _simulate(truth, subject, rng(subject, session), **design)
            for session in range(n_sessions)
        }
    return recordings


@dataclass(frozen=True)
class _Truth:
    """One subject or session. Sources: background, alpha, mu, beta (left, right)."""

    positions: np.ndarray  # (n_sources, 3), m
    orientations: np.ndarray  # (n_sources, 3)
    moments: np.ndarray  # (n_sources,), root mean square, A m
    slope: float  # exponent of the background's spectrum
    alpha: float  # Hz
    mu: float  # Hz
    beta: float  # Hz
    erd: float  # mean loss of power opposite to the hand
    ipsilateral: float  # the same on the side of the hand, relative to it
    sensor: float  # root mean square of the sensors' noise, V
    gains: np.ndarray  # (n_channels,)
    line_gains: np.ndarray  # (n_channels,)


def _draw_subject(snr, n_channels, rng):
    """Draw a subject's truth; ``snr`` scales the rhythms and changes no draw."""
    positions, orientations = _draw_sources(rng)
    background, sensor = np.exp(0.25 * rng.standard_normal(2))
    background *= _BACKGROUND
    # At the nearest electrode: alpha, which no class changes, then mu and beta.
    rhythms = np.array([0.5, 0.5, snr, snr, 0.5 * snr, 0.5 * snr])
    rhythms *= background * np.exp(0.25 * rng.standard_normal(6))
    mu = rng.uniform(9.0, 12.0)
    return _Truth(
        positions=positions,
        orientations=orientations,
        moments=_moments(positions, orientations, background, rhythms),
        slope=rng.uniform(0.8, 1.2),
        alpha=rng.uniform(9.0, 11.0),
        mu=mu,
        beta=2 * mu + rng.uniform(-1.5, 1.5),
        erd=rng.uniform(0.5, 0.9),
        ipsilateral=rng.uniform(0.2, 0.6),
        sensor=_SENSOR * sensor,
        gains=np.ones(n_channels),
        line_gains=1 + 0.3 * rng.standard_normal(n_channels),
    )


def _draw_sources(rng):
    """Positions and orientations: background anywhere, rhythms near their electrode."""
    centre = _sources.head_model()["r0"]
    height = rng.uniform(-0.3, 1.0, _N_BACKGROUND)
    azimuth = rng.uniform(0, 2 * np.pi, _N_BACKGROUND)
    across = np.sqrt(1 - height**2)
    direction = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), height])
    background = centre + rng.uniform(0.04, 0.078, (_N_BACKGROUND, 1)) * direction.T
    beneath = _sources.electrode_positions(_NEAREST) - centre
    # Mu comes from behind the central sulcus, beta from in front of it.
    beneath[:, 1] += np.repeat([0.0, -0.005, 0.008], 2)
    radial = _unit(beneath + 0.01 * rng.standard_normal(beneath.shape))
    rhythms = centre + rng.uniform(0.064, 0.076, (len(radial), 1)) * radial
    anyhow = _unit(rng.standard_normal(background.shape))
    outward = _unit(radial + 0.4 * rng.standard_normal(rhythms.shape))
    positions = np.concatenate([background, rhythms])
    return positions, np.concatenate([anyhow, outward])


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _moments(positions, orientations, background, rhythms):
    """Moments that give the wanted root mean squares at the nearest electrodes."""
    probes = sorted(set(_NEAREST))
    gain = _sources.leadfield(positions, orientations, probes)
    hands = [probes.index("C3"), probes.index("C4")]
    spread = np.sqrt(np.mean(np.sum(gain[hands, :_N_BACKGROUND] ** 2, axis=1)))
    nearest = [probes.index(name) for name in _NEAREST]
    own = np.abs(gain[nearest, np.arange(_N_BACKGROUND, gain.shape[1])])
    return np.concatenate([np.full(_N_BACKGROUND, background / spread), rhythms / own])


def _drift(truth, drift, rng):
    """One session of a subject: the cap turned, gains and levels changed."""
    centre = _sources.head_model()["r0"]
    # Turning the sources about the sphere's centre is turning the cap the other way.
    turn = Rotation.from_rotvec(drift * np.deg2rad(3.0) * rng.standard_normal(3))
    level, strength, sensor = np.exp(drift * 0.15 * rng.standard_normal(3))
    scale = np.repeat([level, level, strength], [_N_BACKGROUND, 2, 4])
    gains = np.exp(drift * 0.1 * rng.standard_normal(len(truth.gains)))
    line_gains = np.exp(drift * 0.3 * rng.standard_normal(len(truth.gains)))
    return replace(
        truth,
        positions=centre + turn.apply(truth.positions - centre),
        orientations=turn.apply(truth.orientations),
        moments=truth.moments * scale,
        sensor=truth.sensor * sensor,
        gains=truth.gains * gains,
        line_gains=truth.line_gains * line_gains,
    )


def _simulate(
    truth, subject, rng, *, n_trials, ch_names, sfreq, trial_length, line_noise, drift
):
    """One session as a recording."""
    truth = _drift(truth, drift, rng)
    labels = rng.permutation(np.repeat([0, 1], n_trials // 2))
    onsets, n_times = _schedule(n_trials, trial_length, sfreq, rng)
    # The left hemisphere loses most in right-hand imagery, and the reverse.
    loss = truth.erd * np.where(labels == [[1], [0]], 1.0, truth.ipsilateral)
    loss = np.clip(loss + 0.15 * rng.standard_normal(loss.shape), 0, 1)
    left, right = (
        _sources.erd_envelope(n_times, onsets, side, trial_length, sfreq)
        for side in loss
    )
    gain = _sources.leadfield(truth.positions, truth.orientations, ch_names)
    series = _source_series(truth, np.stack([left, right]), sfreq, rng)
    # Not a BLAS product: its last bits depend on the number of threads.
    eeg = np.einsum("cs,st->ct", gain * truth.moments, series)
    eeg += truth.sensor * rng.standard_normal(eeg.shape)
    blinks = _sources.blinks(n_times, sfreq, rng)
    eeg += _sources.blink_reach(ch_names)[:, None] * blinks
    phase = 2 * np.pi * (LINE_FREQ * np.arange(n_times) / sfreq + rng.uniform())
    eeg += np.sqrt(2) * line_noise * truth.line_gains[:, None] * np.sin(phase)
    eeg *= truth.gains[:, None]
    eog = _sources.shaped_noise(_sources.power_law, 1, n_times, sfreq, rng)
    eog = blinks + _EOG * eog
    raw = _to_raw(eeg, eog, labels, onsets, ch_names, sfreq, trial_length)
    raw.info["subject_info"] = {"id": subject, "his_id": f"sub-{subject}"}
    return raw


def _schedule(n_trials, trial_length, sfreq, rng):
    """Cue samples and the length of the recording."""
    rests = rng.uniform(*_GAP, n_trials)
    ends = np.round((_LEAD + np.cumsum(trial_length + rests)) * sfreq).astype(int)
    first = int(round(_LEAD * sfreq))
    return np.concatenate([[first], ends[:-1]]), int(ends[-1])


def _source_series(truth, envelopes, sfreq, rng):
    """Time course of every source, of variance 1 at rest."""
    n_times = envelopes.shape[1]
    background = partial(_sources.power_law, slope=truth.slope)
    series = [_sources.shaped_noise(background, _N_BACKGROUND, n_times, sfreq, rng)]
    for centre, width in ((truth.alpha, 1.0), (truth.mu, 1.0), (truth.beta, 2.0)):
        peak = partial(_sources.rhythm, centre=centre, width=width)
        series.append(_sources.shaped_noise(peak, 2, n_times, sfreq, rng))
    series = np.concatenate(series)
    series[-4:-2] *= envelopes
    series[-2:] *= envelopes
    return series


def _to_raw(eeg, eog, labels, onsets, ch_names, sfreq, trial_length):
    stim = np.zeros_like(eog)
    for onset, label in zip(onsets, labels, strict=True):
        stim[0, onset : onset + max(1, round(0.1 * sfreq))] = label + 1
    kinds = ["eeg"] * len(ch_names) + ["eog", "stim"]
    info = mne.create_info([*ch_names, "EOG", "STI"], sfreq, kinds, verbose=False)
    info["line_freq"] = LINE_FREQ
    raw = mne.io.RawArray(np.concatenate([eeg, eog, stim]), info, verbose=False)
    raw.set_montage(_sources.standard_montage(), verbose=False)
    cues = [CLASSES[label] for label in labels]
    annotations = mne.Annotations(onsets / sfreq, trial_length, cues)
    return raw.set_annotations(annotations, verbose=False)


def _check_count(name, value, lowest=1):
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}={value!r} is not an integer; give a whole number")
    if value < lowest:
        raise ValueError(f"{name}={value} is too small; give at least {lowest}")
    return int(value)


def _check_number(name, value, lowest=0.0):
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}={value!r} is not a number; give one number")
    if not lowest <= value < np.inf:
        raise ValueError(
            f"{name}={value} is out of range; give a finite number of at least "
            f"{lowest:g}"
        )
    return float(value)


def _check_design(n_trials, ch_names, sfreq, trial_length, line_noise, drift):
    """What all sessions share, as arguments of ``_simulate``."""
    n_trials = _check_count("n_trials", n_trials, 2)
    if n_trials % 2:
        raise ValueError(
            f"n_trials={n_trials} cannot be halved between two classes; give an even "
            f"number such as {n_trials + 1}"
        )
    line_noise = _check_number("line_noise", line_noise)
    if line_noise > 1e-3:
        raise ValueError(
            f"line_noise={line_noise:g} is more than a millivolt; give it in volts: "
            "2e-6 for two microvolts"
        )
    sfreq = _check_number("sfreq", sfreq)
    fastest, what = (LINE_FREQ, "line noise") if line_noise else (_BETA_EDGE, "beta")
    if sfreq <= 2 * fastest:
        raise ValueError(
            f"sfreq={sfreq:g} Hz cannot hold {what}, up to {fastest:g} Hz; give more "
            f"than {2 * fastest:g} Hz{' or line_noise=0' if line_noise else ''}"
        )
    return {
        "n_trials": n_trials,
        "ch_names": _sources.check_electrodes(
            DEFAULT_CHANNELS if ch_names is None else ch_names
        ),
        "sfreq": sfreq,
        "trial_length": _check_number("trial_length", trial_length, 1.0),
        "line_noise": line_noise,
        "drift": _check_number("drift", drift),
    }
