"""What every transformer of trials refuses: the package's own checks, named here."""

from .._arrays import (
    check_trials,
    refuse_constant,
    remember_channels,
    require_same_channels,
)

__all__ = [
    "check_trials",
    "refuse_constant",
    "remember_channels",
    "require_same_channels",
]
