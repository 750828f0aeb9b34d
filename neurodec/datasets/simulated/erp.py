"""Evoked responses: an oddball with rare targets."""

from dataclasses import dataclass

import numpy as np

from . import checks, engine
from .gaussian import Response

CLASSES = ("NonTarget", "Target")
DEFAULT_CHANNELS = (
    *("Fz", "FCz", "C3", "Cz", "C4", "CPz", "P7", "P3", "Pz", "P4", "P8"),
    *("PO7", "POz", "PO8", "Oz"),
)
_EDGE = 24.0  # Hz; hardly any power of the responses lies beyond
_NEAREST = ("PO7", "PO8", "FCz", "Pz")  # to N1 and P2 on both sides, to N2, to P3
_SIZES = (0.6, 0.6, 0.4, 1.0)  # relative to P3
_STEPS = np.arange(-2, 3)  # latency of P3, in units of its jitter
_WEIGHTS = np.array([1, 4, 6, 4, 1]) / 16
# Deviation of the size of a trial's response, relative: common part and P3.
_VISUAL_SPREAD, _TARGET_SPREAD = 0.2, 0.3


def make_erp(
    n_subjects=4,
    n_sessions=2,
    n_trials=200,
    *,
    target_share=0.2,
    ch_names=None,
    sfreq=128.0,
    snr=1.0,
    jitter=0.02,
    line_noise=2e-6,
    blink_rate=0.2,
    drift=1.0,
    background=None,
    random_state=0,
):
    """Simulate a visual oddball: rare targets among other stimuli.

    Every stimulus evokes N1 and P2 in dipoles of both occipital lobes; a target also
    N2 in front and a P3 beneath Pz [1]_, whose latency and size differ from trial to
    trial. Stimuli follow each other after 1 to 1.3 s, so that responses do not
    overlap. Resting activity, as fitted to real subjects, line noise and blinks are
    added.

    Subjects differ in source positions and orientations, latencies, widths and sizes;
    sessions as in `make_motor_imagery`.

    Parameters
    ----------
    n_subjects, n_sessions : int, default=4, 2
        How many; subject 2 is the same whether 2 or 9 are made, as is a session.
    n_trials : int, default=200
        Stimuli per session.
    target_share : float, default=0.2
        Share of targets, within 0 and 1; their number is rounded.
    ch_names : list of str, default=None
        Electrodes in the 10-05 system; None takes 15 from the front to the back.
    sfreq : float, default=128.0
        Sampling rate (Hz).
    snr : float, default=1.0
        Peak of P3, at the electrode where it is largest, over the root mean square
        of the background between 1 and 40 Hz at Pz, for a median subject. At 0 there is
        no response at all.
    jitter : float, default=0.02
        Deviation of the latency of P3 between trials (s), at most 0.05.
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
    .. [1] Polich, J. (2007). Updating P300: an integrative theory of P3a and P3b.
       Clinical Neurophysiology 118, 2128-2148.

    Examples
    --------
    >>> simulation = make_erp(n_subjects=1, n_sessions=1, n_trials=10)
    >>> trials = simulation.trials()
    >>> int((trials.y == "Target").sum())
    2
    """
    paradigm = Oddball(checks.check_number("jitter", jitter, 0.0, 0.05))
    design = checks.check_design(
        classes=CLASSES,
        counts=_counts(n_trials, target_share),
        ch_names=DEFAULT_CHANNELS if ch_names is None else ch_names,
        sfreq=sfreq,
        fastest=(_EDGE, "evoked responses"),
        trial_length=1.0,
        gap=(0.0, 0.3),
        # Background on both sides tells about that within the response.
        window=(-0.25, 1.25),
        snr=snr,
        line_noise=line_noise,
        blink_rate=blink_rate,
        drift=drift,
        recipe={"band": [0.5, 16], "resample": 40, "tmin": 0.0, "tmax": 0.8},
    )
    return engine.simulate(
        paradigm, design, n_subjects, n_sessions, background, random_state
    )


def _counts(n_trials, target_share):
    n_trials = checks.check_count("n_trials", n_trials, 2)
    share = checks.check_number("target_share", target_share, 0.0, 1.0)
    targets = round(share * n_trials)
    if not 0 < targets < n_trials:
        raise ValueError(
            f"target_share={share:g} of n_trials={n_trials} leaves one class empty; "
            "give a share nearer to 0.5 or more trials"
        )
    return n_trials - targets, targets


@dataclass(frozen=True)
class _Truth:
    """One subject. Sources: N1 and P2 left and right, N2, P3."""

    positions: np.ndarray  # (4, 3), m
    orientations: np.ndarray  # (4, 3)
    moments: np.ndarray  # (4,), peak, A m
    latencies: tuple  # of N1, N2 and P3, s
    width: float  # of P3, s


@dataclass(frozen=True)
class Oddball:
    """The paradigm, for `engine.simulate`."""

    jitter: float

    def draw(self, background, design, rng):
        """A subject's truth; ``snr`` scales the responses and changes no draw."""
        positions, orientations = engine.draw_dipoles(rng, _NEAREST)
        level = design.snr * engine.loudness(background, ["Pz"]) * np.array(_SIZES)
        level *= np.exp(0.2 * rng.standard_normal(4))
        return _Truth(
            positions=positions,
            orientations=orientations,
            moments=level / engine.peak_gain(positions, orientations),
            latencies=(
                rng.uniform(0.15, 0.19),
                rng.uniform(0.23, 0.27),
                rng.uniform(0.34, 0.44),
            ),
            width=rng.uniform(0.07, 0.1),
        )

    def respond(self, truth, domain, design, onsets, labels, n_times, rng):
        """Responses at the electrodes, and that of each trial in its window."""
        shifts = rng.choice(self.jitter * _STEPS, size=len(labels), p=_WEIGHTS)
        sizes = 1 + rng.standard_normal((len(labels), 2)) * [
            _VISUAL_SPREAD,
            _TARGET_SPREAD,
        ]
        visual, n2, p3 = self._components(truth, domain, design)
        own = np.stack(
            [
                sizes[i, 0] * visual + label * (n2 + sizes[i, 1] * p3(shifts[i]))
                for i, label in enumerate(labels)
            ]
        )
        response = np.zeros((own.shape[1], n_times))
        for onset, trial in zip(onsets, own, strict=True):
            response[:, onset + design.samples] += trial
        return response, own

    def responses(self, truth, domain, design, n_times):
        """No target: the visual response. Target: N2 and P3 too, by latency."""
        visual, n2, p3 = self._components(truth, domain, design)
        common = _rank_one(_VISUAL_SPREAD * visual)
        targets = []
        for step, weight in zip(_STEPS, _WEIGHTS, strict=True):
            late = p3(step * self.jitter)
            parts = (*common, *_rank_one(_TARGET_SPREAD * late))
            targets.append(Response(visual + n2 + late, parts, float(weight)))
        return [[Response(visual, common)], targets]

    def _components(self, truth, domain, design):
        """Both as (n_channels, n_times); P3 as a function of its shift in s."""
        gain = domain.patterns(truth.positions, truth.orientations) * truth.moments
        times = design.samples / design.sfreq
        n1, n2, p3 = truth.latencies

        def bump(latency, width):
            return np.exp(-0.5 * ((times - latency) / width) ** 2)

        visual = 0.6 * bump(n1 + 0.07, 0.035) - bump(n1, 0.025)
        return (
            np.outer(gain[:, 0] + gain[:, 1], visual),
            np.outer(gain[:, 2], -bump(n2, 0.035)),
            lambda shift: np.outer(gain[:, 3], bump(p3 + shift, truth.width)),
        )


def _rank_one(signal):
    """The random part whose only course is ``signal``, an outer product."""
    left, values, right = np.linalg.svd(signal, full_matrices=False)
    return ((left[:, 0] * values[0], right[0][:, np.newaxis]),)
