"""The pictures of act 5: soft permutations from hot to cold, and what a network learnt through one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import sortax as sx

from .style import Theme, bare, figure, sheet


@dataclass(frozen=True)
class Permutations:
    """For each relaxation one matrix a temperature, with the elements in columns."""

    x: np.ndarray
    temperatures: Sequence[float]
    matrices: dict[str, list[np.ndarray]]


@dataclass(frozen=True)
class Reader:
    """Lists of images, dealt and in order; scores of shape (digit, image); and a share at each stop."""

    dealt: np.ndarray
    in_order: np.ndarray
    scores: np.ndarray
    stops: Sequence[int]
    curves: dict[str, list[float]]


def permutations(data: Permutations, theme: Theme) -> Figure:
    fig = figure(theme, 10, 6.2, "As the temperature falls, each place settles on one element")
    order = np.argsort(data.x)
    axes = fig.subplots(len(data.matrices), len(data.temperatures))
    for row, (name, matrices) in zip(axes, data.matrices.items(), strict=True):
        for ax, t, P in zip(row, data.temperatures, matrices, strict=True):
            # A square root, so that small weights are seen as well.
            ax.imshow(np.sqrt(P[:, order]), cmap=theme.weight, vmin=0, vmax=1)
            bare(ax)
            if name == next(iter(data.matrices)):
                ax.set_title(f"t = {t:g}")
        row[0].set_ylabel(name, color=theme.ink)
    return fig


def reader(data: Reader, theme: Theme) -> Figure:
    share = data.curves["lists"][-1]
    fig = figure(theme, 10, 4.1, f"Taught only orders, a network sorts {share:.0%} of lists of digits it has not seen")
    left, middle, right = fig.subplots(1, 3, width_ratios=(1.35, 1, 1))
    _lists(left, data, theme)
    _line(middle, data, theme)
    _curves(right, data, theme)
    return fig


def _lists(ax: Any, data: Reader, theme: Theme) -> None:
    before, after = sheet(data.dealt), sheet(data.in_order)
    gap = np.zeros((before.shape[0], before.shape[1] // 4))
    ax.imshow(np.concatenate([before, gap, after], 1), cmap=theme.pen, vmin=0, vmax=1)
    ax.annotate(
        "",
        (before.shape[1] + 0.8 * gap.shape[1], before.shape[0] / 2),
        (before.shape[1] + 0.2 * gap.shape[1], before.shape[0] / 2),
        arrowprops={"arrowstyle": "-|>", "color": theme.sortax, "linewidth": 1.6},
    )
    bare(ax)
    ax.set_title("As dealt, and as sorted by score")


def _line(ax: Any, data: Reader, theme: Theme) -> None:
    ranks = np.asarray(sx.rank(data.scores.ravel())).reshape(data.scores.shape)
    rng = np.random.default_rng(0)
    for digit, places in enumerate(ranks):
        jitter = rng.uniform(-0.28, 0.28, places.size)
        color = theme.order(digit / (len(ranks) - 1))
        ax.scatter(places, digit + jitter, s=5, color=color, linewidths=0)
    ax.set(yticks=range(len(ranks)), xlabel="rank of the score", ylabel="digit")
    ax.set_title("It found the line of numbers")


def _curves(ax: Any, data: Reader, theme: Theme) -> None:
    # Step 0 has no place on a logarithmic axis: it stands where step 3 would.
    steps = np.maximum(data.stops, 3)
    for name, color, side, shift in (("places", theme.jax, "right", (-9, 4)), ("lists", theme.sortax, "left", (9, -9))):
        ax.plot(steps, data.curves[name], "o-", color=color, markersize=5, markeredgewidth=0)
        at = (steps[3], data.curves[name][3])
        ax.annotate(name, at, shift, textcoords="offset points", color=color, ha=side)
    ax.set_xscale("log")
    ax.set_xticks(steps, [f"{stop:,}" for stop in data.stops])
    ax.minorticks_off()
    ax.set(ylim=(0, 1.02), xlabel="steps of training", ylabel="share that is right")
    ax.set_title("Learning")
