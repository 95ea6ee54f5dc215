"""Sharded arrays: a batch that is split over devices is sorted where it lies, and so are its derivatives.

A kernel that XLA cannot split is given the whole array on every device, silently; and an operand that is alike on all
devices, multiplied with one that is not, silently loses the sum in its gradient. Both are looked for here, on eight devices.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import sortax as sx
from devices import KINDS, SPLITS, assert_no_collective, mesh, placed
from helpers import RELAXATIONS, REVERSIBLE, assert_same, order, sorted_

QUICK_TO_COMPILE = True

# Integers, with ties, in whose sums no order of addition makes a difference.
X = np.random.default_rng(0).integers(0, 9, (16, 24)).astype(np.float64)
W = np.random.default_rng(1).integers(-8, 8, 24).astype(np.float64)


def functions(axis, relax):
    """Forward, argsort, products and gradients, each with a result that is split as the array is."""
    sort = functools.partial(sx.sort, axis=axis, relax=relax)
    found = {
        "sort": sort,
        "argsort": functools.partial(sx.argsort, axis=axis, relax=relax),
        "descending": functools.partial(sort, descending=True),
        "P @ x": lambda x: sx.permutation(x, axis, relax=relax) @ x,
        "P.T @ x": lambda x: sx.permutation(x, axis, relax=relax).T @ x,
        "inverse": lambda x: sx.permutation(x, axis, relax=relax).inverse,
        "sort_by": lambda x: sx.sort_by((x, -x), x, axis, relax=relax),
        "jvp": lambda x: jax.jvp(sort, (x,), (x * x,))[1],
    }
    if relax.ties in REVERSIBLE:
        found["vjp"] = lambda x: jax.vjp(sort, x)[1](x * x)[0]
        found["curvature"] = lambda x: jax.jvp(jax.grad(lambda x: (sort(x) ** 3).sum()), (x,), (x,))[1]
    return found


@functools.cache
def all_of(axis, relax):
    """Those functions as one, which compiles once."""
    return jax.jit(lambda x: {name: f(x) for name, f in functions(axis, relax).items()})


@pytest.mark.parametrize("ties", RELAXATIONS)
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", KINDS)
def test_batches_stay_where_they_are(kind, split, ties):
    axis, spec = SPLITS[split]
    x = placed(X, kind, spec)
    everything = all_of(axis, RELAXATIONS[ties])
    compiled = everything.lower(x).compile()
    assert_no_collective(compiled)
    expected = everything(X)
    for name, result in compiled(x).items():
        np.testing.assert_allclose(result, expected[name], rtol=1e-13, err_msg=name)
        assert result.sharding.is_equivalent_to(x.sharding, 2), name
    assert_same(expected["sort"], sorted_(X, axis))
    assert_same(expected["argsort"], order(X, axis))


def test_two_mesh_axes_and_a_sorted_one_between():
    x = np.random.default_rng(0).normal(size=(4, 6, 8)).astype(np.float32)
    for kind in (AxisType.Auto, AxisType.Explicit):
        both = jax.make_mesh((2, 4), ("a", "b"), axis_types=(kind, kind))
        split = jax.device_put(x, NamedSharding(both, P("a", None, "b")))
        for f in (lambda x: sx.sort(x, 1), lambda x: jax.vjp(lambda x: sx.sort(x, 1), x)[1](x)[0]):
            compiled = jax.jit(f).lower(split).compile()
            assert_no_collective(compiled)
            assert_same(compiled(split), f(x))


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, jnp.bfloat16, np.int64, np.complex64])
def test_every_width_of_element(dtype):
    x = X.astype(dtype)
    split = placed(x, "Auto", P("d", None))
    every = functions(-1, sx.Exact())
    f = jax.jit(lambda x: [every[name](x) for name in ("sort", "argsort", "P @ x", "P.T @ x")])
    compiled = f.lower(split).compile()
    assert_no_collective(compiled)
    for actual, expected in zip(compiled(split), f(x), strict=True):
        assert_same(actual, expected)


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_vmap_over_the_split_axis(kind):
    x = placed(X, kind, P("d", None))
    loss = lambda row: sx.sort(row) @ jnp.asarray(W)
    compiled = jax.jit(jax.vmap(jax.grad(loss))).lower(x).compile()
    assert_no_collective(compiled)
    assert_same(compiled(x), W[np.argsort(order(X), -1)])


def test_axis_along_an_automatic_mesh_axis_may_be_sorted():
    x = placed(X, "Auto", P("d", None))
    for f in (lambda x: sx.sort(x, 0), jax.jit(lambda x: sx.sort(x, 0))):
        assert_same(f(x), sorted_(X, 0))
    assert_same(jax.jit(lambda x: sx.argsort(x, 0))(x), order(X, 0))
    flat = jax.jit(lambda x: jax.vjp(lambda x: sx.sort(x, None), x)[1](jnp.arange(x.size, dtype=x.dtype))[0])(x)
    assert_same(flat.ravel(), np.argsort(order(X, None)).astype(np.float64))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: sx.sort(x, 0),
        jax.jit(lambda x: sx.argsort(x, 0)),
        lambda x: sx.permutation(x, 0),
        lambda x: sx.sort_by((x, x), x, 0),
        lambda x: jax.grad(lambda x: sx.sort(x, 0).sum())(x),
    ],
    ids=["sort", "argsort", "permutation", "sort_by", "grad"],
)
def test_axis_along_an_explicit_mesh_axis_raises(f):
    with pytest.raises(ValueError, match=r"axis 0 .* whole on each device, but it is sharded .*'d'.*reshard"):
        f(placed(X, "Explicit", P("d", None)))


@pytest.mark.parametrize("ties", RELAXATIONS)
def test_shard_map(ties):
    for axis, spec in SPLITS.values():
        f = all_of(axis, RELAXATIONS[ties])
        expected = f(X)
        for name, result in jax.jit(jax.shard_map(f, mesh=mesh("Auto"), in_specs=spec, out_specs=spec, check_vma=True))(
            X
        ).items():
            np.testing.assert_allclose(result, expected[name], rtol=1e-13, err_msg=name)


def test_gradients_of_replicated_operands_carry_the_sum():
    """The weights are alike on all devices and the keys are not: the gradient of the weights is summed over devices."""
    # Averages over ties are one primitive more than the stable policy has.
    relax = sx.Exact("average")
    losses = {
        "sort(x w) w": lambda x, w: (sx.sort(x * w[None], relax=relax) * w[None]).sum(),
        "P @ w": lambda x, w: ((sx.permutation(x, relax=relax) @ w) * x * w[None]).sum(),
        "P.T @ w": lambda x, w: ((sx.permutation(x, relax=relax).T @ w) * x).sum(),
        "sort_by": lambda x, w: (sx.sort_by((x, jnp.zeros_like(x)), w, relax=relax) * x).sum(),
        "the keys are replicated": lambda x, w: ((sx.permutation(w, relax=relax) @ x.T) * w[:, None]).sum(),
        "sort(w)": lambda x, w: (sx.sort(w, relax=relax)[None] * x).sum(),
    }
    # One compilation for all: the gradient of a sum is wrong if that of a term is.
    every = lambda x, w: sum(loss(x, w) for loss in losses.values())
    whole = jax.jit(jax.grad(lambda x, w: sum(every(rows, w) for rows in x.reshape(8, 2, 24)), (0, 1)))(X, W)
    specs = dict(mesh=mesh("Auto"), in_specs=(P("d"), P()), check_vma=True)
    total = lambda x, w: jax.lax.psum(every(x, w), "d")
    outside = jax.grad(jax.shard_map(total, out_specs=P(), **specs), (0, 1))
    inside = jax.shard_map(jax.grad(total, (0, 1)), out_specs=(P("d"), P()), **specs)
    for gradient in (outside, inside):
        for actual, expected in zip(jax.jit(gradient)(X, W), whole, strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-10)


def test_gradient_of_replicated_weights_by_hand():
    loss = lambda x, w: jax.lax.psum((sx.sort(x) * w[None]).sum(), "d")
    split = jax.shard_map(loss, mesh=mesh("Auto"), in_specs=(P("d"), P()), out_specs=P())
    by_x, by_w = jax.jit(jax.grad(split, (0, 1)))(X, W)
    assert_same(by_x, W[np.argsort(order(X), -1)])
    assert_same(by_w, np.sort(X, -1).sum(0))


def test_directional_tangents_of_replicated_operands():
    relax = sx.Exact("directional")
    f = lambda x, w: sx.sort_by(x, x * 0 + w[0], relax=relax) + (sx.permutation(w, relax=relax) @ w)[None]
    mapped = jax.shard_map(f, mesh=mesh("Auto"), in_specs=(P("d"), P()), out_specs=P("d"), check_vma=True)
    tangents = np.random.default_rng(2).normal(size=X.shape), np.random.default_rng(3).normal(size=24)
    for actual, wanted in zip(jax.jvp(mapped, (X, W), tangents), jax.jvp(f, (X, W), tangents), strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-13)
