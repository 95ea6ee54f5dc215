"""Relaxations: what sorting means, and so how it differentiates. One file each."""

from .base import AbstractPermutationRelaxation as AbstractPermutationRelaxation
from .base import AbstractRelaxation as AbstractRelaxation
from .exact import Exact as Exact
