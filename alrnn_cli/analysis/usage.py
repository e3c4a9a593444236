"""How evenly states spread over the 2^P linear subregions: entropy and Gini coefficients, without enumerating 2^P."""

from __future__ import annotations

import math

import numpy as np

from ..records import Usage

#: Largest P whose 2^P a JSON reader keeps exactly.
_EXACT_P = 53


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of how a total is spread over the entries.

    G = Σ_i (2i - n - 1) x_i / (n Σ_i x_i) with x sorted ascending, i = 1 … n: 0 when all are equal, 1 - 1/n when one
    has everything. counts: (n,) non-negative, not all zero. Returns: G.
    """
    x = np.sort(np.asarray(counts, np.float64))
    n = len(x)
    weights = 2 * np.arange(1, n + 1) - n - 1
    return float(weights @ x / (n * x.sum()))


def gini_with_empty(gini_visited: float, n_visited: int, P: int) -> float:
    """Gini coefficient over all 2^P subregions, from the one over those that were visited.

    G = 1 - (k / 2^P) (1 - G_k): in the sum of |x_i - x_j| each of the 2^P - k empty subregions adds twice the total.
    Returns: G.
    """
    return 1 - math.ldexp(n_visited, -P) * (1 - gini_visited)


def usage(counts: np.ndarray, P: int) -> Usage:
    """Spread of states over subregions.

    H = -Σ p ln p in nats; effective number exp(H). counts: (r,) int64, zeros allowed (subregions not seen in this
    phase). Returns: Usage, its measures None where there is nothing to count.
    """
    seen = np.asarray(counts, np.int64)
    seen = seen[seen > 0]
    n_possible = 2**P if P <= _EXACT_P else None
    if not len(seen):
        return Usage(0, 0, n_possible, None, None, None, None, None)
    p = seen / seen.sum()
    entropy = max(0.0, float(-(p * np.log(p)).sum()))  # one subregion gives -0.0
    g = gini(seen)
    g_all = gini_with_empty(g, len(seen), P)
    return Usage(
        n_states=int(seen.sum()),
        n_visited=len(seen),
        n_possible=n_possible,
        entropy=entropy,
        effective_number=math.exp(entropy),
        gini_visited=g,
        gini_all=g_all,
        gini_all_normalised=g_all / (1 - math.ldexp(1, -P)) if P else None,
    )
