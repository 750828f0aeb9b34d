"""``Trials``: the one object that travels between the rooms of neurodec."""

import copy
import hashlib
import json

import mne
import numpy as np
import pandas as pd

from ._checks import (
    ORIGIN,
    check_compatible,
    check_data,
    check_labels,
    check_metadata,
    frozen,
)
from .channels import index_of_names


class Trials:
    """Trials of one or several recordings, with labels and metadata.

    A read-only base array and a row index into it: selecting trials copies
    nothing, and ``X`` is gathered only when it is asked for. Subject, session and
    run travel in ``metadata``, never in the labels.

    Parameters
    ----------
    data : array, shape (n_trials, n_channels, n_times)
        The signals; may be memory-mapped. It is neither copied nor written to.
    y : array, shape (n_trials,)
        One label per trial (strings or integers).
    metadata : DataFrame with n_trials rows
        At least the columns ``subject``, ``session`` and ``run``; ``onset``
        (seconds in the run), ``stimulus`` and others are kept as they are.
    info : mne.Info
        Channel names, types and positions, and the sampling rate.
    unit : float, default=1.0
        What one unit of ``data`` is in SI units (volt, tesla): 1e-6 when the array
        holds microvolts.
    tmin : float, default=0.0
        Time of the first sample, in seconds from the event.
    name : str, default="trials"
        Name of the set, for tables.
    recipe : dict or None, default=None
        How the trials were made (``Recipe.to_dict``), kept for reports and keys.

    Raises
    ------
    ValueError
        If shapes disagree, a sample or label is not finite, a metadata column is
        missing or there is no trial.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodec.datasets import trials_from_arrays
    >>> X = np.random.default_rng(0).standard_normal((6, 2, 50))
    >>> trials = trials_from_arrays(
    ...     X,
    ...     ["left", "right"] * 3,
    ...     sfreq=100,
    ...     ch_names=["C3", "C4"],
    ...     session=["0"] * 4 + ["1"] * 2,
    ... )
    >>> trials
    <Trials 'arrays': 6 trials, 2 channels, 50 samples at 100 Hz, 1 subject>
    >>> trials.select(session="1").X.shape
    (2, 2, 50)
    """

    def __init__(
        self, data, y, metadata, info, *, unit=1.0, tmin=0.0, name="trials", recipe=None
    ):
        data = check_data(data)
        if data.shape[1] != len(info["ch_names"]):
            raise ValueError(
                f"data has {data.shape[1]} channels but info names "
                f"{len(info['ch_names'])}; give the info of these channels only."
            )
        if not np.isfinite(unit) or unit <= 0:
            raise ValueError(
                f"unit is {unit!r}; give what one unit of the data is in volt or "
                "tesla, such as 1e-6 for microvolt."
            )
        self._base, self._rows = data, np.arange(len(data))
        self._y = check_labels(y, len(data))
        self._metadata = check_metadata(metadata, len(data))
        self.info, self.unit, self.tmin = info, float(unit), float(tmin)
        self.name, self.recipe = str(name), recipe

    def _replace(self, **attributes):
        """A copy that shares everything but these attributes."""
        new = copy.copy(self)
        vars(new).update(attributes)
        return new

    @property
    def X(self):
        """Signals, shape (n_trials, n_channels, n_times).

        Trials that lie side by side, as all of them do, are a read-only view; others
        are copied together.
        """
        first, n_trials = self._rows[0], len(self._rows)
        if np.array_equal(self._rows, np.arange(first, first + n_trials)):
            return self._base[first : first + n_trials]
        return self._base[self._rows]

    @property
    def y(self):
        """Labels, shape (n_trials,)."""
        return self._y[self._rows]

    @property
    def metadata(self):
        """Metadata of the selected trials, with a fresh RangeIndex."""
        return self._metadata.iloc[self._rows].reset_index(drop=True)

    @property
    def classes(self):
        """Sorted distinct labels."""
        return np.unique(self.y)

    @property
    def sfreq(self):
        """Sampling rate in hertz."""
        return float(self.info["sfreq"])

    @property
    def ch_names(self):
        """Channel names, in the order of the arrays."""
        return list(self.info["ch_names"])

    @property
    def n_times(self):
        """Samples per trial."""
        return self._base.shape[2]

    def __len__(self):
        return len(self._rows)

    def __repr__(self):
        n_subjects = self.metadata["subject"].nunique()
        return (
            f"<Trials {self.name!r}: {len(self)} trials, "
            f"{len(self.ch_names)} channels, {self.n_times} samples at "
            f"{self.sfreq:g} Hz, {n_subjects} subject{'s' if n_subjects > 1 else ''}>"
        )

    def __getitem__(self, item):
        """Trials at the positions, slice or mask ``item``; copies no signal.

        Raises
        ------
        IndexError
            If a position or the mask does not fit.
        ValueError
            If no trial is left.
        """
        if not isinstance(item, slice):
            item = np.atleast_1d(item)
            if item.dtype == bool and item.shape != (len(self),):
                raise IndexError(
                    f"mask has {item.size} entries but there are {len(self)} trials."
                )
            if item.size and (item.dtype.kind not in "biu" or item.ndim != 1):
                raise IndexError(
                    f"{item!r} is neither positions, a slice nor a mask of the trials."
                )
            item = item if item.size else slice(0)
        rows = self._rows[item]
        if not len(rows):
            raise ValueError(
                f"the selection keeps none of {len(self)} trials; check the condition."
            )
        return self._replace(_rows=rows)

    def select(self, **columns):
        """Trials whose metadata equal the given values (a value, or a list of them).

        Raises
        ------
        ValueError
            If a column or a value does not occur, or no trial has all of them.
        """
        metadata, mask = self.metadata, np.ones(len(self), bool)
        for column, wanted in columns.items():
            if column not in metadata:
                raise ValueError(
                    f"no metadata column {column!r}; there are {list(metadata)}."
                )
            wanted = [wanted] if np.isscalar(wanted) else list(wanted)
            known = metadata[column].unique().tolist()
            unknown = [value for value in wanted if value not in known]
            if unknown:
                raise ValueError(
                    f"{column} {unknown[0]!r} does not occur; there are "
                    f"{sorted(known, key=str)}."
                )
            mask &= metadata[column].isin(wanted).to_numpy()
        return self[mask]

    def pick(self, ch_names):
        """The same trials with these channels, in this order (copies the signals).

        Parameters
        ----------
        ch_names : list of str

        Raises
        ------
        ValueError
            If a channel is missing or named twice.
        """
        index = index_of_names(self.ch_names, ch_names)
        return Trials(
            self.X[:, index],
            self.y,
            self.metadata,
            mne.pick_info(self.info, index),
            unit=self.unit,
            tmin=self.tmin,
            name=self.name,
            recipe=self.recipe,
        )

    def drop(self, ch_names):
        """The same trials without these channels (copies the signals).

        Parameters
        ----------
        ch_names : list of str

        Raises
        ------
        ValueError
            If a channel is missing, or none is left.
        """
        index = index_of_names(self.ch_names, ch_names)
        if len(index) == len(self.ch_names):
            raise ValueError(f"dropping {list(ch_names)} leaves no channel; keep some.")
        return self.pick(np.delete(self.ch_names, index).tolist())

    def rename(self, name):
        """The same trials under another set name."""
        return self._replace(name=str(name))

    def to_epochs(self):
        """The trials as ``mne.EpochsArray`` in SI units, metadata attached.

        Returns
        -------
        epochs : mne.EpochsArray
            Event names are the labels as text; events are numbered, not timed (the
            time of an event is ``metadata["onset"]`` where it is known).
        """
        classes, codes = np.unique(self.y, return_inverse=True)
        events = np.column_stack(
            [np.arange(len(self)), np.zeros(len(self), int), codes + 1]
        )
        return mne.EpochsArray(
            np.asarray(self.X, float) * self.unit,
            self.info,
            events=events,
            tmin=self.tmin,
            event_id={str(c): i + 1 for i, c in enumerate(classes)},
            metadata=self.metadata,
            proj=False,  # Projectors in info would change the signals.
            verbose=False,
        )

    def signal_hashes(self):
        """One SHA-256 per trial, of its samples and what they mean.

        Returns
        -------
        hashes : list of str
            Equal for two trials only if every sample, the channels, the sampling
            rate and the unit are.
        """
        meaning = json.dumps(
            [self.ch_names, self.sfreq, self.unit, self.tmin, str(self._base.dtype)]
        ).encode()
        hashes = []
        for row in self._rows:
            digest = hashlib.sha256(meaning)
            digest.update(np.ascontiguousarray(self._base[row]).data)
            hashes.append(digest.hexdigest())
        return hashes

    def fingerprint(self):
        """SHA-256 of the trials: other samples, labels, order or origin change it."""
        origin = self.metadata[list(ORIGIN)].astype(str).to_numpy()
        labels = [str(label) for label in self.y]
        content = json.dumps([self.signal_hashes(), labels, origin.tolist()])
        return hashlib.sha256(content.encode()).hexdigest()


def trials_of_checked(data, y, metadata, info, **settings):
    """Trials over signals that are known to be finite: none of them is read.

    Parameters
    ----------
    data, y, metadata, info, **settings
        As of :class:`Trials`; the signals were checked when they were stored.

    Returns
    -------
    trials : Trials
    """
    metadata = check_metadata(metadata, len(data))
    first = Trials(data[:1], y[:1], metadata.iloc[:1], info, **settings)
    return first._replace(
        _base=frozen(data),
        _rows=np.arange(len(data)),
        _y=check_labels(y, len(data)),
        _metadata=metadata,
    )


def concatenate_trials(parts, name=None):
    """Stack trials that share channels, sampling rate, window and unit.

    Parameters
    ----------
    parts : list of Trials
        At least one.
    name : str or None
        Name of the result; the first part's by default.

    Returns
    -------
    trials : Trials

    Raises
    ------
    ValueError
        If channels (names, order or types), sampling rates, windows, units, recipes
        or kinds of labels differ.
    """
    parts = list(parts)
    if not parts:
        raise ValueError("nothing to concatenate; give at least one Trials.")
    first = parts[0]
    for i, part in enumerate(parts[1:], start=1):
        check_compatible(first, part, i)
    return Trials(
        np.concatenate([part.X for part in parts]),
        np.concatenate([part.y for part in parts]),
        pd.concat([part.metadata for part in parts], ignore_index=True),
        first.info,
        unit=first.unit,
        tmin=first.tmin,
        name=first.name if name is None else name,
        recipe=first.recipe,
    )
