"""The suite `select`: order statistics, partitions, ranks and segments, which need a part of a sort only."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..harness import Case, Goal, Timing
from ..inputs import DISTRIBUTIONS, Input
from ..programs import Problem

_MILLION = (10**6,)
_NINE = tuple(i / 10 for i in range(1, 10))
_GROUPS = Input(_MILLION, "int32", "10^4 groups", 2)


def _op(name: str, **others: str) -> dict[str, str]:
    return {"sortax": f"sortax:{name}", "jax": f"jax.numpy:{name}", **others}


_OPS = {
    # PyTorch's median of an even number of elements is another one.
    "median": _op("median", numpy="numpy:median"),
    "quantile": _op("quantile", jax="benchmarks.baselines:quantile", numpy="numpy:quantile"),
    "max": _op("max", numpy="numpy:max", torch="torch:amax"),
    "partition": _op("partition", numpy="numpy:partition"),
    "argpartition": _op("argpartition", numpy="numpy:argpartition"),
    "top_k": _op("top_k", jax="jax.lax:top_k", torch="torch:topk"),
    "rank": _op("rank", jax="benchmarks.baselines:rank"),
    "segment_sort": _op("segment_sort", jax="benchmarks.baselines:segment_sort"),
    "segment_median": _op("segment_median", jax="benchmarks.baselines:segment_median"),
}


def cases() -> Iterator[Case]:
    half = {"kth": 500_000}
    yield _case("forward", "median", Input(_MILLION), {}, {"jax": 80})
    yield _case("value and VJP", "median", Input(_MILLION), {}, {"jax": 60}, vjp=True)
    yield _case("forward", "median", Input((1000, 1000)), {"axis": -1}, {"jax": 25})
    yield _case("forward", "median", Input((1000, 1000)), {"axis": 0}, {"jax": 20})
    yield _case("value and VJP", "median", Input((1000, 1000)), {"axis": -1}, {}, vjp=True)
    yield _case("forward", "quantile", Input(_MILLION), {"q": _NINE}, {"jax": 40}, "9 q")
    yield _case("value and VJP", "quantile", Input(_MILLION), {"q": _NINE}, {}, "9 q", vjp=True)
    yield _case("forward", "partition", Input(_MILLION), half, {"jax": 60}, "n/2")
    yield _case("forward", "argpartition", Input(_MILLION), half, {"jax": 40}, "n/2")
    for k, floor in ((10, 1), (1000, 1), (500_000, 15)):
        yield _case("forward", "top_k", Input(_MILLION), {"k": k}, {"jax": floor}, f"k = {k}")
    for dtype in ("bfloat16", "int32"):
        yield _case("forward", "top_k", Input(_MILLION, dtype), {"k": 10}, {"jax": 20}, "k = 10")
    yield _case("value and VJP", "top_k", Input(_MILLION), {"k": 1000}, {}, "k = 1000", vjp=True)
    yield _case("forward", "max", Input(_MILLION), {}, {})
    yield _case("value and VJP", "max", Input(_MILLION), {}, {}, vjp=True)
    yield _case(
        "forward", "segment_sort", Input(_MILLION), {"num_segments": 10**4}, {"jax": 12}, "10^4 groups", others=(_GROUPS,)
    )
    yield _case("forward", "segment_median", Input(_MILLION), {"num_segments": 10**4}, {}, "10^4 groups", others=(_GROUPS,))
    yield _case("forward", "rank", Input(_MILLION), {}, {"jax": 20}, "average")
    for op, options in (("median", {}), ("top_k", {"k": 1000})):
        for distribution in DISTRIBUTIONS:
            if distribution != "random":
                yield _case("distributions", op, Input(_MILLION, distribution=distribution), options, {}, distribution)
    yield _case("sizes", "median", Input((10**3,)), {}, {})
    yield _case("sizes", "median", Input((10**5,)), {}, {})
    yield _case("sizes", "median", Input((10**7,)), {}, {})
    problem = Problem(_OPS["median"], Input(_MILLION))
    yield Timing("XLA path", "median 1e6", problem.forward, environment={"SORTAX_NATIVE": "0"})


def _case(
    group: str,
    op: str,
    x: Input,
    options: Mapping[str, Any],
    floors: Mapping[str, float],
    what: str = "",
    others: tuple[Input, ...] = (),
    vjp: bool = False,
) -> Case:
    problem = Problem(_OPS[op], x, options, others)
    size = math.prod(x.shape)
    shape = f"1e{round(math.log10(size))}" if len(x.shape) == 1 else f"{x.shape} axis {options.get('axis', -1)}"
    parts = [op, shape, *([x.dtype] if x.dtype != "float32" else []), *([what] if what else [])]
    return Timing(
        group,
        " ".join(parts),
        problem.value_and_vjp if vjp else problem.forward,
        goals={program: Goal(floor) for program, floor in floors.items()},
        slow=size >= 10**7 or (size >= 10**6 and not floors),
    )
