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
        "recordings": ["trials_from_file"],
        "numpy_files": ["trials_from_numpy"],
        "bids": ["trials_from_bids"],
        "memory_map": ["load_trials", "memory_mapped", "save_trials"],
        "registry": ["dataset_info", "list_datasets", "load", "subjects_here"],
        "fetching": ["fetch"],
        "bridge": ["as_moabb", "trials_from_moabb"],
        "simulated": [
            "Background",
            "Simulation",
            "default_backgrounds",
            "fit_background",
            "make_erp",
            "make_motor_imagery",
            "make_ssvep",
        ],
    },
)
