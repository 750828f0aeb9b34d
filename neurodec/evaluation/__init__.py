"""Protocols, honest scores, and the store that keeps every one of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "benchmark": ["BenchmarkConfig", "run_benchmark"],
        "chance": ["chance_level"],
        "evaluator": ["evaluate"],
        "leaks": ["shuffled_label_test"],
        "protocols": ["Protocol", "get_protocol", "list_protocols"],
        "results": ["Results"],
        "store": ["ResultStore"],
    },
)
