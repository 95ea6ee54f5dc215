"""Act 1: the claims from which the library began, held against `jax.numpy` on a million floats."""

import functools
import statistics
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import sortax as sx

from ..act import Act, Chapter, Claim, Picture, Step, Table
from ..measure import alternate, busy, duration, in_words, power_of_ten, ratio, same_bits, speed_claim, with_vjp
from ..pictures import claims as pictures

_N = 10**6
_N_DENSE = 512
_N_PICTURE = 32
_ROUNDS = 5
_TURN = 0.1

_LEAD = (
    "Sorting is a permutation, so its derivative is that permutation, and reverse mode is its inverse. Each line below was run "
    f"on {power_of_ten(_N)} random float32 numbers unless it says otherwise, and compared with `jax.numpy` to the bit."
)


@jax.custom_vjp
def by_hand(a: Any) -> Any:
    """The program the library started from: forward and backward written out, inverse by argsort of argsort."""
    return a[jnp.argsort(a)]


def _by_hand_fwd(a: Any) -> Any:
    p = jnp.argsort(a)
    return a[p], p


def _by_hand_bwd(p: Any, g: Any) -> Any:
    return (g[jnp.argsort(p)],)


by_hand.defvjp(_by_hand_fwd, _by_hand_bwd)


def _run(step: Step) -> Chapter:
    rng = np.random.default_rng(2026)
    a, g = (jnp.asarray(rng.standard_normal(_N, np.float32)) for _ in range(2))
    step("sorting is a permutation", 0.0)
    claims = _permutation_claims(a, g)
    step("derivatives along any axis", 0.2)
    table, derivative, equal = _derivatives(rng, functools.partial(step, "derivatives along any axis"))
    step("the time of a value and its gradient", 0.6)
    taken, speed = _time(a, g)
    step("pictures", 0.95)
    slow = ratio(taken, "jnp.sort", "sx.sort")
    return Chapter(
        lead=_LEAD,
        claims=[*claims, derivative, speed],
        tables=[table],
        pictures=[_jacobian_picture(rng), _time_picture(taken)],
        headlines=[
            (f"{slow:.1f}×", f"less time than `jnp.sort` for the value and the gradient of {power_of_ten(_N)} floats"),
            equal,
        ],
    )


def _permutation_claims(a: Any, g: Any) -> list[Claim]:
    P = sx.permutation(a)
    y, reference = sx.sort(a), jnp.sort(a)
    gathered = same_bits(P @ a, y) and same_bits(a[sx.argsort(a)], y)
    as_jax = same_bits(y, reference)
    ties = _N - np.unique(np.asarray(a)).size
    megabytes = sum(leaf.nbytes for leaf in jax.tree.leaves(P)) / 1e6

    small = a[:_N_DENSE]
    dense, own = sx.permutation(small).dense(), jax.jacobian(sx.sort)(small)
    theirs = jax.jacobian(jnp.sort)(small)
    # Values only: the entries of P have JAX's default float type, those of a Jacobian the type of A.
    jacobians = np.array_equal(dense, own) and np.array_equal(dense, theirs)

    back = P.T @ g
    own_vjp, their_vjp = jax.vjp(sx.sort, a)[1](g)[0], jax.vjp(jnp.sort, a)[1](g)[0]
    hand_vjp = jax.vjp(by_hand, a)[1](g)[0]
    backwards = [same_bits(back, v) for v in (own_vjp, their_vjp, hand_vjp)]

    # As integers: jax.numpy's are wider where 64 bits are enabled.
    differ = int(np.sum(np.asarray(P.inverse) != np.asarray(jnp.argsort(jnp.argsort(a)))))
    return [
        Claim(
            "Sorting is a permutation: `sort(A) = A[argsort(A)]`.",
            f"`P @ A`, `A[argsort(A)]` and `jnp.sort(A)` {_equal(gathered, as_jax)}, {ties:,} repeated values among them. "
            f"P takes {megabytes:.0f} MB; as a matrix it would take {4 * _N**2 / 1e12:.0f} TB.",
            gathered and as_jax,
            code="P @ A == sx.sort(A)",
        ),
        Claim(
            "The Jacobian dBᵢ/dAⱼ is 1 where Aⱼ is the i-th of the sorted array, else 0.",
            f"The first {_N_DENSE} numbers: all {_N_DENSE}² entries of these and of the Jacobian of `jnp.sort` "
            f"{in_words(jacobians, equal='are equal', unequal='DIFFER')}.",
            jacobians,
            code="P.dense() == jax.jacobian(sx.sort)(A)",
        ),
        Claim(
            "Reverse mode copies the cotangent back through the inverse permutation.",
            f"These, the VJP of `jnp.sort` and one written by hand {_equal(*backwards)}.",
            all(backwards),
            code="P.T @ g == jax.vjp(sx.sort, A)[1](g)[0]",
        ),
        Claim(
            "Argsort of argsort inverts a permutation; sortax needs no second sort for it.",
            in_words(not differ, equal=f"All {_N:,} integers are equal.", unequal=f"{differ:,} integers DIFFER."),
            not differ,
            code="P.inverse == argsort(argsort(A))",
        ),
    ]


def _equal(*checks: bool) -> str:
    return in_words(*checks, equal="are equal to the bit", unequal="DIFFER")


def _derivatives(rng: np.random.Generator, done: Any) -> tuple[Table, Claim, tuple[str, str]]:
    """Values, JVP and VJP of each library, one program a case, so that each sorts once."""
    plain = rng.standard_normal(_N, np.float32)
    awkward = plain.round(2)
    for value in (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0):
        awkward[rng.integers(_N, size=_N // 50)] = value
    cases = [
        (f"{power_of_ten(_N)}", plain, lambda sort: sort),
        ("1000 × 1000, axis 0", plain.reshape(1000, 1000), lambda sort: functools.partial(sort, axis=0)),
        ("1000 × 1000, axis 1", plain.reshape(1000, 1000), lambda sort: functools.partial(sort, axis=1)),
        ("1000 × 1000, axis None", plain.reshape(1000, 1000), lambda sort: functools.partial(sort, axis=None)),
        ("20 × 500 × 100, axis 1", plain.reshape(20, 500, 100), lambda sort: functools.partial(sort, axis=1)),
        ("1000 of 1000 under vmap", plain.reshape(1000, 1000), jax.vmap),
        (f"{power_of_ten(_N)} with NaN, ±inf, ±0, ties", awkward, lambda sort: sort),
    ]
    rows, equal = [], []
    for k, (name, x, make) in enumerate(cases):
        done(0.2 + 0.4 * k / len(cases))
        t, g = (rng.standard_normal(_N, np.float32) for _ in range(2))
        ours, theirs = _all_modes(make(sx.sort), x, t, g), _all_modes(make(jnp.sort), x, t, g)
        checks = [same_bits(a, b) for a, b in zip(ours, theirs, strict=True)]
        rows.append((name, *(in_words(c, equal="equal", unequal="DIFFER") for c in checks)))
        equal += checks
    claim = Claim(
        "The gradients are those of `jnp.sort`, in forward and reverse mode, along any axis, for any batch.",
        f"{len(cases)} cases of {power_of_ten(_N)} numbers, values, JVP and VJP: "
        f"{sum(equal)} of {len(equal)} arrays are equal to the bit.",
        all(equal),
    )
    table = Table("`sx.sort` against `jnp.sort`", ("case", "values", "forward mode (JVP)", "reverse mode (VJP)"), rows)
    return table, claim, (f"{sum(equal)} of {len(equal)}", "arrays of values, JVPs and VJPs equal to `jax.numpy` to the bit")


def _all_modes(sort: Any, x: np.ndarray, t: np.ndarray, g: np.ndarray) -> Any:
    @jax.jit
    def program(x: Any, t: Any, g: Any) -> Any:
        y, dy = jax.jvp(sort, (x,), (t.reshape(x.shape),))
        return y, dy, jax.vjp(sort, x)[1](g.reshape(y.shape))[0]

    return program(jnp.asarray(x), jnp.asarray(t), jnp.asarray(g))


def _time(a: Any, g: Any) -> tuple[dict[str, list[float]], Claim]:
    times_less, way = speed_claim()
    compiled = {name: with_vjp(f) for name, f in (("by hand", by_hand), ("jnp.sort", jnp.sort), ("sx.sort", sx.sort))}
    programs = {name: functools.partial(program, a, g) for name, program in compiled.items()}
    taken = alternate(programs, _ROUNDS, _TURN)
    again = ratio(taken, "jnp.sort", "sx.sort") < times_less
    if again:
        taken = alternate(programs, _ROUNDS, _TURN)
    found = ratio(taken, "jnp.sort", "sx.sort")
    ours, theirs = (duration(statistics.median(taken[name])) for name in ("sx.sort", "jnp.sort"))
    return taken, Claim(
        f"Value and gradient take {times_less:.0f} times less than `jnp.sort` ({way}).",
        f"{ours} against {theirs}: {found:.1f} times less, medians of {_ROUNDS} turns"
        + (", in the second of two measurements." if again else ".")
        + busy(),
        found >= times_less,
        timing=True,
    )


def _jacobian_picture(rng: np.random.Generator) -> Picture:
    x = jnp.asarray(rng.standard_normal(_N_PICTURE, np.float32))
    P = sx.permutation(x)
    g = jnp.asarray(np.exp(-(((np.arange(_N_PICTURE) - 21) / 6.0) ** 2)), jnp.float32)
    data = pictures.Jacobian(*(np.asarray(v) for v in (x, P @ x, P.dense(), g, P.T @ g, P.inverse)))
    return Picture(
        "jacobian",
        "Two square matrices with one coloured cell in each row and column, with bars for the vectors they act on.",
        f"`P.dense()` for {_N_PICTURE} numbers. Left: `P @ x` puts the numbers above into the order at the side. Right: `P.T @ g` "
        "takes a cotangent, given by place in the sorted order, back to the inputs. Colour is rank: an element keeps its own.",
        functools.partial(pictures.jacobian, data),
    )


def _time_picture(taken: dict[str, list[float]]) -> Picture:
    return Picture(
        "million",
        "A dot plot of the time of each turn of three programs.",
        f"Value and VJP of {power_of_ten(_N)} float32 numbers, {_ROUNDS} turns of each program; the line and the number are the "
        "median. `by hand` is the program this library started from: `A[argsort(A)]`, and back through `argsort(argsort(A))`.",
        functools.partial(pictures.million, taken),
    )


ACT = Act("The claims", _run)
