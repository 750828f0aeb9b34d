"""Recordings: the ``Trials`` object, readers, the registry and the bridge to MOABB."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "trials": ["Trials", "concatenate_trials"],
        "readers": [
            "trials_from_arrays",
            "trials_from_epochs",
            "trials_from_raw",
        ],
        "registry": ["dataset_info", "list_datasets", "load"],
        "bridge": ["as_moabb", "trials_from_moabb"],
        "simulated": ["make_imagery"],
    },
)
