"""What JAX does not document as stable is used in one module, and without what only buys speed results stay right.

Each such interface is broken on purpose: taken away, given another form, or made to raise.
"""

import ast
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from jax.interpreters import partial_eval
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import sortax as sx
from helpers import central, deep_but, run_python
from soft import softsort
from sortax import _jax

QUICK_TO_COMPILE = True

ROOT = Path(sx.__file__).parent
X = np.random.default_rng(0).normal(size=(8, 6))
W = np.random.default_rng(1).normal(size=6)
UNSTABLE = ("jax.core", "jax.extend", "jax.interpreters", "jax._src")
needs_kernels = pytest.mark.skipif(not sx.native_status().available, reason="this installation has no kernels")


def imported(path):
    """The full names of what a file imports, and of the attributes of modules that it reads."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_one_module_alone_uses_what_is_not_stable(path):
    found = {name for name in imported(path) for module in UNSTABLE if f"{name}.".startswith(f"{module}.")}
    assert path.name == "_jax.py" or not found, found
    assert not any(name.startswith("jax._src") for name in found), found


# Each op with its value in NumPy, as functions of one vector that give one number.
REPRESENTATIVE = {
    "sort": (lambda x: sx.sort(x) @ W, lambda x: np.sort(x) @ W),
    "top_k": (lambda x: sx.top_k(x, 2)[0].sum(), lambda x: np.sort(x)[-2:].sum()),
    "median": (sx.median, np.median),
    "P.T @": (lambda x: sx.permutation(x, relax=sx.Exact("average")).T @ W @ x, lambda x: W[np.argsort(np.argsort(x))] @ x),
    "SoftSort": (lambda x: sx.sort(x, relax=sx.SoftSort(0.5)) @ W, lambda x: softsort(1)(x, 0.5) @ x @ W),
}
SPLIT = {name: REPRESENTATIVE[name] for name in ("sort", "SoftSort")}


def check(ops=REPRESENTATIVE, place=lambda x: x, wrap=lambda f: f):
    """Values and gradients of rows, which `place` puts on devices, against NumPy and central differences."""
    every = jax.jit(wrap(jax.vmap(lambda x: [jax.value_and_grad(f)(x) for f, _ in ops.values()])))
    for (value, gradient), (name, (_, oracle)) in zip(every(place(X)), ops.items(), strict=True):
        np.testing.assert_allclose(value, [oracle(x) for x in X], rtol=1e-10, err_msg=name)
        expected = [[central(oracle, x, e) for e in np.eye(6)] for x in X]
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7, err_msg=name)


def raising(*args, **options):
    raise TypeError("another form")


# What stands in the place of Shardy, and of the set of targets that XLA's older partitioner may split.
WITHOUT_HINTS = {
    "no Shardy": ("sdy", None),
    "Shardy without rules": ("sdy", SimpleNamespace()),
    "rules take other arguments": ("sdy", SimpleNamespace(DimMappingAttr=SimpleNamespace(get=raising))),
    "no target may be split": ("_splittable", set()),
}


def on_a_mesh(x):
    return jax.device_put(x, NamedSharding(jax.make_mesh((8,), ("d",), axis_types=(AxisType.Auto,)), P("d", None)))


def mapped(f):
    mesh = jax.make_mesh((8,), ("d",), axis_types=(AxisType.Auto,))
    return jax.shard_map(f, mesh=mesh, in_specs=P("d", None), out_specs=P("d"))


@pytest.mark.parametrize("broken", WITHOUT_HINTS)
def test_without_hints_for_partitioners(broken, monkeypatch):
    monkeypatch.setattr(_jax, *WITHOUT_HINTS[broken])
    check(SPLIT, on_a_mesh)


def test_without_hints_inside_shard_map(monkeypatch):
    monkeypatch.setattr(_jax, *WITHOUT_HINTS["no Shardy"])
    check(SPLIT, wrap=mapped)


@pytest.mark.parametrize("removed", [True, False])
def test_target_that_cannot_be_registered_as_splittable(removed, monkeypatch):
    if removed:
        monkeypatch.delattr(jax.ffi, "register_ffi_target_as_batch_partitionable")
    else:
        monkeypatch.setattr(jax.ffi, "register_ffi_target_as_batch_partitionable", raising)
    _jax.allow_splitting("sortax_not_there")
    assert _jax.batch_hints("sortax_not_there", 0, [], []) is None


def test_lowering_that_does_not_know_its_devices(monkeypatch):
    for context in (SimpleNamespace(), SimpleNamespace(module_context=SimpleNamespace())):
        assert not _jax.is_on_one_device(context)
    monkeypatch.setattr(_jax, "is_on_one_device", lambda ctx: False)
    check()


@needs_kernels
@pytest.mark.parametrize("form", [raising, lambda name: lambda: None], ids=["raises", "takes other arguments"])
def test_kernels_that_cannot_be_lowered_to(form, monkeypatch):
    monkeypatch.setattr(jax.ffi, "ffi_lowering", form)
    with pytest.warns(
        RuntimeWarning, match="takes the XLA path, which is slower, since JAX .* does not lower to its kernel"
    ):
        check()


class Unknown:
    """The type of an array, without what says along which axes it varies."""

    def __init__(self, aval):
        self._aval = aval

    def __getattr__(self, name):
        if name in ("mat", "vma"):
            raise AttributeError(name)
        return getattr(self._aval, name)


def test_types_that_do_not_say_what_varies(monkeypatch):
    typeof = jax.typeof
    monkeypatch.setattr(jax, "typeof", lambda x: Unknown(typeof(x)))
    # What is traced already asks for nothing.
    jax.clear_caches()
    check()
    # There nothing could be said in favour of a gradient.
    with pytest.raises(NotImplementedError, match="gradients would be wrong; upgrade sortax"):
        check(SPLIT, wrap=mapped)


def test_elimination_takes_any_form_of_equation():
    assert _jax._eliminates(), "in the JAX that is installed it works"
    equation = SimpleNamespace(invars=[1, 2], outvars=[3, 4], params={"outputs": ("a", "b")}, replace=raising)
    assert _jax._without_unread([True, False], equation) == ([True, True], equation)
    assert _jax._without_unread([True, False], "liveness", equation) == ([True, True], equation)
    assert _jax._without_unread([False, False], equation) == ([False, False], None)
    equation.params = {}
    assert _jax._without_unread([True, False], equation) == ([True, True], equation)


ELIMINATION = {
    "no module": 'sys.modules["jax.interpreters.partial_eval"] = None; del jax.interpreters.partial_eval',
    "no rules": "del jax.interpreters.partial_eval.dce_rules",
    "more arguments": "change(lambda rule, *args: rule(*args, 'more'))",
    "fewer arguments": "change(lambda rule, *args: rule(args[-1]))",
    "another answer": "change(lambda rule, *args: dict(rule(*args)))",
    "rules raise": "change(lambda rule, *args: {}['rule'])",
    "other tables": "jax.interpreters.partial_eval.dce_rules = ()",
}
PROGRAM = """
import sys, jax, jax.interpreters.partial_eval, jax._src.interpreters.partial_eval as inner

def change(call):
    class Rules(dict):
        def get(self, primitive, default):
            rule = super().get(primitive, default)
            return (lambda *args: call(rule, *args)) if primitive.name.startswith("sortax") and primitive in self else rule
    inner.dce_rules = jax.interpreters.partial_eval.dce_rules = Rules(inner.dce_rules)

BREAK
import numpy as np, sortax as sx
assert not sx._jax._eliminates()
x, w = np.array([3.0, 1.0, 2.0, 5.0], np.float32), np.array([1.0, -2.0, 4.0, 8.0], np.float32)
f = lambda x: sx.sort(x) @ w + sx.median(x)
value, gradient = jax.jit(jax.value_and_grad(f))(x)
assert (value, gradient.tolist()) == (51.5, [4.5, 1, -1.5, 8]), (value, gradient)
assert jax.hessian(lambda x: (sx.sort(x) ** 2) @ w)(x).tolist() == np.diag([8, 2, -4, 16]).tolist()
assert jax.grad(jax.checkpoint(f))(x).tolist() == gradient.tolist()
"""


@pytest.mark.parametrize("broken", deep_but(("no module", "more arguments"), ELIMINATION))
def test_without_dead_code_elimination(broken):
    run_python(PROGRAM.replace("BREAK", ELIMINATION[broken]))


def test_elimination_is_used_where_jax_has_it():
    jaxpr = jax.make_jaxpr(lambda x: sx.sort(x))(X)
    assert any(primitive.name == "sortax_sort" for primitive in partial_eval.dce_rules), jaxpr
