"""What is run twice, as it is lowered for the CPU and as it is for accelerators, to be compared."""

import jax
import jax.numpy as jnp
import numpy as np

import sortax as sx
from ops import OPS, for_relaxation
from soft import SOFT, numbers

SOFT_OPS = {op: OPS[op] for op in ("sort", "rank", "top_k_mask", "segment_rank")}
# The array is long enough for several chunks, and has ties.
X = np.round(numbers(40), 1)[None]


def everything(names):
    """Values and derivatives of ops by these relaxations, by relaxation and op."""

    @jax.jit
    def both(x):
        found = {}
        for name in names:
            relax, ops = (
                (sx.Exact("average"), for_relaxation(False)) if name == "Exact" else (SOFT[name].make(0.4), SOFT_OPS)
            )
            for op, f in ops.items():
                y, pull = jax.vjp(lambda x, f=f, relax=relax: f(x, -1, relax), x)
                found[f"{name}, {op}"] = y
                found[f"gradient of {name}, {op}"] = pull(jnp.cos(y))[0]
        return found

    return both(X)
