"""The picture of act 3: a line through data of which a fifth is wrong."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from .style import Theme, figure


@dataclass(frozen=True)
class Line:
    length: np.ndarray
    width: np.ndarray
    noted: np.ndarray
    spoiled: np.ndarray
    lines: dict[str, np.ndarray]


def line(data: Line, theme: Theme) -> Figure:
    fig = figure(theme, 10, 4.2, "A trimmed mean of squares learns the line; their mean learns the mistakes")
    ax = fig.subplots()
    good = np.setdiff1d(np.arange(data.length.size), data.spoiled)
    ax.plot(data.length[good], data.noted[good], "o", color=theme.muted, markersize=4, alpha=0.7, markeredgewidth=0)
    ax.plot(data.length[data.spoiled], data.noted[data.spoiled], "x", color=theme.directional, markersize=5)
    ends = np.array([data.length.min(), data.length.max()])
    looks = {"mean": (theme.jax, "least squares"), "trimmed": (theme.sortax, "trimmed mean of squares")}
    for name, (a, b) in data.lines.items():
        color, label = looks[name]
        heights = a + b * (ends - data.length.mean())
        ax.plot(ends, heights, color=color, linewidth=2.4)
        ax.annotate(label, (ends[1], heights[1]), (8, 0), textcoords="offset points", va="center", color=color)
    highest = data.spoiled[np.argmax(data.noted[data.spoiled])]
    place = (data.length[highest], data.noted[highest])
    ax.annotate("noted in millimetres", place, (-10, 0), textcoords="offset points", ha="right", color=theme.directional)
    ax.set(xlabel="petal length, cm", ylabel="petal width as noted", xlim=(ends[0] - 0.2, ends[1] + 1.6))
    ax.grid(axis="y")
    ax.set_axisbelow(True)
    ax.tick_params(length=0)
    return fig
