"""Functions of distance as short sums of exponentials, Re sum of a exp(-b z) for z >= 0: tables of (b, a).

Found by ESPRIT, from the leading eigenvectors of the Hankel matrix of samples in 40 digits, with least squares for the a.
Beylkin and Monzón, "On approximation of functions by exponential sums" (2005).
"""

import jax.numpy as jnp
from jax.typing import DTypeLike
from jaxtyping import Array, Inexact

# exp(-z^2), off by 9e-8 and by 4e-14.
_GAUSSIAN_32 = [
    (3.352424767713654 + 5.054654420808166j, -0.019002609238562156 + 0.02281100755868459j),
    (3.459472766322245 + 3.4036161305895054j, 0.8778210204307589 - 0.3132765778015431j),
    (3.5196157622958966 + 1.983131718544905j, -5.9110199396373675 - 2.359088162893131j),
    (3.5474638681427604 + 0.652603110124723j, 6.052201525247434 + 14.201440295342826j),
]
_GAUSSIAN_64 = [
    (4.467724448920641 + 8.34494766233432j, 3.7654035292921327e-06 - 5.887776891280412e-07j),
    (4.535959193200834 + 6.886519158089037j, -0.0009003419413397914 + 4.396219812698922e-05j),
    (4.5802072760677754 + 5.655298275654735j, 0.03844057313872103 + 0.016991192532533395j),
    (4.611062722377881 + 4.5336107530673715j, -0.3626174424232755 - 0.6342368697857462j),
    (4.632848555953345 + 3.47609199651344j, -1.3029430098248578 + 5.948838453929552j),
    (4.6478108459447105 + 2.4587054260052588j, 23.468616215908455 - 14.62855716176041j),
    (4.657214733105359 + 1.4661590905049962j, -70.59922283301293 - 20.26453145975381j),
    (4.6617595981455855 + 0.48726493253534686j, 49.758623072751696 + 107.71742001122394j),
]

# 1/(1 + exp(z)), off by 2e-8 and by 5e-14.
_LOGISTIC_32 = [
    (1.0000143011767377, 1.0001251945663447),
    (1.9846321849057584, -0.9190579234937977),
    (2.7330899739157237 + 0.5433398662638333j, 0.42510533116238836 + 0.10055475125556895j),
    (3.3569424150110048 + 1.9264049588998322j, -0.006172602573186712 + 0.006563136525324624j),
]
_LOGISTIC_64 = [
    (0.9999999999999953, 0.9999999999999449),
    (2.000000000103946, -1.0000000009039878),
    (2.9999997458252246, 0.999998214411938),
    (4.000154717272166, -1.0009065166798647),
    (4.9708087526976, 0.8765938862057518),
    (5.695946821814965 + 0.577326725764848j, -0.3833510638109932 - 0.022899819242114032j),
    (6.3541860985620655 + 1.712252280747013j, 0.0076307268710531515 - 0.010847069864542251j),
    (7.080752795636876 + 3.1415519602000823j, 3.507725769253042e-05 + 0.00018324179967588847j),
    (7.933148528448392 + 5.095298632730534j, -3.2335153473952027e-07 - 4.803637407764709e-07j),
]


def exponential(dtype: DTypeLike) -> tuple[Inexact[Array, " terms"], Inexact[Array, " terms"]]:
    """The b and a of exp(-z), for numbers of that floating dtype."""
    return jnp.ones(1, dtype), jnp.ones(1, dtype)


def gaussian(dtype: DTypeLike) -> tuple[Inexact[Array, " terms"], Inexact[Array, " terms"]]:
    """Those of exp(-z^2)."""
    return _table(_GAUSSIAN_32, _GAUSSIAN_64, dtype)


def logistic(dtype: DTypeLike) -> tuple[Inexact[Array, " terms"], Inexact[Array, " terms"]]:
    """Those of 1/(1 + exp(z))."""
    return _table(_LOGISTIC_32, _LOGISTIC_64, dtype)


def _table(
    single: list[tuple[complex, complex]], double: list[tuple[complex, complex]], dtype: DTypeLike
) -> tuple[Array, Array]:
    is_double = jnp.dtype(dtype) == jnp.float64
    rates, weights = zip(*(double if is_double else single), strict=True)
    kind = jnp.complex128 if is_double else jnp.complex64
    return jnp.array(rates, kind), jnp.array(weights, kind)
