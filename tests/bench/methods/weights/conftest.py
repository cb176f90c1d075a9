"""Files in other frameworks' formats, and networks filled for them."""

from collections.abc import Callable

import pytest
import torch
from foreign_files import Foreign


@pytest.fixture(scope="session")
def foreign() -> Foreign:
    return Foreign()


@pytest.fixture
def filled() -> Callable:
    """A function that gives a network random weights and statistics, so that no two tensors of it are alike."""

    def fill(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
        generator = torch.Generator().manual_seed(seed)
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                noise = torch.randn(value.shape, generator=generator)
                value.copy_(0.5 + noise.abs() if name.endswith("running_var") else noise / 10)
        return network.eval()

    return fill
