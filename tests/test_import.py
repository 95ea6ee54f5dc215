"""Importing sortax starts no backend and changes no setting of JAX, with kernels and without."""

from helpers import run_python

UNCHANGED = """
import jax, jax._src.xla_bridge as bridge
before = dict(jax.config.values)
assert not bridge._backends
import sortax as sx
assert not bridge._backends, "a backend was started"
assert dict(jax.config.values) == before, "a setting was changed"
"""
WORKS = """
import numpy as np
x = np.array([2.0, 1.0, 2.0], np.float32)
assert sx.sort(x).tolist() == [1, 2, 2]
assert jax.grad(lambda x: sx.sort(x)[-1])(x).tolist() == [0, 0, 1]
assert (sx.permutation(x, relax=sx.Exact("average")) @ x).tolist() == [1, 2, 2]
print(sx.native_status())
"""


def test_import_leaves_jax_alone():
    assert run_python(UNCHANGED + WORKS)


def test_status_starts_no_backend():
    run_python(UNCHANGED + 'str(sx.native_status())\nassert not bridge._backends, "a backend was started"')


def test_without_kernels():
    printed = run_python(UNCHANGED + WORKS, SORTAX_NATIVE="0")
    assert "XLA path" in printed and "SORTAX_NATIVE=0" in printed


def test_in_the_settings_of_a_careful_user():
    """No implicit conversion of ours may trip over the checks that a user can turn on."""
    careful = """
jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_nans", True)
jax.config.update("jax_enable_checks", True)
jax.config.update("jax_check_tracer_leaks", True)
for dtype in (np.float16, np.float32, np.complex64):
    for ties in ("stable", "average"):
        f = lambda x: sx.sort(x, relax=sx.Exact(ties))
        v = x.astype(dtype)
        assert jax.jit(lambda x: jax.vjp(f, x)[1](x)[0])(v).dtype == dtype
"""
    run_python(UNCHANGED + WORKS + careful)
