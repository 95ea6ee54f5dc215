"""What takes no part, or is in another segment or group, changes nothing of soft sorting: masks, segments, weights, keys.

Of masks and segments `make test` holds the law in test_components.py, in single precision and with fills of any size.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sortax as sx
from soft import SOFT, numbers

QUICK_TO_COMPILE = True
X, T = numbers(12, 3), 0.4
VALUES, TARGETS = np.cos(np.arange(12.0)), np.arange(12) % 5.0
every = pytest.mark.parametrize("name", SOFT)


def close(actual, expected, note="", rtol=1e-10):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol, err_msg=note)


MASK = np.arange(12) % 3 != 1
# Each with what is left of it where the mask is True.
MASKED = {
    "rank": lambda x, where, part, relax: sx.rank(x, where=where, relax=relax)[part],
    "top_k_mask": lambda x, where, part, relax: sx.top_k_mask(x, 3, where=where, relax=relax)[part],
    "quantile": lambda x, where, part, relax: sx.quantile(x, jnp.array([0.2, 0.7]), where=where, relax=relax),
    "spearman": lambda x, where, part, relax: sx.losses.spearman(
        x, TARGETS if x.size == 12 else TARGETS[MASK], where=where, relax=relax
    ),
}
MASKED_BY_OPERATOR = {
    "sort_by": lambda x, where, part, relax: sx.sort_by(
        x, VALUES if x.size == 12 else VALUES[MASK], where=where, relax=relax
    )[:8]
}


@pytest.mark.deep
@every
def test_masks(name):
    """What is masked, even NaN, changes no value and no derivative, and has none: as if it were not there."""
    x = np.where(MASK, X, [np.nan, np.inf, -5.0] * 4)
    ops = MASKED | (MASKED_BY_OPERATOR if SOFT[name].operator else {})

    def results(x, t, where, part):
        return {op: f(x, where, part, SOFT[name].make(t)) for op, f in ops.items()}

    def both(where, part):
        f = lambda x, t: (results(x, t, where, part),) * 2
        return jax.jit(jax.jacrev(f, (0, 1), has_aux=True))

    jacobian, found = both(MASK, np.flatnonzero(MASK))(x, T)
    alone, expected = both(None, np.arange(8))(X[MASK], T)
    for op in ops:
        close(found[op], expected[op], op)
        in_x, in_t = map(np.asarray, jacobian[op])
        close(in_x[..., MASK], alone[op][0], op)
        assert not in_x[..., ~MASK].any(), op
        close(in_t, alone[op][1], op, 1e-9)


IDS = np.array([2, 0, 1, 1, 0, 2, 2, 1, 0, 0, 2, 1])
ROWS = np.argsort(IDS, kind="stable").reshape(3, 4)
SEGMENTED = {
    "segment_rank": (lambda x, relax: sx.segment_rank(x, IDS, relax=relax)[ROWS], sx.rank),
    "segment_top_k_mask": (
        lambda x, relax: sx.segment_top_k_mask(x, IDS, 2, relax=relax)[ROWS],
        lambda x, relax: sx.top_k_mask(x, 2, relax=relax),
    ),
    "segment_sort": (lambda x, relax: sx.segment_sort(x, IDS, relax=relax).reshape(3, 4), sx.sort),
    "segment_quantile": (
        lambda x, relax: sx.segment_quantile(x, IDS, 0.3, relax=relax)[:, None],
        lambda x, relax: sx.quantile(x, 0.3, relax=relax)[None],
    ),
}


@pytest.mark.deep
@every
def test_segments(name):
    """Each segment is as it would be alone, with its derivative."""
    relax = SOFT[name].make(T)
    together = lambda x: ({op: f(x, relax) for op, (f, _) in SEGMENTED.items()},) * 2
    alone = lambda x: ({op: f(x, relax=relax) for op, (_, f) in SEGMENTED.items()},) * 2
    jacobian, found = jax.jit(jax.jacrev(together, has_aux=True))(X)
    blocks, expected = jax.jit(jax.vmap(jax.jacrev(alone, has_aux=True)))(X[ROWS])
    for op in SEGMENTED:
        close(found[op], expected[op], op)
        for j, rows in enumerate(ROWS):
            own = np.asarray(jacobian[op])[j]
            close(own[:, rows], blocks[op][j], op)
            assert not np.delete(own, rows, -1).any(), op


@every
def test_weights(name):
    """Soft values are read where the weights of the exact order say; what has no weight takes no part."""
    relax, w = SOFT[name].make(T), np.array([1.0, 2, 0, 1, 3, 1, 0, 2, 1, 1, 2, 1])
    s, in_order = np.asarray(sx.sort(X[w > 0], relax=relax)), w[w > 0][np.argsort(X[w > 0])]
    q = np.array([0.1, 0.5, 0.8])
    quantiles, gradient = jax.jit(
        lambda x: (
            sx.quantile(x, q, weights=w, method="inverted_cdf", relax=relax),
            jax.grad(lambda x: sx.median(x, weights=w, relax=relax))(x),
        )
    )(X)
    close(quantiles, s[np.searchsorted(np.cumsum(in_order), q * w.sum() - 1e-9)])
    gradient = np.asarray(gradient)
    assert np.isfinite(gradient).all() and gradient.any() and not gradient[w == 0].any()


@every
def test_groups_of_keys(name):
    """Of several keys those before the last are compared exactly."""
    if not SOFT[name].operator:
        with pytest.raises(TypeError, match="has no permutation"):
            sx.permutation(X, relax=SOFT[name].make(T))
        return
    relax = SOFT[name].make(T)
    for descending in (False, True):
        found = sx.sort_by((IDS % 2, IDS // 2, X), VALUES, relax=relax, descending=descending)
        # By (0, 0), (0, 1), (1, 0), which are segments 0, 2 and 1.
        rows = ROWS[[1, 2, 0] if descending else [0, 2, 1]]
        close(found, np.ravel(sx.sort_by(X[rows], VALUES[rows], relax=relax, descending=descending)))
