"""Iizuka 2016: sizes of the table, what the global branch does, the joint loss."""

import copy

import pytest
import torch

from bench.methods.networks.iizuka2016_network import SMALL_GLOBAL_SIDE, Iizuka2016Network, loss, target

# Of the paper's table: outputs, inputs and kernel.
SHAPES = {
    **{"low1": (64, 1, 3, 3), "low2": (128, 64, 3, 3), "low3": (128, 128, 3, 3), "low4": (256, 128, 3, 3)},
    **{"low5": (256, 256, 3, 3), "low6": (512, 256, 3, 3), "mid1": (512, 512, 3, 3), "mid2": (256, 512, 3, 3)},
    **{f"glob{number}": (512, 512, 3, 3) for number in range(1, 5)},
    **{"fc1": (1024, 25088), "fc2": (512, 1024), "fc3": (256, 512), "fusion": (256, 512, 1, 1)},
    **{"col1": (128, 256, 3, 3), "col2": (64, 128, 3, 3), "col3": (64, 64, 3, 3), "col4": (32, 64, 3, 3)},
    **{"out": (2, 32, 3, 3), "cls1": (256, 512), "cls2": (205, 256)},
}


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    network = Iizuka2016Network(width=0.25, classes=4, global_side=SMALL_GLOBAL_SIDE).eval()
    torch.nn.init.normal_(network.out.weight)  # it starts at grey
    return network


def test_sizes_are_the_published_ones(small):
    network = Iizuka2016Network()
    weights = {name: p for name, p in network.named_parameters() if p.ndim > 1}
    assert {name.split(".")[0]: tuple(p.shape) for name, p in weights.items()} == SHAPES
    biases = sum(p.shape[0] for p in weights.values())
    assert round((sum(p.numel() for p in weights.values()) + biases) / 1e6, 2) == 42.35
    of_color = [p.numel() for name, p in small.named_parameters() if not name.startswith("cls")]
    assert sum(of_color) == 1_329_578


def test_the_output_has_half_the_size_and_ab_the_whole(small):
    grey = torch.rand(2, 1, 16, 24)
    s, logits = small.with_classes(grey)
    assert s.shape == (2, 2, 8, 12) and logits.shape == (2, 4) and 0 < s.min() and s.max() < 1
    assert torch.equal(small(grey), s) and small.ab(grey).shape == (2, 2, 16, 24)
    assert small.ab(grey).mean().item() == pytest.approx((200 * s - 100).mean().item(), abs=0.5)


def test_the_whole_image_counts_everywhere(small):
    """A change in a far corner, out of the reach of local convolutions, changes the other corner."""
    grey = torch.rand(1, 1, 192, 192)
    changed = grey.clone()
    changed[..., 128:, 128:] = 0
    assert (small(grey) - small(changed))[..., :8, :8].abs().max() > 0


def test_sides_that_8_does_not_divide_are_refused(small):
    with pytest.raises(ValueError, match="multiples of 8, got \\(20, 16\\)"):
        small(torch.zeros(1, 1, 20, 16))


def test_the_stored_mean_is_taken_off(small):
    moved = Iizuka2016Network(width=0.25, classes=4, global_side=SMALL_GLOBAL_SIDE).eval()
    moved.load_state_dict(small.state_dict() | {"mean": torch.tensor(0.25)})
    grey = torch.rand(1, 1, 16, 16).double()
    plain = copy.deepcopy(small).double()(grey)
    moved.double()
    # Untrained, the network says nearly the same of everything: differences are told apart in double precision.
    assert (moved(grey) - plain).abs().max() > 1e3 * (moved(grey + 0.25) - plain).abs().max()


def test_the_loss_by_hand():
    ab = torch.full((1, 2, 4, 4), 50.0)
    assert target(ab).unique().tolist() == [0.75]
    s, logits = torch.full((1, 2, 2, 2), 0.25), torch.zeros(1, 10)
    crossed = torch.log(torch.tensor(10.0)).item()
    assert loss(s, logits, ab, torch.tensor([3])).item() == pytest.approx(0.25 + crossed / 300, rel=1e-5)
    assert loss(s, logits, ab, torch.tensor([3]), class_weight=0).item() == pytest.approx(0.25)


def test_classes_train_what_is_shared_alone():
    torch.manual_seed(0)
    network = Iizuka2016Network(width=0.125, classes=3, global_side=64)
    _, logits = network.with_classes(torch.rand(2, 1, 16, 16))
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 2])).backward()
    reached = {name.rstrip("0123456789") for name, part in network.named_children() if _has_gradient(part)}
    assert reached == {"low", "glob", "fc", "cls"}


def _has_gradient(part) -> bool:
    return any(p.grad is not None for p in part.parameters())
