"""The way from sources to electrodes: montage, spherical head model, blinks."""

from functools import lru_cache

import mne
import numpy as np

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
    orientations : array-like, shape (n_sources, 3), or None
        Unit vectors. None gives the three axes of each source.
    ch_names : list of str
        Names in the 10-05 system.

    Returns
    -------
    gain : ndarray, shape (n_channels, n_sources) or (n_channels, n_sources, 3)
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
    sphere = head_model()
    limit = sphere["layers"][0]["rad"]
    radius = np.linalg.norm(positions - sphere["r0"], axis=1)
    if np.any(radius >= limit):
        worst = int(np.argmax(radius))
        raise ValueError(
            f"source {worst} lies {1e3 * radius[worst]:.1f} mm from the centre of the "
            f"sphere, outside the brain ({1e3 * limit:.1f} mm); move it inwards"
        )
    upwards = np.broadcast_to([0.0, 0.0, 1.0], positions.shape)
    source_space = mne.setup_volume_source_space(
        pos={"rr": positions, "nn": upwards}, sphere_units="m", verbose=False
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
    if orientations is None:
        return free
    return np.einsum("csk,sk->cs", free, np.asarray(orientations, dtype=float))


def _eeg_info(ch_names):
    info = mne.create_info(list(ch_names), 1.0, "eeg", verbose=False)
    return info.set_montage(standard_montage(), verbose=False)


def blink_reach(ch_names):
    """Share of a blink that reaches each electrode, shape (n_channels,).

    Eyes lie outside the spherical brain, so this is no forward model: the share fades
    by a factor e per 5 cm from the point between the eyes.
    """
    distance = electrode_positions(ch_names) - [0.0, 0.1, 0.0]
    return np.exp(-np.linalg.norm(distance, axis=1) / 0.05)
