"""Descriptions of trials: thin transformers over array functions.

Each takes ``(n_trials, n_channels, n_times)`` arrays or `mne.Epochs` and is a step of a
scikit-learn ``Pipeline``. A transformer whose attribute ``trialwise`` is true computes
each output row from its own input row alone, so that it may be computed before a split.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "_cospectra": ["CospectralTangentSpace", "shrunk_cospectra"],
        "_filter_bank": ["FilterBankCovariances", "filter_bank"],
        "_filter_bank_csp": ["FilterBankCSP", "band_covariances"],
        "_log_variance": ["LogVariance"],
        "_reference_correlations": [
            "ReferenceCorrelations",
            "canonical_correlations",
            "sinusoidal_references",
        ],
        "_selection": ["R2Selection", "r2_map"],
        "_spectra": ["BandPower", "NodeStrength", "band_power", "node_strength"],
    },
)
