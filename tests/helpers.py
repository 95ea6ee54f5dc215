"""Dtypes, distributions, oracles in NumPy and comparison to the bit, which all tests share."""

import itertools
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from jax.interpreters import partial_eval

import sortax as sx

RELAXATIONS = {ties: sx.Exact(ties) for ties in ("stable", "average", "directional")}
REVERSIBLE = {name: relax for name, relax in RELAXATIONS.items() if name != "directional"}


def _dtypes(names):
    return {name: np.dtype(getattr(ml_dtypes, name, name)) for name in names.split()}


KERNEL_DTYPES = _dtypes("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64")
XLA_DTYPES = _dtypes("complex64 complex128 float8_e4m3fn float8_e5m2 int4 uint4")
DTYPES = KERNEL_DTYPES | XLA_DTYPES
FLOATS = {name: DTYPES[name] for name in ("float16", "bfloat16", "float32", "float64")}
INEXACT = FLOATS | {name: DTYPES[name] for name in ("complex64", "complex128")}


def deep_but(quick, names):
    """Parameters of which `make test` takes those in `quick`, and `make test-all` all."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.deep) for name in names]


def is_float(dtype):
    return jnp.issubdtype(dtype, jnp.floating)


def is_complex(dtype):
    return jnp.issubdtype(dtype, jnp.complexfloating)


def extremes(dtype):
    """The smallest and the largest finite number of a real dtype."""
    if dtype == np.bool_:
        return False, True
    info = jnp.finfo(dtype) if is_float(dtype) else jnp.iinfo(dtype)
    return info.min, info.max


def _bits(rng, dtype, size):
    if dtype == np.bool_:
        return rng.integers(0, 2, size).astype(bool)
    if dtype.name in ("int4", "uint4"):
        low, high = extremes(dtype)
        return rng.integers(int(low), int(high) + 1, size).astype(dtype)
    return np.frombuffer(rng.bytes(size * dtype.itemsize), dtype).copy()


def _random(rng, dtype, size):
    return rng.normal(size=size).astype(dtype) if is_float(dtype) else _bits(rng, dtype, size)


def _with(rng, x, some):
    """A third of `x` replaced by draws from `some`."""
    return np.where(rng.random(x.size) < 1 / 3, rng.choice(some, x.size), x).astype(x.dtype)


def _small_range(rng, dtype, size):
    return rng.integers(0, 2 if dtype == np.bool_ else 7, size).astype(dtype)


def _max_at_the_end(rng, dtype, size):
    x = _small_range(rng, dtype, size)
    x[-1:] = extremes(dtype)[1]
    return x


def _one_outlier(rng, dtype, size):
    x = _small_range(rng, dtype, size)
    x[size // 2 : size // 2 + 1] = extremes(dtype)[0]
    return x


def nans(dtype):
    """NaNs of both signs with several payloads, quiet and signalling."""
    mantissa = (1 << jnp.finfo(dtype).nmant) - 1
    unsigned = np.dtype(f"uint{8 * dtype.itemsize}")
    # float8_e4m3fn has no infinity: all exponents set is a number, unless the mantissa is full as well.
    infinity = None if dtype.name == "float8_e4m3fn" else int(np.array(np.inf, dtype).view(unsigned))
    plain = (
        [0x7F] if infinity is None else [infinity | payload for payload in (1, mantissa, mantissa // 2 + 1, mantissa // 2)]
    )
    sign = 1 << (8 * dtype.itemsize - 1)
    return np.array(plain + [bits | sign for bits in plain], unsigned).view(dtype)


def _with_nan(rng, dtype, size):
    x, some = _random(rng, dtype, size), nans(dtype)
    # The choice is made among integers: a processor may rewrite the bits of a NaN.
    unsigned = f"uint{8 * dtype.itemsize}"
    return _with(rng, x.view(unsigned), some.view(unsigned)).view(dtype)


def _denormals(rng, dtype, size):
    tiny = np.array(jnp.finfo(dtype).smallest_subnormal)
    return _with(rng, _random(rng, dtype, size), np.array([tiny, -tiny, tiny + tiny, 0.0, -0.0], dtype))


def _in_order(rng, dtype, size):
    x = _random(rng, dtype, size)
    return x[order(x)]


def _real_part(draw):
    """A complex draw has a draw in each of its two parts, with ties among the real parts."""

    def both(rng, dtype, size):
        if not is_complex(dtype):
            return draw(rng, dtype, size)
        part = np.dtype(f"float{dtype.itemsize * 4}")
        x = np.empty((size, 2), part)
        x[:, 0], x[:, 1] = draw(rng, part, size), draw(rng, part, size)
        x[: size // 2, 0] = x[0, 0] if size else 0
        return x.view(dtype)[:, 0]

    return both


_EVERYWHERE = {
    "random": _real_part(_random),
    "bits": _real_part(_bits),
    "constant": lambda rng, dtype, size: np.full(size, 3).astype(dtype),
    "sorted": _in_order,
    "reversed": lambda rng, dtype, size: _in_order(rng, dtype, size)[::-1].copy(),
    "few values": lambda rng, dtype, size: rng.choice(_real_part(_random)(rng, dtype, 3), size),
    "small range": _real_part(_small_range),
    "max at the end": _real_part(_max_at_the_end),
    "one outlier": _real_part(_one_outlier),
    "extremes": _real_part(
        lambda rng, dtype, size: _with(rng, _small_range(rng, dtype, size), np.array(extremes(dtype), dtype))
    ),
}
_FLOATS_ONLY = {
    "NaN": _real_part(_with_nan),
    "inf": _real_part(lambda rng, dtype, size: _with(rng, _random(rng, dtype, size), np.array([np.inf, -np.inf], dtype))),
    "signed zeros": _real_part(lambda rng, dtype, size: rng.choice(np.array([0.0, -0.0, 1.0], dtype), size)),
    "denormals": _real_part(_denormals),
}
DISTRIBUTIONS = _EVERYWHERE | _FLOATS_ONLY


def distributions(dtype):
    """The named distributions that exist in `dtype`."""
    return DISTRIBUTIONS if jnp.issubdtype(dtype, jnp.inexact) else _EVERYWHERE


def draw(name, dtype, shape, seed=0):
    shape = (shape,) if isinstance(shape, int) else shape
    return DISTRIBUTIONS[name](np.random.default_rng(seed), np.dtype(dtype), int(np.prod(shape))).reshape(shape)


def distinct(dtype, shape, seed=0):
    """Numbers without ties, in random order, that every floating dtype holds exactly; complex ones share real parts."""
    size = int(np.prod(shape))
    x = (np.random.default_rng(seed).permutation(size) - size // 3).astype(np.float64)
    return ((x // 2 + 1j * (x % 2)) if is_complex(dtype) else x).astype(dtype).reshape(shape)


def tangent(shape, dtype=np.float64, seed=1):
    rng = np.random.default_rng(seed)
    t = rng.normal(size=shape) + (1j * rng.normal(size=shape) if is_complex(dtype) else 0)
    return t.astype(dtype)


def order(x, axis=-1, descending=False):
    """The stable argsort that NumPy gives; descending has NaN first and equal elements in their order."""
    if axis is None:
        x, axis = x.ravel(), 0
    if descending:
        return x.shape[axis] - 1 - np.flip(order(np.flip(x, axis), axis), axis)
    if is_complex(x.dtype):
        return np.lexsort((x.imag, x.real), axis)
    if x.dtype.kind == "V" or (is_float(x.dtype) and x.dtype.itemsize < 4):
        x = x.astype(np.float32)
    return np.argsort(x, axis, kind="stable")


def take(x, indices, axis=-1):
    """`x` in the order of `indices`, moved as bytes."""
    if axis is None:
        x, axis = x.ravel(), 0
    return np.take_along_axis(x, indices, axis)


def sorted_(x, axis=-1, descending=False):
    return take(x, order(x, axis, descending), axis)


def all_sorting(x, descending=False):
    """Every permutation that sorts the vector `x`, as rows; all NaNs are equal and largest, and -0 equals +0."""
    level = np.unique(x, return_inverse=True, equal_nan=True)[1]
    level = -level if descending else level
    every = np.array(list(itertools.permutations(range(len(x)))))
    return every[(np.diff(level[every], axis=1) >= 0).all(1)]


def central(f, x, t, h=1e-6):
    """The derivative of `f` at `x` in direction `t`, by central differences."""
    x, t = np.asarray(x), np.asarray(t)
    return (np.asarray(f(x + h * t)) - np.asarray(f(x - h * t))) / (2 * h)


def assert_same(actual, expected, note=""):
    """Equal to the bit: dtype, shape, and every byte, NaN payloads and signs of zero included."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{note}: dtype {actual.dtype}, expected {expected.dtype}"
    assert actual.shape == expected.shape, f"{note}: shape {actual.shape}, expected {expected.shape}"
    if actual.dtype.name in ("int4", "uint4"):
        actual, expected = actual.astype(np.int8), expected.astype(np.int8)
    a, b = (np.ascontiguousarray(v).reshape(-1).view(np.uint8).reshape(v.size, v.itemsize) for v in (actual, expected))
    wrong = np.flatnonzero((a != b).any(1))
    if wrong.size:
        at = np.unravel_index(wrong[0], actual.shape)
        raise AssertionError(
            f"{note}: {wrong.size} of {actual.size} differ, first at {at}: {actual[at]!r}, expected {expected[at]!r}"
        )


def run_python(code, timeout=120, **environment):
    """Run `code` in a fresh interpreter and return what it printed. A hang or a crash fails, and its traces are shown."""
    program = f"import faulthandler; faulthandler.dump_traceback_later({timeout - 5}, exit=True)\n{code}"
    clean = {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS",)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=clean | environment,
        timeout=timeout,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def equations(jaxpr, name):
    """Every equation of a primitive in a jaxpr, nested ones included."""
    found = []
    for equation in jaxpr.eqns:
        if equation.primitive.name == name:
            found.append(equation)
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda v: hasattr(v, "eqns") or hasattr(v, "jaxpr")
        ):
            if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                found += equations(getattr(inner, "jaxpr", inner), name)
    return found


def used(f, *args):
    """The outputs that each sort of `f` computes, after dead-code elimination, which a compiled program has gone through."""
    jaxpr = jax.make_jaxpr(f)(*args)
    alive, _ = partial_eval.dce_jaxpr(jaxpr.jaxpr, [True] * len(jaxpr.out_avals))
    return [equation.params["outputs"] for equation in equations(alive, "sortax_sort")]
