"""Handlers given what no lowering gives them, as an edited export could: one sentence that names the array, and no crash.

Each handler is called directly, first as it should be and then with one thing wrong at a time.
"""

import dataclasses
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx

pytestmark = pytest.mark.skipif(not sx.native_status().available, reason="this installation has no kernels")


@dataclasses.dataclass(frozen=True)
class Call:
    """A handler with arrays by name: (shape, dtype) of each operand and result."""

    operands: dict[str, tuple[tuple[int, ...], str]]
    results: dict[str, tuple[tuple[int, ...], str]]
    attributes: dict[str, Any]
    main: tuple[str, ...]
    """The operands that the other arrays are held to: where one of these changes, the others are named."""

    def run(self, name: str) -> Any:
        results = [jax.ShapeDtypeStruct(*result) for result in self.results.values()]
        operands = [jnp.zeros(*operand) for operand in self.operands.values()]
        # XLA leaves out a call without effects whose results are empty.
        call = jax.ffi.ffi_call(f"sortax_{name}", results, has_side_effect=True)
        return jax.block_until_ready(call(*operands, **self.attributes))

    def error(self, name: str) -> str:
        with pytest.raises(jax.errors.JaxRuntimeError) as caught:
            self.run(name)
        return str(caught.value)


def integers(*numbers: int) -> np.ndarray:
    return np.asarray(numbers, np.int64)


FULL, ONE, SHORT = (2, 3, 4), (2, 1, 4), (2, 2, 4)
AXES = {"axis": np.int64(1), "order": integers(0, 1, 2), "shared": integers()}
SHARED = {**AXES, "shared": integers(0)}
STRUCTURE = (1, 3, 4)
TERMS = np.asarray([1.0, 0, 1, 0, 2, 1, 0.5, 0])
REAL, INDEX, BOOL = "float32", "int32", "bool"


def mapping(names: str, shape: tuple[int, ...], dtype: str) -> dict[str, tuple[tuple[int, ...], str]]:
    return dict.fromkeys(names.split(), (shape, dtype))


def linear(structure: str, dtype: str, v: str, **attributes: Any) -> Call:
    """A kernel whose first operand is a structure, here shared along the first axis."""
    operands = {structure: (STRUCTURE, dtype), v: (FULL, REAL)}
    return Call(operands, {"out": (FULL, REAL)}, {**SHARED, **attributes}, (v,))


SELECTED = {"values": (SHORT, REAL), "indices": (SHORT, INDEX)}
ORDERED = {**AXES, "descending": True}
CALLS = {
    "sort": Call(
        {"x": (FULL, REAL), "segments": (FULL, INDEX)},
        {"values": (FULL, REAL), **mapping("indices inverse first last", FULL, INDEX)},
        {**ORDERED, "outputs": np.int32(31)},
        ("x",),
    ),
    "select": Call(
        {"x": (FULL, REAL), "ranks": (SHORT, INDEX)}, SELECTED, {**ORDERED, "outputs": np.int32(3)}, ("x", "ranks")
    ),
    "top_k": Call({"x": (FULL, REAL)}, SELECTED, {**ORDERED, "k": np.int64(2), "outputs": np.int32(3)}, ("x",)),
    "partition": Call(
        {"x": (FULL, REAL)},
        {"values": (FULL, REAL), "indices": (FULL, INDEX)},
        {**AXES, "kth": integers(0, 2), "outputs": np.int32(3)},
        ("x",),
    ),
    "permute": linear("order", INDEX, "v", transpose=False),
    "run_mean": linear("run_starts", BOOL, "v", residual=False),
    "middle_of_run": linear("run_starts", BOOL, "x"),
    "linear_scan": linear("a", REAL, "b", reverse=True),
    "kernel_sum": linear("z", REAL, "v", terms=TERMS, odd=False),
    "isotonic": Call(
        {"component_starts": (STRUCTURE, BOOL), "rates": (ONE, REAL), **mapping("s w", FULL, REAL)},
        {"block_starts": (FULL, BOOL)},
        {**SHARED, "fit": np.int32(0)},
        ("w",),
    ),
    "bin_masses": Call(
        {"below": (STRUCTURE, INDEX), **mapping("offset low z", STRUCTURE, REAL), "v": (FULL, REAL)},
        {"out": (FULL, REAL)},
        {
            **SHARED,
            "terms": TERMS,
            "slopes": integers(0),
            "normalised": integers(0),
            "transpose": False,
        },
        ("v",),
    ),
    "inverse_cdf": Call(
        {"levels": (ONE, INDEX), "z": (FULL, REAL)},
        {"below": (ONE, INDEX), **mapping("offset low", ONE, REAL)},
        {**AXES, "terms": TERMS},
        ("z", "levels"),
    ),
}
# Arrays whose length no other array tells.
OF_ANY_LENGTH = {("select", "x"), ("top_k", "x"), ("inverse_cdf", "z")}
LINEAR = ["permute", "run_mean", "middle_of_run", "linear_scan", "kernel_sum"]
handlers = pytest.mark.parametrize("name", CALLS)

WRONG_ARRAYS = {
    "longer along the axis": lambda shape, dtype: ((shape[0], shape[1] + 5, shape[2]), dtype),
    "shorter along another": lambda shape, dtype: ((*shape[:2], shape[2] - 1), dtype),
    "longer along the first": lambda shape, dtype: ((shape[0] + 7, *shape[1:]), dtype),
    "empty": lambda shape, dtype: ((0, *shape[1:]), dtype),
    "one axis": lambda shape, dtype: ((int(np.prod(shape)),), dtype),
    "one more axis": lambda shape, dtype: ((*shape, 1), dtype),
    "a scalar": lambda shape, dtype: ((), dtype),
    "another type": lambda shape, dtype: (shape, "uint8" if dtype == BOOL else "float16" if dtype == INDEX else "int8"),
}


@handlers
def test_right_calls_run(name):
    CALLS[name].run(name)


@pytest.mark.parametrize("name", LINEAR)
def test_structure_without_its_shared_axes_runs(name):
    """As several devices are given it: the own axes first, then the axis worked on, then those that are shared."""
    call = CALLS[name]
    structure, v = call.operands
    presented = (4, 3, 2)
    operands = {structure: (presented[:2], call.operands[structure][1]), v: (presented, REAL)}
    attributes = {**call.attributes, "order": integers(2, 1, 0)}
    dataclasses.replace(call, operands=operands, results={"out": (presented, REAL)}, attributes=attributes).run(name)


@pytest.mark.parametrize("wrong", WRONG_ARRAYS)
@handlers
def test_wrong_arrays_are_named(name, wrong):
    call = CALLS[name]
    for role in ("operands", "results"):
        for array, (shape, dtype) in getattr(call, role).items():
            if (name, array) in OF_ANY_LENGTH and wrong == "longer along the axis":
                continue
            changed = {**getattr(call, role), array: WRONG_ARRAYS[wrong](shape, dtype)}
            message = dataclasses.replace(call, **{role: changed}).error(name)
            named = rf"sortax_{name}: {role[:-1]} {array} "
            if role == "operands" and array in call.main:
                named = rf"sortax_{name}: (operand|result|attribute) \w+ "
            assert re.search(named, message), message


@handlers
def test_missing_and_surplus_arrays_are_counted(name):
    call = CALLS[name]
    for role in ("operands", "results"):
        arrays = getattr(call, role)
        last = list(arrays.values())[-1]
        others = [{**arrays, "another": last, "and another": last}]
        if role == "operands":
            others.append({})
        if len(arrays) > 1 and (name, role) != ("sort", "operands"):
            others.append(dict(list(arrays.items())[:-1]))
        for changed in others:
            message = dataclasses.replace(call, **{role: changed}).error(name)
            assert re.search(rf"sortax_{name}: there are \w+ {role}", message), message


@handlers
def test_missing_and_surplus_attributes_are_named(name):
    call = CALLS[name]
    for attribute in call.attributes:
        fewer = {key: value for key, value in call.attributes.items() if key != attribute}
        message = dataclasses.replace(call, attributes=fewer).error(name)
        assert re.search(rf"sortax_{name}: (attribute {attribute} is missing|there are \d+ attributes)", message), message
        other = {**call.attributes, attribute: "text"}
        message = dataclasses.replace(call, attributes=other).error(name)
        assert f"sortax_{name}: attribute {attribute} is missing or of another type" in message
    message = dataclasses.replace(call, attributes={**call.attributes, "surplus": True}).error(name)
    assert f"sortax_{name}: there are {len(call.attributes) + 1} attributes" in message


WRONG_AXES = {
    "axis": [np.int64(-1), np.int64(3), np.int64(2**62)],
    "order": [integers(0, 1), integers(0, 1, 1), integers(0, 1, 3), integers(-1, 0, 1), integers()],
    "shared": [integers(1), integers(3), integers(-1), integers(0, 0)],
}


@pytest.mark.parametrize("attribute", WRONG_AXES)
@handlers
def test_wrong_axes_are_named(name, attribute):
    call = CALLS[name]
    for value in WRONG_AXES[attribute]:
        message = dataclasses.replace(call, attributes={**call.attributes, attribute: value}).error(name)
        assert f"sortax_{name}: attribute {attribute} " in message


WRONG_ATTRIBUTES = [
    *((name, "outputs", np.int32(value)) for name in ("sort", "select", "top_k", "partition") for value in (0, 32, -1)),
    ("top_k", "k", np.int64(4)),
    ("top_k", "k", np.int64(-1)),
    *(("partition", "kth", integers(*kth)) for kth in [(3,), (-1,), (2, 1), (1, 1)]),
    *((name, "terms", TERMS[:count]) for name in ("kernel_sum", "inverse_cdf", "bin_masses") for count in (0, 3, 7)),
    *(("isotonic", "fit", np.int32(value)) for value in (-1, 3)),
    *(("bin_masses", "slopes", slopes) for slopes in (integers(), integers(-1), integers(1001), integers(0, 0, 0, 0))),
    ("bin_masses", "normalised", integers(0, 1)),
]


@pytest.mark.parametrize(("name", "attribute", "value"), WRONG_ATTRIBUTES)
def test_wrong_attributes_are_named(name, attribute, value):
    call = CALLS[name]
    message = dataclasses.replace(call, attributes={**call.attributes, attribute: value}).error(name)
    assert f"sortax_{name}: attribute {attribute} " in message


def test_shared_axes_need_a_structure():
    for name in ("sort", "select", "top_k", "partition", "inverse_cdf"):
        call = CALLS[name]
        assert "attribute shared is [0], expected to be empty" in dataclasses.replace(
            call, attributes={**call.attributes, **SHARED}
        ).error(name)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("index", [-1, 3, 2**31 - 1, -(2**31)])
def test_indices_outside_the_axis_are_not_followed(index, transpose):
    call = jax.ffi.ffi_call("sortax_permute", jax.ShapeDtypeStruct((3,), jnp.float32))
    order = jnp.asarray([0, index, 2], jnp.int32)
    with pytest.raises(jax.errors.JaxRuntimeError, match="sortax_permute: operand order has an index outside 0 to 2"):
        jax.block_until_ready(
            call(
                order, jnp.zeros(3, jnp.float32), axis=np.int64(0), order=integers(0), shared=integers(), transpose=transpose
            )
        )


def test_ranks_outside_the_axis_are_brought_into_it():
    x = np.asarray([3.0, 1.0, 2.0], np.float32)
    ranks = np.asarray([-(2**31), -1, 0, 2, 3, 2**31 - 1], np.int32)
    call = jax.ffi.ffi_call("sortax_select", [jax.ShapeDtypeStruct(ranks.shape, jnp.float32)])
    attributes = {"axis": np.int64(0), "order": integers(0), "shared": integers(), "descending": False}
    (values,) = call(x, ranks, **attributes, outputs=np.int32(1))
    np.testing.assert_array_equal(values, np.sort(x)[np.clip(ranks, 0, 2)])
