"""What accelerators run gives what the CPU does: every primitive as it is lowered for them, run on the CPU."""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np

import sortax as sx
from helpers import run_python
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


PROGRAM = """
import sys
from jax.interpreters import mlir

register, others = mlir.register_lowering, set()

def register_for_others(primitive, rule, platform=None, **options):
    if platform == "cpu" and primitive.name.startswith("sortax_"):
        return others.add(primitive.name)
    return register(primitive, rule, platform, **options)

mlir.register_lowering = register_for_others
import numpy as np
sys.path.insert(0, {tests!r})
from test_accelerators import everything
np.savez({file!r}, **everything())
print(len(others) > 10)
"""


def test_is_what_the_cpu_gives(tmp_path):
    tests, file = str(pathlib.Path(__file__).parent), str(tmp_path / "found.npz")
    program = PROGRAM.format(tests=tests, file=file)
    assert run_python(program, timeout=900, JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu") == "True\n"
    expected = everything()
    with np.load(file) as found:
        assert set(found) == set(expected)
        for name, y in expected.items():
            np.testing.assert_allclose(found[name], y, rtol=1e-9, atol=1e-9, err_msg=name)
