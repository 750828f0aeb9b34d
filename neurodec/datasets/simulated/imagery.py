"""Motor imagery: rhythms of both hand areas that lose power."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from . import checks, engine, series
from .gaussian import Response, square_root

CLASSES = ("left_hand", "right_hand")
DEFAULT_CHANNELS = (
    *("Fz", "FC3", "FC1", "FCz", "FC2", "FC4", "C5", "C3", "C1", "Cz", "C2"),
    *("C4", "C6", "CP3", "CP1", "CPz", "CP2", "CP4", "P1", "Pz", "P2", "POz"),
)
_BETA_EDGE = 35.0  # Hz; hardly any power of the rhythms lies beyond
_DELAY = _RAMP = 0.5  # s, from the cue to the fall; of the fall and of the recovery
_NEAREST = ("C3", "C4", "C3", "C4")  # to mu and beta, left and right
_WIDTHS = (1.5, 3.0)  # Hz, of mu and beta
# How well a trial is imagined: factors on the loss of power, equally likely.
_VIGOUR = (0.5, 0.8, 1.1)


def make_motor_imagery(
    n_subjects=4,
    n_sessions=2,
    n_trials=40,
    *,
    ch_names=None,
    sfreq=128.0,
    trial_length=3.0,
    snr=0.8,
    beta=0.5,
    line_noise=2e-6,
    blink_rate=0.2,
    drift=1.0,
    background=None,
    random_state=0,
):
    """Simulate motor imagery of the left and the right hand.

    Mu (about 10 Hz) and beta (about 20 Hz) rhythms of dipoles near both hand areas
    lose power during imagery, from 0.5 s after the cue until 0.5 s after the trial:
    50 to 90 % opposite to the hand and 20 to 60 % of that beside it (event-related
    desynchronisation [1]_), times how well the trial is imagined. They reach the
    electrodes through MNE's spherical head model [2]_. Resting activity, as fitted to
    real subjects, line noise and blinks are added.

    Subjects differ in source positions and orientations, frequency and strength of
    the rhythms, depth of the desynchronisation and resting activity. Sessions differ
    by a turn of the cap, electrode gains and levels of rhythm and background.

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
    snr : float, default=0.8
        How easy decoding is: root mean square of the mu rhythm at rest, at the
        electrode where it is largest, over that of the background between 1 and 40 Hz
        at C3 and C4, for a median subject.
        At 0 there is nothing to decode.
    beta : float, default=0.5
        Root mean square of the beta rhythm over that of the mu rhythm.
    line_noise : float, default=2e-6
        Root mean square of the 50 Hz line noise (V).
    blink_rate : float, default=0.2
        Blinks per second, at most 2.
    drift : float, default=1.0
        Scale of the differences between sessions: 1 turns the cap by about 3 degrees
        and changes gains by about 10 %. At 0 a subject's sessions are statistically
        identical.
    background : Background, list of Background or None, default=None
        Resting activity, see `fit_background`: in random order, each subject gets one
        and varies it. None takes `default_backgrounds`.
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
    .. [1] Pfurtscheller, G. and Lopes da Silva, F. H. (1999). Event-related EEG/MEG
       synchronization and desynchronization: basic principles. Clinical
       Neurophysiology 110, 1842-1857.
    .. [2] Gramfort, A. et al. (2014). MNE software for processing MEG and EEG data.
       NeuroImage 86, 446-460 (:func:`mne.make_sphere_model`).

    Examples
    --------
    >>> simulation = make_motor_imagery(n_subjects=1, n_sessions=1, n_trials=4)
    >>> raw = simulation.recordings[1]["0"]
    >>> raw.get_channel_types(unique=True)
    ['eeg', 'eog', 'stim']
    >>> sorted(str(cue) for cue in raw.annotations.description)
    ['left_hand', 'left_hand', 'right_hand', 'right_hand']
    """
    trial_length = checks.check_number("trial_length", trial_length, 1.0)
    paradigm = Imagery(checks.check_number("beta", beta))
    design = checks.check_design(
        classes=CLASSES,
        counts=checks.check_trials(n_trials, 2),
        ch_names=DEFAULT_CHANNELS if ch_names is None else ch_names,
        sfreq=sfreq,
        fastest=(_BETA_EDGE, "beta"),
        trial_length=trial_length,
        gap=(1.5, 2.5),
        # The rhythms differ from rest between 0.5 s and trial_length + 0.5 s.
        window=(0.0, trial_length + _RAMP + 0.25),
        snr=snr,
        line_noise=line_noise,
        blink_rate=blink_rate,
        drift=drift,
        recipe={"band": [8, 32], "tmin": 0.75, "tmax": trial_length + 0.25},
    )
    return engine.simulate(
        paradigm, design, n_subjects, n_sessions, background, random_state
    )


@dataclass(frozen=True)
class _Truth:
    """One subject. Sources: mu left and right, beta left and right."""

    positions: np.ndarray  # (4, 3), m
    orientations: np.ndarray  # (4, 3)
    moments: np.ndarray  # (4,), root mean square, A m
    frequencies: tuple  # of mu and beta, Hz
    erd: float  # loss of power opposite to the hand, for a vigour of 1
    ipsilateral: float  # the same on the side of the hand, relative to it


@dataclass(frozen=True)
class Imagery:
    """The paradigm, for `engine.simulate`."""

    beta: float

    def draw(self, background, design, rng):
        """A subject's truth; ``snr`` scales the rhythms and changes no draw."""
        # Mu comes from behind the central sulcus, beta from in front of it.
        shift = np.repeat([-0.005, 0.008], 2)
        positions, orientations = engine.draw_dipoles(rng, _NEAREST, shift)
        level = design.snr * engine.loudness(background, ["C3", "C4"])
        level = level * np.array([1.0, 1.0, self.beta, self.beta])
        level *= np.exp(0.25 * rng.standard_normal(4))
        mu = rng.uniform(9.0, 12.0)
        return _Truth(
            positions=positions,
            orientations=orientations,
            moments=level / engine.peak_gain(positions, orientations),
            frequencies=(mu, 2 * mu + rng.uniform(-1.5, 1.5)),
            erd=rng.uniform(0.5, 0.9),
            ipsilateral=rng.uniform(0.2, 0.6),
        )

    def respond(self, truth, domain, design, onsets, labels, n_times, rng):
        """Rhythms at the electrodes, and their part in the window of each trial."""
        vigour = rng.integers(len(_VIGOUR), size=len(labels))
        envelopes = np.stack(
            [
                _envelope(n_times, onsets, side, design)
                for side in _losses(truth, labels, vigour)
            ]
        )
        courses = np.concatenate(
            [
                envelopes * series.shaped_noise(peak, 2, n_times, design.sfreq, rng)
                for peak in _peaks(truth)
            ]
        )
        gain = domain.patterns(truth.positions, truth.orientations) * truth.moments
        # Not a BLAS product: its last bits depend on the number of threads.
        response = np.einsum("cs,st->ct", gain, courses)
        windows = onsets[:, np.newaxis] + design.samples
        return response, response[:, windows].transpose(1, 0, 2)

    def responses(self, truth, domain, design, n_times):
        """Both classes: four rhythms of random course, for each vigour."""
        gain = domain.patterns(truth.positions, truth.orientations) * truth.moments
        courses = _Courses(truth, design, n_times)
        vigours = np.arange(len(_VIGOUR))
        return [
            [
                Response(
                    parts=tuple(
                        (gain[:, 2 * rhythm + side], courses(rhythm, loss[side]))
                        for rhythm in (0, 1)
                        for side in (0, 1)
                    ),
                    weight=1 / len(_VIGOUR),
                )
                for loss in _losses(truth, np.full(len(_VIGOUR), label), vigours).T
            ]
            for label in (0, 1)
        ]


class _Courses:
    """Square roots of the rhythms' covariances in a window, each made once."""

    def __init__(self, truth, design, n_times):
        self._design = design
        self._roots = [
            square_root(
                series.autocovariance(peak, n_times, design.sfreq, len(design.samples))
            )
            for peak in _peaks(truth)
        ]
        self._known = {}

    def __call__(self, rhythm, loss):
        key = rhythm, float(loss)
        if key not in self._known:
            root = self._roots[rhythm]
            envelope = _envelope(
                len(root), [-self._design.samples[0]], [loss], self._design
            )
            self._known[key] = envelope[:, np.newaxis] * root
        return self._known[key]


def _envelope(n_times, onsets, losses, design):
    return series.erd_envelope(
        n_times, onsets, losses, design.trial_length, design.sfreq,
        delay=_DELAY, ramp=_RAMP,
    )  # fmt: skip


def _losses(truth, labels, vigour):
    """Relative loss of power of both hemispheres, shape (2, n_trials)."""
    # The left hemisphere loses most in right-hand imagery, and the reverse.
    loss = truth.erd * np.where(labels == [[1], [0]], 1.0, truth.ipsilateral)
    return loss * np.take(_VIGOUR, vigour)


def _peaks(truth):
    """Density of mu and of beta, of variance 1."""
    return [
        partial(series.rhythm, centre=centre, width=width)
        for centre, width in zip(truth.frequencies, _WIDTHS, strict=True)
    ]
