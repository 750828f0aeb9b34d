"""Decoders: named scikit-learn pipelines, read from YAML in MOABB's own format."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={"_registry": ["list_pipelines", "load_pipeline", "pipeline_info"]},
)
