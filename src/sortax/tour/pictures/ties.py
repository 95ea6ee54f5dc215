"""The pictures of act 2: the matrix of two policies, and the tangents of all three at a tie."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .style import Theme, figure


@dataclass(frozen=True)
class Matrices:
    x: np.ndarray
    stable: np.ndarray
    average: np.ndarray


@dataclass(frozen=True)
class Directional:
    x: np.ndarray
    tangent: np.ndarray
    limit: np.ndarray
    tangents: dict[str, np.ndarray]


def _groups(x: np.ndarray) -> list[tuple[int, int]]:
    """First and past-the-last place of each group of equal elements, in sorted order."""
    y = np.sort(x)
    first = np.flatnonzero(np.r_[True, y[1:] != y[:-1]])
    return list(zip(first.tolist(), [*first[1:].tolist(), y.size], strict=True))


def matrices(data: Matrices, theme: Theme) -> Figure:
    fig = figure(theme, 10, 5.0, "Which permutation differentiates: the first that sorts, or the mean of all")
    titles = ('ties="stable": one permutation', 'ties="average": the mean of all 24')
    for ax, P, title in zip(fig.subplots(1, 2), (data.stable, data.average), titles, strict=True):
        _matrix(ax, P, data.x, theme)
        ax.set_title(title)
    return fig


def _matrix(ax: Any, P: np.ndarray, x: np.ndarray, theme: Theme) -> None:
    n = x.size
    ax.imshow(P, cmap=theme.weight, vmin=0, vmax=1)
    for i, j in np.argwhere(P > 0):
        weight = P[i, j]
        text = "1" if weight == 1 else f"1/{round(float(1 / weight))}"
        ax.text(j, i, text, ha="center", va="center", fontsize=8.5, color=theme.paper if weight > 0.75 else theme.ink)
    ax.set_xticks(np.arange(n), [f"{v:g}" for v in x], color=theme.ink)
    ax.set_yticks(np.arange(n), [f"{v:g}" for v in np.sort(x)], color=theme.ink)
    ax.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    ax.grid(which="minor", linewidth=0.8)
    ax.tick_params(which="both", length=0)
    for first, last in _groups(x):
        ax.add_patch(
            Rectangle((-0.5, first - 0.5), n, last - first, fill=False, edgecolor=theme.muted, linewidth=1.0, zorder=3)
        )
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.set(xlabel="x", ylabel="sort(x)")


def directional(data: Directional, theme: Theme) -> Figure:
    fig = figure(theme, 10, 4.2, "At a tie, only sorting the tangents gives the true one-sided derivative")
    left, right = fig.subplots(1, 2, width_ratios=(1, 1.25))
    _kink(left, data, theme)
    _tangents(right, data, theme)
    return fig


def _kink(ax: Any, data: Directional, theme: Theme) -> None:
    first, last = max(_groups(data.x), key=lambda group: group[1] - group[0])
    value = np.sort(data.x)[first]
    h = np.linspace(-0.4, 0.4, 161)
    # A neighbouring group must stay clear of this one over the whole range of h, or the lines would trade places.
    lines = np.sort(data.x + h[:, None] * data.tangent)[:, first:last]
    ax.plot(h, lines, color=theme.sortax, linewidth=5, alpha=0.3)
    ahead = np.array([0.0, 0.4])
    for place in range(first, last):
        ax.plot(
            ahead, value + ahead * data.tangents["directional"][place], color=theme.directional, linewidth=1.6, dashes=(4, 2)
        )
    ax.axvline(0, color=theme.muted, linewidth=0.8)
    ax.set(xlabel="h", ylabel="the three largest", title="sort(x + h t), and sort(x) + h dy ahead")
    ax.annotate("sort(x + h t)", (h[20], lines[20, -1]), (8, 8), textcoords="offset points", color=theme.sortax)
    tip = value + 0.4 * data.tangents["directional"][last - 1]
    ax.annotate("directional", (0.4, tip), (-4, 8), textcoords="offset points", ha="right", color=theme.directional)


def _tangents(ax: Any, data: Directional, theme: Theme) -> None:
    n = data.x.size
    place = np.arange(n)
    for k, (first, last) in enumerate(_groups(data.x)):
        if k % 2 == 0:
            ax.axvspan(first - 0.5, last - 0.5, color=theme.faint, alpha=0.5, linewidth=0)
    looks = {
        "stable": dict(marker="s", color=theme.sortax, markersize=8),
        "average": dict(marker="_", color=theme.average, markersize=15, markeredgewidth=2.5),
        "directional": dict(marker="o", color=theme.directional, markersize=5),
    }
    for policy, look in looks.items():
        ax.plot(place, data.tangents[policy], linestyle="none", label=policy, zorder=3, **look)
    ax.plot(
        place,
        data.limit,
        linestyle="none",
        marker="o",
        markersize=13,
        markerfacecolor="none",
        markeredgecolor=theme.ink,
        markeredgewidth=1.3,
        label="limit, by differences",
        zorder=4,
    )
    ax.axhline(0, color=theme.muted, linewidth=0.8, zorder=1)
    ax.set_xticks(place, [f"{v:g}" for v in np.sort(data.x)], color=theme.ink)
    ax.set(
        xlim=(-0.5, n - 0.5), xlabel="sort(x), in groups of equal elements", ylabel="dy", title="dy at each place, by policy"
    )
    ax.margins(y=0.1)
    ax.tick_params(length=0)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=4, handletextpad=0.3, columnspacing=1.4)
