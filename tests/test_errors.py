"""Bad input raises at trace time, as one sentence of the right type that names what was given or what to pass."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import RELAXATIONS
from ops import CALLS

X = np.zeros((3, 4), np.float32)
IDS = np.array([0, 1, 0])
MASKED = [
    "sort",
    "argsort",
    "sort_by",
    "permutation",
    "lexsort",
    "top_k",
    "bottom_k",
    "partition",
    "argpartition",
    "winsorize",
    "segment_quantile",
    "segment_median",
    "kth_value",
    "max",
    "min",
    "trimmed_mean",
    "quantile",
    "nanpercentile",
    "median",
    "nanmedian",
    "rank",
    "top_k_mask",
]
REAL = ["trimmed_mean", "winsorize", "segment_quantile", "segment_median"]
REAL += [name for name in CALLS if "quantile" in name or "percentile" in name or "median" in name]
MERGING = ["kth_value", "max", "min", "trimmed_mean", "quantile", "percentile", "nanquantile"]
MERGING += ["nanpercentile", "median", "nanmedian"]
ONE_AXIS = [name for name in CALLS if name not in MERGING]

# What no op accepts.
FOR_EVERY_OP = {
    "axis too large": (lambda op: op(X, 2), ValueError, r"axis 2 is out of range for an array with 2 axes"),
    "axis too small": (lambda op: op(X, -3), ValueError, r"axis -3 .* from -2 to 1"),
    "axis of a scalar": (lambda op: op(np.float32(1)), ValueError, r"0 axes.*scalar"),
    "axis not an integer": (lambda op: op(X, 1.0), TypeError, r"axis must be an integer.*1\.0"),
    "axis a string": (lambda op: op(X, "0"), TypeError, r"axis must be an integer"),
    "list": (lambda op: op([1.0, 2.0]), TypeError, r"must be an array, got list"),
    "None": (lambda op: op(None), TypeError, r"must be an array, got NoneType"),
    "strings": (lambda op: op(np.array(["b", "a", "c"])), TypeError, r"must be a numeric or boolean array"),
    "objects": (lambda op: op(np.array([None, 1])), TypeError, r"must be a numeric or boolean array"),
    "dates": (lambda op: op(np.array(["2020-01-01"], "datetime64[D]")), TypeError, r"must be a numeric or boolean array"),
    "relax a string": (lambda op: op(X, relax="average"), TypeError, r"relax must be a relaxation .*'average'"),
    "relax a class": (lambda op: op(X, relax=sx.Exact), TypeError, r"relax must be a relaxation"),
    "relax None": (lambda op: op(X, relax=None), TypeError, r"relax must be a relaxation .*None"),
}
FOR_SOME = {
    "axis a tuple": (ONE_AXIS, lambda op: op(X, (0, 1)), TypeError, r"axis must be an integer"),
    "where of integers": (MASKED, lambda op: op(X, where=np.ones((3, 4), int)), TypeError, r"where must be boolean.*int64"),
    "where of another shape": (MASKED, lambda op: op(X, where=np.ones(3, bool)), ValueError, r"where.*\(3, 4\).*\(3,\)"),
    "where with more axes": (MASKED, lambda op: op(X, where=np.ones((2, 3, 4), bool)), ValueError, r"where.*\(2, 3, 4\)"),
    "complex": (sorted(set(REAL)), lambda op: op(X.astype(complex)), TypeError, r"must be real"),
    "an axis twice": (MERGING, lambda op: op(X, (0, -2)), ValueError, r"axis \(0, -2\).*twice"),
    "one axis of several too large": (MERGING, lambda op: op(X, (0, 2)), ValueError, r"axis 2 is out of range"),
}
jit_ids = lambda f: lambda: jax.eval_shape(f, IDS)

FOR_ONE_OP = {
    "unknown ties": (lambda: sx.Exact("first"), ValueError, r"'first'.*'stable', 'average', 'directional'"),
    "sort kind": (lambda: sx.sort(X, kind="stable"), TypeError, r"kind='stable'"),
    "sort order": (lambda: sx.sort(X, order="f"), TypeError, r"order='f'"),
    "argsort kind": (lambda: sx.argsort(X, kind="mergesort"), TypeError, r"kind='mergesort'"),
    "argsort order": (lambda: sx.argsort(X, order="f"), TypeError, r"order='f'"),
    "indices that do not fit": (lambda: sx.argsort(np.zeros(129), dtype=np.int8), ValueError, r"int8 cannot hold .* 129"),
    "indices of floats": (lambda: sx.argsort(X, dtype=np.float32), TypeError, r"integer dtype.*float32"),
    "indices of bools": (lambda: sx.argsort(X, dtype=bool), TypeError, r"integer dtype.*bool"),
    "no keys": (lambda: sx.sort_by((), X), ValueError, r"empty tuple"),
    "no keys to permute": (lambda: sx.permutation(()), ValueError, r"empty tuple"),
    "keys in a list": (lambda: sx.sort_by([X, X], X), TypeError, r"got list"),
    "one key a list": (lambda: sx.sort_by((X, [1]), X), TypeError, r"each of the keys must be an array"),
    "keys of two shapes": (lambda: sx.sort_by((X, X[0]), X), ValueError, r"one shape.*\(3, 4\), \(4,\)"),
    "values of another length": (
        lambda: sx.sort_by(X, np.zeros(3)),
        ValueError,
        r"each of the values .*\(3, 4\).*got \(3,\)",
    ),
    "values of another shape": (lambda: sx.sort_by(X, X.T), ValueError, r"\(3, 4\).*got \(4, 3\)"),
    "values with columns in front": (lambda: sx.sort_by(X, np.zeros((2, 3, 4))), ValueError, r"got \(2, 3, 4\)"),
    "values a list of numbers": (lambda: sx.sort_by(X, ["a"]), TypeError, r"each of the values must be an array"),
    "sort_by without an axis": (lambda: sx.sort_by(X, X, None), TypeError, r"axis must be an integer"),
    "operand of another shape": (lambda: sx.permutation(X) @ X.T, ValueError, r"right-hand side.*got \(4, 3\)"),
    "operand a scalar": (lambda: sx.permutation(X) @ 1.0, ValueError, r"right-hand side.*got \(\)"),
    "operand a list": (lambda: sx.permutation(X) @ [1.0], TypeError, r"right-hand side.*got list"),
    "average of integers": (
        lambda: sx.sort_by(X, np.zeros((3, 4), int), relax=sx.Exact("average")),
        TypeError,
        r'"average".*int.*pass floats, or ties="stable"',
    ),
    "average of integer operands": (
        lambda: sx.permutation(X, relax=sx.Exact("average")).T @ np.arange(4),
        TypeError,
        r"int64",
    ),
    "reverse mode of directional": (
        lambda: jax.grad(lambda x: sx.sort(x, relax=sx.Exact("directional")).sum())(X),
        ValueError,
        r'"directional".*jax\.jvp.*ties="stable"',
    ),
    "top_k too many": (lambda: sx.top_k(X, 5), ValueError, r"k must be from 0 to 4.*got 5"),
    "top_k negative": (lambda: sx.top_k(X, -1, axis=0), ValueError, r"k must be from 0 to 3.*got -1"),
    "top_k of a float": (lambda: sx.top_k(X, 1.0), TypeError, r"k must be an integer.*1\.0"),
    "top_k traced": (lambda: jax.eval_shape(lambda k: sx.top_k(X, k), 1), TypeError, r"k must be an integer"),
    "bottom_k too many": (lambda: sx.bottom_k(X, 5), ValueError, r"k must be from 0 to 4.*got 5"),
    "top_k of all axes": (lambda: sx.top_k(X, 1, axis=None), TypeError, r"axis must be an integer"),
    "kth_value too large": (lambda: sx.kth_value(X, 4), ValueError, r"k must be from -4 to 3.*got 4"),
    "kth_value too small": (lambda: sx.kth_value(X, np.array([0, -13]), None), ValueError, r"k must be from -12 to 11.*-13"),
    "kth_value of a float": (lambda: sx.kth_value(X, 0.5), TypeError, r"k must be an integer.*float"),
    "kth_value of nothing": (lambda: sx.kth_value(X[:0], 0, 0), ValueError, r"empty"),
    "partition too large": (lambda: sx.partition(X, (0, 4)), ValueError, r"kth must be from -4 to 3.*4"),
    "partition of nothing": (lambda: sx.partition(X[:, :0], 0), ValueError, r"kth must be"),
    "argpartition too small": (lambda: sx.argpartition(X, -5), ValueError, r"kth must be from -4 to 3.*-5"),
    "partition at a float": (lambda: sx.partition(X, 1.0), TypeError, r"kth must be an integer.*1\.0"),
    "partition traced": (lambda: jax.eval_shape(lambda k: sx.partition(X, k), 1), TypeError, r"kth must be an integer"),
    "max with out": (lambda: sx.max(X, out=X), TypeError, r"out="),
    "max of nothing": (lambda: sx.max(X[:0], 0), ValueError, r"max of an empty axis.*initial"),
    "min of nothing": (lambda: sx.min(X[:, :0]), ValueError, r"min of an empty axis.*initial"),
    "max of masked integers": (lambda: sx.max(IDS, where=IDS > 0), ValueError, r"int64.*initial"),
    "limits beyond all": (lambda: sx.trimmed_mean(X, (0.5, 0.6)), ValueError, r"limits.*0\.5, 0\.6"),
    "negative limits": (lambda: sx.winsorize(X, (-0.1, 0.1)), ValueError, r"limits.*-0\.1"),
    "one limit": (lambda: sx.winsorize(X, (0.1,)), ValueError, r"limits must be two"),
    "a number for limits": (lambda: sx.trimmed_mean(X, 0.1), ValueError, r"limits must be two.*0\.1"),
    "quantile beyond 1": (lambda: sx.quantile(X, 1.5), ValueError, r"q must be from 0 to 1, got 1\.5"),
    "quantile below 0": (lambda: sx.quantile(X, np.array([0.5, -0.1])), ValueError, r"q must be from 0 to 1"),
    "quantile at NaN": (lambda: sx.nanquantile(X, np.nan), ValueError, r"q must be from 0 to 1, got nan"),
    "percentile beyond 100": (lambda: sx.percentile(X, 101), ValueError, r"q must be from 0 to 100, got 101"),
    "segment_quantile beyond 1": (lambda: sx.segment_quantile(X, IDS, 2.0), ValueError, r"q must be from 0 to 1, got 2\.0"),
    "complex q": (lambda: sx.quantile(X, 0.5j), TypeError, r"q must be real"),
    "unknown method": (lambda: sx.quantile(X, 0.5, method="cubic"), ValueError, r"unknown method 'cubic'.*'linear'"),
    "unknown method of segments": (lambda: sx.segment_quantile(X, IDS, 0.5, method="cubic"), ValueError, r"'cubic'"),
    "quantile with out": (lambda: sx.quantile(X, 0.5, out=X), TypeError, r"out="),
    "median that overwrites": (lambda: sx.median(X, overwrite_input=True), TypeError, r"overwrite_input="),
    "weights of linear": (
        lambda: sx.quantile(X, 0.5, weights=X),
        ValueError,
        r"weights.*'inverted_cdf' or 'averaged_inverted_cdf', got 'linear'",
    ),
    "weights of another shape": (lambda: sx.median(X, weights=X.T), ValueError, r"weights.*\(3, 4\).*got \(4, 3\)"),
    "a vector of weights along all": (lambda: sx.median(X, weights=X[0]), ValueError, r"weights.*got \(4,\)"),
    "weights of another length": (lambda: sx.median(X, 0, weights=X[0]), ValueError, r"weights.*got \(4,\)"),
    "complex weights": (lambda: sx.median(X, weights=X * 1j), TypeError, r"weights must be real"),
    "weights and a list": (lambda: sx.median(X, weights=[1.0]), TypeError, r"weights must be an array, got list"),
    "unknown rank": (lambda: sx.rank(X, method="first"), ValueError, r"unknown method 'first'.*'average', 'min'"),
    "unknown rank in segments": (lambda: sx.segment_rank(X, IDS, method="first"), ValueError, r"unknown method 'first'"),
    "mask too many": (lambda: sx.top_k_mask(X, 5), ValueError, r"k must be from 0 to 4.*got 5"),
    "mask negative": (lambda: sx.top_k_mask(X, -1), ValueError, r"k must be from 0 to 4.*got -1"),
    "mask of a float": (lambda: sx.top_k_mask(X, 1.0), TypeError, r"k must be .*integer.*float"),
    "mask of several k": (lambda: sx.top_k_mask(X, np.array([1, 2])), TypeError, r"k must be one integer.*\(2,\)"),
    "ids of floats": (lambda: sx.segment_sort(X, IDS * 1.0), TypeError, r"segment_ids must be integers.*float64"),
    "ids of bools": (lambda: sx.segment_median(X, IDS > 0), TypeError, r"segment_ids must be integers.*bool"),
    "ids of another length": (
        lambda: sx.segment_sort(X, IDS[:2]),
        ValueError,
        r"segment_ids .*\(3,\) or \(3, 4\), got \(2,\)",
    ),
    "traced ids": (jit_ids(lambda ids: sx.segment_rank(X, ids)), ValueError, r"num_segments must be given.*traced"),
    "segments not an integer": (lambda: sx.segment_sort(X, IDS, 2.0), TypeError, r"num_segments must be an integer.*2\.0"),
    "negative segments": (lambda: sx.segment_sort(X, IDS, -2), ValueError, r"num_segments .*-2"),
    "segment_top_k negative": (lambda: sx.segment_top_k(X, IDS, -1), ValueError, r"k must not be negative, got -1"),
    "segment_top_k of a float": (lambda: sx.segment_top_k(X, IDS, 1.5), TypeError, r"k must be an integer.*float"),
}
CASES = (
    FOR_ONE_OP
    | {
        f"{case}, {name}": (lambda f=f, op=op: f(op), *rest)
        for case, (f, *rest) in FOR_EVERY_OP.items()
        for name, op in CALLS.items()
    }
    | {
        f"{case}, {name}": (lambda f=f, name=name: f(CALLS[name]), *rest)
        for case, (names, f, *rest) in FOR_SOME.items()
        for name in names
    }
)


def test_the_table_has_every_op():
    functions = {name for name in dir(sx) if inspect.isfunction(getattr(sx, name))}
    assert set(CALLS) == functions - {"native_status", "temperature_for", "isotonic_regression"}


@pytest.mark.parametrize("case", CASES)
def test_raises_one_sentence_when_traced(case):
    f, kind, pattern = CASES[case]
    with pytest.raises(kind, match=pattern) as caught:
        jax.eval_shape(f)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and 20 < len(sentence) < 300, sentence
    assert type(caught.value) is kind


@pytest.mark.parametrize("name", CALLS)
def test_integers_are_accepted_under_every_policy(name):
    for relax in RELAXATIONS.values():
        jax.eval_shape(lambda: CALLS[name](np.arange(12).reshape(3, 4), relax=relax))
        jax.eval_shape(lambda: CALLS[name](np.zeros((3, 4), bool), relax=relax))


@pytest.mark.parametrize("name", CALLS)
def test_axis_may_be_any_integer_type(name):
    for axis in (np.int64(0), np.uint8(0), False):
        jax.eval_shape(lambda: CALLS[name](X, axis))


def test_dtype_holds_exactly_the_last_index():
    assert sx.argsort(np.zeros(128), dtype=np.int8).dtype == jnp.int8
    assert sx.argsort(np.zeros(256), dtype=np.uint8)[-1] == 255


def test_relaxations_are_frozen():
    relax = sx.Exact()
    with pytest.raises(AttributeError):
        relax.ties = "average"
