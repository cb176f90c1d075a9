"""Curves as Plotly's traces: the values of the tables, bands where there are intervals."""

from bench.report.charts import figure7, training
from media.document import of_records, read


def test_figure7_has_a_band_and_a_line_for_each_method(results):
    band, line = figure7(read(results / "figure7.json"))["traces"]
    assert line["name"] == "red" and line["x"] == [1, 2, 3, 4, 5, 6] and line["y"] == [29, 28, 27, 26, 25, 24]
    assert band["y"] == [31, 30, 29, 28, 27, 26, 22, 23, 24, 25, 26, 27] and band["x"][6] == 6
    assert band["legendgroup"] == line["legendgroup"] and not band["showlegend"]


def test_a_curve_of_one_clip_has_no_band():
    lone = of_records("figure7", "Figure 7", [{"method": "a", "frame": 1, "psnr": 30.0, "n_clips": 1}], [])
    assert [trace["name"] for trace in figure7(lone)["traces"]] == ["a"]


def test_more_methods_than_colours_are_told_apart_by_dashes():
    lines = [{"method": f"m{i}", "frame": 1, "psnr": 30.0} for i in range(12)]
    traces = figure7(of_records("figure7", "Figure 7", lines, []))["traces"]
    assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in traces}) == 12


def test_training_has_every_loss_and_the_validation_error_on_its_own_axis(results):
    total, validation = training(results / "train/ours/metrics.jsonl")["traces"]
    assert total["x"] == [1, 2, 3, 4] and total["y"] == [1, 0.5, 0.333333, 0.25] and "yaxis" not in total
    assert (validation["x"], validation["y"], validation["yaxis"]) == ([4], [3.5], "y2")
