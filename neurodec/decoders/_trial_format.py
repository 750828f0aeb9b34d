"""What trials must be for a model: channels, rate, window, unit, amplitude."""

import dataclasses
import math

import numpy as np

from .._names import nearest
from ..preprocessing.recipe import Recipe, as_recipe

_SI_UNITS = {"mag": "T", "grad": "T/m"}
# Amplifiers, skulls and days differ by less, a wrong prefix of the unit by more.
_MOST_TIMES = 100.0
_LEAST_OF_MEDIAN = 1e-6
_PREFIXES = {3: "m", 6: "u", 9: "n", 12: "p", 15: "f"}


@dataclasses.dataclass(frozen=True)
class TrialFormat:
    """What a model was trained on, and what it therefore takes.

    Parameters
    ----------
    channels, channel_types : list of str
    sfreq : float
        Sampling rate of the trials in hertz, after the recipe.
    unit : float
        What one unit of the arrays is in SI units.
    tmin : float
        First sample, in seconds from the event.
    n_times : int
    amplitude : float
        Median standard deviation of a channel within a training trial, in SI units.
    recipe : dict or None
        How the training trials were made.
    """

    channels: list
    channel_types: list
    sfreq: float
    unit: float
    tmin: float
    n_times: int
    amplitude: float
    recipe: dict | None

    @classmethod
    def of(cls, trials):
        """The format of these trials.

        Raises
        ------
        ValueError
            If a channel is constant in every trial.
        """
        deviations = _deviations(trials.X)
        flat = np.array(trials.ch_names)[_constant(deviations)].tolist()
        if flat:
            raise ValueError(
                f"channels {flat} are constant in every trial (reference or dead "
                f"electrode?); use trials.drop({flat})."
            )
        return cls(
            channels=trials.ch_names,
            channel_types=trials.info.get_channel_types(),
            sfreq=trials.sfreq,
            unit=trials.unit,
            tmin=trials.tmin,
            n_times=trials.n_times,
            amplitude=float(np.median(deviations)) * trials.unit,
            recipe=_plain(trials.recipe),
        )

    @property
    def tmax(self):
        """Last sample, in seconds from the event."""
        return self.tmin + (self.n_times - 1) / self.sfreq

    @property
    def unit_name(self):
        """SI unit of the first channel's type."""
        return _SI_UNITS.get(self.channel_types[0], "V")

    def recipe_for_recordings(self):
        """The recipe, with the window that the training trials had.

        Raises
        ------
        ValueError
            If the training trials had none.
        """
        if self.recipe is None:
            raise ValueError(
                "the model was trained on trials without a recipe, so it cannot know "
                "how to filter and cut a recording; cut trials as those of training "
                "were cut, and give them instead."
            )
        recipe = Recipe.from_dict(self.recipe)
        changes = {}
        if abs(recipe.tmin - self.tmin) > 0.5 / self.sfreq:
            changes["tmin"] = self.tmin
        if recipe.tmax is None:
            # With resampling a sample more, of which the surplus is cut off.
            surplus = 0 if recipe.resample is None else 1 / self.sfreq
            changes["tmax"] = self.tmax + surplus
        return dataclasses.replace(recipe, **changes) if changes else recipe

    def check_channels(self, ch_names, ch_types, what):
        """Refuse channels that lack one of the model's, or are of another type.

        Parameters
        ----------
        ch_names, ch_types : list of str
        what : str
            "recording" or "trials".

        Raises
        ------
        ValueError
            Naming the difference and the remedy.
        """
        missing = [name for name in self.channels if name not in ch_names]
        if missing:
            raise ValueError(
                f"the {what} lacks {len(missing)} of the model's "
                f"{len(self.channels)} channels: {', '.join(missing[:8])}"
                f"{', ...' if len(missing) > 8 else ''}; rename the channels if they "
                f"are there under other names ({missing[0]!r}: "
                f"{nearest(missing[0], ch_names)}), or fit a model on the channels "
                "that both have."
            )
        types = dict(zip(ch_names, ch_types, strict=True))
        for name, kind in zip(self.channels, self.channel_types, strict=True):
            if types[name] != kind:
                raise ValueError(
                    f"channel {name!r} has type {types[name]!r} in the {what}, but the "
                    f"model was trained on {kind!r} ({_SI_UNITS.get(kind, 'V')}); "
                    "correct the type (set_channel_types), or use a model for such "
                    "signals."
                )

    def order_notes(self, ch_names):
        """What to say if the channels come in another order."""
        found = [name for name in ch_names if name in set(self.channels)]
        if found == list(self.channels):
            return []
        return ["channels came in another order and were put right by name"]

    def check_rate(self, sfreq, what):
        """Refuse another sampling rate; ``sfreq`` is that of the trials."""
        if not math.isclose(sfreq, self.sfreq, rel_tol=1e-6):
            raise ValueError(
                f"the {what} is sampled at {sfreq:g} Hz, but the model was trained at "
                f"{self.sfreq:g} Hz; resample it, or fit the model with "
                f"'resample' in the recipe, which then allows other rates."
            )

    def check_window(self, tmin, n_times):
        """Refuse another window."""
        if n_times != self.n_times or abs(tmin - self.tmin) > 0.5 / self.sfreq:
            end = tmin + (n_times - 1) / self.sfreq
            raise ValueError(
                f"the trials hold {n_times} samples, [{tmin:g}, {end:g}] s from the "
                f"event, but the model was trained on {self.n_times}, "
                f"[{self.tmin:g}, {self.tmax:g}] s; cut the same window."
            )

    def check_recipe(self, recipe):
        """Refuse trials that were made in another way, or in one that is not known."""
        recipe = _plain(recipe)
        if recipe == self.recipe:
            return
        if recipe is None:
            raise ValueError(
                "it is not known whether the model's recipe was applied to these "
                f"trials ({_told(self.recipe)}); give prepared=True if it was, or "
                "prepared=False to have it applied to each trial."
            )
        ours, theirs = self.recipe or {}, recipe
        keys = [k for k in {**ours, **theirs} if ours.get(k) != theirs.get(k)]
        named = ", ".join(f"{k}={theirs.get(k)} and not {ours.get(k)}" for k in keys)
        raise ValueError(
            f"the trials were made with another recipe than the model's: {named}; make "
            "them with the model's recipe, or give prepared=True if that is the same."
        )

    def check_amplitude(self, X):
        """Refuse signals of quite another size, such as microvolts taken for volts.

        Parameters
        ----------
        X : array, shape (n_trials, n_channels, n_times)
            In the model's unit.
        """
        deviations = _deviations(X)
        flat = _constant(deviations)
        if flat.any():
            raise ValueError(
                f"channel {self.channels[int(np.argmax(flat))]!r} is constant; is the "
                "electrode connected? interpolate it, or fit a model without it."
            )
        found = float(np.median(deviations)) * self.unit
        times = found / self.amplitude
        if 1 / _MOST_TIMES < times < _MOST_TIMES:
            return
        raise ValueError(
            f"the signals are {times:.3g} times as large as those of training (median "
            f"deviation {found:.3g} {self.unit_name} instead of {self.amplitude:.3g} "
            f"{self.unit_name}){_guess(times, self.unit_name)}; bring them to "
            f"{self.unit_name}, or allow it (any_amplitude=True, --any-amplitude)."
        )


def check_form(values):
    """The format that a card tells.

    Raises
    ------
    ValueError
        If it lacks something, or holds what is none.
    """
    known = [field.name for field in dataclasses.fields(TrialFormat)]
    missing = [name for name in known if name not in values]
    if missing:
        raise ValueError(
            f"card.json: input lacks {missing[0]!r}; save the model again."
        )
    form = TrialFormat(**{name: values[name] for name in known})
    numbers = (form.sfreq, form.unit, form.n_times, form.amplitude)
    if not all(isinstance(v, int | float) and v > 0 for v in numbers) or (
        len(form.channels) != len(form.channel_types)
    ):
        raise ValueError(
            f"card.json: input is {values!r}, which is no format of trials; save the "
            "model again."
        )
    return form


def _guess(times, unit):
    """Which prefix of the unit may have been overlooked."""
    exponent = round(math.log10(times)) if 0 < times < math.inf else 0
    if exponent % 3 or abs(exponent) not in _PREFIXES:
        return ""
    small = f"{_PREFIXES[abs(exponent)]}{unit}"
    given, taken = (small, unit) if exponent > 0 else (unit, small)
    return f": {given} taken for {taken}?"


def _deviations(X):
    """Standard deviation of each trial and channel, without a copy of all trials."""
    return np.array([np.std(trial, axis=-1, dtype=float) for trial in X])


def _constant(deviations):
    """Channels that never vary; what a filter leaves of a constant is not quite 0."""
    return deviations.max(axis=0) <= _LEAST_OF_MEDIAN * np.median(deviations)


def _plain(recipe):
    """A recipe as JSON gives it back."""
    return None if recipe is None else as_recipe(recipe).to_dict()


def _told(recipe):
    chosen = {k: v for k, v in recipe.items() if v is not None}
    return ", ".join(f"{k}={v}" for k, v in chosen.items())
