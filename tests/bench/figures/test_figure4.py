"""Figure 4: what raw and learned features find, and how far a match ends from where it began."""

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

from bench.figures import figure4
from bench.figures.figure4 import (
    Matching,
    best_match,
    learned_matching,
    matched_colors,
    raw_matching,
    round_trip,
    tensor_of,
)
from colorize import checkpoint
from media.document import read
from vision.backbones import load_backbone


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("efficientnet_lite0", ".")


def unit(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(shape), dim=0)


def test_the_nearest_column_is_the_one_with_the_highest_cosine():
    query, key = unit(7, 2500), unit(7, 90)
    torch.testing.assert_close(best_match(query, key), (query.T @ key).argmax(dim=1))


def test_a_permuted_reference_gives_every_position_its_own_colour_and_all_come_back():
    query, ab, order = unit(16, 6, 8), torch.randn(2, 48), torch.randperm(48)
    matching = Matching(query, query.flatten(1)[:, order], ab[:, order])
    found = matched_colors(matching, (23, 31))
    assert found.shape == (23, 31, 2)
    np.testing.assert_array_equal(found[::4, ::4], ab.unflatten(1, (6, 8)).permute(1, 2, 0).numpy())
    assert round_trip(matching) == 0


def test_the_round_trip_is_the_mean_distance_in_pixels():
    """All positions of a grid of 1 x 3 match the one position of the reference, which matches the first of them."""
    query = torch.tensor([[[1.0, 0.9, 0.8]]])
    assert round_trip(Matching(query, torch.ones(1, 1), torch.zeros(2, 1))) == pytest.approx(4 * (0 + 1 + 2) / 3)


def test_a_picture_finds_itself_by_raw_features(backbone, picture):
    lab = tensor_of(picture(1, 61, 90))
    assert lab.shape == (1, 3, 64, 96)
    matching = raw_matching(backbone, lab, lab)
    assert round_trip(matching) == 0
    pooled = F.avg_pool2d(lab[:, 1:], 4)[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(matched_colors(matching, (64, 96))[::4, ::4], pooled, atol=1e-5)


@pytest.mark.parametrize("model", ["trained", "trained_aligned"])
def test_learned_features_are_those_that_the_model_matches(request, model, picture):
    """The soft match of Eq. 4 at a very low temperature is the nearest neighbour."""
    setting = request.getfixturevalue(model)
    model = checkpoint.load(setting.checkpoint, setting.weights_dir)
    frame, reference = tensor_of(picture(1, 64, 96)), tensor_of(picture(2, 64, 64))
    matching = learned_matching(model, frame, reference)
    model.temperature = 1e-6
    with torch.inference_mode():
        hard = model.align(model.features(frame[:, :1]), model.encode_reference(reference)).warped[0, 1:]
    found = matched_colors(matching, (64, 96))[::4, ::4]
    np.testing.assert_allclose(found, hard.permute(1, 2, 0).numpy(), atol=0.01)


def test_the_strips(world, trained, trained_aligned, tmp_path):
    figure4.main(
        rows=["ours", "ours_aligned"], checkpoints=[trained.checkpoint, trained_aligned.checkpoint],
        images=world.root / "images/test.parquet", image_references=world.root / "references/images/test.parquet",
        backbone="efficientnet_lite0", weights=world.root, count=2,
        folder=tmp_path / "figure4",
    )  # fmt: skip
    shown = pd.read_csv(tmp_path / "figure4/shown.csv")
    assert list(shown["row"]) == ["input", "nearest_neighbours", "reference", "ours", "ours_aligned"] * 2
    assert set(shown["item"]) == {"image_0", "image_2"}
    own = shown[(shown["item"] == "image_0") & (shown["row"] == "nearest_neighbours")]  # it is its own reference
    assert own["round_trip"].item() == 0 and own["psnr"].item() > 20
    ours, aligned, raw, *_ = read(tmp_path / "figure4/figure.json").notes
    assert raw.kind == "choices" and "EfficientNet-Lite0, a stand-in" in raw.text
    assert ours.rows == ("ours",) and "subnet" in ours.text and "extension" not in ours.text
    assert aligned.rows == ("ours_aligned",) and "an extension" in aligned.text


def test_an_image_without_a_reference_has_an_empty_panel(world, backbone):
    items = figure4.ShownItems(
        "images", world.root / "images/test.parquet", world.root / "references/clips/test.parquet"
    )
    (given,) = figure4.strip(items, "image_1", backbone, {}).lines
    assert [panel.row for panel in given] == ["input", "reference"] and "no_reference" in given[1].reason
