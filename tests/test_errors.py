"""Bad input raises at trace time, as one sentence of the right type that names what was given or what to pass."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from helpers import RELAXATIONS

X = np.zeros((3, 4), np.float32)
OPS = {
    "sort": lambda x, axis=-1, relax=sx.Exact(): sx.sort(x, axis, relax=relax),
    "argsort": lambda x, axis=-1, relax=sx.Exact(): sx.argsort(x, axis, relax=relax),
    "sort_by": lambda x, axis=-1, relax=sx.Exact(): sx.sort_by(x, X, axis, relax=relax),
    "permutation": lambda x, axis=-1, relax=sx.Exact(): sx.permutation(x, axis, relax=relax),
}

# Arguments that no op accepts.
FOR_EVERY_OP = {
    "axis too large": (lambda op: op(X, 2), ValueError, r"axis 2 is out of range for an array with 2 axes"),
    "axis too small": (lambda op: op(X, -3), ValueError, r"axis -3 .* from -2 to 1"),
    "axis of a scalar": (lambda op: op(np.float32(1)), ValueError, r"0 axes.*scalar"),
    "axis not an integer": (lambda op: op(X, 1.0), TypeError, r"axis must be an integer.*1\.0"),
    "axis a string": (lambda op: op(X, "0"), TypeError, r"axis must be an integer"),
    "axis a tuple": (lambda op: op(X, (0, 1)), TypeError, r"axis must be an integer"),
    "list": (lambda op: op([1.0, 2.0]), TypeError, r"must be an array, got list"),
    "None": (lambda op: op(None), TypeError, r"must be an array, got NoneType"),
    "strings": (lambda op: op(np.array(["b", "a"])), TypeError, r"must be a numeric or boolean array"),
    "objects": (lambda op: op(np.array([None, 1])), TypeError, r"must be a numeric or boolean array"),
    "dates": (lambda op: op(np.array(["2020-01-01"], "datetime64[D]")), TypeError, r"must be a numeric or boolean array"),
    "relax a string": (lambda op: op(X, relax="average"), TypeError, r"relax must be a relaxation .*'average'"),
    "relax a class": (lambda op: op(X, relax=sx.Exact), TypeError, r"relax must be a relaxation"),
    "relax None": (lambda op: op(X, relax=None), TypeError, r"relax must be a relaxation .*None"),
}

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
}
CASES = {
    f"{case}, {name}": (lambda f=f, op=op: f(op), *rest)
    for case, (f, *rest) in FOR_EVERY_OP.items()
    for name, op in OPS.items()
}


@pytest.mark.parametrize("case", CASES)
def test_raises_one_sentence_when_traced(case):
    f, kind, pattern = CASES[case]
    with pytest.raises(kind, match=pattern) as caught:
        jax.eval_shape(f)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and 20 < len(sentence) < 300, sentence
    assert type(caught.value) is kind


def test_integers_may_be_sorted_under_every_policy():
    for relax in RELAXATIONS.values():
        assert sx.sort(np.array([2, 1]), relax=relax).tolist() == [1, 2]


def test_axis_may_be_any_integer_type():
    for axis in (np.int64(1), True, np.uint8(1)):
        assert sx.sort(X, axis).shape == X.shape


def test_dtype_holds_exactly_the_last_index():
    assert sx.argsort(np.zeros(128), dtype=np.int8).dtype == jnp.int8
    assert sx.argsort(np.zeros(256), dtype=np.uint8)[-1] == 255


def test_relaxations_are_frozen():
    relax = sx.Exact()
    with pytest.raises(AttributeError):
        relax.ties = "average"
