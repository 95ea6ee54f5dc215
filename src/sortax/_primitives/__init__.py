"""What must be fast, each with its JVP, batching and lowering rules; the ops above are formulas in these."""

from ._ordering import FIRST as FIRST
from ._ordering import INDICES as INDICES
from ._ordering import INVERSE as INVERSE
from ._ordering import LAST as LAST
from ._ordering import VALUES as VALUES
from ._sharding import require_unsharded as require_unsharded
from .average import average as average
from .quantile_ranks import METHODS as METHODS
from .quantile_ranks import WHOLE as WHOLE
from .quantile_ranks import quantile_ranks as quantile_ranks
from .quantile_ranks import share_of as share_of
from .quantile_ranks import weighted_ranks as weighted_ranks
from .rank import RANK_METHODS as RANK_METHODS
from .rank import rank as rank
from .select import partition as partition
from .select import select as select
from .select import top_k as top_k
from .sort import argsort as argsort
from .sort import invert as invert
from .sort import lexsort as lexsort
from .sort import sort as sort
from .sort import starts as starts
from .take import permute as permute
from .take import take as take
from .ties import POLICIES as POLICIES
from .ties import refine as refine
