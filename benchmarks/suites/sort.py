"""The suite `sort`: sort and argsort, forward and with the VJP, over sizes, shapes, dtypes and distributions."""

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping

from ..harness import OURS, Case, Goal, Timing
from ..inputs import DISTRIBUTIONS, Input
from ..processes import ImportTime, PeakMemory
from ..programs import MISSING, Problem, Program

_OPS = {
    name: {"sortax": f"sortax:{name}", "jax": f"jax.numpy:{name}", "numpy": f"numpy:{name}", "torch": f"torch:{name}"}
    for name in ("sort", "argsort")
}
_DTYPES = "float64 float16 bfloat16 int64 int32 int16 int8 uint32 uint8 bool".split()
_MILLION = (10**6,)
_RANDOM = f"{OURS}, random"


def cases() -> Iterator[Case]:
    yield from _value_and_vjp()
    yield from _forward()
    yield from _dtypes()
    yield from _distributions()
    yield from _without_kernels()
    yield from _processes()


def _value_and_vjp() -> Iterator[Case]:
    goals = {
        (10**2,): {"jax": 1.5},
        (10**3,): {"jax": 8},
        (10**4,): {},
        (10**5,): {"jax": 18},
        _MILLION: {"jax": 20, "torch": 4},
        (10**7,): {"jax": 15},
    }
    for shape, floors in goals.items():
        yield _timing("value and VJP", "sort", Input(shape), floors, vjp=True)
    for shape, axis, floor in (((1000, 1000), -1, 15), ((1000, 1000), 0, 10), ((100_000, 16), -1, 8)):
        yield _timing("value and VJP", "sort", Input(shape), {"jax": floor}, axis=axis, vjp=True)


def _forward() -> Iterator[Case]:
    goals = {"sort": {"jax": 35}, "argsort": {"jax": 20, "numpy": 1}}
    for op, floors in goals.items():
        for exponent in range(2, 8):
            shape = (10**exponent,)
            yield _timing("forward", op, Input(shape), floors if shape == _MILLION else {})
        for shape, axis in (((64, 100), -1), ((1000, 1000), -1), ((1000, 1000), 0), ((100_000, 16), -1)):
            yield _timing("forward", op, Input(shape), {}, axis=axis)


def _dtypes() -> Iterator[Case]:
    goals = {
        "sort": {"float64": 12, "int32": 8, "int64": 3, "float16": 30, "uint8": 20},
        "argsort": {"float64": 12, "int32": 12, "int64": 12},
    }
    for op, floors in goals.items():
        for dtype in _DTYPES:
            yield _timing("dtypes", op, Input(_MILLION, dtype), {"jax": floors[dtype]} if dtype in floors else {})


def _distributions() -> Iterator[Case]:
    for op in _OPS:
        for distribution in DISTRIBUTIONS:
            if distribution != "random":
                problem = Problem(_OPS[op], Input(_MILLION, distribution=distribution))
                programs = functools.partial(_beside_random, problem)
                # No input is to take longer than the random one; a tenth is what two timings of one program differ by.
                yield Timing("distributions", f"{op} 1e6 {distribution}", programs, goals={_RANDOM: Goal(0.9)})


def _beside_random(problem: Problem) -> dict[str, Program]:
    on_random = dataclasses.replace(problem, input=dataclasses.replace(problem.input, distribution="random"))
    programs = problem.forward()
    return {OURS: programs[OURS], _RANDOM: on_random.forward(OURS)[OURS], **programs}


def _without_kernels() -> Iterator[Case]:
    problem = Problem({name: _OPS["sort"][name] for name in (OURS, "jax")}, Input(_MILLION))
    environment = {"SORTAX_NATIVE": "0"}
    programs, goals = problem.value_and_vjp, {"jax": Goal(3)}
    yield Timing("XLA path", "value and VJP of sort 1e6", programs, goals=goals, environment=environment)
    yield Timing("XLA path", "sort 1e6", problem.forward, environment=environment)


def _processes() -> Iterator[Case]:
    x = Input((10**7,))
    libraries = tuple(name for name in (OURS, "jax", "torch") if name not in MISSING)
    programs, goals = Problem(_OPS["sort"], x).value_and_vjp, {OURS: Goal(6, at_least=False)}
    yield PeakMemory("extra memory", "value and VJP of sort 1e7", x, programs, libraries, goals=goals, slow=True)
    goals = {OURS: Goal(0.3, at_least=False)}
    yield ImportTime("import", "jax, then sortax", ("jax", OURS), goals=goals)


def _timing(group: str, op: str, x: Input, floors: Mapping[str, float], axis: int = -1, vjp: bool = False) -> Case:
    problem = Problem(_OPS[op], x, {"axis": axis})
    size = math.prod(x.shape)
    name = f"{op} 1e{round(math.log10(size))}" if len(x.shape) == 1 else f"{op} {x.shape} axis {axis}"
    return Timing(
        group,
        name if x.dtype == "float32" else f"{name} {x.dtype}",
        problem.value_and_vjp if vjp else problem.forward,
        goals={program: Goal(floor) for program, floor in floors.items()},
        slow=size >= 10**7 or (size >= 10**6 and not floors),
    )
