"""sortax: differentiate through anything that sorts, in JAX."""

from . import losses as losses
from ._nan_quantile import nanmedian as nanmedian
from ._nan_quantile import nanpercentile as nanpercentile
from ._nan_quantile import nanquantile as nanquantile
from ._native import native_status as native_status
from ._permutation import AbstractPermutation as AbstractPermutation
from ._permutation import AveragedPermutation as AveragedPermutation
from ._permutation import DirectionalPermutation as DirectionalPermutation
from ._permutation import Permutation as Permutation
from ._quantile import median as median
from ._quantile import percentile as percentile
from ._quantile import quantile as quantile
from ._rank import rank as rank
from ._rank import top_k_mask as top_k_mask
from ._reduce import max as max
from ._reduce import min as min
from ._relax import AbstractPermutationRelaxation as AbstractPermutationRelaxation
from ._relax import AbstractRelaxation as AbstractRelaxation
from ._relax import AbstractSoftRelaxation as AbstractSoftRelaxation
from ._relax import Exact as Exact
from ._relax import LapSum as LapSum
from ._relax import Permutahedron as Permutahedron
from ._relax import SigmoidSum as SigmoidSum
from ._relax import SoftSort as SoftSort
from ._relax import StraightThrough as StraightThrough
from ._segment import segment_argsort as segment_argsort
from ._segment import segment_rank as segment_rank
from ._segment import segment_sort as segment_sort
from ._segment import segment_top_k_mask as segment_top_k_mask
from ._segment_select import segment_median as segment_median
from ._segment_select import segment_quantile as segment_quantile
from ._segment_select import segment_top_k as segment_top_k
from ._select import argpartition as argpartition
from ._select import bottom_k as bottom_k
from ._select import kth_value as kth_value
from ._select import partition as partition
from ._select import top_k as top_k
from ._sort import argsort as argsort
from ._sort import permutation as permutation
from ._sort import sort as sort
from ._sort import sort_by as sort_by
from ._temperature import temperature_for as temperature_for
from ._trim import trimmed_mean as trimmed_mean
from ._trim import winsorize as winsorize

__version__ = "0.1.0"
