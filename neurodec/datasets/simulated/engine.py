"""What the simulators share: checks, domains, and the way to a recording."""

from dataclasses import dataclass, replace

import mne
import numpy as np
from scipy.spatial.transform import Rotation

from .. import _sources as head
from . import checks, series
from .background import Background
from .simulation import Simulation, Truth

# Where the largest potential of a dipole is looked for.
_PROBES = (
    *("Fp1", "Fpz", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC3", "FC1", "FCz"),
    *("FC2", "FC4", "FC6", "T7", "C5", "C3", "C1", "Cz", "C2", "C4", "C6", "T8"),
    *("CP5", "CP3", "CP1", "CPz", "CP2", "CP4", "CP6", "P7", "P3", "Pz", "P4", "P8"),
    *("PO7", "PO3", "POz", "PO4", "PO8", "O1", "Oz", "O2"),
)
_LEAD = 2.0  # rest before the first stimulus (s)
_EOG = 5e-6  # root mean square of what the eye's electrode sees beside blinks (V)
_BAND = np.arange(1.0, 40.0, 0.25)  # Hz, where signal-to-noise ratios are taken


@dataclass(frozen=True)
class Domain:
    """One session of one subject."""

    background: Background
    turn: Rotation  # of all sources about the centre of the head
    gains: np.ndarray  # (n_channels,)
    line_gains: np.ndarray  # (n_channels,)
    strength: float  # factor on the response
    ch_names: list

    def patterns(self, positions, orientations):
        """Potential of unit dipoles at the electrodes, (n_channels, n_sources)."""
        centre = head.head_model()["r0"]
        gain = head.leadfield(
            centre + self.turn.apply(positions - centre),
            self.turn.apply(orientations),
            self.ch_names,
        )
        return self.strength * self.gains[:, np.newaxis] * gain


def simulate(paradigm, design, n_subjects, n_sessions, background, random_state):
    """All recordings of a paradigm.

    A paradigm has three methods. ``draw(background, design, rng)`` gives a subject's
    truth. ``respond(truth, domain, design, onsets, labels, n_times, rng)`` gives the
    response (n_channels, n_times), and that of each trial alone in its window.
    ``responses(truth, domain, design, n_times)`` gives the mixture of each class.
    """
    n_subjects = checks.check_count("n_subjects", n_subjects)
    n_sessions = checks.check_count("n_sessions", n_sessions)
    backgrounds = checks.check_backgrounds(background)
    if random_state is not None:
        random_state = checks.check_count("random_state", random_state, 0)
    # Drawn once for None, so that all parts of one call still share their entropy.
    entropy = np.random.SeedSequence(random_state).entropy

    def rng(*key):
        return np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=key))

    order = rng(0).permutation(len(backgrounds))
    recordings, truths = {}, {}
    for subject in range(1, n_subjects + 1):
        rest = rng(subject, 0)
        own = backgrounds[order[(subject - 1) % len(order)]].varied(rest)
        truth = paradigm.draw(own, design, rng(subject, 1))
        sessions = {
            str(session): _session(
                paradigm, truth, own, design, subject,
                *(rng(subject, 2, session, part) for part in range(5)),
            )
            for session in range(n_sessions)
        }  # fmt: skip
        recordings[subject] = {name: made[0] for name, made in sessions.items()}
        truths[subject] = {name: made[1] for name, made in sessions.items()}
    priors = tuple(count / sum(design.counts) for count in design.counts)
    return Simulation(recordings, design.classes, priors, design.recipe, truths)


def _session(paradigm, truth, background, design, subject, *rngs):
    """One recording, and what the optimal decoder knows of it."""
    # One stream for each part: a louder response leaves all else as it is.
    for_domain, for_schedule, for_response, for_noise, for_artefacts = rngs
    domain = _draw_domain(background, design, for_domain)
    labels, onsets, n_times = _schedule(design, for_schedule)
    response, own = paradigm.respond(
        truth, domain, design, onsets, labels, n_times, for_response
    )
    noise = domain.background.noise(
        design.ch_names, n_times, design.sfreq, for_noise, domain.turn
    )
    noise *= domain.gains[:, np.newaxis]
    windows = onsets[:, np.newaxis] + design.samples
    seen = own + noise[:, windows].transpose(1, 0, 2)
    eeg, eog = _artefacts(domain, design, n_times, for_artefacts)
    raw = _to_raw(eeg + noise + response, eog, labels, onsets, design)
    raw.info["subject_info"] = {"id": subject, "his_id": f"sub-{subject}"}
    scale = np.outer(domain.gains, domain.gains)
    spatial = domain.background.covariances(design.ch_names, domain.turn)
    temporal = tuple(
        series.autocovariance(density, n_times, design.sfreq, windows.shape[1])
        for density in (domain.background.aperiodic, domain.background.alpha)
    )

    def responses():
        return paradigm.responses(truth, domain, design, n_times)

    spatial = tuple(scale * covariance for covariance in spatial)
    return raw, Truth(onsets, seen, spatial, temporal, responses)


def _draw_domain(background, design, rng):
    """One session: the cap turned, gains and levels changed."""
    count, drift = len(design.ch_names), design.drift
    # Turning the sources about the sphere's centre is turning the cap the other way.
    turn = Rotation.from_rotvec(drift * np.deg2rad(3.0) * rng.standard_normal(3))
    level, alpha, strength = np.exp(drift * 0.15 * rng.standard_normal(3))
    return Domain(
        background=replace(
            background,
            level=background.level * level**2,
            floor=background.floor * level**2,
            alpha_power=background.alpha_power * alpha**2,
        ),
        turn=turn,
        gains=np.exp(drift * 0.1 * rng.standard_normal(count)),
        line_gains=np.exp(0.3 * rng.standard_normal(count)),
        strength=strength,
        ch_names=design.ch_names,
    )


def _schedule(design, rng):
    """Class of each trial, its first sample, and the length of the recording."""
    labels = rng.permutation(np.repeat(np.arange(len(design.counts)), design.counts))
    rests = rng.uniform(*design.gap, len(labels))
    ends = _LEAD + np.cumsum(design.trial_length + rests)
    starts = np.concatenate([[_LEAD], ends[:-1]])
    n_times = round((ends[-1] + _LEAD) * design.sfreq)
    return labels, np.round(starts * design.sfreq).astype(int), n_times


def _artefacts(domain, design, n_times, rng):
    """Blinks and line noise at the electrodes, and the electrode beneath the eye."""
    blinks = series.blinks(n_times, design.sfreq, rng, rate=design.blink_rate)
    eeg = head.blink_reach(design.ch_names)[:, np.newaxis] * blinks
    phase = (
        2
        * np.pi
        * (checks.LINE_FREQ * np.arange(n_times) / design.sfreq + rng.uniform())
    )
    line = np.sqrt(2) * design.line_noise * np.sin(phase)
    eeg += domain.line_gains[:, np.newaxis] * line

    def density(freqs):
        return series.power_law(freqs) / np.log(design.sfreq / 2)

    eog = series.shaped_noise(density, 1, n_times, design.sfreq, rng)
    return eeg * domain.gains[:, np.newaxis], blinks + _EOG * eog


def _to_raw(eeg, eog, labels, onsets, design):
    sfreq = design.sfreq
    stim = np.zeros_like(eog)
    for onset, label in zip(onsets, labels, strict=True):
        stim[0, onset : onset + max(1, round(0.1 * sfreq))] = label + 1
    kinds = ["eeg"] * len(eeg) + ["eog", "stim"]
    names = [*design.ch_names, "EOG", "STI"]
    info = mne.create_info(names, sfreq, kinds, verbose=False)
    info["line_freq"] = checks.LINE_FREQ
    raw = mne.io.RawArray(np.concatenate([eeg, eog, stim]), info, verbose=False)
    raw.set_montage(head.standard_montage(), verbose=False)
    cues = [design.classes[label] for label in labels]
    annotations = mne.Annotations(onsets / sfreq, design.trial_length, cues)
    return raw.set_annotations(annotations, verbose=False)


def loudness(background, probes):
    """Root mean square of the background at electrodes, 1 to 40 Hz (V)."""
    step = _BAND[1] - _BAND[0]
    power = sum(
        np.diag(covariance) * np.sum(density(_BAND)) * step
        for covariance, density in zip(
            background.covariances(probes),
            (background.aperiodic, background.alpha),
            strict=True,
        )
    )
    return float(np.sqrt(np.mean(power)))


def draw_dipoles(rng, nearest, shift=0.0, depth=(0.064, 0.076), spread=0.01, tilt=0.4):
    """Radial dipoles beneath electrodes, each somewhere else in each head.

    Parameters
    ----------
    rng : numpy.random.Generator
    nearest : list of str
        The electrode above each dipole.
    shift : float or array of shape (n_dipoles,), default=0.0
        How far in front of the electrode it lies (m).
    depth : tuple, default=(0.064, 0.076)
        Smallest and largest distance from the centre of the sphere (m).
    spread : float, default=0.01
        Deviation of the place (m).
    tilt : float, default=0.4
        Deviation of the orientation from the radius.

    Returns
    -------
    positions, orientations : ndarray, shape (n_dipoles, 3)
        The orientations' lengths are 1.
    """
    centre = head.head_model()["r0"]
    beneath = head.electrode_positions(nearest) - centre
    beneath[:, 1] += shift
    radial = _unit(beneath + spread * rng.standard_normal(beneath.shape))
    positions = centre + rng.uniform(*depth, (len(radial), 1)) * radial
    return positions, _unit(radial + tilt * rng.standard_normal(radial.shape))


def _unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def peak_gain(positions, orientations):
    """Largest potential of each unit dipole over the scalp, shape (n_dipoles,)."""
    return np.abs(head.leadfield(positions, orientations, _PROBES)).max(axis=0)
