"""The pictures of act 1: the Jacobian at work in both directions, and the time of a million."""

import statistics
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..measure import duration, ratio
from .style import Theme, figure

_WIDTH, _HEIGHT = 10, 5.55


@dataclass(frozen=True)
class Jacobian:
    x: np.ndarray
    y: np.ndarray
    P: np.ndarray
    cotangent: np.ndarray
    back: np.ndarray
    rank: np.ndarray


def jacobian(data: Jacobian, theme: Theme) -> Figure:
    fig = figure(theme, _WIDTH, _HEIGHT, "The Jacobian of a sort is the permutation; its transpose puts back")
    # Bars and cells share their columns and rows to the pixel, which no automatic layout would keep.
    fig.set_layout_engine("none")
    in_order = theme.order(np.linspace(0, 1, data.x.size))
    as_given = in_order[data.rank]
    forward, backward = ("forward: into order", "x", "P @ x"), ("backward: to the inputs", "g", "P.T @ g")
    _at_work(fig, 0.2, data.P, (data.x, as_given), (data.y, in_order), theme, forward)
    _at_work(fig, 5.2, data.P.T, (data.cotangent, in_order), (data.back, as_given), theme, backward)
    return fig


def _at_work(
    fig: Figure, x0: float, M: np.ndarray, before: Any, after: Any, theme: Theme, names: tuple[str, str, str]
) -> None:
    """The matrix, with the vector it acts on above and the result at its side; lengths in inches."""

    def axes(x: float, y: float, width: float, height: float) -> Any:
        return fig.add_axes((x / _WIDTH, y / _HEIGHT, width / _WIDTH, height / _HEIGHT))

    n, y0, size, gap, bars = M.shape[0], 0.2, 3.75, 0.12, 0.72
    matrix, above, side = (
        axes(x0, y0, size, size),
        axes(x0, y0 + size + gap, size, bars),
        axes(x0 + size + gap, y0, bars, size),
    )
    image = np.zeros((n, n, 4))
    rows, columns = np.nonzero(M)
    image[rows, columns] = before[1][columns]
    matrix.imshow(image, interpolation="none", zorder=2, aspect="auto")
    matrix.set_xticks(np.arange(n + 1) - 0.5)
    matrix.set_yticks(np.arange(n + 1) - 0.5)
    matrix.grid(linewidth=0.5)
    matrix.tick_params(length=0, labelbottom=False, labelleft=False)
    for spine in matrix.spines.values():
        spine.set(visible=True, color=theme.muted)
    above.bar(range(n), before[0], color=before[1], width=0.8)
    above.axhline(0, color=theme.muted, linewidth=0.6)
    above.set_xlim(-0.5, n - 0.5)
    side.barh(range(n), after[0], color=after[1], height=0.8)
    side.axvline(0, color=theme.muted, linewidth=0.6)
    side.set_ylim(n - 0.5, -0.5)
    for ax in (above, side):
        ax.axis("off")
    title, v, w = names
    mono: dict[str, Any] = dict(family="DejaVu Sans Mono", fontsize=9.5)
    above.text(0, 1.08, title, transform=above.transAxes, va="bottom", fontsize=10)
    above.text(1.03, 0.5, v, transform=above.transAxes, va="center", **mono)
    side.text(0.5, 1.015, w, transform=side.transAxes, ha="center", va="bottom", **mono)


def million(taken: dict[str, list[float]], theme: Theme) -> Figure:
    found = ratio(taken, "jnp.sort", "sx.sort")
    fig = figure(theme, 10, 2.3, f"Sorting a million floats and going back: {found:.1f} times less time than jnp.sort")
    ax = fig.subplots()
    colors = {"by hand": theme.hand, "jnp.sort": theme.jax, "sx.sort": theme.sortax}
    for row, (name, times) in enumerate(taken.items()):
        median = statistics.median(times)
        ax.plot(
            np.array(times) * 1e3, [row] * len(times), "o", color=colors[name], markersize=7, alpha=0.55, markeredgewidth=0
        )
        ax.plot([median * 1e3] * 2, [row - 0.32, row + 0.32], color=colors[name], linewidth=3)
        ax.annotate(
            duration(median),
            (max(times) * 1e3, row),
            (10, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold" if name == "sx.sort" else "normal",
        )
    ax.set(ylim=(len(taken) - 0.4, -0.6), xlim=(0, max(max(times) for times in taken.values()) * 1.12e3))
    ax.set_yticks(range(len(taken)), taken, family="DejaVu Sans Mono", fontsize=9.5, color=theme.ink)
    ax.set_xlabel("milliseconds, value + VJP")
    ax.grid(axis="x")
    ax.set_axisbelow(True)
    ax.tick_params(axis="both", length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    return fig
