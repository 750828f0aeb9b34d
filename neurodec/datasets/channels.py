"""Which channels a decoder may see."""

import numpy as np

# Channel types that record the brain; everything else needs to be asked for by name.
BRAIN_TYPES = ("eeg", "mag", "grad", "seeg", "ecog", "dbs")
# A signal takes more values than this; a channel of stimulus codes takes fewer.
_MAX_TRIGGER_VALUES = 20


def pick_channels(info, picks=None):
    """Indices of the channels that a decoder may see.

    Parameters
    ----------
    info : mne.Info
    picks : str, list of str or None
        None keeps the one type of brain signal that there is, without bad channels;
        a str keeps that type; a list keeps these channels, whatever their type.

    Returns
    -------
    index : list of int

    Raises
    ------
    ValueError
        If several types are there and none was chosen, or if nothing is left.
    """
    types = info.get_channel_types()
    if picks is not None and not isinstance(picks, str):
        missing = [name for name in picks if name not in info["ch_names"]]
        if missing or not len(picks):
            raise ValueError(
                f"channels {missing} are not in the recording; it has "
                f"{info['ch_names']}."
            )
        return [info["ch_names"].index(name) for name in picks]
    present = [kind for kind in BRAIN_TYPES if kind in types]
    if picks is not None and picks not in present:
        raise ValueError(
            f"no channel of type {picks!r}; brain signals here: {present or 'none'}. "
            "Name other channels in a list."
        )
    if not present:
        raise ValueError(
            f"no brain signal among channel types {sorted(set(types))}; set the types "
            f"(raw.set_channel_types) to one of {', '.join(BRAIN_TYPES)}."
        )
    if picks is None and len(present) > 1:
        raise ValueError(
            f"channels of types {', '.join(present)} are mixed and have different "
            f"units; choose one, such as picks={present[0]!r}."
        )
    kind = present[0] if picks is None else picks
    index = [
        i
        for i, (name, this) in enumerate(zip(info["ch_names"], types, strict=True))
        if this == kind and name not in info["bads"]
    ]
    if not index:
        raise ValueError(f"all {kind} channels are marked bad: {info['bads']}.")
    return index


def refuse_triggers(raw, index):
    """Refuse channels that hold stimulus codes or nothing at all.

    A stimulus code among the signals would let any decoder read the label.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    index : list of int
        Channels to look at.

    Raises
    ------
    ValueError
        Naming the channel and the remedy.
    """
    for i in index:
        values = np.unique(raw[i][0])
        if len(values) == 1:
            raise ValueError(
                f"channel {raw.ch_names[i]!r} is constant ({values[0]:g}): reference "
                "or dead electrode? drop it or list it in raw.info['bads']."
            )
        if len(values) <= _MAX_TRIGGER_VALUES:
            raise ValueError(
                f"channel {raw.ch_names[i]!r} has type "
                f"{raw.get_channel_types([i])[0]!r} but only {len(values)} distinct "
                "values: a trigger? set its type to 'stim', or name it in picks."
            )
