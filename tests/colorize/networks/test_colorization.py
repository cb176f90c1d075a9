"""The colorization subnet in both protocols."""

import pytest
import torch

from colorize.networks.colorization import COLORIZATION, PaperColorization, ReleaseColorization


@pytest.mark.parametrize("protocol", COLORIZATION)
@pytest.mark.parametrize("inputs, outputs", [(7, 2), (4, 3)])
def test_a_frame_keeps_its_size(protocol, inputs, outputs):
    network = COLORIZATION[protocol](0.125, inputs, outputs)
    assert network(torch.randn(2, inputs, 40, 56)).shape == (2, outputs, 40, 56)
    assert network.output_layer.weight.shape[0] == outputs


def test_the_paper_starts_at_grey():
    assert PaperColorization(0.125)(torch.randn(1, 7, 16, 24)).abs().max() == 0


def test_units_of_the_input():
    assert (PaperColorization.lab_unit, ReleaseColorization.lab_unit) == (50.0, 1.0)


def test_the_release_has_as_many_values_as_the_published_file():
    state = ReleaseColorization().state_dict()
    assert (len(state), sum(value.numel() for value in state.values())) == (65, 32_802_370)


def test_the_paper_has_the_widths_of_table_3():
    network = PaperColorization()
    decoder = (network.decode3, network.decode2, network.decode1)
    assert [block.skip.out_channels for block in decoder] == [256, 128, 64]
    assert len(network.bottleneck) == 3


@pytest.mark.parametrize("protocol", COLORIZATION)
def test_gradients_reach_every_parameter(protocol):
    """The layers work in place where they may; autograd would refuse if one of them did where it may not."""
    network = COLORIZATION[protocol](0.125)
    torch.nn.init.normal_(network.output_layer.weight)
    network(torch.randn(1, 7, 32, 32)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
