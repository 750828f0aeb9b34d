"""Decoders: named scikit-learn pipelines, read from YAML in MOABB's own format."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "_registry": ["list_pipelines", "load_pipeline", "pipeline_info"],
        "combining": ["AbstainingPipeline", "CalibratedPipeline", "StackedPipelines"],
        "model": ["Model", "load_model"],
        "model_fitting": ["fit_model"],
        "speller": ["MATRIX_6X6", "Spelling", "flash_scores", "spell"],
        "_trca": ["TRCA", "trca_filters"],
        "ssvep": ["FilterBankCCA"],
        "submission": ["Finding", "check_submission"],
    },
)
