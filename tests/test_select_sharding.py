"""Sharded arrays: a batch that is split over devices is selected from where it lies, and so are its derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import NamedSharding
from jax.sharding import PartitionSpec as P

import sortax as sx
from devices import SPLITS, assert_no_collective, mesh, placed
from helpers import RELAXATIONS, REVERSIBLE, deep_but
from ops import OPS

QUICK_TO_COMPILE = True
# Integers, with ties, in whose sums no order of addition makes a difference.
X = np.random.default_rng(0).integers(0, 9, (16, 24)).astype(np.float64)
WHERE = np.random.default_rng(1).random((16, 24)) < 0.7
W = np.random.default_rng(2).integers(-8, 8, 24).astype(np.float64)
# One op at least for each primitive, with and without what comes with the array.
NAMES = (
    "top_k",
    "kth_value where",
    "partition",
    "winsorize",
    "quantile",
    "weighted median",
    "segment_top_k",
    "trimmed_mean where",
)
MASKS = {
    "rank": lambda x, axis, relax: sx.rank(x, axis=axis, relax=relax),
    "rank where": lambda x, axis, relax: sx.rank(x, axis, method="dense", where=x > 2, relax=relax),
    "top_k_mask": lambda x, axis, relax: sx.top_k_mask(x, 5, axis, relax=relax),
    "argpartition": lambda x, axis, relax: sx.argpartition(x, 7, axis, relax=relax),
    "indices of top_k": lambda x, axis, relax: sx.top_k(x, 5, axis=axis, relax=relax)[1],
    "segment_rank": lambda x, axis, relax: sx.segment_rank(x, np.arange(x.shape[axis]) % 3, axis=axis, relax=relax),
    "max where": lambda x, axis, relax: sx.max(x, axis, where=x < 8, keepdims=True, relax=relax),
    "quantile where": lambda x, axis, relax: sx.quantile(x, 0.3, axis, where=x < 8, keepdims=True, relax=relax),
}


@functools.cache
def all_of(axis, ties):
    """Every op with its tangent and its cotangent, as one function, which compiles once."""
    relax = RELAXATIONS[ties]

    def run(x):
        found = {}
        for name in NAMES:
            f = lambda x: OPS[name](x, axis, relax)
            found[name], found[f"tangent of {name}"] = jax.jvp(f, (x,), (x * x,))
            if ties in REVERSIBLE:
                found[f"cotangent of {name}"] = jax.vjp(f, x)[1](found[name] * 2)[0]
        return found | {f"{name}, itself": f(x, axis, relax) for name, f in MASKS.items()}

    return jax.jit(run)


AUTO = [("rows", "average"), ("rows", "stable"), ("rows", "directional"), ("columns", "stable")]
CASES = [pytest.param("Auto", *AUTO[0], marks=pytest.mark.lowering), ("Explicit", "rows", "stable")]
CASES += [pytest.param("Auto", *case, marks=[pytest.mark.lowering, pytest.mark.deep]) for case in AUTO[1:]]


@pytest.mark.parametrize(("kind", "split", "ties"), CASES)
def test_batches_stay_where_they_are(kind, split, ties):
    axis, spec = SPLITS[split]
    x = placed(X, kind, spec)
    compiled = all_of(axis, ties).lower(x).compile()
    assert_no_collective(compiled)
    expected = all_of(axis, ties)(X)
    for name, result in compiled(x).items():
        np.testing.assert_allclose(result, expected[name], rtol=1e-13, atol=1e-13, err_msg=name)
        assert result.sharding.is_equivalent_to(x.sharding, 2), name


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
def test_results_without_the_axis(kind):
    x, where = placed(X, kind, P("d", None)), placed(WHERE, kind, P("d", None))
    f = jax.jit(
        lambda x, where: [
            sx.max(x, -1),
            sx.min(x, -1, where=where),
            sx.median(x, -1, weights=x + 1.0),
            sx.quantile(x, 0.3, -1, where=where),
            sx.kth_value(x, 3, where=where),
            sx.trimmed_mean(x, axis=-1, where=where),
        ]
    )
    compiled = f.lower(x, where).compile()
    assert_no_collective(compiled)
    for actual, expected in zip(compiled(x, where), f(X, WHERE), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)
        assert actual.sharding.is_equivalent_to(NamedSharding(mesh(kind), P("d")), 1)


@pytest.mark.parametrize("kind", deep_but(("Explicit",), ["Auto", "Explicit"]))
def test_vmap_over_the_split_axis(kind):
    x = placed(X, kind, P("d", None))
    loss = lambda row: (
        sx.top_k(row, 3)[0].sum() + sx.median(row) + sx.max(row) + sx.segment_median(row, np.arange(24) % 3).sum()
    )
    f = jax.jit(jax.vmap(jax.grad(loss)))
    compiled = f.lower(x).compile()
    assert_no_collective(compiled)
    np.testing.assert_allclose(compiled(x), f(X), rtol=1e-14)


def test_the_split_axis_may_be_selected_from_on_an_automatic_mesh():
    x = placed(X, "Auto", P("d", None))
    for f in (
        lambda x: sx.top_k(x, 3, axis=0)[0],
        lambda x: sx.median(x, 0),
        lambda x: sx.max(x),
        lambda x: sx.partition(x, 3, 0),
        lambda x: jax.grad(lambda x: sx.quantile(x, 0.3))(x),
        lambda x: sx.segment_sort(x, np.arange(16) % 3),
    ):
        np.testing.assert_array_equal(jax.jit(f)(x), f(X))


OFFENDERS = {
    "top_k": lambda x: sx.top_k(x, 3, axis=0),
    "kth_value": lambda x: sx.kth_value(x, 3, 0),
    "partition": lambda x: sx.partition(x, 3, 0),
    "max": lambda x: sx.max(x, 0),
    "median": jax.jit(lambda x: sx.median(x, 0)),
    "rank": lambda x: sx.rank(x, axis=0),
    "segment_sort": lambda x: sx.segment_sort(x, np.arange(16) % 3),
    "grad": lambda x: jax.grad(lambda x: sx.top_k(x, 3, axis=0)[0].sum())(x),
}


@pytest.mark.parametrize("name", OFFENDERS)
def test_the_split_axis_raises_on_an_explicit_mesh(name):
    with pytest.raises(ValueError, match=r"axis 0 .* whole on each device, but it is sharded .*'d'.*reshard"):
        OFFENDERS[name](placed(X, "Explicit", P("d", None)))


def test_shard_map():
    axis, spec = SPLITS["rows"]
    f = all_of(axis, "average")
    expected = f(X)
    mapped = jax.jit(jax.shard_map(f, mesh=mesh("Auto"), in_specs=spec, out_specs=spec, check_vma=True))
    for name, result in mapped(X).items():
        np.testing.assert_allclose(result, expected[name], rtol=1e-13, atol=1e-13, err_msg=name)


def test_gradients_of_replicated_operands_carry_the_sum():
    """What is alike on all devices, and multiplied with what is not, has a gradient that is summed over devices."""
    # Averages over ties are one primitive more than the stable policy has.
    relax = sx.Exact("average")
    losses = {
        "top_k": lambda x, w: (sx.top_k(x * w[None], 4, relax=relax)[0] * w[None, :4]).sum(),
        "alike": lambda x, w: (sx.partition(w, 5, relax=relax)[None] * x).sum(),
        "quantile": lambda x, w: (sx.quantile(x * w[None], w[:2] ** 2 / 100, -1, relax=relax) * w[:2, None]).sum(),
        "where": lambda x, w: (sx.median(w[None] * jnp.ones_like(x), -1, where=x > 2, relax=relax)).sum(),
        "where alike": lambda x, w: (sx.max(x * x, -1, where=jnp.broadcast_to(w > 0, x.shape), relax=relax)).sum() * w[0],
        "weights": lambda x, w: (sx.median(w, weights=x[0] + 1.0, relax=relax)).sum(),
        "segments": lambda x, w: (sx.segment_median(x.T * w[:, None], np.arange(24) % 3, relax=relax) * w[:3, None]).sum(),
    }
    every = lambda x, w: sum(loss(x, w) for loss in losses.values())
    of_all = lambda x, w: jax.lax.map(lambda rows: every(rows, w), x.reshape(8, 2, 24)).sum()
    whole = jax.jit(jax.grad(of_all, (0, 1)))(X, W)
    specs = dict(mesh=mesh("Auto"), in_specs=(P("d"), P()), check_vma=True)
    total = lambda x, w: jax.lax.psum(every(x, w), "d")
    outside = jax.grad(jax.shard_map(total, out_specs=P(), **specs), (0, 1))
    inside = jax.shard_map(jax.grad(total, (0, 1)), out_specs=(P("d"), P()), **specs)
    for gradient in (outside, inside):
        for actual, expected in zip(jax.jit(gradient)(X, W), whole, strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-10)
