"""Act 6: how long a sort and its gradient take, from a hundred numbers to a million."""

import functools
import statistics

import jax
import jax.numpy as jnp
import numpy as np

import sortax as sx

from ..act import Act, Chapter, Picture, Step, Table
from ..measure import alternate, duration, power_of_ten, speed_claim, with_vjp
from ..pictures import timings as pictures

_SIZES = tuple(round(10 ** (k / 2)) for k in range(4, 13))
_FORWARD, _GRADIENT = "forward", "value + VJP"
_SORTS = {"jnp.sort": jnp.sort, "sx.sort": sx.sort}


def _run(step: Step) -> Chapter:
    rng = np.random.default_rng(4)
    taken = {}
    for k, n in enumerate(_SIZES):
        step(f"{n:,} numbers", k / len(_SIZES))
        x, g = (jnp.asarray(rng.standard_normal(n, np.float32)) for _ in range(2))
        programs = {(_FORWARD, name): functools.partial(jax.jit(f), x) for name, f in _SORTS.items()}
        programs |= {(_GRADIENT, name): functools.partial(with_vjp(f), x, g) for name, f in _SORTS.items()}
        short = n < 10**5
        times = alternate(programs, rounds=11 if short else 3, at_least=5e-3 if short else 0.05)
        taken[n] = {key: statistics.median(values) for key, values in times.items()}
    curves = {what: {name: [taken[n][what, name] for n in _SIZES] for name in _SORTS} for what in (_FORWARD, _GRADIENT)}
    return Chapter(
        lead=f"Both programs compiled, random float32 numbers, each call as a user makes it; sortax runs on {speed_claim()[1]}.",
        tables=[_table(curves)],
        pictures=[
            Picture(
                "timings",
                "Two plots with logarithmic axes of time against length, for jnp.sort and sortax.",
                "Medians of calls in turn, on logarithmic axes. The fixed cost of a call from Python is included.",
                functools.partial(pictures.timings, pictures.Timings(_SIZES, curves)),
            )
        ],
    )


def _table(curves: dict[str, dict[str, list[float]]]) -> Table:
    rows = []
    for k, n in enumerate(_SIZES):
        if np.log10(n) % 1:
            continue
        row = [power_of_ten(n)]
        for what in (_FORWARD, _GRADIENT):
            theirs, ours = (curves[what][name][k] for name in ("jnp.sort", "sx.sort"))
            row += [duration(theirs), duration(ours), f"{theirs / ours:.1f}×"]
        rows.append(row)
    head = ("numbers", "jnp.sort, forward", "sx.sort", "ratio", "jnp.sort, value + VJP", "sx.sort", "ratio")
    return Table("Time a call", head, rows)


ACT = Act("The timings", _run)
