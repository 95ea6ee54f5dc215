"""What must be fast, each with its JVP, batching and lowering rules; the ops above are formulas in these."""

from .average import average as average
from .permute import permute as permute
from .sort import argsort as argsort
from .sort import invert as invert
from .sort import lexsort as lexsort
from .sort import sort as sort
from .ties import POLICIES as POLICIES
from .ties import refine as refine
from .ties import starts as starts
