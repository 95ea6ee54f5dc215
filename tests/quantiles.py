"""The methods of quantiles, and numbers and probabilities that the tests of quantiles share."""

import jax
import numpy as np

import sortax as sx

CONTINUOUS = ("linear", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased")
STEPPING = (
    "lower",
    "higher",
    "midpoint",
    "nearest",
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
)
METHODS = CONTINUOUS + STEPPING
# Every rank of up to ten elements is hit exactly, or to a rounding, and between them.
Q = np.concatenate([np.linspace(0, 1, 11), [0.123, 0.777, 0.25, 0.75, 1e-9, 1 - 1e-9]])
X = np.random.default_rng(0).normal(size=(3, 10))


def close(actual, expected, rtol=1e-14, note=""):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol, err_msg=note)


@jax.jit
def by_every_method(x, q):
    return {method: sx.quantile(x, q, -1, method=method) for method in METHODS}
