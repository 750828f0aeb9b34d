"""Rejection thresholds that are learned, from trials that no score is taken on."""

import mne


def learned_rejection_threshold(epochs, *, decim=1, random_state=0, cv=5):
    """Peak-to-peak thresholds learned from trials, with autoreject.

    The threshold at which the mean of the kept trials is nearest to the median of held
    out ones [1]_. It is learned from all trials that it is shown: show it those of a
    training session or of another recording, never those to be scored, and give the
    result to ``Recipe(reject=...)``, which then looks at one trial at a time.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        Unrejected; bad channels and other types than brain and EOG do not count.
    decim : int, default=1
        Take each n-th sample, for speed.
    random_state : int, default=0
    cv : int, default=5
        Folds.

    Returns
    -------
    reject : dict
        Threshold by channel type, in SI units.

    Raises
    ------
    ModuleNotFoundError
        If autoreject is not installed.
    ValueError
        If ``epochs`` are none, or fewer than folds.

    References
    ----------
    .. [1] M. Jas, D. A. Engemann, Y. Bekhti, F. Raimondo, A. Gramfort. Autoreject:
       automated artifact rejection for MEG and EEG data. NeuroImage 159, 417-429, 2017.
       https://doi.org/10.1016/j.neuroimage.2017.06.030

    Examples
    --------
    >>> from neurodec.datasets import load
    >>> from neurodec.preprocessing import Recipe
    >>> first = load("simulated", subjects=[1]).select(session="0").to_epochs()
    >>> reject = learned_rejection_threshold(first)  # doctest: +SKIP
    >>> recipe = Recipe(tmax=3.0, reject=reject)  # doctest: +SKIP
    """
    if not isinstance(epochs, mne.BaseEpochs):
        raise ValueError(
            f"epochs is {type(epochs).__name__}; give mne.Epochs, such as "
            "trials.to_epochs()."
        )
    if len(epochs) < cv:
        raise ValueError(
            f"{len(epochs)} epochs are too few for {cv} folds; give more, or lower cv."
        )
    try:
        from autoreject import get_rejection_threshold
    except ImportError as error:
        raise ModuleNotFoundError(
            f"learned thresholds need autoreject ({error}): "
            "pip install 'neurodec[autoreject]'."
        ) from error
    learned = get_rejection_threshold(
        epochs, decim=decim, random_state=random_state, cv=cv, verbose=False
    )
    return {kind: float(limit) for kind, limit in learned.items()}
