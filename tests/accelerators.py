"""What is run twice, as it is lowered for the CPU and as it is for accelerators, to be compared."""

import jax
import jax.numpy as jnp
import numpy as np

import sortax as sx
from soft import OPS, SOFT, WITH_OPERATOR, numbers

SOFT_OPS = {op: (OPS | WITH_OPERATOR)[op] for op in ("sort", "rank", "top_k_mask", "segment_rank")}
# Long enough for several chunks, with ties.
X = np.round(numbers(40), 1)[None]


def everything():
    """Values and derivatives of ops, by relaxation and op."""

    @jax.jit
    def both(x):
        found = {}
        for name in ("Exact", "SoftSort squared", "SigmoidSum", "Permutahedron kl"):
            relax, ops = (sx.Exact("average"), OPS) if name == "Exact" else (SOFT[name].make(0.4), SOFT_OPS)
            for op, f in ops.items():
                y, pull = jax.vjp(lambda x, f=f, relax=relax: f(x, -1, relax), x)
                found[f"{name}, {op}"] = y
                found[f"gradient of {name}, {op}"] = pull(jnp.cos(y))[0]
        return found

    return both(X)
