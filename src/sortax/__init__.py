"""sortax: differentiate through anything that sorts, in JAX."""

from ._native import native_status as native_status
from ._permutation import AbstractPermutation as AbstractPermutation
from ._permutation import AveragedPermutation as AveragedPermutation
from ._permutation import DirectionalPermutation as DirectionalPermutation
from ._permutation import Permutation as Permutation
from ._relax import AbstractPermutationRelaxation as AbstractPermutationRelaxation
from ._relax import AbstractRelaxation as AbstractRelaxation
from ._relax import Exact as Exact
from ._sort import argsort as argsort
from ._sort import permutation as permutation
from ._sort import sort as sort
from ._sort import sort_by as sort_by

__version__ = "0.1.0"
