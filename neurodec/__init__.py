"""Decoding of EEG and MEG: scikit-learn estimators, evaluated through MOABB.

Submodules are imported when they are first used, so that ``import neurodec`` costs
nothing.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "datasets",
        "decoders",
        "evaluation",
        "features",
        "preprocessing",
        "reporting",
        "spd",
    ],
    submod_attrs={"_sysinfo": ["sys_info"]},
)
