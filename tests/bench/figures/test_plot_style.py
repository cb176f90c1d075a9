"""Plots show what they are given: a clip's name is text."""

from bench.figures.plot_style import plot


def test_dollars_and_tags_in_a_name_are_text(tmp_path):
    with plot(tmp_path / "a.svg", 1) as figure:
        figure.subplots().set_title("$a_{$ <b> & $$")
    assert "$a_{$ &lt;b&gt; &amp; $$" in (tmp_path / "a.svg").read_text()
