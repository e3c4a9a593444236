"""Words that a reader may not know, each explained once, where it first occurs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..records import AnalysisReport
from .content import Listing, Note


@dataclass(frozen=True)
class _Term:
    """name: as shown; pattern: what in a sentence calls for it; explain: what it means in this report."""

    name: str
    pattern: str
    explain: Callable[[AnalysisReport], str]


def _subregion(report: AnalysisReport) -> str:
    P, M = report.model["P"], report.model["M"]
    if not P:
        return "a part of the state space in which the network is one linear map. Without nonlinear units there is only one."
    who = f"unit {M - 1}" if P == 1 else f"units {M - P} to {M - 1}"
    return (
        f"each nonlinear unit ({who}) is either on (above 0) or off, and every combination of on and off is one subregion of the "
        f"state space, within which the network is a plain linear map. There are 2^{P}"
        + (f" = {2**P:,}" if P < 40 else "")
        + ". A subregion is named by its bitcode: 1 for a unit that is on, 0 for one that is off."
    )


def _phase(report: AnalysisReport) -> str:
    found = [str(x) for x in (report.task or {}).get("phase_names") or ()]
    known = f", here {', '.join(f'“{x}”' for x in found)}" if found else ""
    return f"a kind of step of the task{known}. A constant input stands for each where fixed points are sought."


_TERMS = (
    _Term("chance", r"\bchance\b", lambda _: "the score of the best guess that does not look at the inputs."),
    _Term("mse", r"\bmse\b", lambda _: "mean squared error, the average of the squared distance between output and target. Its square "
          "root is a typical error."),
    _Term("cross-entropy", r"cross.entropy", lambda _: "how surprised the model is by the right answer, in nats; 0 is certainty."),
    _Term("linear subregion, bitcode", r"\bsubregions?\b", _subregion),
    _Term("effective number", r"as diverse as", lambda _: "the exponential of the entropy of the shares: how many subregions, used "
          "equally often, would be as hard to guess."),
    _Term("phase", r"\bphases?\b|(after|with|[Uu]nder) [“\"]", _phase),
    _Term("mode, slow mode", r"\bmodes?\b", lambda _: "within a subregion every deviation of the state is a sum of modes, directions "
          "that are each multiplied by a number of their own, the eigenvalue λ, at every step. The nearer |λ| is to 1, the slower a "
          "mode fades, and the longer it remembers: its timescale is the number of steps in which it loses all but 37 %. A pair of "
          "complex λ rotates instead of just fading."),
    _Term("gain", r"\bgain\b", lambda _: "how much of an input a mode takes up and then shows at an output, per unit of the input. It "
          "is 0 where the mode is deaf to the input or the output blind to the mode. Modes work together: no single gain is the "
          "whole effect."),
    _Term("line attractor", r"line attractor|values that .* stores", lambda _: "a line of states of which each stays where it is, so "
          "that a position on it stores a number. A stored value that moves is not lost as long as all values move alike, or "
          "are read out at a known time."),
    _Term("far from normal", r"far from normal", lambda _: "modes that are not at right angles to each other can add up for a while "
          "before they fade."),
    _Term("Lyapunov exponent", r"Lyapunov", lambda _: "the rate at which two nearby states part (above 0) or come together (below 0) "
          "along the trials."),
    _Term("lesion", r"[Ss]ilencing|[Rr]emoving|linear or silent|can be linear", lambda _: "a change of the finished "
          "network, scored on the same trials: a unit is made linear (treated as always on), silenced (always off), or a mode is removed "
          "after every step. What the score loses, the network needs."),
    _Term("fixed point", r"fixed point", lambda _: "a state that stays where it is while the input does not change. It is stable where "
          "nearby states come to it, a saddle where some come and others leave, unstable where all leave; they go straight at a node "
          "and circle at a spiral. Every subregion's linear map has its own: real where it lies in that subregion, virtual where it lies "
          "elsewhere, so that no state ever rests there. A continuum is a whole line of them; where there is none, the state drifts."),
    _Term("switching plane", r"passes between|are born|vanish", lambda _: "the states at which a unit is just 0, between two "
          "subregions. A fixed point that reaches it goes on in the next subregion, or meets another one and both vanish."),
    _Term("cycle", r"\bcycles?\b", lambda _: "states that repeat after two or more steps while the input does not change."),
    _Term("nat", r"\bnats?\b", lambda _: "a unit of information: 0.69 nats are one bit, one yes-or-no question."),
    _Term("influence", r"\binfluence\b", lambda _: "by how much an output at the end of a trial changes when an input at one "
          "earlier step is raised by 1, all else and all switches as they are. Between switches the network is linear, so the output is "
          "the sum of all inputs, each times its influence, and a constant."),
    _Term("gate", r"\bgates?\b", lambda _: "a switch that decides what gets through: open, it lets an input into the memory, "
          "shut, it keeps it out."),
    _Term("spectral radius", r"spectral radius", lambda _: "the largest |λ| of the visited subregions: above 1 some deviation grows."),
)  # fmt: skip


class Terms:
    """Which words of a report were explained already."""

    def __init__(self, report: AnalysisReport) -> None:
        self._report = report
        self._left = list(_TERMS)

    def notes(self, text: str) -> tuple[Note, ...]:
        """The words of a text that occur for the first time, with what they mean."""
        new = [t for t in self._left if re.search(t.pattern, text)]
        self._left = [t for t in self._left if t not in new]
        return tuple(Note(t.name, t.explain(self._report)) for t in new)

    def listing(self, sentences: Iterable[str], *, numbered: bool = False) -> Listing | None:
        """Sentences with the notes that they call for; None where there are none."""
        items = tuple((text, self.notes(text)) for text in sentences)
        return Listing(items, numbered) if items else None
