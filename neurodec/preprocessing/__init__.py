"""From continuous recordings to clean trials."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "alignment": ["Recenter", "Rescale", "Rotate"],
        "eye_artefacts": ["EyeRegression", "ICACleaner"],
        "noise_normalisation": [
            "NoiseNormalisation",
            "noise_covariance",
            "whitening_matrix",
        ],
        "recipe": ["Recipe"],
        "rejection": ["learned_rejection_threshold"],
        "scaling": ["ChannelTypeScaler"],
    },
)
