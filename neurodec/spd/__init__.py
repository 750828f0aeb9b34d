"""Pure, batched functions on symmetric positive definite matrices.

They take NumPy and torch arrays alike, of any leading shape, and give the numbers of
pyRiemann where that converges. With NumPy arrays and a single caller, chunks of
matrices are spread over the cores, each with one BLAS thread.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "covariance": ["covariances"],
        "distances": ["distance"],
        "functions": ["expm", "invsqrtm", "logm", "nearest_spd", "powm", "sqrtm"],
        "means": ["gmean"],
        "tangent": [
            "exp_map",
            "log_map",
            "tangent_space",
            "transport",
            "untangent_space",
        ],
    },
)
