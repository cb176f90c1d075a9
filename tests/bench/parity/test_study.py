"""User studies: ranks with the paper's numbers, strengths with closed forms."""

import numpy as np
import pytest

from bench.parity import study


def answers(counts: list[int]) -> np.ndarray:
    """Rankings of four items in which item 0 stands at rank 1, 2, .. so many times, the others in order around it."""
    rows = [np.insert([1, 2, 3], rank, 0) for rank, count in enumerate(counts) for _ in range(count)]
    return np.array(rows)


def test_the_papers_ranks_and_their_variance():
    """Table 6, "ours": 1.98 +- 1.36 from shares .51, .19, .12, .18; the +- is a variance."""
    rankings = answers([51, 19, 12, 18])
    assert study.share_rank_k(rankings)[0] == pytest.approx([0.51, 0.19, 0.12, 0.18])
    assert study.top_k_share(rankings)[0] == pytest.approx([0.51, 0.70, 0.82, 1])
    assert study.mean_rank(rankings)[0] == pytest.approx(1.97)
    assert study.rank_variance(rankings)[0] == pytest.approx(1.3491)


def test_a_row_that_is_no_order_is_named():
    with pytest.raises(ValueError, match=r"ranking 1 is \[0, 0, 2\]"):
        study.ranks([[0, 1, 2], [0, 0, 2]])


@pytest.mark.parametrize("solver", ["spectral", "likelihood"])
def test_two_items_in_closed_form(solver):
    """P(0 beats 1) = 3/4, so the strengths are apart by ln 3."""
    alpha = {"spectral": 0, "likelihood": 1e-9}[solver]
    half = np.log(3) / 2
    assert study.bradley_terry([[0, 30], [10, 0]], alpha, solver) == pytest.approx([half, -half], abs=1e-5)
    rankings = [[0, 1]] * 30 + [[1, 0]] * 10
    assert study.plackett_luce(rankings, alpha, solver) == pytest.approx([half, -half], abs=1e-5)


def test_three_items_that_fit_the_model_exactly():
    """Wins in the model's own proportions give its strengths back."""
    strengths = np.array([0.7, -0.1, -0.6])
    odds = np.exp(strengths)
    wins = 1000 * odds[:, None] / (odds[:, None] + odds)
    np.fill_diagonal(wins, 0)
    assert study.bradley_terry(wins) == pytest.approx(strengths, abs=1e-6)


def test_what_always_wins_has_no_strength_unless_regularised():
    wins = [[0, 5, 5], [0, 0, 3], [0, 2, 0]]
    with pytest.raises(ValueError, match=r"not linked by wins both ways.*alpha > 0"):
        study.bradley_terry(wins)
    with pytest.raises(ValueError, match="alpha > 0"):
        study.plackett_luce([[0, 1, 2], [0, 2, 1]])
    assert study.bradley_terry(wins, alpha=0.1).argmax() == 0
