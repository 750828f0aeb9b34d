"""Resting activity: a small Gaussian model, and six that were fitted to subjects."""

import functools
import json
from dataclasses import asdict, dataclass, replace
from importlib import resources

import numpy as np

from .. import _sources as head
from . import series

_CORNER = 1.0  # Hz; below, the spectrum of the aperiodic part is flat
_N_CORTEX, _N_DEEP = 96, 24


@dataclass(frozen=True)
class Background:
    """Gaussian model of resting EEG: an aperiodic part and an alpha rhythm.

    Each part is stationary and separable: one power density times one spatial
    covariance, that of dipoles of random orientation on a fixed grid, through MNE's
    spherical head model. See :doc:`/simulated`.

    Parameters
    ----------
    name : str
        Where the numbers come from.
    exponent : float
        Of the aperiodic density, ``level * (10 / f) ** exponent + floor``.
    level, floor : float
        Aperiodic density at 10 Hz without the floor, and the floor (V^2 / Hz).
    alpha_freq, alpha_width : float
        Mean and deviation of the alpha peak, a Gaussian (Hz).
    alpha_power : float
        Variance of the alpha rhythm (V^2). Like the densities, it is the mean over
        the electrodes of the fit, on their average reference.
    own : float
        Part of the aperiodic variance that each electrode has for itself.
    sources, alpha_sources : tuple of float
        Power of each grid point's dipoles in both parts (nA m)^2, for a mean variance
        of (1 uV)^2.

    Examples
    --------
    >>> background = default_backgrounds()[0]
    >>> 7 < background.alpha_freq < 14
    True
    >>> background.covariances(["C3", "Cz", "C4"])[0].shape
    (3, 3)
    """

    name: str
    exponent: float
    level: float
    floor: float
    alpha_freq: float
    alpha_width: float
    alpha_power: float
    own: float
    sources: tuple
    alpha_sources: tuple

    def aperiodic(self, freqs):
        """Density of the aperiodic part (V^2 / Hz)."""
        return self.level * _power(freqs, self.exponent) + self.floor

    def alpha(self, freqs):
        """Density of the alpha rhythm (V^2 / Hz)."""
        return self.alpha_power * series.rhythm(
            freqs, self.alpha_freq, self.alpha_width
        )

    def covariances(self, ch_names, turn=None):
        """Spatial covariance of both parts, without unit.

        Parameters
        ----------
        ch_names : list of str
            Names in the 10-05 system; referenced to infinity.
        turn : scipy.spatial.transform.Rotation or None
            Turns the sources about the centre of the sphere.

        Returns
        -------
        aperiodic, alpha : ndarray, shape (n_channels, n_channels)
            To be multiplied with the densities.
        """
        aperiodic, alpha = (
            np.einsum("cs,ds->cd", gain, gain) for gain in self.gains(ch_names, turn)
        )
        return aperiodic + self.own * np.eye(len(ch_names)), alpha

    def gains(self, ch_names, turn=None):
        """What unit series of the dipoles of both parts give at the electrodes.

        Returns
        -------
        aperiodic, alpha : ndarray, shape (n_channels, n_dipoles)
            Only dipoles with power.
        """
        powers = np.stack([self.sources, self.alpha_sources])
        used = powers.any(axis=0)
        free = source_gain(source_grid()[used], ch_names, turn)
        return [
            (np.sqrt(power[power > 0])[:, np.newaxis] * free[:, power > 0]).reshape(
                len(ch_names), -1
            )
            for power in powers[:, used]
        ]

    def noise(self, ch_names, n_times, sfreq, rng, turn=None):
        """Simulate resting activity.

        Returns
        -------
        noise : ndarray, shape (n_channels, n_times)
            In V, referenced to infinity; Gaussian, with the covariances of
            `covariances` and the densities.
        """
        aperiodic, alpha = self.gains(ch_names, turn)
        own = np.sqrt(self.own) * np.eye(len(ch_names))
        noise = 0.0
        # The electrodes' own noise comes last, so that a source's series does not
        # depend on how many electrodes there are.
        for density, gain in (
            (self.aperiodic, aperiodic),
            (self.alpha, alpha),
            (self.aperiodic, own),
        ):
            courses = series.shaped_noise(density, gain.shape[1], n_times, sfreq, rng)
            # Not a BLAS product: its last bits depend on the number of threads.
            noise = noise + np.einsum("cs,st->ct", gain, courses)
        return noise

    def varied(self, rng, spread=0.2):
        """Another head like this one: each quantity changed by about ``spread``."""

        def changed(values, scale=spread):
            factor = np.exp(scale * rng.standard_normal(np.shape(values)))
            return np.asarray(values) * factor

        return replace(
            self,
            exponent=float(changed(self.exponent, 0.25 * spread)),
            level=float(changed(self.level)),
            floor=float(changed(self.floor)),
            alpha_freq=float(changed(self.alpha_freq, 0.25 * spread)),
            alpha_power=float(changed(self.alpha_power)),
            sources=tuple(changed(self.sources)),
            alpha_sources=tuple(changed(self.alpha_sources)),
        )


def _power(freqs, exponent):
    return series.power_law(freqs, exponent, _CORNER) * (10 / _CORNER) ** exponent


@functools.lru_cache(maxsize=1)
def source_grid():
    """Positions of the background's dipoles (m), shape (120, 3); never edit them.

    96 beneath the cortex, 24 deep, evenly over the sphere above the neck.
    """
    shells = []
    for count, radius in ((_N_CORTEX, 0.072), (_N_DEEP, 0.042)):
        # Fibonacci's lattice: equal steps in height, the golden angle in azimuth.
        height = np.linspace(1.0, -0.45, count)
        azimuth = np.pi * (3 - np.sqrt(5)) * np.arange(count)
        across = np.sqrt(1 - height**2)
        unit = [across * np.cos(azimuth), across * np.sin(azimuth), height]
        shells.append(radius * np.transpose(unit))
    return head.head_model()["r0"] + np.concatenate(shells)


def source_gain(positions, ch_names, turn=None):
    """Three columns per source, shape (n_channels, n_sources, 3), in uV per nA m."""
    if turn is not None:
        centre = head.head_model()["r0"]
        positions = centre + turn.apply(positions - centre)
    return 1e-3 * head.leadfield(positions, None, ch_names)


@functools.lru_cache(maxsize=1)
def default_backgrounds():
    """Models fitted to six subjects at rest, shipped with neurodec.

    Subjects 1, 2, 3, 4, 38 and 40, run 1 (eyes open), of the EEG Motor
    Movement/Imagery Dataset of PhysioNet [1]_ [2]_, under the Open Data Commons
    Attribution License 1.0; fitted by ``benchmarks/fit_backgrounds.py``.

    Returns
    -------
    backgrounds : tuple of Background

    References
    ----------
    .. [1] Schalk, G. et al. (2004). BCI2000: a general-purpose brain-computer
       interface (BCI) system. IEEE Transactions on Biomedical Engineering 51,
       1034-1043.
    .. [2] Goldberger, A. L. et al. (2000). PhysioBank, PhysioToolkit, and PhysioNet.
       Circulation 101, e215-e220. https://doi.org/10.13026/C28G6P

    Examples
    --------
    >>> len(default_backgrounds())
    6
    """
    text = (resources.files(__package__) / "backgrounds.json").read_text("utf-8")
    return tuple(from_dict(values) for values in json.loads(text)["backgrounds"])


def to_dict(background):
    """Plain values with three significant digits, as the shipped file has them."""

    def rounded(value):
        if isinstance(value, str):
            return value
        if np.ndim(value):
            return [rounded(v) for v in value]
        value = float(f"{value:.3g}")
        return int(value) if value == int(value) else value

    return {name: rounded(value) for name, value in asdict(background).items()}


def from_dict(values):
    """A `Background` from plain values."""
    return Background(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    )
