"""What accelerators run gives what the CPU does: every primitive as it is lowered for them, run on the CPU."""

import pathlib

import numpy as np
import pytest

from accelerators import everything
from helpers import run_python

# What runs in this process compiles quickly as well: results change by rounding only.
QUICK_TO_COMPILE = True

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
from accelerators import everything
np.savez({file!r}, **everything({names!r}))
print(len(others) > 10)
"""


# The first two have every primitive but that of isotonic regression, which is lowered alike everywhere.
QUICK, OTHERS = ("Exact", "SigmoidSum"), ("SoftSort squared", "Permutahedron kl")


@pytest.mark.parametrize("names", [QUICK, pytest.param(OTHERS, marks=pytest.mark.deep)], ids=" and ".join)
def test_is_what_the_cpu_gives(names, tmp_path):
    tests, file = str(pathlib.Path(__file__).parent), str(tmp_path / "found.npz")
    program = PROGRAM.format(tests=tests, file=file, names=names)
    # Compiling takes most of the time, and with fewer optimisations results change by rounding only.
    quick = dict(XLA_FLAGS="--xla_backend_optimization_level=0")
    assert run_python(program, timeout=900, JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu", **quick) == "True\n"
    expected = everything(names)
    with np.load(file) as found:
        assert set(found) == set(expected)
        for name, y in expected.items():
            np.testing.assert_allclose(found[name], y, rtol=1e-9, atol=1e-9, err_msg=name)
