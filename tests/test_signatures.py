"""Signatures extend those of `jax.numpy`, and everything public is documented by examples that run."""

import doctest
import importlib
import inspect
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx

PUBLIC = {
    name: getattr(sx, name) for name in dir(sx) if not name.startswith("_") and not inspect.ismodule(getattr(sx, name))
}
FUNCTIONS = {name: f for name, f in PUBLIC.items() if inspect.isfunction(f)}
CLASSES = {name: c for name, c in PUBLIC.items() if inspect.isclass(c)}
# The counterparts in the JAX that is installed.
AS_JAX = {f"jax.numpy.{name}": getattr(jnp, name) for name in sorted(FUNCTIONS) if hasattr(jnp, name)}
AS_JAX |= {f"jax.lax.{name}": getattr(jax.lax, name) for name in ("top_k", "cummax", "cummin")}


def modules():
    """The names of all modules of the package; the tour has dependencies of its own."""
    root = Path(sx.__file__).parent
    names = (".".join(("sortax", *path.relative_to(root).with_suffix("").parts)) for path in sorted(root.rglob("*.py")))
    return [name.removesuffix(".__init__") for name in names if not name.startswith(("sortax.tour", "sortax.__main__"))]


def test_the_table_is_not_empty():
    assert {f"jax.numpy.{name}" for name in ("sort", "argsort", "quantile", "partition", "max")} <= set(AS_JAX)


@pytest.mark.parametrize("name", AS_JAX)
def test_accepts_what_jax_accepts(name):
    ours = dict(inspect.signature(FUNCTIONS[name.rpartition(".")[2]]).parameters)
    theirs = inspect.signature(AS_JAX[name]).parameters
    # An old name of `method`, which jax.numpy itself no longer takes.
    theirs = {p: parameter for p, parameter in theirs.items() if p != "interpolation"}
    # A positional-only parameter may have any name.
    unnamed = [p for p in theirs.values() if p.kind is inspect.Parameter.POSITIONAL_ONLY]
    for p, own in zip(unnamed, ours.values(), strict=False):
        assert own.kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD), own.name
        assert own.default == p.default, own.name
    ours = dict(list(ours.items())[len(unnamed) :])
    theirs = dict(list(theirs.items())[len(unnamed) :])
    assert [p for p in ours if p in theirs] == list(theirs), "names and order"
    for p in theirs.values():
        assert ours[p.name].kind == p.kind, p.name
        assert ours[p.name].default == p.default, p.name
    # Beside `relax`, an older JAX may lack what a newer one has.
    assert all(ours[p].kind is inspect.Parameter.KEYWORD_ONLY for p in ours if p not in theirs)
    assert [p for p in ours if p not in theirs][-1] == "relax"


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.startswith("segment_")])
def test_segments_are_given_as_to_jax_ops(name):
    first = list(inspect.signature(jax.ops.segment_sum).parameters)[:3]
    assert [p for p in inspect.signature(FUNCTIONS[name]).parameters if p in first] == first


def test_top_k_takes_what_either_top_k_of_jax_takes():
    """JAX 0.9 has `lax.top_k(operand, k, *, axis)`; newer ones have `is_stable` there, and `jnp.top_k` with the others."""
    x = np.array([2.0, 1.0, 3.0, 1.0, np.nan])
    for options, expected in (
        (dict(mode="largest", sorted=False), [4, 2]),
        (dict(mode="smallest", sorted=True, axis=-1), [1, 3]),
        (dict(is_stable=False), [4, 2]),
    ):
        values, indices = sx.top_k(x, 2, **options)
        assert indices.tolist() == expected
        np.testing.assert_array_equal(values, x[expected])
    assert sx.top_k(x, 3, mode="smallest", relax=sx.SoftSort(1e-6))[0].tolist() == [1, 1, 2]
    with pytest.raises(ValueError, match=r"^unknown mode 'least'; pass one of 'largest', 'smallest'\.$"):
        sx.top_k(x, 2, mode="least")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_relax_is_the_last_keyword(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    if "relax" in parameters and parameters["relax"].kind is inspect.Parameter.KEYWORD_ONLY:
        assert list(parameters)[-1] == "relax"
        assert parameters["relax"].kind is inspect.Parameter.KEYWORD_ONLY and parameters["relax"].default == sx.Exact()


# Every word that an argument has, and its default where it may be left out; a new word is one that no other op has for the same.
DATA = {"a", "operand", "data", "segment_ids", "keys", "values", "y", "q", "limits", "relax"}
INTEGERS = {"k", "kth", "num_segments"}
DEFAULTS = {
    **dict(descending=False, where=None, weights=None, keepdims=False, mode="largest", reverse=False, increasing=True),
    **dict(num_segments=None, out=None, overwrite_input=False, kind=None, order=None, stable=True, is_stable=True),
    **dict(sorted=True, dtype=None, initial=None, out_sharding=None, batch_size=16, relax=sx.Exact()),
}
# Those that depend on the op: by what it is named after in NumPy, SciPy or JAX.
OWN_DEFAULTS = {"axis", "method", "limits"}
NEEDED = (DATA - {"limits"}) | (INTEGERS - {"num_segments"}) | {"neighbours"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_axis_follows_data_and_integers(name):
    parameters = list(inspect.signature(FUNCTIONS[name]).parameters)
    if "axis" in parameters and f"jax.numpy.{name}" not in AS_JAX and f"jax.lax.{name}" not in AS_JAX:
        assert set(parameters[: parameters.index("axis")]) <= DATA | INTEGERS | {"neighbours"}
        after = parameters[parameters.index("axis") + 1 :]
        assert not set(after) & (DATA - {"relax"} | INTEGERS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_argument_has_one_word_and_one_default(name):
    for word, parameter in inspect.signature(FUNCTIONS[name]).parameters.items():
        if parameter.default is inspect.Parameter.empty:
            assert word in NEEDED, word
        elif word not in OWN_DEFAULTS:
            assert word in DEFAULTS and parameter.default == DEFAULTS[word], word


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_array_is_named_as_in_jax(name):
    """`data` beside segment ids, `operand` in the ops of `jax.lax`, `keys` where there may be several, and else `a`."""
    first = next(iter(inspect.signature(FUNCTIONS[name]).parameters), None)
    named = {"bottom_k": "operand", "sort_by": "keys", "permutation": "keys", "lexsort": "keys", "isotonic_regression": "y"}
    like_lax = "operand" if f"jax.lax.{name}" in AS_JAX else "a"
    if first is not None:
        assert first == ("data" if name.startswith("segment_") else named.get(name, like_lax))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_documented(name):
    f = FUNCTIONS[name]
    text, parameters = inspect.getdoc(f) or "", inspect.signature(f).parameters
    needed = ["**Returns:**", ">>> "]
    if parameters:
        needed += ["**Arguments:**", "**Cost:**", "**Raises:**", "**Ties:**", "**NaN:**", *(f"`{p}`" for p in parameters)]
    assert [part for part in needed if part not in text] == []
    assert len(text.splitlines()[0]) <= 125


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_documented(name):
    cls = CLASSES[name]
    assert cls.__doc__ and not cls.__doc__.startswith(f"{name}("), "a docstring of its own"
    # A field that an abstract class declares is documented in that class.
    declared = {field for base in cls.__mro__[1:] for field in inspect.get_annotations(base)}
    for member, value in vars(cls).items():
        if (
            not member.startswith("_")
            and member not in declared
            and (inspect.isfunction(value) or isinstance(value, property))
        ):
            assert inspect.getdoc(getattr(cls, member)), f"{name}.{member}"


def test_dir_is_the_public_api():
    """What is exported is defined here, and shows no name of another library."""
    assert [name for name, value in PUBLIC.items() if not getattr(value, "__module__", "sortax").startswith("sortax")] == []
    assert sx.__version__.count(".") == 2


@pytest.mark.parametrize("name", modules())
def test_doctests(name):
    module = importlib.import_module(name)
    runner, failures = doctest.DocTestRunner(), []
    # The examples are run as a reader would run them, in JAX's default settings.
    with jax.enable_x64(False), jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        for test in doctest.DocTestFinder(exclude_empty=True).find(module):
            runner.run(test, out=failures.append)
    assert not failures, "".join(failures)


def test_files_are_short():
    for path in Path(sx.__file__).parent.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 300, path
