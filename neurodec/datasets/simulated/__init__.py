"""Simulated recordings whose truth, and whose optimal decoder, is known."""

from .background import Background, default_backgrounds
from .erp import make_erp
from .fitting import fit_background
from .imagery import make_motor_imagery
from .simulation import Simulation
from .ssvep import make_ssvep

__all__ = [
    "Background",
    "Simulation",
    "default_backgrounds",
    "fit_background",
    "make_erp",
    "make_motor_imagery",
    "make_ssvep",
]
