"""Bad channels and reference of a recipe, where readers meet them."""

import mne
import numpy as np

from ._checks import check_data
from .channels import pick_channels, refuse_triggers
from .trials import Trials


def rework_recording(inst, recipe):
    """Bad channels and reference, over all channels and before any is picked.

    Parameters
    ----------
    inst : mne.io.BaseRaw or mne.BaseEpochs
    recipe : Recipe

    Returns
    -------
    inst : of the same kind
        The same object where the recipe has no such steps.

    Raises
    ------
    ValueError
        If an EEG channel holds a trigger, nothing or NaN and there is a reference, or
        as in ``Recipe.rework_channels``.
    """
    if recipe.reference is not None and "eeg" in inst.get_channel_types():
        # A trigger, a dead channel or NaN would spread into all others.
        info = inst.info.copy()
        bads = [name for name in recipe.bads or () if name in info["ch_names"]]
        info["bads"] = sorted({*info["bads"], *bads})
        index = pick_channels(info, "eeg")
        data = inst.get_data(picks=index)
        data = check_data(data if data.ndim == 3 else data[np.newaxis])
        refuse_triggers(data, mne.pick_info(info, index), refuse_constant=True)
    return recipe.rework_channels(inst)


def rework_trials(trials, recipe):
    """The same for trials.

    Parameters
    ----------
    trials : Trials
    recipe : Recipe

    Returns
    -------
    trials : Trials
    """
    if not recipe.reworks_channels:
        return trials
    epochs = rework_recording(trials.to_epochs(), recipe)
    return Trials(
        epochs.get_data(copy=False) / trials.unit,
        trials.y,
        trials.metadata,
        epochs.info,
        unit=trials.unit,
        tmin=trials.tmin,
        name=trials.name,
        recipe=trials.recipe,
    )
