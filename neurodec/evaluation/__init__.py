"""Protocols, honest scores, and the store that keeps every one of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "abstention": ["accuracy_and_coverage"],
        "answers": ["class_recall", "confusion_counts", "kept_probabilities"],
        "benchmark": ["BenchmarkConfig", "run_benchmark"],
        "chance": ["chance_level"],
        "comparison": [
            "compare_pipelines",
            "paired_differences",
            "score_intervals",
        ],
        "evaluator": ["evaluate"],
        "intervals": ["bootstrap_interval"],
        "leaks": ["shuffled_label_test"],
        "one_subject": ["trial_interval"],
        "paired": ["delong_test", "mcnemar_test"],
        "protocols": ["Protocol", "get_protocol", "list_protocols"],
        "reliability": ["Calibration", "calibration"],
        "results": ["Results"],
        "spelling": [
            "information_transfer_rate",
            "seconds_per_letter",
            "spelling_curve",
        ],
        "statistics": [
            "effect_size",
            "holm",
            "least_p_value",
            "sign_flip_test",
        ],
        "store": ["ResultStore"],
        "subjects": ["subject_scores"],
    },
)
