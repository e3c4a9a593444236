"""The comparison as a picture: how many times longer the others take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..figures import Drawing, save, style


def draw(result: dict[str, Any], out: Path) -> None:
    """Bars of `times_faster` for each shape, on a logarithmic scale. Errors: UsageError for a format that cannot be written."""
    rows = result["scan"]
    rivals = [n for n in rows[0]["times_faster"] if n not in ("reference", "torch")]
    with style.context("full"):
        figure = style.new("full", 2.4)
        axes = figure.add_subplot()
        height = 0.8 / len(rivals)
        for i, rival in enumerate(rivals):
            at = [k + (i - (len(rivals) - 1) / 2) * height for k in range(len(rows))]
            values = [row["times_faster"][rival] for row in rows]
            rise = [value - 1 for value in values]
            axes.bar(at, rise, width=height * 0.92, bottom=1, color=style.CATEGORIES[i], label=rival)
            for x, value in zip(at, values, strict=True):
                axes.annotate(
                    f"{value:.1f}" if value < 10 else f"{value:.0f}", (x, value), ha="center", va="bottom",
                    xytext=(0, 1), textcoords="offset points", fontsize=5.5,
                )  # fmt: skip
        axes.axhline(1, color=style.BLACK, linewidth=0.7)
        axes.set_yscale("log")
        every = [row["times_faster"][n] for row in rows for n in rivals]
        axes.set_ylim(min(0.9, *every) * 0.95, max(every) * 2.2)
        axes.set_yticks([1, 3, 10, 30], ["1", "3", "10", "30"])
        axes.minorticks_off()
        axes.set_xticks(range(len(rows)), [f"{row['case']}\nM = {row['M']}\nK = {row['K']}" for row in rows])
        axes.set_ylabel("time of others / time of alrnn")
        axes.legend(ncols=len(rivals), loc="upper right")
        m = result["machine"]
        axes.set_title(f"Forward and backward, {m['threads']} threads of {m['processor']}", loc="left")
    caption = "How many times longer forward and backward take elsewhere; medians of rounds in which all take turns."
    data = [{"case": row["case"], **{n: row["times_faster"][n] for n in rivals}} for row in rows]
    save(Drawing(figure, caption, data), out)
