"""Matching: exact whatever the block, its gradients too, right on a known permutation, and its memory linear."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd.graph import saved_tensors_hooks

from vision import matching
from vision.matching import match, matching_features, unit_columns

BLOCKS = [1, 70, 500, 2**21]  # entries of the correlation matrix at a time, of 2 x 100 x 70


@pytest.fixture
def problem():
    """Query (2, 16, 100), key (2, 16, 70) and values (2, 3, 70), float32, each a leaf."""
    torch.manual_seed(0)
    query, key = (unit_columns(torch.randn(2, 16, n)).detach().requires_grad_() for n in (100, 70))
    return query, key, torch.randn(2, 3, 70, requires_grad=True)


def plain(query, key, values, temperature):
    """Eqs. 3-5 with the whole correlation matrix."""
    cosine = query.transpose(1, 2) @ key
    weights = torch.softmax(cosine / temperature, dim=2)
    return values @ weights.transpose(1, 2), cosine.amax(dim=2)[:, None]


@pytest.mark.parametrize("temperature", [0.1, 0.01, 1e-10])
@pytest.mark.parametrize("block", BLOCKS)
def test_the_block_does_not_matter(problem, block, temperature, monkeypatch):
    monkeypatch.setattr(matching, "BLOCK", block)
    expected = plain(*(tensor.double() for tensor in problem), temperature)
    for got, wanted in zip(match(*problem, temperature), expected, strict=True):
        assert got.shape == wanted.shape and got.dtype == torch.float32
        torch.testing.assert_close(got.double(), wanted, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize(("dtype", "off"), [(torch.float64, 1e-10), (torch.float32, 1e-3)])
@pytest.mark.parametrize("block", BLOCKS)
def test_gradients_are_those_of_the_whole_matrix_in_double_precision(problem, block, dtype, off, monkeypatch):
    monkeypatch.setattr(matching, "BLOCK", block)
    warped_slope, confidence_slope = torch.randn(2, 3, 100).double(), torch.randn(2, 1, 100).double()

    def gradients(function, tensors):
        warped, confidence = function(*tensors, 0.1)
        total = (warped * warped_slope).sum() + (confidence * confidence_slope).sum()
        return torch.autograd.grad(total, tensors)

    exact = gradients(plain, [tensor.detach().double().requires_grad_() for tensor in problem])
    found = gradients(match, [tensor.detach().to(dtype).requires_grad_() for tensor in problem])
    for got, wanted in zip(found, exact, strict=True):
        assert got.dtype == dtype and wanted.abs().max() > 0.1
        torch.testing.assert_close(got.double(), wanted, atol=off / 10, rtol=off)


@pytest.mark.parametrize("block", [1, 2**21])
def test_gradients_reach_only_what_learns(problem, block, monkeypatch):
    monkeypatch.setattr(matching, "BLOCK", block)
    query, key, values = problem
    warped, _ = match(query.detach(), key.detach(), values)
    warped.sum().backward()
    assert query.grad is None and key.grad is None and values.grad is not None
    assert not match(*(tensor.detach() for tensor in problem))[0].requires_grad


def test_what_is_kept_for_the_backward_pass_is_linear(monkeypatch):
    """Numbers saved by autograd: twice as many of twice the positions, where the whole matrix would be four times."""

    def saved(count: int) -> int:
        kept = {}

        def pack(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 4
            return tensor

        tensors = [torch.randn(1, channels, count, requires_grad=True) for channels in (8, 8, 2)]
        with saved_tensors_hooks(pack, lambda tensor: tensor):
            result = match(*tensors, 0.1)
        assert result[0].requires_grad
        return sum(kept.values())

    monkeypatch.setattr(matching, "BLOCK", 2**12)
    small, large = saved(300), saved(600)
    assert large < 2.5 * small and large < 600 * 600 / 4
    monkeypatch.setattr(matching, "BLOCK", 2**30)
    assert saved(600) > 600 * 600  # the check would see the matrix if it was kept


def test_under_autocast_it_stays_exact(problem):
    expected = match(*problem)
    with torch.autocast("cpu", torch.bfloat16):
        for got, wanted in zip(match(*problem), expected, strict=True):
            assert got.dtype == torch.float32
            torch.testing.assert_close(got, wanted, atol=1e-6, rtol=0)


def test_samples_of_a_batch_do_not_mix(problem):
    together = match(*problem)
    alone = [match(*(tensor[index : index + 1] for tensor in problem)) for index in range(2)]
    for got, *each in zip(together, *alone, strict=True):
        torch.testing.assert_close(got, torch.cat(each))


def test_a_permuted_reference_is_found_again():
    torch.manual_seed(0)
    key = F.normalize(torch.randn(1, 64, 50), dim=1)
    order = torch.randperm(50)
    warped, confidence = match(key[:, :, order], key, torch.arange(50.0)[None, None], 0.005)
    torch.testing.assert_close(warped[0, 0], order.float(), atol=1e-3, rtol=0)
    torch.testing.assert_close(confidence, torch.ones(1, 1, 50))


def test_features_are_centred_unit_columns():
    features = matching_features([torch.randn(2, 8, 8, 12) + 5, torch.randn(2, 4, 4, 6)], (8, 12))
    assert features.shape == (2, 12, 8, 12)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2, 8, 12))
    centered = unit_columns(torch.randn(2, 5, 30) + 100)
    assert centered.mean().abs() < 0.1


def test_no_level_outweighs_another():
    levels = [torch.randn(1, 8, 8, 12), torch.randn(1, 4, 4, 6)]
    louder = [levels[0], 1000 * levels[1]]
    torch.testing.assert_close(matching_features(louder, (8, 12)), matching_features(levels, (8, 12)))


@pytest.mark.parametrize("shape", [(1, 3, 5), (2, 4, 4)])
def test_confidence_is_a_cosine(shape):
    columns = F.normalize(torch.randn(*shape), dim=1)
    _, confidence = match(columns, columns, torch.zeros(shape[0], 2, shape[2]))
    torch.testing.assert_close(confidence, torch.ones(shape[0], 1, shape[2]))
