"""Statistics of a user study: ranks, and the strengths of methods from rankings or from pairs.

A ranking is a row of item numbers 0..n-1, best to worst. Strengths are on the natural-log scale with mean 0, so
P(i beats j) = 1 / (1 + exp(s_j - s_i)).
"""

from typing import Literal

import numpy as np
from scipy.sparse.csgraph import connected_components

Solver = Literal["spectral", "likelihood"]


def ranks(rankings: np.ndarray) -> np.ndarray:
    """The rank of each item, 1 = best, in each ranking: int (N, items) from rankings (N, items).

    Raises ValueError for a row that is no order of all items.
    """
    rankings = np.asarray(rankings)
    if (wrong := (np.sort(rankings, axis=1) != np.arange(rankings.shape[1])).any(axis=1)).any():
        row = int(wrong.argmax())
        raise ValueError(
            f"ranking {row} is {rankings[row].tolist()}; expected each of 0..{rankings.shape[1] - 1} once, best first"
        )
    return rankings.argsort(axis=1) + 1


def mean_rank(rankings: np.ndarray) -> np.ndarray:
    """Mean rank of each item (items,)."""
    return ranks(rankings).mean(axis=0)


def rank_variance(rankings: np.ndarray) -> np.ndarray:
    """Population variance of each item's rank (items,). What the paper prints after its +- is this, no deviation."""
    return ranks(rankings).var(axis=0)


def share_rank_k(rankings: np.ndarray) -> np.ndarray:
    """Share of the answers that put an item at rank k: (items, items), [item, k - 1], as in the paper's Tables 6, 7."""
    rank = ranks(rankings)
    return np.stack([(rank == k).mean(axis=0) for k in range(1, rank.shape[1] + 1)], axis=1)


def top_k_share(rankings: np.ndarray) -> np.ndarray:
    """Share of the answers that put an item at rank k or better: (items, items), [item, k - 1]."""
    return share_rank_k(rankings).cumsum(axis=1)


def plackett_luce(rankings: np.ndarray, alpha: float = 0.0, solver: Solver = "spectral") -> np.ndarray:
    """Strengths (items,) of the Plackett-Luce model from full rankings (N, items).

    alpha regularises; it means another penalty with each solver: `spectral` (choix's ilsr, the maximum likelihood
    where it is 0) or `likelihood` (choix's optimiser). Raises ValueError where, unregularised,
    the data have no maximum.
    """
    import choix

    rankings = np.asarray(rankings)
    rank, items = ranks(rankings), rankings.shape[1]
    if not alpha:
        require_connected((rank[:, :, None] < rank[:, None, :]).sum(axis=0))
    function = {"spectral": choix.ilsr_rankings, "likelihood": choix.opt_rankings}[solver]
    return function(items, rankings.tolist(), alpha=alpha)


def bradley_terry(wins: np.ndarray, alpha: float = 0.0, solver: Solver = "spectral") -> np.ndarray:
    """Strengths (items,) of the Bradley-Terry model; wins[i, j] = how often i beat j. alpha and solver as above.

    Rankings broken into pairs give other values than `plackett_luce` of the rankings.
    """
    import choix

    wins = np.asarray(wins, np.float64)
    if not alpha:
        require_connected(wins)
    if solver == "spectral":
        return choix.ilsr_pairwise_dense(wins, alpha=alpha)
    pairs = np.repeat(np.argwhere(wins > 0), wins[wins > 0].astype(int), axis=0)
    return choix.opt_pairwise(len(wins), [tuple(pair) for pair in pairs.tolist()], alpha=alpha)


def require_connected(wins: np.ndarray) -> None:
    """Raises ValueError unless every item beat every other one, if only through others: strengths grow without end."""
    parts, part = connected_components(np.asarray(wins) > 0, connection="strong")
    if parts > 1:
        groups = [np.flatnonzero(part == number).tolist() for number in range(parts)]
        raise ValueError(
            f"the groups of items {groups} are not linked by wins both ways, so their strengths have no bound; "
            "collect more answers, or give alpha > 0"
        )
