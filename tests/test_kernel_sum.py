"""Sums along a line are those of the matrix of all pairs, even and odd, and so are their derivatives in positions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P
from jax.test_util import check_grads

from devices import KINDS, SPLITS, assert_no_collective, mesh, placed
from helpers import tangent
from sortax import _primitives as primitives

TERMS = {
    "one": ((1 + 0j, 1 + 0j),),
    "real": ((1 + 0j, 0.7 + 0j), (2.5 + 0j, -0.4 + 0j)),
    "complex": ((1 + 0j, 0.5 + 0j), (1.5 + 2j, 0.3 - 0.2j)),
}
every = pytest.mark.parametrize("name", TERMS)
LENGTHS = [1, *(pytest.param(n, marks=pytest.mark.deep) for n in (2, 9)), pytest.param(1500, marks=pytest.mark.lowering)]
both = pytest.mark.parametrize("odd", [False, True], ids=["even", "odd"])


def gaps(shape, seed=0, dtype=np.float64):
    """Distances between neighbours, of which some are zero and some infinite."""
    rng = np.random.default_rng(seed)
    z = rng.exponential(0.5, shape)
    kind = rng.random(shape)
    return np.where(kind < 0.2, 0, np.where(kind < 0.3, np.inf, z)).astype(dtype)


def matrix(z, terms, odd, slope=0):
    """The matrix of the kernel: the weight of element j in the sum at element i."""
    n, x = z.size, np.cumsum(np.where(np.isinf(z), 0, z))
    cell = np.cumsum(np.isinf(np.where(np.arange(n) == 0, 0, z)))
    d = x[:, None] - x
    kappa = sum(np.real(w * b**slope * np.exp(-b * np.minimum(np.abs(d), 200))) for b, w in terms)
    return np.where(cell[:, None] != cell, 0, kappa * (np.sign(d) if odd else 1))


def kernel_sum(z, v, axis, name, odd, rows=None, columns=None):
    rows, columns = (jnp.zeros_like(z) if x is None else x for x in (rows, columns))
    return primitives.kernel_sum(z, rows, columns, v, axis, terms=TERMS[name], odd=odd)


def close(actual, expected, rtol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol)


@both
@every
@pytest.mark.parametrize("n", LENGTHS)
def test_is_the_matrix(n, name, odd):
    z, v = gaps(n), tangent((n, 2))
    z[0] = np.nan
    F = matrix(np.where(np.isnan(z), 0, z), TERMS[name], odd)

    @jax.jit
    def results(z, v):
        # Columns that share their distances.
        shared = [kernel_sum(z[:, None], v[:, :columns], 0, name, odd) for columns in (1, 2)]
        return (
            kernel_sum(z, v[:, 0], 0, name, odd),
            shared,
            kernel_sum(*(x.astype(np.float32) for x in (z, v[:, 0])), 0, name, odd),
        )

    whole, shared, single = results(z, v)
    close(whole, F @ v[:, 0])
    for columns in (1, 2):
        close(shared[columns - 1], F @ v[:, :columns])
    assert single.dtype == np.float32
    close(single, F @ v[:, 0], 1e-5)


@pytest.mark.lowering
@both
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_and_rows_that_are_shared(axis, odd):
    for shape in ((3, 4, 5), tuple(1 if d == (axis + 1) % 3 else n for d, n in enumerate((3, 4, 5)))):
        z, v = gaps(shape), tangent((3, 4, 5))
        found = np.moveaxis(kernel_sum(z, v, axis, "complex", odd), axis, -1)
        rows = np.moveaxis(np.broadcast_to(z, v.shape), axis, -1)
        for i in np.ndindex(found.shape[:2]):
            close(found[i], matrix(rows[i], TERMS["complex"], odd) @ np.moveaxis(v, axis, -1)[i])
    assert kernel_sum(gaps((2, 0)), np.ones((2, 0)), 1, "one", odd).shape == (2, 0)


@pytest.mark.lowering
@both
def test_small_steps_are_not_rounded_away(odd):
    """A hundred thousand steps, of which each leaves nearly all: what is left is not that of decays in single precision."""
    z = np.full(10**5, 1e-5, np.float32)
    v = np.ones_like(z)
    expected = kernel_sum(z.astype(np.float64), v.astype(np.float64), 0, "one", odd)
    np.testing.assert_allclose(kernel_sum(z, v, 0, "one", odd), expected, rtol=1e-6)


@both
@every
def test_derivatives_in_positions_and_values(name, odd):
    """To second order, in both modes; the positions of rows and of columns are those of the elements."""

    def f(x, y, v):
        z = jax.lax.stop_gradient(jnp.diff(x, prepend=-np.inf))
        return primitives.kernel_sum(z, x, y, v, 0, terms=TERMS[name], odd=odd)

    x, v = np.cumsum(np.random.default_rng(0).uniform(0.1, 1, 7)), tangent(7)
    check_grads(lambda x, v: f(x, x, v), (x, v), order=2, modes=("fwd", "rev"), rtol=1e-6)
    steep = matrix(np.diff(x, prepend=x[:1]), TERMS[name], not odd, slope=1)
    by_rows, by_columns = jax.jacobian(f, (0, 1))(x, x, v)
    close(by_rows, np.diag(-steep @ v))
    close(by_columns, steep * v)


@both
@every
def test_is_its_own_transpose(name, odd):
    z, v, u = gaps((3, 8)), tangent((3, 8)), tangent((3, 8), seed=1)
    transpose = jax.linear_transpose(lambda v: kernel_sum(z, v, 1, name, odd), v)
    close(transpose(u)[0], (-1 if odd else 1) * kernel_sum(z, u, 1, name, odd))


@pytest.mark.lowering
@both
def test_equal_elements_have_the_same(odd):
    """The runs are longer than a block, so that they go across blocks."""
    z, v = np.where(np.arange(3000) % 700 == 0, 0.1, 0), tangent(3000)
    y = np.asarray(kernel_sum(z, v, 0, "complex", odd))
    close(y, y[np.arange(3000) // 700 * 700])


@both
def test_vmap_over_any_operand(odd):
    z, v = gaps((4, 6)), tangent((4, 6))
    f = functools.partial(kernel_sum, axis=0, name="complex", odd=odd)
    close(jax.vmap(f)(z, v), kernel_sum(z, v, 1, "complex", odd))
    close(jax.vmap(f, (None, 0))(z[0], v), kernel_sum(z[:1], v, 1, "complex", odd))
    close(jax.vmap(f, (0, None))(z, v[0]), kernel_sum(z, np.tile(v[0], (4, 1)), 1, "complex", odd))
    close(jax.vmap(f, (1, 1), 1)(z, v), kernel_sum(z, v, 0, "complex", odd))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", KINDS)
def test_batches_stay_where_they_are(kind, split):
    axis, spec = SPLITS[split]
    axis %= 2
    z, v = gaps((8, 8)), tangent((8, 8))

    def everything(z, v):
        f = lambda x, v: primitives.kernel_sum(z, x, x, v, axis, terms=TERMS["complex"])
        return f(v, v), *jax.jvp(f, (v, v), (v, v)), *jax.vjp(f, v, v)[1](v)

    operands = [placed(x, kind, spec) for x in (z, v)]
    compiled = jax.jit(everything).lower(*operands).compile()
    assert_no_collective(compiled)
    for actual, expected in zip(compiled(*operands), jax.jit(everything)(z, v), strict=True):
        assert actual.sharding.is_equivalent_to(operands[0].sharding, 2)
        close(actual, expected)


def test_gradients_of_replicated_distances_carry_the_sum():
    z, x, v = gaps((1, 5)), tangent((1, 5), seed=3), tangent((16, 5))
    total = lambda x, v: (primitives.kernel_sum(z, x, x, v, 1, terms=TERMS["real"]) ** 2).sum()
    summed = jax.shard_map(
        lambda x, v: jax.lax.psum(total(x, v), "d"), mesh=mesh("Auto"), in_specs=(P(), P("d")), out_specs=P()
    )
    for actual, expected in zip(*(jax.jit(jax.grad(f, (0, 1)))(x, v) for f in (summed, total)), strict=True):
        close(actual, expected)
