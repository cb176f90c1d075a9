"""Matching: exact whatever the chunk, and right on a known permutation."""

import pytest
import torch
import torch.nn.functional as F

from vision.matching import match, matching_features, unit_columns


def test_the_chunk_does_not_matter():
    torch.manual_seed(0)
    query, key = F.normalize(torch.randn(16, 100), dim=0), F.normalize(torch.randn(16, 70), dim=0)
    values = torch.randn(70, 2)
    cosine = query.T @ key
    expected = torch.softmax(cosine / 0.01, dim=1) @ values, cosine.amax(1)
    for chunk in (1, 7, 100, 512):
        for got, wanted in zip(match(query, key, values, 0.01, chunk), expected, strict=True):
            torch.testing.assert_close(got, wanted, atol=1e-4, rtol=1e-5)


def test_a_permuted_reference_is_found_again():
    torch.manual_seed(0)
    key = F.normalize(torch.randn(64, 50), dim=0)
    order = torch.randperm(50)
    warped, confidence = match(key[:, order], key, torch.arange(50.0)[:, None], 0.005)
    torch.testing.assert_close(warped[:, 0], order.float(), atol=1e-3, rtol=0)
    torch.testing.assert_close(confidence, torch.ones(50))


def test_features_are_centred_unit_columns():
    features = matching_features([torch.randn(1, 8, 8, 12) + 5, torch.randn(1, 4, 4, 6)], (8, 12))
    assert features.shape == (12, 96)
    torch.testing.assert_close(features.norm(dim=0), torch.ones(96))
    centred = unit_columns(torch.randn(2, 5, 30) + 100)
    assert centred.mean().abs() < 0.1


@pytest.mark.parametrize("shape", [(3, 5), (4, 4)])
def test_confidence_is_a_cosine(shape):
    columns = F.normalize(torch.randn(*shape), dim=0)
    _, confidence = match(columns, columns, torch.zeros(shape[1], 2))
    assert (confidence <= 1 + 1e-5).all()
