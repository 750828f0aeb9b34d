"""Configuration of the documentation; build it as docs/contributing.rst says."""

import os
import sys
from pathlib import Path

import neurodec

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "neurodec"
author = "neurodec developers"
copyright = "2026, neurodec developers"
release = version = neurodec.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "registry_tables",
]
exclude_patterns = ["_build", "auto_examples/*.md5"]
templates_path = ["_templates"]

autodoc_typehints = "none"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# Links into other projects need their inventories from the network, which a build
# must not wait for: they are fetched only where this variable is set.
intersphinx_mapping = {}
if os.environ.get("NEURODEC_DOCS_ONLINE"):
    intersphinx_mapping = {
        "mne": ("https://mne.tools/stable", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "python": ("https://docs.python.org/3", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": "plot_",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "reference_url": {},
    "show_memory": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "neurodec"
html_show_sourcelink = False
# Pages without pages below them need no navigation at their side.
html_sidebars = dict.fromkeys(
    [
        *("alignment", "contributing", "datasets", "fit_and_apply", "honest_scores"),
        *("install", "pipelines", "preprocessing", "recordings", "simulated"),
        *("spelling", "statistics", "submit_to_moabb"),
    ],
    [],
)
html_theme_options = {
    "header_links_before_dropdown": 8,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}


def _skip_member(app, what, name, member, skip, options):
    """Leave out what scikit-learn makes for metadata routing: its text links there."""
    return True if name.startswith("set_") and name.endswith("_request") else skip


def setup(app):
    """Connect the rule above."""
    app.connect("autodoc-skip-member", _skip_member)
