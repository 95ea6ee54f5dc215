"""The suite `soft`: soft sorts, ranks and masks, value and gradient, beside JAX, dense forms, torchsort, rax and LapSum."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..harness import OURS, Case, Goal, Timing
from ..inputs import Input
from ..programs import MISSING, Problem


def cases() -> Iterator[Case]:
    million = Input((10**6,))
    yield _case("SoftSort sort", "SoftSort", 1e-3, million, {"jax": "hard_sort"}, {"jax": 2})
    for relax, floor in (("LapSum", 4), ("SigmoidSum", 1.5)):
        yield _case(f"{relax} sort", relax, 1e-3, million, {"jax": "hard_sort"}, {"jax": floor})
    yield _case("SoftSort sort", "SoftSort", 1e-2, Input((16384,)), {"jax": "dense_softsort"}, {"jax": 200})
    yield _case("SoftSort squared sort", "SoftSort squared", 1e-4, Input((10**5,)))
    for regularizer in ("l2", "kl"):
        for shape, floor in (((64, 100), 1.5), ((1, 10**4), None), ((1, 10**5), 3), ((1, 10**6), 3)):
            for op in ("sort", "rank"):
                floors = {"torchsort": floor} if floor and op == "rank" and (regularizer == "l2" or floor < 2) else {}
                relax = f"Permutahedron {regularizer}"
                yield _case(f"{relax} {op}", relax, 0.1, Input(shape), {"torchsort": "torchsort"}, floors)
    dense = {"jax": "dense_sigmoid_ranks", "rax": "rax_ranks"}
    yield _case("SigmoidSum rank", "SigmoidSum", 0.1, Input((1, 10**4)), dense, {"rax": 200})
    yield _case("SigmoidSum rank", "SigmoidSum", 0.1, Input((1, 10**5)), within=0.2)
    yield _case("SigmoidSum top_k_mask", "SigmoidSum", 0.1, Input((1, 10**5)))
    # Where LapSum's own C++ is not installed, its time on one core: 438 ms for ranks, 0.78 ms and 92 ms for masks.
    own = {"lapsum": "lapsum"}
    yield _case("LapSum rank", "LapSum", 0.1, Input((1, 10**4)), own, {"lapsum": 50}, within=0.438 / 50)
    yield _case("LapSum top_k_mask", "LapSum", 0.1, Input((1, 10**4)), own, {"lapsum": 2}, within=0.78e-3 / 2)
    yield _case("LapSum top_k_mask", "LapSum", 0.1, Input((1, 10**6)), own, {"lapsum": 2}, within=92e-3 / 2)
    yield _case("LapSum sort", "LapSum", 0.1, Input((1, 10**5)))
    yield _case("SigmoidSum sort", "SigmoidSum", 0.1, Input((1, 10**4)))


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
    names = {OURS: "soft", **(others or {})}
    goals = {name: Goal(floor) for name, floor in (floors or {}).items()}
    if within is not None and not any(name in goals and name not in MISSING for name in names):
        goals[OURS] = Goal(within, at_least=False)
    shape = x.shape if len(x.shape) > 1 else x.shape[0]
    problem = Problem({library: f"benchmarks.soft_baselines:{name}" for library, name in names.items()}, x, options)
    slow = x.nbytes >= 4 * 10**6 and not goals
    # Idle threads of PyTorch would go on spinning on the cores that sortax is timed on.
    passive = {"OMP_WAIT_POLICY": "passive"} if {"torchsort", "lapsum"} & names.keys() else {}
    title = f"{what} {shape}"
    return Timing("value and gradient", title, problem.value_and_vjp, goals=goals, slow=slow, environment=passive)
