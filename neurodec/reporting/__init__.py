"""Tables, figures and the HTML report of a benchmark."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "comparison": ["comparison_matrix", "plot_differences", "plot_paired"],
        "figures": ["plot_confusion", "plot_scores"],
        "report": ["write_report"],
        "tables": ["confusion_table", "metric_table", "score_table", "subject_table"],
    },
)
