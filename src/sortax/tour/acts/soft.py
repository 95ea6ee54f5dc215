"""Act 5: soft permutations from hot to cold, a soft sort of a million, and digits sorted by what was learnt through one."""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import sortax as sx

from ..act import Act, Chapter, Claim, Picture, Step, Table
from ..measure import alternate, busy, duration, in_words, power_of_ten, ratio, speed_claim, with_vjp
from ..pictures import soft as pictures
from . import adam, reader
from .handwriting import Handwriting

_N = 10**6
_SIZES = (100, 1000, 4000, 100_000, _N)
_LARGEST_DENSE = 4000
_TEMPERATURES = (3.0, 1.0, 0.3, 0.1, 0.01)
_RELAXATIONS = {"SoftSort": sx.SoftSort, "LapSum": sx.LapSum, "SigmoidSum": sx.SigmoidSum}
_STOPS = (0, 10, 30, 100, 300, reader.STEPS)
_TEST_LISTS = 5000

_LEAD = (
    "A soft permutation lets each place be taken by several elements, more of them the higher the temperature, so that a "
    "gradient says which element should move. It is an operator that costs two linear recurrences: none of the matrices drawn "
    "here is ever made to sort with."
)


def _run(step: Step) -> Chapter:
    step("soft permutations, from hot to cold", 0.0)
    matrices, permutations = _permutations()
    step("a soft sort of a million", 0.15)
    table, costs, times = _cost(lambda done: step("a soft sort of a million", 0.15 + 0.45 * done))
    step("learning to sort digits", 0.6)
    learnt, picture, share = _learn(lambda done: step("learning to sort digits", 0.65 + 0.35 * done))
    return Chapter(
        lead=_LEAD,
        claims=[*permutations, *costs, learnt],
        tables=[table],
        pictures=[matrices, picture],
        headlines=[
            (
                f"{times:.1f}×",
                f"less time than JAX's hard sort for a soft one of {power_of_ten(_N)} floats, with its gradient",
            ),
            (
                f"{share:.1%}",
                f"of lists of {reader.LENGTH} unseen digits put in order by a network that was taught only orders",
            ),
        ],
    )


def _permutations() -> tuple[Picture, list[Claim]]:
    x = np.random.default_rng(8).standard_normal(24).astype(np.float32)
    dense = {
        name: jax.jit(lambda x, t, make=make: sx.permutation(x, relax=make(t)).dense())
        for name, make in _RELAXATIONS.items()
    }
    found = {name: [np.asarray(f(x, np.float32(t))) for t in _TEMPERATURES] for name, f in dense.items()}
    exact = np.asarray(sx.permutation(x).dense())
    cold = max(float(np.abs(matrices[-1].round() - exact).max()) for matrices in found.values())
    rows = max(float(np.abs(P.sum(1) - 1).max()) for matrices in found.values() for P in matrices)
    columns = max(float(np.abs(P.sum(0) - 1).max()) for name in ("LapSum", "SigmoidSum") for P in found[name])
    picture = Picture(
        "soft-permutations",
        "A grid of matrices, one row for each relaxation, from blurred at high temperature to a permutation at low.",
        "The weight of each element, in order, in each place. Rows: relaxations of `sx.permutation(x, relax=...)`; "
        f"{x.size} normal numbers.",
        functools.partial(pictures.permutations, pictures.Permutations(x, _TEMPERATURES, found)),
    )
    return picture, [
        Claim(
            "Each place is filled: the rows of every soft permutation sum to one, at every temperature.",
            f"Off by {rows:.0e} at most in float32, for {', '.join(found)} at t = {', '.join(f'{t:g}' for t in _TEMPERATURES)}; "
            f"the columns of LapSum and SigmoidSum by {columns:.0e}.",
            max(rows, columns) < 1e-5,
        ),
        Claim(
            "The coldest is the exact permutation.",
            f"At t = {_TEMPERATURES[-1]:g} the largest weight of each row stands where `sx.permutation(x)` has its one: "
            f"{in_words(cold == 0, equal='all of them', unequal='NOT all')}.",
            cold == 0,
        ),
    ]


def dense_soft_sort(x: Any, t: Any) -> Any:
    """The published form, with its matrix of n by n."""
    return jax.nn.softmax(-jnp.abs(jnp.sort(x)[:, None] - x) / t) @ x


def _cost(done: Any) -> tuple[Table, list[Claim], float]:
    rng = np.random.default_rng(6)
    t = jnp.float32(0.1)
    forms = {
        "jnp.sort": jnp.sort,
        "matrix": lambda x: dense_soft_sort(x, t),
        "soft": lambda x: sx.sort(x, relax=sx.SoftSort(t)),
    }
    rows, taken, off = [], {}, {}
    for k, n in enumerate(_SIZES):
        done(k / len(_SIZES))
        x, g = (jnp.asarray(rng.standard_normal(n, np.float32)) for _ in range(2))
        here = {name: with_vjp(f) for name, f in forms.items() if name != "matrix" or n <= _LARGEST_DENSE}
        if n <= _LARGEST_DENSE:
            pairs = zip(here["soft"](x, g), here["matrix"](x, g), strict=True)
            off[n] = max(float(jnp.abs(a - b).max() / jnp.abs(b).max()) for a, b in pairs)
        programs = {name: functools.partial(f, x, g) for name, f in here.items()}
        taken = alternate(programs, rounds=3 if n > _LARGEST_DENSE else 5, at_least=0.02)
        median = {name: float(np.median(values)) for name, values in taken.items()}
        against = f"{median['matrix'] / median['soft']:.1f}×" if "matrix" in median else ""
        times = [duration(median[name]) if name in median else "" for name in forms]
        rows.append([f"{n:,}", *times, against])
    # The last are those of a million.
    faster, least = ratio(taken, "jnp.sort", "soft"), 2.0 if speed_claim()[0] > 3 else 0.5
    head = ("numbers", "jnp.sort", "SoftSort as a matrix", "sx.sort, SoftSort", "matrix / ours")
    note = f"Value and gradient, float32. At {_LARGEST_DENSE:,} numbers the matrix has {_LARGEST_DENSE**2:,} entries."
    return (
        Table("One soft sort with its gradient", head, rows, note=note),
        [
            Claim(
                "The linear form has the values and gradients of the matrix.",
                f"Off by {max(off.values()):.0e} of the largest in float32, at {', '.join(f'{n:,}' for n in off)} numbers.",
                max(off.values()) < 1e-4,
            ),
            Claim(
                _speed_sentence(least),
                f"{duration(float(np.median(taken['soft'])))} against {duration(float(np.median(taken['jnp.sort'])))} "
                f"of `jnp.sort`: {faster:.1f} times less.{busy()}",
                faster >= least,
                timing=True,
            ),
        ],
        faster,
    )


def _speed_sentence(least: float) -> str:
    what = f"A soft sort of {power_of_ten(_N)} floats with its gradient takes"
    return (
        f"{what} {least:.0f} times less time than JAX's hard one."
        if least >= 1
        else f"{what} at most {1 / least:.0f} times JAX's hard one."
    )


def _learn(done: Any) -> tuple[Claim, Picture, float]:
    data = Handwriting()
    images = jnp.asarray(data.train)
    unseen = jnp.asarray(np.stack([x[: min(map(len, data.unseen))] for x in data.unseen]))
    lists, digits = reader.deal(jax.random.key(11), unseen, _TEST_LISTS)
    state = adam.start(reader.parameters(jax.random.key(10), images.shape[-1]))

    def right(state: Any) -> np.ndarray:
        order = np.argsort(reader.score(state[0], lists), -1)
        return np.asarray(np.argsort(digits, -1) == order)

    curve = {"places": [right(state).mean()], "lists": [right(state).all(-1).mean()]}
    for first, last in itertools.pairwise(_STOPS):
        state = jax.block_until_ready(reader.train(state, first, last, images))
        found = right(state)
        curve["places"].append(found.mean())
        curve["lists"].append(found.all(-1).mean())
        done(last / reader.STEPS)
    share = float(curve["lists"][-1])
    scores = np.asarray(reader.score(state[0], unseen))
    dealt = np.asarray(lists[:7])
    in_order = np.take_along_axis(dealt, np.argsort(reader.score(state[0], dealt), -1)[..., None], 1)
    claim = Claim(
        "A network learns to sort handwriting from the right order of each list alone.",
        f"It puts {share:.1%} of {_TEST_LISTS:,} lists of {reader.LENGTH} unseen digits fully in order ({curve['lists'][0]:.1%} "
        f"before), after {reader.STEPS:,} steps on the log-probability of the right order, `P.log_prob(order)`.",
        share > 0.9,
    )
    picture = Picture(
        "reader",
        "Left, lists of five digits as dealt and as sorted; middle, images by their score, digit by digit; right, shares of "
        "lists in order growing with the steps of training.",
        "Unseen digits. Left: seven lists as dealt, and in the order of the network's scores. Middle: all of them ranked by "
        "score; the network was never told which digit is which. Right: how many places, and whole lists, are right.",
        functools.partial(pictures.reader, pictures.Reader(dealt, in_order, scores, _STOPS, curve)),
    )
    return claim, picture, share


ACT = Act("Soft sorting", _run)
