"""Every interface of JAX that is not documented as stable, so that a change of JAX is met in one place.

First those that the primitives need. Then those that only buy speed: where JAX no longer has one of them, or has it in another
form, it is left out, and results stay as they are.
"""

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import lax
from jax.core import ShapedArray as ShapedArray  # abstract values of arrays, in lowering
from jax.core import Tracer as Tracer  # tells what is known when a function is traced
from jax.extend.core import Primitive as Primitive  # what an op is to JAX
from jax.interpreters import ad, batching, mlir
from jaxtyping import Array

# Further needed, where JAX hands them to a rule: `update` and `sharding` of abstract values, `aval` of what a transpose is linear
# in, `explicit_axes` and `update_axis_types` of meshes, `avals_in`, `avals_out` and `replace` of the context of a lowering.


def set_rules(
    primitive: Primitive,
    *,
    jvp: Callable[..., Any] | None = None,
    transpose: Callable[..., Any] | None = None,
    batch: Callable[..., Any] | None = None,
) -> None:
    """How `primitive` is differentiated and mapped."""
    for table, rule in (
        (ad.primitive_jvps, jvp),
        (ad.primitive_transposes, transpose),
        (batching.primitive_batchers, batch),
    ):
        if rule is not None:
            table[primitive] = rule


def set_lowerings(primitive: Primitive, *, anywhere: Callable[..., Any], cpu: Callable[..., Any]) -> None:
    mlir.register_lowering(primitive, anywhere)
    mlir.register_lowering(primitive, cpu, platform="cpu")


def lowered(ctx: Any, function: Callable[..., Sequence[Any]], *operands: Any) -> Any:
    """What a function that maps arrays to a list of arrays is lowered to, for the operands of `ctx`."""
    avals = [ShapedArray(aval.shape, aval.dtype) for aval in ctx.avals_in]
    return mlir.lower_fun(function, multiple_results=True)(ctx.replace(avals_in=avals, avals_out=None), *operands)


def is_zero(tangent: Any) -> bool:
    """Whether a tangent or a cotangent is one of the zeros that JAX never makes."""
    return isinstance(tangent, ad.Zero)


def zero_tangent(x: Array) -> Any:
    return ad.Zero(jax.typeof(x).to_tangent_aval())


def zero_cotangent(operand: Any) -> Any:
    """Of an operand as a transpose rule is given it."""
    return ad.Zero(operand.aval)


def varying_axes(x: Any) -> frozenset[Any]:
    """The manual axes of a mesh, inside `jax.shard_map`, along which `x` may differ from device to device."""
    aval = jax.typeof(x)
    # Of these names JAX 0.9 has the second, and newer ones the first.
    if hasattr(aval, "mat"):
        return aval.mat.varying
    if hasattr(aval, "vma"):
        return aval.vma
    if jax.sharding.get_abstract_mesh().manual_axes:
        raise NotImplementedError(
            f"JAX {jax.__version__} does not tell sortax along which axes an array varies, and inside jax.shard_map gradients "
            "would be wrong; upgrade sortax, or call it outside jax.shard_map."
        )
    return frozenset()


def made_varying(x: Array, axes: tuple[Any, ...]) -> Array:
    return lax.pcast(x, axes, to="varying") if axes else x


# From here on, what only buys speed.

partial_eval: Any = None
sdy: Any = None
with contextlib.suppress(ImportError):
    from jax.interpreters import partial_eval  # dead-code elimination
with contextlib.suppress(ImportError):
    from jax.extend.mlir.dialects import sdy  # the partitioner Shardy


def set_elimination(primitive: Primitive) -> None:
    """Dead-code elimination reaches into `primitive`: results nobody reads, named in `outputs`, are not computed."""
    if _eliminates():
        partial_eval.dce_rules[primitive] = _without_unread


def _without_unread(used: Sequence[bool], *others: Any) -> Any:
    """From the outputs that are read, and the equation behind them: which operands are read, and the equation that is left."""
    *_, equation = others
    if not any(used):
        return [False] * len(equation.invars), None
    try:
        kept = tuple(name for name, u in zip(equation.params["outputs"], used, strict=True) if u)
        variables = [variable for variable, u in zip(equation.outvars, used, strict=True) if u]
        equation = equation.replace(outvars=variables, params={**equation.params, "outputs": kept})
    except Exception:
        # An equation of another form is kept whole.
        pass
    return [True] * len(equation.invars), equation


@functools.cache
def _eliminates() -> bool:
    """Whether JAX asks for such rules and takes their answer, found out by a primitive of no other use."""
    probe = Primitive("sortax_probe")
    probe.multiple_results = True
    probe.def_abstract_eval(lambda x, *, outputs: [x] * len(outputs))
    try:
        partial_eval.dce_rules[probe] = _without_unread
        traced = jax.make_jaxpr(lambda x: probe.bind(x, outputs=("first", "second")))(jax.ShapeDtypeStruct((), bool))
        left, _ = partial_eval.dce_jaxpr(traced.jaxpr, [False, True])
        none, _ = partial_eval.dce_jaxpr(traced.jaxpr, [False, False])
        return [equation.params for equation in left.eqns] == [{"outputs": ("second",)}] and not none.eqns
    except Exception:
        return False


def is_on_one_device(ctx: Any) -> bool:
    """Whether nothing that is lowered here can be split; False if that is unknown."""
    axis_context = getattr(getattr(ctx, "module_context", None), "axis_context", None)
    return getattr(axis_context, "num_devices", None) == 1


_splittable: set[str] = set()


def allow_splitting(target: str) -> None:
    """The calls of a foreign target may be split over devices along their batch, where `batch_hints` go with them."""
    with contextlib.suppress(Exception):
        jax.ffi.register_ffi_target_as_batch_partitionable(target)
        _splittable.add(target)


def batch_hints(target: str, batch: int, operands: Sequence[Any], results: Sequence[Any]) -> dict[str, Any] | None:
    """Attributes of a call whose leading `batch` axes may be split over devices while the others stay whole.

    Both partitioners are told, XLA's older one and Shardy. None if JAX cannot be told; without attributes, which is right
    as well, arrays are gathered.
    """
    if not all(isinstance(size, int) for aval in operands for size in aval.shape):
        return {}
    if target not in _splittable:
        return None
    # A factor for each axis of the batch, then one for each axis of another length behind it.
    factors = [(d, size) for d, size in enumerate(operands[0].shape[:batch])]

    def mapping(aval: Any) -> Any:
        axes = list(enumerate(aval.shape))
        factors.extend(axis for axis in axes if axis not in factors)
        dim_mappings = [sdy.DimMappingAttr.get(factor_indices=[factors.index(axis)]) for axis in axes]
        return sdy.TensorMappingAttr.get(dim_mappings=dim_mappings)

    try:
        operand_mappings, result_mappings = ([mapping(aval) for aval in avals] for avals in (operands, results))
        rule = sdy.OpShardingRuleAttr.get(
            factor_sizes=[size for _, size in factors],
            operand_mappings=operand_mappings,
            result_mappings=result_mappings,
            is_custom=True,
            reduction_factors=[],
            need_replication_factors=list(range(batch, len(factors))),
            permutation_factors=[],
        )
        frontend = mlir.ir_attribute({"num_batch_dims": str(batch)})
    except Exception:
        return None
    return {"mhlo.frontend_attributes": frontend, "sdy.sharding_rule": rule}
