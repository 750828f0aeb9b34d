"""Where the trials of a continuous recording begin."""

import mne
import numpy as np


def find_events(raw, event_id, events):
    """Events and the code of each label.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    event_id : dict
        From label to annotation description (str) or trigger code (int).
    events : array, shape (n_events, 3) or None
        Given, or to be found in annotations or the stimulus channel.

    Returns
    -------
    events : array, shape (n_events, 3)
    codes : dict of label to code

    Raises
    ------
    ValueError
        If an event does not occur, or two fall on one sample.
    """
    if not isinstance(event_id, dict) or not event_id:
        raise ValueError(
            f"event_id is {event_id!r}; give a mapping from label to annotation "
            "description or trigger code."
        )
    if len(set(event_id.values())) < len(event_id):
        raise ValueError(f"event_id {event_id} gives one event two labels; keep one.")
    if all(isinstance(wanted, str) for wanted in event_id.values()) and events is None:
        codes = {label: i for i, label in enumerate(event_id, start=1)}
        by_description = {event_id[label]: code for label, code in codes.items()}
        found = set(raw.annotations.description)
        missing = [d for d in by_description if d not in found]
        if missing:
            raise ValueError(
                f"annotation {missing[0]!r} does not occur; the recording has "
                f"{sorted(map(str, found))}."
            )
        events, _ = mne.events_from_annotations(raw, by_description, verbose=False)
        return _refuse_doubles(events, codes), codes
    if not all(isinstance(c, int | np.integer) for c in event_id.values()):
        raise ValueError(
            f"event_id is {event_id}; events and trigger channels hold whole numbers, "
            "give those as codes."
        )
    if events is None:
        if "stim" not in raw.get_channel_types():
            raise ValueError(
                f"event_id {event_id} names trigger codes but the recording has no "
                f"stimulus channel, only {sorted(set(raw.get_channel_types()))}; give "
                "events, or annotation descriptions in event_id."
            )
        # A held level may step from one code to the next without a zero between.
        events = mne.find_events(raw, shortest_event=1, consecutive=True, verbose=False)
    events = np.asarray(events)
    if events.ndim != 2 or events.shape[1] != 3:
        raise ValueError(
            f"events has shape {events.shape}; MNE events are (n_events, 3): sample, "
            "previous code, code."
        )
    missing = [code for code in event_id.values() if code not in events[:, 2]]
    if missing:
        raise ValueError(
            f"event code {missing[0]!r} does not occur; the recording has "
            f"{np.unique(events[:, 2]).tolist()}."
        )
    return _refuse_doubles(events, event_id), dict(event_id)


def _refuse_doubles(events, codes):
    """Events, if no two that are wanted fall on one sample."""
    wanted = events[np.isin(events[:, 2], list(codes.values()))]
    samples, counts = np.unique(wanted[:, 0], return_counts=True)
    if (counts > 1).any():
        sample = samples[np.argmax(counts > 1)]
        both = wanted[wanted[:, 0] == sample, 2].tolist()
        raise ValueError(
            f"events {both} are both at sample {sample}; keep one of them, by events "
            "or by event_id."
        )
    return events
