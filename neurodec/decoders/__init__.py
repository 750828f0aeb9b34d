"""stub"""
import lazy_loader
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={"_registry": ["load_pipeline","list_pipelines","pipeline_info"]})
