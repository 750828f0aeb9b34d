"""Steady-state responses to flicker of several frequencies."""

from dataclasses import dataclass

import numpy as np

from . import checks, engine
from .gaussian import Response

DEFAULT_CHANNELS = ("PO7", "PO3", "POz", "PO4", "PO8", "O1", "Oz", "O2")
_NEAREST = ("O1", "Oz", "O2")
_HARMONICS = (1.0, 0.5)  # amplitude of the fundamental and of the second harmonic
_DELAY = _RAMP = 0.15  # s: from the flicker to the response, and of rise and fall


def make_ssvep(
    n_subjects=4,
    n_sessions=2,
    n_trials=30,
    *,
    frequencies=(13.0, 17.0, 21.0),
    ch_names=None,
    sfreq=256.0,
    trial_length=4.0,
    snr=0.1,
    phase_locking=0.5,
    line_noise=2e-6,
    blink_rate=0.2,
    drift=1.0,
    background=None,
    random_state=0,
):
    """Simulate steady-state visual evoked potentials: one flicker per trial.

    Three occipital dipoles answer at the frequency of the flicker and twice that
    [1]_, from 0.15 s after its start until 0.15 s after its end. Each harmonic has its
    own mixture of the dipoles; its complex amplitude is Gaussian: a part of known
    phase, the same in all trials, and a part of random phase. Resting activity, as
    fitted to real subjects, line noise and blinks are added.

    Subjects differ in sources, mixtures, phases and strength at each frequency;
    sessions as in `make_motor_imagery`.

    Parameters
    ----------
    n_subjects, n_sessions : int, default=4, 2
        How many; subject 2 is the same whether 2 or 9 are made, as is a session.
    n_trials : int, default=30
        Trials per session, the same number of each class, in random order.
    frequencies : list of float, default=(13.0, 17.0, 21.0)
        Flicker of each class (Hz), at least two; the classes are named by them.
    ch_names : list of str, default=None
        Electrodes in the 10-05 system; None takes 8 at the back.
    sfreq : float, default=256.0
        Sampling rate (Hz), more than four times the largest frequency.
    trial_length : float, default=4.0
        Length of the flicker (s), at least 0.5. Trials are 1 to 1.5 s apart.
    snr : float, default=0.1
        Root mean square of the fundamental of one dipole, at the electrode where it is
        largest, over that of the background between 1 and 40 Hz at O1, Oz and O2, for a
        median subject. At 0 there is no response.
    phase_locking : float, default=0.5
        Share of the response's power whose phase is the same in all trials, within 0
        and 1.
    line_noise : float, default=2e-6
        Root mean square of the 50 Hz line noise (V).
    blink_rate : float, default=0.2
        Blinks per second, at most 2.
    drift : float, default=1.0
        Scale of the differences between sessions, as in `make_motor_imagery`.
    background : Background, list of Background or None, default=None
        Resting activity, as in `make_motor_imagery`.
    random_state : int or None, default=0
        Seed. The same seed gives the same arrays, None gives new ones.

    Returns
    -------
    simulation : Simulation
        Recordings, trials and the optimal decoder.

    Raises
    ------
    TypeError
        If a count or ``random_state`` is not an integer, a quantity no number,
        ``ch_names`` no list of strings or ``background`` no Background.
    ValueError
        If a value is out of its range or a channel name is unknown or repeated.

    References
    ----------
    .. [1] Norcia, A. M. et al. (2015). The steady-state visual evoked potential in
       vision research: a review. Journal of Vision 15(6):4.

    Examples
    --------
    >>> simulation = make_ssvep(n_subjects=1, n_sessions=1, n_trials=6)
    >>> simulation.classes
    ('13', '17', '21')
    >>> simulation.predict_log_proba(simulation.trials()).shape
    (6, 3)
    """
    paradigm = Flicker(
        _check_frequencies(frequencies),
        checks.check_number("phase_locking", phase_locking, 0.0, 1.0),
    )
    trial_length = checks.check_number("trial_length", trial_length, 0.5)
    design = checks.check_design(
        classes=tuple(f"{frequency:g}" for frequency in paradigm.frequencies),
        counts=checks.check_trials(n_trials, len(paradigm.frequencies)),
        ch_names=DEFAULT_CHANNELS if ch_names is None else ch_names,
        sfreq=sfreq,
        fastest=(2 * max(paradigm.frequencies), "the second harmonic"),
        trial_length=trial_length,
        gap=(1.0, 1.5),
        window=(-0.25, trial_length + 0.5),
        snr=snr,
        line_noise=line_noise,
        blink_rate=blink_rate,
        drift=drift,
        recipe={"band": [5, 45], "tmin": 0.25, "tmax": trial_length},
    )
    return engine.simulate(
        paradigm, design, n_subjects, n_sessions, background, random_state
    )


def _check_frequencies(frequencies):
    if isinstance(frequencies, str) or not np.iterable(frequencies):
        raise TypeError(
            f"frequencies={frequencies!r} is no list of numbers; give [13, 17, 21]"
        )
    frequencies = tuple(
        checks.check_number("a frequency", frequency, 1.0) for frequency in frequencies
    )
    if len(frequencies) < 2 or len(set(frequencies)) < len(frequencies):
        raise ValueError(
            f"frequencies={list(frequencies)} are not at least two different ones; "
            "give one for each class, such as [13, 17, 21]"
        )
    return frequencies


@dataclass(frozen=True)
class _Truth:
    """One subject."""

    positions: np.ndarray  # (3, 3), m
    orientations: np.ndarray  # (3, 3)
    mixtures: np.ndarray  # (n_harmonics, 3), A m
    amplitudes: np.ndarray  # (n_frequencies, n_harmonics), relative
    phases: np.ndarray  # (n_frequencies, n_harmonics), rad


@dataclass(frozen=True)
class Flicker:
    """The paradigm, for `engine.simulate`."""

    frequencies: tuple
    phase_locking: float

    def draw(self, background, design, rng):
        """A subject's truth; ``snr`` scales the responses and changes no draw."""
        positions, orientations = engine.draw_dipoles(rng, _NEAREST)
        shape = len(self.frequencies), len(_HARMONICS)
        level = np.sqrt(2) * design.snr * engine.loudness(background, _NEAREST)
        # The middle dipole is the strongest for the fundamental, on the whole.
        mixtures = [0.6, 1.0, 0.6] + 0.4 * rng.standard_normal((shape[1], 3))
        gain = engine.peak_gain(positions, orientations)
        mixtures /= np.sqrt(np.mean(mixtures**2, axis=1, keepdims=True))
        return _Truth(
            positions=positions,
            orientations=orientations,
            mixtures=level * mixtures / gain,
            amplitudes=_HARMONICS * np.exp(0.2 * rng.standard_normal(shape)),
            phases=rng.uniform(0, 2 * np.pi, shape),
        )

    def respond(self, truth, domain, design, onsets, labels, n_times, rng):
        """Responses at the electrodes, and that of each trial in its window."""
        classes = [response for (response,) in self._classes(truth, domain, design)]
        own = []
        for label in labels:
            signal = classes[label].mean.copy()
            for pattern, courses in classes[label].parts:
                chance = rng.standard_normal(courses.shape[1])
                signal += np.outer(pattern, np.einsum("tr,r->t", courses, chance))
            own.append(signal)
        response = np.zeros((len(signal), n_times))
        for onset, trial in zip(onsets, own, strict=True):
            response[:, onset + design.samples] += trial
        return response, np.stack(own)

    def responses(self, truth, domain, design, n_times):
        """Each frequency: a mean, and a random cosine and sine per harmonic."""
        return self._classes(truth, domain, design)

    def _classes(self, truth, domain, design):
        patterns = np.einsum(
            "cs,hs->hc",
            domain.patterns(truth.positions, truth.orientations),
            truth.mixtures,
        )
        times = design.samples / design.sfreq
        rise = np.clip((times - _DELAY) / _RAMP, 0, 1)
        fall = np.clip((design.trial_length + _DELAY + _RAMP - times) / _RAMP, 0, 1)
        envelope = np.minimum(rise, fall)
        classes = []
        for number, frequency in enumerate(self.frequencies):
            mean, parts = np.zeros((patterns.shape[1], len(times))), []
            for harmonic, pattern in enumerate(patterns):
                angle = 2 * np.pi * (harmonic + 1) * frequency * times
                waves = envelope * [np.cos(angle), np.sin(angle)]
                waves *= truth.amplitudes[number, harmonic]
                phase = truth.phases[number, harmonic]
                locked = waves[0] * np.cos(phase) + waves[1] * np.sin(phase)
                mean += np.sqrt(self.phase_locking) * np.outer(pattern, locked)
                spread = np.sqrt((1 - self.phase_locking) / 2)
                parts.append((pattern, spread * waves.T))
            classes.append([Response(mean, tuple(parts))])
        return classes
