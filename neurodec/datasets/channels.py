"""Which channels a decoder may see."""

import difflib
import re

import numpy as np

# Channel types that record the brain; everything else needs to be asked for by name.
BRAIN_TYPES = ("eeg", "mag", "grad", "seeg", "ecog", "dbs")
# A signal takes more values than this; a channel of stimulus codes takes fewer.
_MAX_TRIGGER_VALUES = 20
_BLOCK = 1000
# Names that files give to eyes, heart, muscles and triggers.
_OTHER_NAMES = re.compile(
    r"([hv]?eog|ecg|ekg|emg|sti(m|\b|\d)|trig|status|marker)", re.IGNORECASE
)


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
    if picks is not None and not isinstance(picks, str):
        return index_of_names(info["ch_names"], picks)
    types = info.get_channel_types()
    present = [kind for kind in BRAIN_TYPES if kind in types]
    if picks is not None and picks not in present:
        raise ValueError(
            f"no channel of type {picks!r}; brain signals here: "
            f"{', '.join(present) or 'none'}. Name other channels in a list."
        )
    if not present:
        raise ValueError(
            f"no brain signal among channel types {sorted(set(types))}; set the types "
            f"(raw.set_channel_types) to one of {', '.join(BRAIN_TYPES)}."
        )
    if picks is None and len(present) > 1:
        raise ValueError(
            f"channels of types {', '.join(present)} are mixed and have different "
            f"units; choose one, such as picks={present[0]!r}, or name the channels of "
            "several in a list and let ChannelTypeScaler be the pipeline's first step."
        )
    kind = present[0] if picks is None else picks
    index = [
        i
        for i, (name, this) in enumerate(zip(info["ch_names"], types, strict=True))
        if this == kind and name not in info["bads"]
    ]
    _refuse_names([info["ch_names"][i] for i in index], kind)
    if not index:
        raise ValueError(
            f"all {kind} channels are marked bad: {info['bads']}; name those to keep "
            "in a list."
        )
    return index


def _refuse_names(names, kind):
    """Some formats give every channel one type, eyes and triggers included."""
    other = [name for name in names if _OTHER_NAMES.match(name)]
    if other:
        raise ValueError(
            f"channel {other[0]!r} has type {kind!r} but the name of another kind; set "
            "its type (raw.set_channel_types, or ch_types of a file) to 'eog', 'stim' "
            "or 'misc', or name the channels to keep in picks."
        )


def index_of_names(known, wanted):
    """Positions of channels by name, in the order in which they are named.

    Parameters
    ----------
    known, wanted : list of str

    Returns
    -------
    index : list of int

    Raises
    ------
    ValueError
        If none is named, or one is named twice or unknown.
    """
    if isinstance(wanted, str) or not len(wanted):
        raise ValueError(f"{wanted!r} is no list of channels; write {known[:2]}.")
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
            raise ValueError(
                f"no channel {name!r}; "
                + (f"did you mean {' or '.join(close)}? " if close else "")
                + f"There are {', '.join(known)}."
            )
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"channels {list(wanted)} repeat; name each once.")
    return [known.index(name) for name in wanted]


def refuse_triggers(data, info, *, refuse_constant):
    """Refuse channels that hold stimulus codes, or nothing at all.

    A stimulus code among the signals would let any decoder read the label.

    Parameters
    ----------
    data : array, shape (n_trials, n_channels, n_times)
    info : mne.Info
        Of these channels.
    refuse_constant : bool
        Whether a constant channel is refused too; a filter would hide that it is.

    Raises
    ------
    ValueError
        Naming the channel and the remedy.
    """
    for i, (name, kind) in enumerate(
        zip(info["ch_names"], info.get_channel_types(), strict=True)
    ):
        values = _values_if_few(data[:, i])
        if values is None:
            continue
        if len(values) > 1:
            raise ValueError(
                f"channel {name!r} has type {kind!r} but only {len(values)} distinct "
                "values: a trigger? set its type to 'stim', or name it in picks."
            )
        if refuse_constant:
            raise ValueError(
                f"channel {name!r} is constant ({values[0]:g}): reference or dead "
                "electrode? drop it, or list it in info['bads']."
            )


def takes_many_values(signal):
    """Whether a stretch of one channel shows more values than stimulus codes do.

    Parameters
    ----------
    signal : array, shape (n_times,)

    Returns
    -------
    many : bool
    """
    return signal.size >= 10 * _MAX_TRIGGER_VALUES and (
        _values_if_few(signal[np.newaxis]) is None
    )


def _values_if_few(signal):
    """Distinct values of one channel, or None as soon as there are many."""
    if signal.size < 10 * _MAX_TRIGGER_VALUES:  # Too short to tell.
        return None
    values = np.empty(0)
    for row in signal:
        for start in range(0, len(row), _BLOCK):
            values = np.union1d(values, row[start : start + _BLOCK])
            if len(values) > _MAX_TRIGGER_VALUES:
                return None
    return values
