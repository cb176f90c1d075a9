"""Delta colourfulness: known answers for both forms."""

import pytest

from bench.metrics.delta_colorfulness import delta_cf_per_image, delta_colorfulness


def test_opposite_errors_cancel_in_the_set_only():
    assert delta_colorfulness([10, 30], [20, 20]) == 0
    assert delta_cf_per_image([10, 30], [20, 20]) == 10


def test_it_has_no_sign():
    assert delta_colorfulness([15, 16], [18, 18]) == delta_colorfulness([18, 18], [15, 16]) == 2.5


def test_other_items_are_an_error():
    with pytest.raises(ValueError, match="both sides"):
        delta_colorfulness([1.0], [1.0, 2.0])
