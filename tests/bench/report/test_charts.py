"""Curves as Plotly's traces: the values of the tables, bands where there are intervals."""

import pandas as pd

from bench.report.charts import figure7, training


def test_figure7_has_a_band_and_a_line_for_each_method(results):
    band, line = figure7(pd.read_csv(results / "figure7.csv"))["traces"]
    assert line["name"] == "red" and line["x"] == [1, 2, 3, 4, 5, 6] and line["y"] == [29, 28, 27, 26, 25, 24]
    assert band["y"] == [31, 30, 29, 28, 27, 26, 22, 23, 24, 25, 26, 27] and band["x"][6] == 6
    assert band["legendgroup"] == line["legendgroup"] and not band["showlegend"]


def test_a_curve_of_one_clip_has_no_band():
    lone = {"method": ["a"], "frame": [1], "psnr": [30.0], "n_clips": [1], "psnr_low": [None], "psnr_high": [None]}
    assert [trace["name"] for trace in figure7(pd.DataFrame(lone))["traces"]] == ["a"]


def test_more_methods_than_colours_are_told_apart_by_dashes():
    table = pd.DataFrame({"method": [f"m{i}" for i in range(12)], "frame": 1, "psnr": 30.0})
    traces = figure7(table.assign(psnr_low=None, psnr_high=None))["traces"]
    assert len({(trace["line"]["color"], trace["line"]["dash"]) for trace in traces}) == 12


def test_training_has_every_loss_and_the_validation_error_on_its_own_axis(results):
    total, validation = training(results / "train/ours/metrics.jsonl")["traces"]
    assert total["x"] == [1, 2, 3, 4] and total["y"] == [1, 0.5, 0.333333, 0.25] and "yaxis" not in total
    assert (validation["x"], validation["y"], validation["yaxis"]) == ([4], [3.5], "y2")
