"""Act 3: a median without a sort, one gradient for the largest in all ops, and a line that outliers cannot move."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import theilslopes
from sklearn.datasets import load_iris

import sortax as sx

from ..act import Act, Chapter, Claim, Picture, Step, Table
from ..measure import alternate, busy, duration, in_words, power_of_ten, ratio, same_bits, speed_claim, with_vjp
from ..pictures import medians as pictures

_N = 10**6
_STEPS = 400
_LARGEST = np.array([2, 1, 2, 2, 0], np.float32)
_LEAD = (
    "A median needs one element of the sorted array, so sortax finds that one and sorts nothing: the derivative of every order "
    "statistic is again a permutation, of which only the rows asked for are ever made."
)


def _run(step: Step) -> Chapter:
    step("a median of a million", 0.0)
    claims = [*_median_claims()]
    step("the largest, asked for in five ways", 0.3)
    claims.append(_one_gradient())
    step("where numbers go wrong", 0.5)
    table, right = _edges()
    claims.append(right)
    step("a line through outliers", 0.7)
    line, picture = _robust_line()
    return Chapter(lead=_LEAD, claims=[*claims, line], tables=[table], pictures=[picture])


def _median_claims() -> list[Claim]:
    rng = np.random.default_rng(3)
    x, g = jnp.asarray(rng.standard_normal(_N, np.float32)), jnp.float32(1)
    programs = {"jnp.median": jnp.median, "sx.median": sx.median}
    (value, gradient), (expected, reference) = (with_vjp(f)(x, g) for f in reversed(programs.values()))
    selected = np.flatnonzero(gradient)
    taken = alternate({name: functools.partial(with_vjp(f), x, g) for name, f in programs.items()}, rounds=5)
    times, least = ratio(taken, "jnp.median", "sx.median"), 60.0 if speed_claim()[0] > 3 else 1.0
    theirs, ours = (duration(float(np.median(taken[name]))) for name in programs)
    same = same_bits(value, np.median(np.asarray(x))) and same_bits(value, expected) and same_bits(gradient, reference)
    return [
        Claim(
            f"The median of {power_of_ten(_N)} floats and its gradient are those of `jnp.median`.",
            f"Median {float(value):.6g}: {in_words(same, equal='equal to the bit', unequal='DIFFERS')}, to NumPy's as well; the "
            f"gradient reaches {selected.size} elements.",
            same,
        ),
        Claim(
            f"Median and gradient take {least:.0f} times less time than `jnp.median`'s.",
            f"{theirs} against {ours}: {times:.0f} times less.{busy()}",
            times >= least,
            timing=True,
        ),
    ]


def _one_gradient() -> Claim:
    relax = sx.Exact("average")
    ways = {
        "`max(x)`": lambda x: sx.max(x, relax=relax),
        "`top_k(x, 1)`": lambda x: sx.top_k(x, 1, relax=relax)[0][0],
        "`sort(x)[-1]`": lambda x: sx.sort(x, relax=relax)[-1],
        "`kth_value(x, -1)`": lambda x: sx.kth_value(x, -1, relax=relax),
        "`quantile(x, 1.)`": lambda x: sx.quantile(x, 1.0, relax=relax),
    }
    gradients = jax.jit(lambda x: [jax.grad(f)(x) for f in ways.values()])(jnp.asarray(_LARGEST))
    same = all(same_bits(gradient, gradients[0]) for gradient in gradients)
    shared = np.allclose(gradients[0], np.array([1, 0, 1, 1, 0]) / 3)
    return Claim(
        "Under one tie policy the largest has one gradient, however it is asked for.",
        f'With `Exact("average")` at x = [2, 1, 2, 2, 0], {", ".join(ways)}: '
        f"{in_words(same, equal='all equal to the bit', unequal='they DIFFER')}, a third to each of the largest.",
        same and shared,
    )


def _edges() -> tuple[Table, Claim]:
    """Where jax.numpy's answer is not the one that the definition gives, both as computed here."""
    big, least = jnp.full(2, 3e38, jnp.float32), np.iinfo(np.int32).min
    with_least, ends = jnp.array([5, least, 3, 7], jnp.int32), jnp.array([1.0, 2.0, jnp.inf], jnp.float32)
    cases: list[tuple[str, Any, Any, Any]] = [
        ("`median([3e38, 3e38])`", jnp.median(big), sx.median(big), np.float32(3e38)),
        ("`quantile([1, 2, inf], 1.)`", jnp.quantile(ends, 1.0), sx.quantile(ends, 1.0), np.float32(np.inf)),
        (
            "`partition([5, -2³¹, 3, 7], 1)[0]`",
            jnp.partition(with_least, 1)[0],
            sx.partition(with_least, 1)[0],
            np.int32(least),
        ),
    ]
    rows = [(name, f"{theirs:g}", f"{ours:g}", f"{truth:g}") for name, theirs, ours, truth in cases]
    right = all(bool(ours == truth) for _, _, ours, truth in cases)
    table = Table("Computed here and now", ("expression", "jax.numpy", "sortax", "by definition"), rows)
    return table, Claim(
        "Midpoints do not overflow, an infinity that is hit is the answer, and the smallest integer is the smallest.",
        f"{in_words(right, equal='All three', unequal='NOT all')} as the definition has them; the table has both.",
        right,
    )


def _robust_line() -> tuple[Claim, Picture]:
    flowers = np.asarray(load_iris(return_X_y=True)[0], np.float32)
    length, width = flowers[:, 2], flowers[:, 3]
    rng = np.random.default_rng(5)
    spoiled = rng.permutation(length.size)[: length.size // 5]
    noted = width.copy()
    noted[spoiled] *= 10  # millimetres noted as centimetres
    x, y = jnp.asarray(length - length.mean()), jnp.asarray(noted)

    def fit(loss: Any) -> np.ndarray:
        def descend(line: Any, _: Any) -> Any:
            return line - 0.05 * jax.grad(lambda line: loss((y - line[0] - line[1] * x) ** 2))(line), None

        return np.asarray(jax.lax.scan(descend, jnp.zeros(2), length=_STEPS)[0])

    by_mean = fit(jnp.mean)
    by_trimmed = fit(lambda squares: sx.trimmed_mean(squares, (0.0, 0.3)))
    clean = float(theilslopes(width, length).slope)  # pyright: ignore[reportAttributeAccessIssue]
    off = {name: abs(float(line[1]) / clean - 1) for name, line in (("mean", by_mean), ("trimmed", by_trimmed))}
    claim = Claim(
        "Learning through a trimmed mean is not led astray: a fifth of the data is wrong, and the line stays.",
        f"Petal width by length of the {length.size} irises of scikit-learn, {spoiled.size} widths noted in millimetres. "
        f"Against SciPy's slope of the true data, least squares are off by {off['mean']:.0%}, the trimmed mean of the squares "
        f"by {off['trimmed']:.0%}.",
        off["trimmed"] < 0.1 < off["mean"],
    )
    data = pictures.Line(length, width, noted, spoiled, {"mean": by_mean, "trimmed": by_trimmed})
    return claim, Picture(
        "medians",
        "Points of two measures of flowers, some far above the others, and two lines: one lifted by them, one not.",
        "`sx.trimmed_mean(squares, (0, 0.3))` leaves the largest residuals out at each step, so the gradient never sees them.",
        functools.partial(pictures.line, data),
    )


ACT = Act("Medians", _run)
