
import importlib, yaml
from pathlib import Path
from sklearn.pipeline import make_pipeline
F=Path(__file__).parents[1]/"pipelines"
def pipeline_info(name):
    p=Path(name) if str(name).endswith(".yml") else F/f"{name}.yml"
    if not p.is_file(): raise ValueError(f"no {name!r} ts-lr")
    return yaml.safe_load(p.read_text())
def list_pipelines(paradigm=None):
    return [p.stem for p in sorted(F.glob("*.yml")) if paradigm is None or paradigm in pipeline_info(p.stem)["paradigms"]]
def load_pipeline(name):
    return make_pipeline(*[getattr(importlib.import_module(s["from"]),s["name"])(**s.get("parameters",{})) for s in pipeline_info(name)["pipeline"]])
