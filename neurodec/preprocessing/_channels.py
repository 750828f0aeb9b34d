"""Bad channels and reference: what a recipe does across channels."""

import mne
import numpy as np

from .._names import nearest

# MNE interpolates these from the positions of the others.
_INTERPOLATED = ("eeg", "mag", "grad")


def rework_channels(inst, bads, interpolate, reference):
    """Drop or interpolate bad channels, then re-reference the EEG.

    Parameters
    ----------
    inst : mne.io.BaseRaw or mne.BaseEpochs
        It is copied, not changed.
    bads : tuple of str or None
    interpolate : bool
        Else they are dropped. Interpolates those that ``inst`` marks bad, too.
    reference : "average", tuple of str or None

    Returns
    -------
    inst : of the same kind

    Raises
    ------
    ValueError
        If a channel is unknown or has no position, or too few are left.
    """
    for name in bads or ():
        _require(inst, name, "bad channel")
    for name in reference if isinstance(reference, tuple) else ():
        _require(inst, name, "reference channel")
    with mne.utils.use_log_level("WARNING"):  # Epochs have no such argument.
        inst = inst.copy().load_data()
    if interpolate:
        inst = _interpolate(inst, bads or ())
    elif bads:
        if len(bads) == len(inst.ch_names):
            raise ValueError(f"bads names all channels, {list(bads)}; keep some.")
        inst.drop_channels(list(bads))
    return inst if reference is None else _rereference(inst, reference)


def _require(inst, name, what):
    if name not in inst.ch_names:
        raise ValueError(
            f"the recipe's {what} {name!r} is not in the recording; "
            f"{nearest(name, inst.ch_names)}"
        )


def _interpolate(inst, bads):
    types = dict(zip(inst.ch_names, inst.get_channel_types(), strict=True))
    other = [name for name in bads if types[name] not in _INTERPOLATED]
    if other:
        raise ValueError(
            f"bad channel {other[0]!r} is of type {types[other[0]]!r}, and only "
            f"{', '.join(_INTERPOLATED)} are interpolated; use interpolate=False."
        )
    marked = [n for n in inst.info["bads"] if types[n] in _INTERPOLATED]
    bad = sorted({*bads, *marked}, key=inst.ch_names.index)
    if not bad:
        return inst
    affected = {types[name] for name in bad}
    for kind in sorted(affected):
        good = [n for n in types if types[n] == kind and n not in bad]
        if len(good) < 4:
            raise ValueError(
                f"{len(good)} good channels of type {kind!r} are left beside "
                f"{', '.join(bad)}; too few to interpolate from, use "
                "interpolate=False."
            )
    for channel in inst.info["chs"]:
        place = channel["loc"][:3]
        if types[channel["ch_name"]] in affected and not (
            np.isfinite(place).all() and place.any()
        ):
            raise ValueError(
                f"channel {channel['ch_name']!r} has no position, so nothing can be "
                "interpolated; set them (set_montage), or use interpolate=False to "
                "drop bad channels."
            )
    others = [name for name in inst.info["bads"] if name not in bad]
    inst.info["bads"] = bad
    inst.interpolate_bads(reset_bads=True, verbose=False)
    inst.info["bads"] = others
    return inst


def _rereference(inst, reference):
    types = dict(zip(inst.ch_names, inst.get_channel_types(), strict=True))
    good = [n for n, k in types.items() if k == "eeg" and n not in inst.info["bads"]]
    if not good:
        raise ValueError(
            f"reference is {reference!r}, but there is no good EEG channel among types "
            f"{sorted(set(types.values()))}; leave reference out."
        )
    if reference == "average":
        if len(good) < 2:
            raise ValueError(
                f"reference is 'average', but {good[0]!r} is the only good EEG channel "
                "and would become zero; leave reference out."
            )
        inst.set_eeg_reference("average", ch_type="eeg", verbose=False)
        return inst
    if not set(good) - set(reference):
        raise ValueError(
            f"all good EEG channels, {', '.join(good)}, are reference channels; keep "
            "some for decoding."
        )
    inst.set_eeg_reference(list(reference), ch_type="eeg", verbose=False)
    # What they hold now is zero, or what the others of them hold.
    inst.drop_channels(list(reference))
    return inst
