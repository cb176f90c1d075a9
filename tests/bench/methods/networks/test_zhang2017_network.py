"""Zhang 2017: the published names and sizes, hints, the class head, both losses."""

import pytest
import torch

from bench.methods.networks.zhang2017_network import Zhang2017Network, classes, loss, made_up_hints, regression_loss


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    network = Zhang2017Network(width=0.25).eval()
    assert not network(torch.rand(1, 1, 16, 24)).any()  # a training starts from grey
    torch.nn.init.normal_(network.model_out[0].weight, std=0.1)
    return network


def test_sizes_are_the_published_ones(small):
    network = Zhang2017Network()
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert len(shapes) == 107 and sum(p.numel() for p in network.parameters()) == 34_187_027
    assert shapes["model8up.0.weight"] == (512, 256, 4, 4) and shapes["model1short10.0.bias"] == (128,)
    without_head = sum(p.numel() for name, p in small.named_parameters() if not name.startswith("model_class"))
    assert without_head == 2_131_458


def test_without_hints_nothing_is_known(small):
    lightness = torch.rand(2, 1, 16, 24) * 100
    nothing = torch.zeros(2, 2, 16, 24), torch.zeros(2, 1, 16, 24)
    assert torch.equal(small(lightness), small(lightness, *nothing))
    assert small(lightness).shape == (2, 2, 16, 24) and small(lightness).abs().max() <= 110


def test_a_hint_changes_the_colors(small):
    lightness, hint, mask = torch.full((1, 1, 16, 16), 50.0), torch.zeros(1, 2, 16, 16), torch.zeros(1, 1, 16, 16)
    hint[..., 8, 8], mask[..., 8, 8] = 60.0, 1.0
    assert (small(lightness, hint, mask) - small(lightness)).abs().max() > 1e-3


def test_colors_do_not_depend_on_the_class_head(small):
    lightness = torch.rand(1, 1, 16, 24) * 100
    ab, logits = small.with_classes(lightness)
    assert torch.equal(ab, small(lightness)) and logits.shape == (1, 529, 4, 6)


def test_what_does_not_fit_is_refused(small):
    with pytest.raises(ValueError, match="multiples of 8, got \\(20, 16\\)"):
        small(torch.zeros(1, 1, 20, 16))
    with pytest.raises(ValueError, match="give both or neither"):
        small(torch.zeros(1, 1, 16, 16), torch.zeros(1, 2, 16, 16))


def test_classes_are_the_nearest_of_the_grid():
    ab = torch.tensor([[-110.0, -110], [110, 110], [4, -6], [-200, 300]]).T.reshape(1, 2, 1, 4).repeat_interleave(4, 3)
    assert classes(ab).tolist() == [[[0, 528, 11 * 23 + 10, 22]]]


def test_losses_by_hand():
    ab, truth, logits = torch.zeros(1, 2, 4, 4), torch.full((1, 2, 4, 4), 11.0), torch.zeros(1, 529, 1, 1)
    uniform = torch.log(torch.tensor(529.0)).item()
    assert loss(ab, logits, truth).item() == pytest.approx(uniform + 10 * 0.1, rel=1e-5)
    assert regression_loss(ab, truth).item() == pytest.approx(10.5)


def test_made_up_hints_are_squares_of_the_mean_colour():
    torch.manual_seed(0)
    rows, columns = torch.arange(24.0)[:, None], torch.arange(40.0)
    ab = torch.stack([rows + 0 * columns, columns + 0 * rows])[None].expand(400, -1, -1, -1)
    hints, mask = made_up_hints(ab)
    assert set(mask.unique().tolist()) == {0.0, 1.0} and not hints[(mask == 0).expand_as(hints)].any()
    counts = mask.sum(dim=(1, 2, 3))
    assert 400 / 8 * 0.6 < (counts == 0).sum() < 400 / 8 * 1.5  # no hint at all: one in eight
    alone = [k for k in range(400) if 0 < counts[k] and hints[k].flatten(1).unique(dim=1).shape[1] == 2]
    assert alone and all(round(counts[k].item() ** 0.5) ** 2 == counts[k] <= 81 for k in alone)
    for k in alone:
        marked = mask[k, 0] > 0
        torch.testing.assert_close(
            hints[k][:, marked], ab[k][:, marked].mean(dim=1, keepdim=True).expand(-1, int(counts[k]))
        )
    center = (mask.mean(dim=0)[0] * torch.stack([rows + 0 * columns, columns + 0 * rows])).sum(dim=(1, 2)) / mask.mean(
        dim=0
    ).sum()
    torch.testing.assert_close(center, torch.tensor([11.5, 19.5]), rtol=0, atol=1)
