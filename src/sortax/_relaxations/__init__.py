"""Relaxations: what sorting means, and so how it differentiates. One file each."""

from .base import AbstractRelaxation as AbstractRelaxation
from .base import as_relaxation as as_relaxation
from .exact import Exact as Exact
from .lapsum import LapSum as LapSum
from .pairwise import PairwiseMatrix as PairwiseMatrix
from .permutahedron import Permutahedron as Permutahedron
from .sigmoid_sum import SigmoidSum as SigmoidSum
from .softsort import SoftSort as SoftSort
from .straight_through import StraightThrough as StraightThrough
