"""The suite `sort`: sort and argsort, forward and with the VJP, over sizes, shapes, dtypes and distributions."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import sortax as sx

from .harness import Case, Program
from .inputs import DISTRIBUTIONS, random

try:
    import torch
except ImportError:
    torch = None

Op = Callable[..., jax.Array]


def cases() -> Iterator[Case]:
    yield from _with_vjp()
    yield from _forward()
    yield from _dtypes()
    yield from _distributions()


def _with_vjp() -> Iterator[Case]:
    sizes = {10**2: 1.5, 10**3: 8, 10**4: 0, 10**5: 18, 10**6: 20, 10**7: 15}
    for n, floor in sizes.items():
        floors = {"jax": float(floor)} | ({"torch": 4.0} if n == 10**6 else {})
        yield Case(f"value and VJP, {n:.0e}", vjp_programs(random(n), -1), floors)
    for shape, axis, floor in (((1000, 1000), -1, 15.0), ((1000, 1000), 0, 10.0), ((100_000, 16), -1, 8.0)):
        x = random(int(np.prod(shape))).reshape(shape)
        yield Case(f"value and VJP, {shape} axis {axis}", vjp_programs(x, axis), {"jax": floor})


def _forward() -> Iterator[Case]:
    for n in (10**2, 10**4, 10**6):
        x = random(n).astype(np.float32)
        floors = {"jax": 35.0} if n == 10**6 else {}
        yield Case(f"sort, {n:.0e}", _programs(sx.sort, jnp.sort, np.sort, "sort", x), floors)
        floors = {"jax": 20.0, "numpy": 1.0} if n == 10**6 else {}
        yield Case(f"argsort, {n:.0e}", _programs(sx.argsort, jnp.argsort, np.argsort, "argsort", x), floors)


def _dtypes() -> Iterator[Case]:
    n = 10**6
    sort_floors = {"float64": 12, "int32": 8, "int64": 3, "float16": 30, "uint8": 20, "bfloat16": 0}
    argsort_floors = {"float64": 12, "int32": 12, "int64": 12}
    for name in sort_floors:
        dtype = jnp.dtype(name)
        scale = 1 if jnp.issubdtype(dtype, jnp.floating) else 50 if name == "uint8" else 1e8
        x = (random(n) * scale + (128 if name == "uint8" else 0)).astype(dtype)
        numpy_sort = None if name == "bfloat16" else np.sort
        yield Case(f"sort, {name}, 1e+06", _programs(sx.sort, jnp.sort, numpy_sort, None, x), {"jax": sort_floors[name]})
        if name in argsort_floors:
            programs = _programs(sx.argsort, jnp.argsort, np.argsort, None, x)
            yield Case(f"argsort, {name}, 1e+06", programs, {"jax": argsort_floors[name]})


def _distributions() -> Iterator[Case]:
    """Other inputs against the random one: the ratio tells how much longer the random one takes."""
    n = 10**6
    for op in (sx.sort, sx.argsort):
        on_random = _compiled(op, random(n).astype(np.float32))
        for name, make in DISTRIBUTIONS.items():
            if name != "random":
                own = _compiled(op, make(n).astype(np.float32))
                yield Case(f"{op.__name__}, {name}", {"sortax": own, "sortax on random": on_random})


def _compiled(op: Op, *operands: Any) -> Program:
    with jax.enable_x64(True):
        arrays = jax.device_put(operands)
        program = jax.jit(op).lower(*arrays).compile()
    return lambda: jax.block_until_ready(program(*arrays))


def _vjp(op: Op, axis: int) -> Callable[..., Any]:
    def value_and_vjp(x: jax.Array, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        y, vjp = jax.vjp(functools.partial(op, axis=axis), x)
        return y, vjp(g)[0]

    return value_and_vjp


def vjp_programs(x: np.ndarray, axis: int) -> dict[str, Program]:
    x = x.astype(np.float32)
    programs = {"sortax": _compiled(_vjp(sx.sort, axis), x, x), "jax": _compiled(_vjp(jnp.sort, axis), x, x)}
    if torch is not None:
        leaf, g = torch.tensor(x, requires_grad=True), torch.tensor(x)

        def through_torch() -> None:
            leaf.grad = None
            torch.sort(leaf, dim=axis).values.backward(g)

        programs["torch"] = through_torch
    return programs


def _programs(ours: Op, theirs: Op, numpy: Any, torch_name: str | None, x: np.ndarray) -> dict[str, Program]:
    programs: dict[str, Program] = {"sortax": _compiled(ours, x), "jax": _compiled(theirs, x)}
    if numpy is not None:
        programs["numpy"] = lambda: numpy(x)
    if torch is not None and torch_name is not None:
        tensor = torch.tensor(x)
        programs["torch"] = lambda: getattr(torch, torch_name)(tensor)
    return programs
