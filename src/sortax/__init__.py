"""sortax: differentiate through anything that sorts, in JAX."""

from . import losses as losses
from ._native import native_status as native_status
from ._ops.nan_quantiles import nanmedian as nanmedian
from ._ops.nan_quantiles import nanpercentile as nanpercentile
from ._ops.nan_quantiles import nanquantile as nanquantile
from ._ops.quantiles import median as median
from ._ops.quantiles import percentile as percentile
from ._ops.quantiles import quantile as quantile
from ._ops.ranking import rank as rank
from ._ops.ranking import top_k_mask as top_k_mask
from ._ops.reductions import max as max
from ._ops.reductions import min as min
from ._ops.segment_selection import segment_median as segment_median
from ._ops.segment_selection import segment_quantile as segment_quantile
from ._ops.segment_selection import segment_top_k as segment_top_k
from ._ops.segments import segment_argsort as segment_argsort
from ._ops.segments import segment_rank as segment_rank
from ._ops.segments import segment_sort as segment_sort
from ._ops.segments import segment_top_k_mask as segment_top_k_mask
from ._ops.selection import argpartition as argpartition
from ._ops.selection import bottom_k as bottom_k
from ._ops.selection import kth_value as kth_value
from ._ops.selection import partition as partition
from ._ops.selection import top_k as top_k
from ._ops.sorting import argsort as argsort
from ._ops.sorting import permutation as permutation
from ._ops.sorting import sort as sort
from ._ops.sorting import sort_by as sort_by
from ._ops.temperature import temperature_for as temperature_for
from ._ops.trimming import trimmed_mean as trimmed_mean
from ._ops.trimming import winsorize as winsorize
from ._order import SortedOrder as SortedOrder
from ._permutation import Permutation as Permutation
from ._relaxations import AbstractRelaxation as AbstractRelaxation
from ._relaxations import Exact as Exact
from ._relaxations import LapSum as LapSum
from ._relaxations import PairwiseMatrix as PairwiseMatrix
from ._relaxations import Permutahedron as Permutahedron
from ._relaxations import SigmoidSum as SigmoidSum
from ._relaxations import SoftSort as SoftSort
from ._relaxations import StraightThrough as StraightThrough

__version__ = "0.1.0"
