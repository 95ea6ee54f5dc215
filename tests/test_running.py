"""The largest and the smallest so far: values of NumPy's accumulation to the bit, derivatives of the extreme of each prefix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import DTYPES, RELAXATIONS, assert_same, distributions, draw, is_complex, order
from order_statistics import is_nan

QUICK_TO_COMPILE = True
N = 9


def index_of_extreme(x, smallest):
    """Of each prefix the place of its largest or smallest in the stable order; NaN wins in both."""
    found = []
    for i in range(1, x.size + 1):
        places = order(x[:i])
        found.append(places[0] if smallest and not is_nan(x[:i]).any() else places[-1])
    return np.array(found)


@pytest.mark.optimised
@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "bfloat16", "float32", "complex64"])
@pytest.mark.parametrize("op", [sx.cummax, sx.cummin])
def test_values(op, dtype):
    dtype = DTYPES[dtype]
    f = jax.jit(lambda x: (op(x, 1), op(x, 1, reverse=True)))
    for name in distributions(dtype):
        if is_complex(dtype) and name in ("NaN", "bits"):
            continue
        x = draw(name, dtype, (3, N))
        forward, backward = f(x)
        for row, y, z in zip(x, np.asarray(forward), np.asarray(backward), strict=True):
            assert_same(y, row[index_of_extreme(row, op is sx.cummin)], name)
            assert_same(z, row[::-1][index_of_extreme(row[::-1], op is sx.cummin)][::-1], name)


def expected_tangent(x, dx, ties, smallest):
    found = []
    for i, j in enumerate(index_of_extreme(x, smallest)):
        tied = dx[: i + 1][(x[: i + 1] == x[j]) | (is_nan(x[: i + 1]) & is_nan(x[j : j + 1]))]
        by_direction = tied.min() if smallest else tied.max()
        found.append({"stable": dx[j], "average": tied.mean(), "directional": by_direction}[ties])
    return np.array(found)


@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize("op", [sx.cummax, sx.cummin])
def test_derivatives(op, ties):
    relax, rng = RELAXATIONS[ties], np.random.default_rng(0)
    f = lambda x: op(x, relax=relax)
    push = jax.jit(lambda x, dx: jax.jvp(f, (x,), (dx,))[1])
    pull = jax.jit(jax.jacrev(f))
    rows = [rng.integers(0, 3, N).astype(float) for _ in range(6)]
    rows += [np.array([1, 0, 2, 2, np.inf, np.inf, 3, -np.inf, -np.inf]), np.array([1, np.nan, 2, np.nan, 0, 0, 1, 1, 1.0])]
    for x in rows:
        dx = rng.permutation(N) + 0.5
        if np.isnan(x).any() and ties == "directional":
            continue
        expected = expected_tangent(x, dx, ties, op is sx.cummin)
        np.testing.assert_allclose(push(x, dx), expected, rtol=1e-12)
        if ties != "directional":
            np.testing.assert_allclose(pull(x) @ dx, expected, rtol=1e-12)


def test_second_derivatives():
    x, dx = np.array([1.0, 3, 2, 3]), np.array([1.0, 2, 3, 4])
    for ties in ("stable", "average"):
        f = lambda x, ties=ties: (sx.cummax(x * x, relax=sx.Exact(ties)) ** 2).sum()
        np.testing.assert_allclose(jax.hessian(f)(x) @ dx, jax.jvp(lambda x: jax.grad(f)(x), (x,), (dx,))[1], rtol=1e-12)
    # Equal elements whose tangents are equal are parted by the second ones.
    f = lambda x: sx.cummax(x, relax=sx.Exact("directional"))
    along = lambda h: jax.jvp(f, (jnp.zeros(2) + h * jnp.ones(2),), (jnp.ones(2) + h * jnp.array([0.0, 5]),))[1]
    assert jax.jvp(along, (0.0,), (1.0,))[1].tolist() == [0, 5]


def test_transformations():
    x = np.random.default_rng(1).integers(0, 4, (2, 3, N)).astype(float)
    mapped = jax.vmap(lambda x: sx.cummax(x, 1))(x)
    np.testing.assert_array_equal(mapped, np.maximum.accumulate(x, 2))
    np.testing.assert_array_equal(jax.jit(sx.cummin)(x), np.minimum.accumulate(x, 0))
    for shape in ((0,), (0, 3), (3, 0)):
        assert sx.cummax(np.zeros(shape)).shape == shape
    with pytest.raises(ValueError, match="directional"):
        jax.grad(lambda x: sx.cummax(x, relax=sx.Exact("directional")).sum())(x)


def test_soft_relaxations_refuse():
    with pytest.raises(TypeError, match=r"SoftSort has no running maximum.*; Exact has\."):
        sx.cummax(np.ones(3), relax=sx.SoftSort(1.0))
