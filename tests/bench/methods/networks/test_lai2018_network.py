"""TransformNet: the published network's numbers over three steps, and the losses that it was trained with."""

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.methods.networks.lai2018_network import TransformNet, long_term, perceptual, short_term, visibility
from bench.parity.recipe import filled

VECTORS = "lai_transformnet.gain1.5.case0"


@pytest.fixture(scope="module")
def vectors():
    with np.load(Path(__file__).parents[2] / "parity/baselines.npz") as arrays:
        yield arrays


def assert_like(found: torch.Tensor, expected: np.ndarray) -> None:
    assert np.abs(found.numpy() - expected).max() <= 1e-4 * expected.std()


def test_equals_the_published_network(vectors):
    network, state = filled(TransformNet(), 1.5), None
    for t in range(3):
        with torch.inference_mode():
            residual, state = network(torch.from_numpy(vectors[f"{VECTORS}.t{t}.in"]), state)
        assert_like(residual, vectors[f"{VECTORS}.t{t}.out"])
    for name, found in zip(("final_h", "final_c"), state, strict=True):
        assert_like(found, vectors[f"{VECTORS}.{name}"])


def test_reads_the_published_file():
    """It has as many values, and was written by a PyTorch that did not count batches."""
    state = TransformNet().state_dict()
    assert (len(state), sum(value.numel() for value in state.values())) == (89, 2_982_964)
    written = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    TransformNet().load_state_dict(written, strict=True)
    small = sum(parameter.numel() for parameter in TransformNet(16, 3).parameters())
    assert small == pytest.approx(0.60e6, rel=0.01)


def test_gradients_reach_every_parameter():
    network = TransformNet(8, 1)
    residual, state = network(torch.rand(1, 12, 16, 24))
    assert (residual.shape, state[0].shape) == ((1, 3, 16, 24), (1, 32, 4, 6))
    assert not residual.any()  # it starts with the processed frames as they are
    residual.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_sides_that_do_not_halve_twice_are_refused():
    with pytest.raises(ValueError, match=r"multiples of 4, got \(16, 22\)"):
        TransformNet(8, 1)(torch.zeros(1, 12, 16, 22))


def test_visibility_squares_the_sum_of_the_channels():
    earlier, flow = torch.zeros(1, 3, 2, 2), torch.zeros(1, 2, 2, 2)
    frame = torch.tensor([0.1, 0.1, 0.1])[None, :, None, None].expand(1, 3, 2, 2)
    assert visibility(frame, earlier, flow).shape == (1, 1, 2, 2)
    assert visibility(frame, earlier, flow).mean() == pytest.approx(np.exp(-50 * 0.09))
    cancelling = torch.tensor([0.1, -0.1, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    assert visibility(cancelling, earlier, flow).mean() == pytest.approx(1)


def sliding(count: int) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Frames of a ramp that move a pixel to the left each time, and the flow back by one frame."""
    ramp = torch.arange(8 + count).float().div(20).expand(1, 3, 4, -1)
    flow = torch.zeros(1, 2, 4, 8)
    flow[:, 0] = 1
    return [ramp[..., t : t + 8] for t in range(count)], flow


def test_what_follows_the_motion_costs_nothing_but_at_the_border():
    frames, flow = sliding(3)
    wrong_still = short_term(frames, frames, [torch.zeros_like(flow)] * 2)
    along = short_term(frames, frames, [flow, flow])
    # The last column samples beyond the border: off by 0.05 in each channel, under visibility exp(-50 * 0.15^2).
    assert along == pytest.approx(100 * 2 * 0.05 / 8 * np.exp(-50 * 0.0225), rel=1e-4)
    assert wrong_still > along


def test_flicker_costs_its_size():
    grey, flow = [torch.full((1, 3, 4, 8), 0.5)] * 3, torch.zeros(1, 2, 4, 8)
    results = [torch.zeros(1, 3, 4, 8), torch.full((1, 3, 4, 8), 0.1), torch.full((1, 3, 4, 8), 0.3)]
    assert short_term(results, grey, [flow, flow]) == pytest.approx(100 * (0.1 + 0.2))
    assert long_term(results, grey, [flow]) == pytest.approx(100 * 0.3)  # frame 2 and frame 0
    assert perceptual(results[2], results[1]) == pytest.approx(10 * 0.2)


def test_no_gradient_reaches_the_earlier_result():
    grey, flow = [torch.full((1, 3, 4, 8), 0.5)] * 2, torch.zeros(1, 2, 4, 8)
    first, second = (torch.rand(1, 3, 4, 8, requires_grad=True) for _ in range(2))
    short_term([first, second], grey, [flow]).backward()
    assert first.grad is None and second.grad.abs().sum() > 0
