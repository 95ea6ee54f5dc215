"""The suite `soft`: soft sorting, ranking and masking, value and gradient, beside JAX's hard sort and dense forms."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from ..harness import OURS, Case, Goal, Timing
from ..inputs import Input
from ..programs import Problem

_SOFT = "benchmarks.baselines:soft"


def cases() -> Iterator[Case]:
    million = Input((10**6,))
    yield _case("SoftSort sort", "SoftSort", 1e-3, million, others={"jax": "jax.numpy:sort"}, floors={"jax": 2})
    dense = {"jax": "benchmarks.baselines:dense_softsort"}
    yield _case("SoftSort sort", "SoftSort", 1e-2, Input((16384,)), others=dense, floors={"jax": 200})
    yield _case("SoftSort squared sort", "SoftSort squared", 1e-4, Input((10**5,)))
    for regularizer in ("l2", "kl"):
        for shape in ((64, 100), (1, 10**4), (1, 10**5), (1, 10**6)):
            for op in ("sort", "rank"):
                yield _case(f"Permutahedron {regularizer} {op}", f"Permutahedron {regularizer}", 0.1, Input(shape))
    pairs = {"jax": "benchmarks.baselines:dense_sigmoid_ranks"}
    yield _case("SigmoidSum rank", "SigmoidSum", 0.1, Input((1, 10**4)), others=pairs, floors={"jax": 200})
    yield _case("SigmoidSum rank", "SigmoidSum", 0.1, Input((1, 10**5)), within=0.2)
    yield _case("SigmoidSum top_k_mask", "SigmoidSum", 0.1, Input((1, 10**5)))
    # LapSum's own C++ takes 438 ms for these ranks, 0.78 ms for a mask of 10^4 and 9.2 ms for one of 10^5, on one core.
    yield _case("LapSum rank", "LapSum", 0.1, Input((1, 10**4)), within=0.438 / 50)
    yield _case("LapSum top_k_mask", "LapSum", 0.1, Input((1, 10**4)), within=0.78e-3 / 2)
    yield _case("LapSum top_k_mask", "LapSum", 0.1, Input((1, 10**6)), within=92e-3 / 2)
    yield _case("LapSum sort", "LapSum", 0.1, Input((1, 10**5)))


def _case(
    what: str,
    relax: str,
    temperature: float,
    x: Input,
    others: Mapping[str, str] | None = None,
    floors: Mapping[str, float] | None = None,
    within: float | None = None,
) -> Case:
    op = what.split()[-1]
    options: dict[str, Any] = {"op": op, "relax": relax, "temperature": temperature}
    if op == "top_k_mask":
        options["k"] = x.shape[-1] // 10
    goals = {name: Goal(floor) for name, floor in (floors or {}).items()}
    if within is not None:
        goals[OURS] = Goal(within, at_least=False)
    shape = x.shape if len(x.shape) > 1 else x.shape[0]
    programs = functools.partial(_programs, x, options, dict(others or {}), temperature)
    return Timing("value and gradient", f"{what} {shape}", programs, goals=goals, slow=x.nbytes >= 4 * 10**6 and not goals)


def _programs(x: Input, options: dict[str, Any], others: dict[str, str], temperature: float) -> dict[str, Any]:
    programs = Problem({OURS: _SOFT}, x, options).value_and_vjp()
    for name, path in others.items():
        hard = path.startswith("jax.numpy")
        programs |= Problem({name: path}, x, {} if hard else {"temperature": temperature}).value_and_vjp()
    return programs
