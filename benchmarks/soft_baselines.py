"""Soft ops by name, and what is compared with them: the same call for all, of which each takes what it needs."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

import sortax as sx


def soft(x: Array, op: str, relax: str, temperature: float, **options: int) -> Array:
    name, *flags = relax.split()
    on_axis = {} if op == "sort" else {"axis": -1}
    return getattr(sx, op)(x, **options, **on_axis, relax=getattr(sx, name)(temperature, *flags))


def hard_sort(x: Array, **_: Any) -> Array:
    return jnp.sort(x)


def dense_softsort(x: Array, temperature: float, **_: Any) -> Array:
    return jax.nn.softmax(-jnp.abs(jnp.sort(x)[:, None] - x) / temperature, axis=1) @ x


def dense_sigmoid_ranks(x: Array, temperature: float, **_: Any) -> Array:
    return jnp.sum(jax.nn.sigmoid((x[..., :, None] - x[..., None, :]) / temperature), -1) - 0.5


def torchsort(x: Any, op: str, relax: str, temperature: float) -> Any:
    import torchsort

    regularizer = relax.split()[1]
    return getattr(torchsort, f"soft_{op}")(x, regularization=regularizer, regularization_strength=temperature)


def lapsum(x: Any, op: str, temperature: float, k: int = 0, **_: Any) -> Any:
    """LapSum's own C++, of which ranks count from the largest."""
    import torch

    # Its gradients need the temperature, and the number of elements, to be among the variables.
    alpha = torch.tensor(temperature, requires_grad=True)
    if op == "rank":
        from lapsum.rank import soft_rank

        return soft_rank(x, alpha, 1)
    from lapsum.topk import soft_topk

    return soft_topk(x, torch.full((x.shape[0], 1), float(k), requires_grad=True), alpha)


def rax_ranks(x: Array, temperature: float, **_: Any) -> Array:
    """What its `approx_t12n` ranks by, counted from the largest."""
    import rax

    return rax.utils.approx_ranks(x / temperature)
