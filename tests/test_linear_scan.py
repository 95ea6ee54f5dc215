"""The linear scan is a serial loop, along any axis and in either direction, and so are its derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P
from jax.test_util import check_grads

from devices import KINDS, SPLITS, assert_no_collective, mesh, placed
from helpers import DTYPES, INEXACT, assert_same, central, is_complex, tangent
from sortax import _primitives as primitives

nan, inf = np.nan, np.inf
linear_scan = primitives.linear_scan
# Few shapes, so that one program serves many tests, and one length of rows that are worked on in pieces.
SHAPE, LONG = (3, 6), 10**5
both_ways = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])


def coefficients(shape, dtype=np.float64, seed=0):
    """Numbers in the unit disc, one in eight of them zero."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(-1, 1, shape) * (np.exp(1j * rng.uniform(-1, 1, shape)) if is_complex(dtype) else 1)
    return np.where(rng.random(shape) < 1 / 8, 0, a).astype(dtype)


def wide(x):
    return np.asarray(x).astype(np.complex128 if is_complex(x.dtype) else np.float64)


def serial(a, b, axis, reverse=False):
    """The loop, in double precision."""
    a, b = (np.moveaxis(x, axis, 0) for x in np.broadcast_arrays(wide(a), wide(b)))
    h = b.copy()
    with np.errstate(invalid="ignore", over="ignore"):
        for i in range(1, len(h)):
            to, before, factor = (-1 - i, -i, a[-i]) if reverse else (i, i - 1, a[i])
            h[to] += np.where(factor == 0, 0, factor * np.where(factor == 0, 0, h[before]))
    return np.moveaxis(h, 0, axis)


def close(actual, expected, rtol=1e-13, note=""):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol, err_msg=note)


@pytest.mark.lowering
@both_ways
@pytest.mark.parametrize("dtype", INEXACT)
def test_is_the_serial_loop(dtype, reverse):
    dtype = DTYPES[dtype]
    rtol = max(3 * float(jnp.finfo(dtype).eps), 1e-14)
    a, b = coefficients(SHAPE, dtype), tangent(SHAPE, dtype)
    h = linear_scan(a, b, 1, reverse=reverse)
    assert h.dtype == dtype
    close(wide(h), serial(a, b, 1, reverse), rtol)


@pytest.mark.lowering
@both_ways
@pytest.mark.parametrize(("shape", "axis"), [((0,), 0), ((1,), 0), ((0, 3), 1), ((3, 0), 1), ((3, 7, 5), 1)])
def test_any_axis_and_length(shape, axis, reverse):
    a, b = coefficients(shape), tangent(shape)
    close(linear_scan(a, b, axis, reverse=reverse), serial(a, b, axis, reverse))


@pytest.mark.lowering
@both_ways
@pytest.mark.parametrize("shape", [(1, 5, 4), (3, 5, 1), (1, 5, 1)])
def test_shared_coefficients(shape, reverse):
    a, b = coefficients(shape), tangent((3, 5, 4))
    close(linear_scan(a, b, 1, reverse=reverse), serial(a, b, 1, reverse))


@pytest.mark.lowering
@both_ways
def test_the_first_coefficient_has_no_effect(reverse):
    a, b, t = coefficients(SHAPE), tangent(SHAPE), tangent(SHAPE, seed=2)
    f = functools.partial(linear_scan, axis=1, reverse=reverse)
    expected, pull = jax.vjp(f, a, b)
    for first in (0.0, 5.0, nan, inf):
        other = a.copy()
        other[:, 0] = first
        h, pull_other = jax.vjp(f, other, b)
        assert_same(h, expected)
        for actual, wanted in zip(pull_other(t), pull(t), strict=True):
            assert_same(actual, wanted)
    assert_same(pull(t)[0][:, 0], np.zeros(3))


@pytest.mark.lowering
@both_ways
@pytest.mark.parametrize("shape", [(9, 20), (1200, 1)])
def test_zero_cuts_infinities_and_nan(shape, reverse):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 1, shape), rng.normal(size=shape)
    a[rng.random(shape) < 1 / 50] = 0
    for x, some in ((a, 1 / 100), (b, 1 / 30)):
        x[rng.random(shape) < some] = nan
        x[rng.random(shape) < some] = inf
    b[::7] *= -1
    # An infinite coefficient makes NaN or infinity of a sum, by the order in which steps are composed.
    actual, expected = (
        np.where(np.isfinite(h), h, nan) for h in (linear_scan(a, b, 0, reverse=reverse), serial(a, b, 0, reverse))
    )
    close(actual, expected)


@pytest.mark.lowering
def test_what_is_not_finite_lasts_until_it_is_cut():
    """Infinity and NaN persist though the product of coefficients underflows; where it overflows, zeros stay zeros."""
    a, b = np.full(LONG, 0.5, np.float32), np.ones(LONG, np.float32)
    a[LONG // 2] = 0
    for strange in (nan, inf):
        b[0] = strange
        np.testing.assert_array_equal(np.isfinite(linear_scan(a, b, 0)), np.arange(LONG) >= LONG // 2)
    assert_same(linear_scan(4 * a, 0 * a, 0), 0 * a)


@pytest.mark.lowering
def test_the_gradient_is_finite_past_a_cut():
    a, b = np.array([0.5, 0.0, 0.5]), np.array([inf, 1.0, 1.0])
    by_a, by_b = jax.grad(lambda a, b: linear_scan(a, b, 0)[1:].sum(), (0, 1))(a, b)
    assert_same(by_a, np.array([0, 0, 1.0]))
    assert_same(by_b, np.array([0, 1.5, 1]))


@both_ways
@pytest.mark.parametrize("shared", [False, True])
def test_central_differences(shared, reverse):
    shape = (1, SHAPE[1]) if shared else SHAPE
    a, b, da, db, g = coefficients(shape), tangent(SHAPE), tangent(shape, seed=2), tangent(SHAPE, seed=3), tangent(SHAPE)
    f = functools.partial(linear_scan, axis=1, reverse=reverse)
    by_a = jax.jvp(lambda a: f(a, b), (a,), (da,))[1]
    by_b = jax.jvp(lambda b: f(a, b), (b,), (db,))[1]
    close(by_a, central(lambda a: serial(a, b, 1, reverse), a, da), 1e-8)
    close(by_b, serial(a, db, 1, reverse))
    close(jax.jvp(f, (a, b), (da, db))[1], by_a + by_b)
    back_a, back_b = jax.vjp(f, a, b)[1](g)
    close((back_a * da).sum(), (g * by_a).sum())
    close((back_b * db).sum(), (g * by_b).sum())


@pytest.mark.lowering
def test_complex_derivatives():
    a, b = coefficients(6, np.complex128), tangent(6, np.complex128)
    da, db, g = (tangent(6, np.complex128, seed) for seed in (2, 3, 4))
    f = functools.partial(linear_scan, axis=0)
    dh = jax.jvp(f, (a, b), (da, db))[1]
    close(dh, central(lambda h: serial(a + h * da, b + h * db, 0), 0.0, 1.0), 1e-8)
    back_a, back_b = jax.vjp(f, a, b)[1](g)
    close((back_a * da).sum() + (back_b * db).sum(), (g * dh).sum())


@both_ways
def test_second_order(reverse):
    a, b = coefficients((1, SHAPE[1])), tangent(SHAPE)
    check_grads(functools.partial(linear_scan, axis=1, reverse=reverse), (a, b), order=2, modes=("fwd", "rev"), rtol=1e-5)


@both_ways
def test_vmap_over_either_operand_and_over_both(reverse):
    a, b = coefficients((2, 3, 5)), tangent((2, 3, 5))
    f = functools.partial(linear_scan, axis=0, reverse=reverse)
    for mapped in (0, 1, 2):
        rows, offsets = np.moveaxis(a, mapped, 0), np.moveaxis(b, mapped, 0)
        both = [serial(x, y, 0, reverse) for x, y in zip(rows, offsets, strict=True)]
        close(jax.vmap(f, mapped, mapped)(a, b), np.stack(both, mapped))
        over_a = [serial(x, offsets[0], 0, reverse) for x in rows]
        close(jax.vmap(f, (mapped, None), mapped)(a, offsets[0]), np.stack(over_a, mapped))
        over_b = [serial(rows[0], y, 0, reverse) for y in offsets]
        close(jax.vmap(f, (None, mapped), mapped)(rows[0], b), np.stack(over_b, mapped))


def test_vmapped_gradients():
    a, b = coefficients(5), tangent((3, 5))
    gradient = jax.jit(jax.grad(lambda a, b: (linear_scan(a, b, 0) ** 3).sum(), (0, 1)))
    every = [gradient(a, row) for row in b]
    for actual, expected in zip(jax.vmap(gradient, (None, 0))(a, b), zip(*every, strict=True), strict=True):
        close(actual, np.stack(expected))


@pytest.mark.lowering
def test_long_rows_keep_their_digits():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.9, 1, LONG).astype(np.float32), rng.uniform(0, 1, LONG).astype(np.float32)
    np.testing.assert_allclose(linear_scan(a, b, 0), serial(a, b, 0), rtol=1e-6)


@pytest.mark.lowering
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_halves_are_rounded_once(dtype):
    one = np.ones(60, DTYPES[dtype])
    assert_same(linear_scan(one, 99 * one, 0), (99 * np.arange(1, 61)).astype(DTYPES[dtype]))


@functools.cache
def all_of(axis):
    """Values, tangents and cotangents as one function of coefficients, some that two columns share, and offsets."""
    f = functools.partial(linear_scan, axis=axis)

    def run(a, shared, b):
        h, pull = jax.vjp(f, a, b)
        return {
            "value": h,
            "shared": f(shared, b),
            "tangent": jax.jvp(f, (a, b), (b, a))[1],
            "cotangents": pull(b),
            "cotangents of shared": jax.vjp(f, shared, b)[1](a),
            "mapped": jax.vmap(lambda a, b: linear_scan(a, b, 0), 1 - axis, 1 - axis)(a, b),
        }

    return jax.jit(run)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", KINDS)
def test_batches_stay_where_they_are(kind, split):
    axis, spec = SPLITS[split]
    axis %= 2
    a, b = coefficients((8, 8, 2)), tangent((8, 8, 2))
    whole = a, a[..., :1], b
    everything = all_of(axis)
    operands = [placed(x, kind, spec) for x in whole]
    compiled = everything.lower(*operands).compile()
    assert_no_collective(compiled)
    expected = everything(*whole)
    close(expected["value"], serial(a, b, axis))
    found = compiled(*operands)
    jax.tree.map(close, found, expected)
    for name in found.keys() - {"mapped"}:
        for x in jax.tree.leaves(found[name]):
            assert x.sharding.is_equivalent_to(operands[0].sharding, 3), name


def test_gradients_of_replicated_coefficients_carry_the_sum():
    a, b = coefficients((1, 5)), tangent((16, 5))
    total = lambda a, b: (linear_scan(a, b, 1) ** 2).sum()
    summed = jax.shard_map(
        lambda a, b: jax.lax.psum(total(a, b), "d"), mesh=mesh("Auto"), in_specs=(P(), P("d")), out_specs=P()
    )
    for actual, expected in zip(*(jax.jit(jax.grad(f, (0, 1)))(a, b) for f in (summed, total)), strict=True):
        close(actual, expected)


def test_an_axis_along_an_explicit_mesh_axis_raises():
    x = placed(np.ones((16, 5)), "Explicit", P("d", None))
    with pytest.raises(ValueError, match=r"linear scan along axis 0 .* whole on each device"):
        linear_scan(x, x, 0)
