"""Backbones: the shipped one for real, the others with files of the published names and shapes made here."""

import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from vision import backbones
from vision.weights import MissingWeights


@pytest.fixture(scope="module")
def lite():
    return backbones.load_backbone("efficientnet_lite0", "nowhere")


def test_lite0_levels_are_four_halvings(lite):
    levels = lite.levels(torch.rand(1, 3, 216, 384))
    assert [tuple(level.shape[1:]) for level in levels] == [
        (16, 108, 192),
        (24, 54, 96),
        (40, 27, 48),
        (112, 14, 24),
    ]
    assert tuple(level.shape[1] for level in levels) == lite.level_channels


def test_lite0_knows_a_cat(lite):
    """Chelsea is a tabby (281), tiger cat (282) or Egyptian cat (285): the weights are in the right places."""
    from skimage import data

    scores = lite.logits(backbones.classifier_crop(data.chelsea())[None])[0]
    assert scores.argmax().item() in (281, 282, 285)


def test_each_classifier_sees_pictures_as_its_weights_were_published(lite):
    import timm
    from skimage import data
    from torchvision.models import VGG19_Weights

    assert lite.resize == timm.get_pretrained_cfg("tf_efficientnet_lite0").interpolation
    published = VGG19_Weights.IMAGENET1K_V1.transforms(mean=(0, 0, 0), std=(1, 1, 1))
    picture = data.chelsea()
    found = backbones.classifier_crop(picture, backbones.VGG19Classifier.resize)
    expected = published(torch.from_numpy(picture).permute(2, 0, 1).float() / 255)
    torch.testing.assert_close(found, expected.clamp(0, 1))
    assert (found - backbones.classifier_crop(picture, lite.resize)).abs().mean() > 1e-3


@pytest.mark.parametrize("resize", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(300, 451), (451, 300), (97, 97), (256, 400), (640, 231)])
def test_classifiers_see_what_torchvisions_transforms_make(size, resize):
    from torchvision.transforms import InterpolationMode, functional

    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    image = functional.resize(backbones.rgb_tensor(picture), 256, InterpolationMode(resize), antialias=True)
    expected = functional.center_crop(image, 224).clamp(0, 1)
    assert torch.equal(backbones.classifier_crop(picture, resize), expected)


def test_backbones_are_frozen(lite):
    assert not lite.training and not any(p.requires_grad for p in lite.parameters())


def published_recipe(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The deterministic weights under which the reference outputs were made (gain 0.5)."""
    normal = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()))).standard_normal(shape)
    scale = 0.05 if key.endswith("bias") else 0.5 / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy((normal * scale).astype(np.float32))


def test_vgg19_equals_the_published_program(tmp_path):
    shapes = {}
    for block, (inputs, outputs, count) in enumerate(backbones.VGG19.blocks, start=1):
        for index in range(1, count + 1):
            shapes[f"conv{block}_{index}.weight"] = (outputs, inputs if index == 1 else outputs, 3, 3)
            shapes[f"conv{block}_{index}.bias"] = (outputs,)
    torch.save({key: published_recipe(key, shape) for key, shape in shapes.items()}, tmp_path / "vgg19_conv.pth")
    vectors = np.load(Path(__file__).parents[1] / "bench/parity/devc.npz")
    r22, r32, _, r52 = backbones.load_backbone("vgg19", tmp_path).levels(torch.from_numpy(vectors["vgg/image"]))
    np.testing.assert_allclose(r22[:, ::8], vectors["vgg/r22"], atol=3.8e-5)
    np.testing.assert_allclose(
        [r32.mean(), r32.std(unbiased=False), r32.abs().max()], vectors["vgg/r32_stats"], atol=1e-5
    )
    np.testing.assert_allclose(r52, vectors["vgg/r52"], atol=4.5e-7)


def test_vgg19_without_a_file_is_there_to_be_filled():
    network = backbones.VGG19()
    assert (len(network.state_dict()), sum(p.numel() for p in network.parameters())) == (32, 20_024_384)
    assert [tuple(x.shape[1:]) for x in network.second_relus(torch.rand(1, 3, 40, 48))][1:] == [
        (128, 20, 24),
        (256, 10, 12),
        (512, 5, 6),
        (512, 2, 3),
    ]


def test_vgg19_classifier_and_inception_load_files_of_their_shapes(tmp_path):
    from pytorch_fid import inception
    from torchvision.models import vgg19

    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg19(weights=None).state_dict().items()}
    # One number in the place of each tensor: a small file, as there are 144 million.
    state = {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    torch.save(state, tmp_path / "vgg19-dcbb9e9d.pth")
    with pytest.warns(UserWarning, match="not those of the published network"):
        classifier = backbones.load_backbone("vgg19_classifier", tmp_path)
    assert classifier.logits(torch.rand(1, 3, 224, 224)).shape == (1, 1000)

    with pytest.MonkeyPatch.context() as patch:
        made = {}
        patch.setattr(inception, "load_state_dict_from_url", lambda *a, **k: made)
        patch.setattr(torch.nn.Module, "load_state_dict", lambda self, state, **k: state.update(self.state_dict()))
        inception.fid_inception_v3()
    torch.save(made, tmp_path / "pt_inception-2015-12-05-6726825d.pth")
    with pytest.warns(UserWarning, match="not those of the published network"):
        network = backbones.load_backbone("inception", tmp_path)
    assert network.pooled(torch.rand(2, 3, 128, 128)).shape == (2, 2048)


@pytest.mark.parametrize(
    "name, file", [("vgg19", "vgg19_conv.pth"), ("vgg19_classifier", "vgg19-dcbb9e9d.pth"), ("inception", "6726825d")]
)
def test_a_missing_file_says_which_where_and_whence(tmp_path, name, file):
    with pytest.raises(MissingWeights, match=file) as error:
        backbones.load_backbone(name, tmp_path)
    assert str(tmp_path) in str(error.value) and "comes from" in str(error.value)


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match="efficientnet_lite0"):
        backbones.load_backbone("vgg16", "nowhere")


def test_a_single_samples_gradient_may_have_any_layout():
    """Eq. 10 gives one that lies channel by channel."""
    backbone = backbones.load_backbone("efficientnet_lite0", "nowhere")
    rgb = torch.rand(2, 3, 64, 64)

    def gradient(rgb):
        rgb = rgb.clone().requires_grad_()
        level = backbone.levels(rgb)[-1]
        channels, height, width = level.shape[1:]
        ramp = torch.linspace(-1, 1, channels * height * width).reshape(1, height * width, channels)
        level.backward(ramp.repeat(len(rgb), 1, 1).transpose(1, 2).view_as(level))
        return rgb.grad

    each = torch.cat([gradient(one[None]) for one in rgb])
    assert torch.allclose(each, gradient(rgb), rtol=1e-3, atol=1e-3 * each.abs().max())
