"""Act 2: what the derivative of a sort is where elements are equal, under each of the three policies."""

import functools
import itertools
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import rankdata

import sortax as sx

from ..act import Act, Chapter, Claim, Picture, Step, Table
from ..measure import in_words, same_bits
from ..pictures import ties as pictures

Policy = Literal["stable", "average", "directional"]

_X = np.array([3, 1, 2, 3, 1, 3, 0, 2], np.float32)
# Eighths and a step that is a power of two: the difference quotient below is then exact in float32.
_T = np.array([6, 5, -2, -7, 2, 1, 3, 4], np.float32) / 8
_H = np.float32(2.0**-6)
_LARGEST = np.array([2, 1, 2, 2, 0], np.float32)

_LEAD = (
    "Where elements are equal, several permutations sort, and someone must say which of them differentiates. In JAX that depends "
    "on the op; in sortax it is one argument, the same in every op: "
    '`relax=sx.Exact(ties="stable")`, `"average"` or `"directional"`.'
)


def _sort(policy: Policy) -> Any:
    return functools.partial(sx.sort, relax=sx.Exact(policy))


def _run(step: Step) -> Chapter:
    x, t = jnp.asarray(_X), jnp.asarray(_T)
    step("the matrix of each policy", 0.0)
    linear: tuple[Policy, ...] = ("stable", "average")
    dense = {policy: np.asarray(sx.permutation(x, relax=sx.Exact(policy)).dense()) for policy in linear}
    step("the one-sided limit", 0.4)
    limit = (np.sort(_X + _H * _T) - np.sort(_X)) / _H
    tangents = {policy: np.asarray(jax.jvp(_sort(policy), (x,), (t,))[1]) for policy in get_args(Policy)}
    step("gradients at a tie", 0.7)
    return Chapter(
        lead=_LEAD,
        claims=[*_matrix_claims(x, dense), *_directional_claims(x, limit, tangents)],
        tables=[_gradients()],
        pictures=[
            Picture(
                "ties",
                "Two matrices: one cell of weight one in each row, and blocks of equal weights.",
                "`P.dense()` of the same eight numbers. Stable takes one permutation that sorts, the one that keeps the order of "
                "equal elements; average takes the mean of all 24, so equal elements get equal gradients. Frames mark the groups.",
                functools.partial(pictures.matrices, pictures.Matrices(_X, dense["stable"], dense["average"])),
            ),
            Picture(
                "directional",
                "Left, three lines with a kink where they meet; right, dots for the derivative of each place in the sorted order.",
                "Left: the three largest of `sort(x + h t)`, computed, not differentiated; the dashes are `sort(x) + h dy` with "
                "the directional `dy`. Right: `dy` at every place. The rings are the limit from `h > 0`, by differences; only the "
                "directional policy, which sorts the tangents inside each tie, meets all of them.",
                functools.partial(pictures.directional, pictures.Directional(_X, _T, limit, tangents)),
            ),
        ],
    )


def _matrix_claims(x: Any, dense: dict[str, np.ndarray]) -> list[Claim]:
    stable = np.array_equal(dense["stable"], jax.jacobian(jnp.sort)(x))
    every = np.array(list(itertools.permutations(range(_X.size))))
    sorting = every[(np.diff(_X[every], axis=1) >= 0).all(axis=1)]
    mean = np.eye(_X.size)[sorting].mean(axis=0)
    off = float(np.abs(dense["average"] - mean).max())
    P = sx.permutation(x, relax=sx.Exact("average"))
    ranks = np.asarray(P.T @ jnp.arange(_X.size, dtype=jnp.float32))
    as_scipy = np.allclose(ranks, rankdata(_X, "average") - 1, rtol=0, atol=1e-6)
    a = jnp.asarray(_LARGEST)
    as_max = same_bits(jax.grad(lambda a: _sort("average")(a)[-1])(a), jax.grad(jnp.max)(a))
    return [
        Claim(
            "Stable, the default, is the gradient of `jnp.sort`.",
            f"Jacobian at x = {_numbers(_X)}: {in_words(stable, equal='equal', unequal='DIFFERS')}.",
            stable,
        ),
        Claim(
            "Average is the mean of all permutations that sort.",
            f"Of {len(every):,} permutations {len(sorting)} sort x; `P.dense()` is their mean within {off:.0e}.",
            off < 1e-6,
        ),
        Claim(
            "Average ranks and the gradient of a maximum come out as SciPy and `jnp.max` have them.",
            f"`P.T @ arange(8)` = {_numbers(ranks)}, {in_words(as_scipy, equal='as', unequal='NOT as')} `rankdata` from 0; "
            f"gradient of `sort(x)[-1]`: {in_words(as_max, equal='equal to the bit', unequal='DIFFERS')}.",
            as_scipy and as_max,
        ),
    ]


def _directional_claims(x: Any, limit: np.ndarray, tangents: dict[str, np.ndarray]) -> list[Claim]:
    exact = np.array_equal(tangents["directional"], limit)
    others = ", ".join(
        f"{policy} is off by up to {np.abs(tangents[policy] - limit).max():.2g}" for policy in ("stable", "average")
    )
    try:
        jax.grad(lambda x: _sort("directional")(x)[-1])(x)
        refused, message = False, "No error was raised."
    except ValueError as error:
        refused, message = True, f"`ValueError`: {error}"
    return [
        Claim(
            "Directional is the true one-sided derivative, the limit as h falls to 0 of this quotient.",
            f"At h = 1/{int(1 / _H)}: {in_words(exact, equal='equal', unequal='NOT equal')} at all {limit.size} places; {others}.",
            exact,
            code="(sort(x + h t) - sort(x)) / h",
        ),
        Claim(
            "It is not linear in the tangent, so reverse mode refuses rather than return something else.", message, refused
        ),
    ]


def _gradients() -> Table:
    a = jnp.asarray(_LARGEST)
    jax_ops = [
        ("`jnp.max(x)`", jnp.max),
        ("`x[jnp.argmax(x)]`", lambda x: x[jnp.argmax(x)]),
        ("`jax.lax.top_k(x, 1)`", lambda x: jax.lax.top_k(x, 1)[0][0]),
        ("`jnp.sort(x)[-1]`", lambda x: jnp.sort(x)[-1]),
        ("`jnp.quantile(x, 1.0)`", lambda x: jnp.quantile(x, 1.0)),
        ("`jax.lax.cummax(x)[-1]`", lambda x: jax.lax.cummax(x)[-1]),
    ]
    own_ops = [
        ('`sx.sort(x, relax=sx.Exact("stable"))[-1]`', lambda x: _sort("stable")(x)[-1]),
        ('`sx.sort(x, relax=sx.Exact("average"))[-1]`', lambda x: _sort("average")(x)[-1]),
    ]
    names, functions = zip(*jax_ops, *own_ops, strict=True)
    # One compilation for all of them takes a fraction of the time of one each.
    gradients = jax.jit(lambda a: [jax.grad(f)(a) for f in functions])(a)
    rows = [(name, *map(_fraction, np.asarray(gradient))) for name, gradient in zip(names, gradients, strict=True)]
    answers = len({row[1:] for row in rows[: len(jax_ops)]})
    head = ("gradient of the largest", *(f"x = {value:.0f}" for value in _LARGEST))
    title = f"{len(jax_ops)} ways to say the largest in JAX, {answers} gradients; in sortax the tie policy says which"
    return Table(title, head, rows)


def _numbers(x: np.ndarray) -> str:
    return "[" + ", ".join(f"{value:g}" for value in x) + "]"


def _fraction(value: float) -> str:
    for denominator in (1, 2, 3, 4):
        if abs(value * denominator - round(value * denominator)) < 1e-5:
            return f"{round(value * denominator)}" + (f"/{denominator}" if denominator > 1 else "")
    return f"{value:.3g}"


ACT = Act("Ties", _run)
