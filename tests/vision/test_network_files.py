"""Weight files are known by name without loading the networks."""

from unittest.mock import patch

import pytest

from vision import backbones
from vision.network_files import OF_BACKBONE, contents
from vision.weights import EFFICIENTNET_LITE0, VGG19_FEATURES, hash_of


@pytest.mark.parametrize("name", backbones.BACKBONES)
def test_they_are_the_files_that_the_network_reads(name, tmp_path):
    with patch.object(backbones, "_read", side_effect=LookupError) as read, pytest.raises(LookupError):
        backbones.load_backbone(name, tmp_path)
    assert (read.call_args.args[0],) == OF_BACKBONE[name]


def test_their_contents_are_hashes_of_what_is_there(tmp_path):
    assert list(contents([EFFICIENTNET_LITE0, VGG19_FEATURES], tmp_path)) == [EFFICIENTNET_LITE0.name]  # of a package
    own = tmp_path / VGG19_FEATURES.name
    own.write_bytes(b"weights")
    assert contents([VGG19_FEATURES], tmp_path) == {own.name: hash_of(own)}
