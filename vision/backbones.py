"""Frozen image networks behind one seam: features for matching, retrieval and losses, and the ImageNet classifier.

Convention: images are sRGB tensors (B, 3, H, W) in 0..1; each network does its own normalisation inside.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from vision import efficientnet_lite
from vision.state_dicts import check_sound, fill, read_state
from vision.weights import (
    EFFICIENTNET_LITE0,
    INCEPTION_FID,
    VGG19_CLASSIFIER,
    VGG19_FEATURES,
    MisfitWeights,
    WeightFile,
    locate,
)

# timm's constructor draws so many numbers more than torch's own layers do. The network was timm's: with them, what is
# drawn next, such as the first weights of a training, is what a seed has always given.
DRAWS_OF_TIMM = 4_609_136
HINT = "these are not the published weights of this network (`python -m bench weights` says where they come from)"


class Backbone(nn.Module):
    """A frozen network. A part that a network does not have raises NotImplementedError naming both."""

    label: str  # how tables name it
    level_channels: tuple[int, ...] = ()  # of the four maps of `levels`
    resize: str = "bilinear"  # how `classifier_crop` makes pictures smaller: as its weights were published

    def levels(self, rgb: Tensor) -> list[Tensor]:
        """Four feature maps, shallow to deep, at strides 2, 4, 8, 16."""
        raise NotImplementedError(f"{self.label} has no feature levels: choose another `backbone`")

    def pooled(self, rgb: Tensor) -> Tensor:
        """One embedding an image (B, C), for retrieval and the Frechet distance."""
        raise NotImplementedError(f"{self.label} has no pooled features: choose another network")

    def logits(self, rgb: Tensor) -> Tensor:
        """ImageNet class scores (B, 1000) of the (B, 3, 224, 224) crops of `classifier_crop`."""
        raise NotImplementedError(f"{self.label} is no classifier: choose another `classifier`")


class EfficientNetLite0(Backbone):
    """EfficientNet-Lite0 (vision.efficientnet_lite) with the weights that a package ships; a stand-in for VGG19.

    Its levels are the outputs of blocks 0, 2, 4 and 10: 192 channels in all, better for matching than the wider
    expansion maps and six times cheaper.
    """

    label = "EfficientNet-Lite0"
    level_channels = (16, 24, 40, 112)
    resize = "bicubic"

    def __init__(self, weights_dir: str | Path):
        super().__init__()
        self.net = efficientnet_lite.Lite0Network()
        state, path = _read(EFFICIENTNET_LITE0, weights_dir)
        names = list(self.net.state_dict())
        if len(names) != len(state):
            raise MisfitWeights(f"{path}: it holds {len(state)} tensors, {len(names)} expected; {HINT}")
        # The file has the tensors in the same order under other names.
        fill(self.net, dict(zip(names, state.values(), strict=True)), path, HINT)
        torch.rand(DRAWS_OF_TIMM)

    def levels(self, rgb: Tensor) -> list[Tensor]:
        maps = self.net.stages(2 * rgb - 1, count=5)
        levels = [*maps[:3], maps[4]]
        if len(rgb) == 1 and rgb.requires_grad:
            # On the CPU, torch's batch norm in eval mode misreads a single sample's gradient of another layout.
            for level in levels:
                level.register_hook(Tensor.contiguous)
        return levels

    def pooled(self, rgb: Tensor) -> Tensor:
        return self.net.pooled(2 * rgb - 1)

    def logits(self, rgb: Tensor) -> Tensor:
        return self.net(2 * rgb - 1)


class VGG19(Backbone):
    """The convolutions of VGG19 with the release's Caffe-style weights; levels relu2_2, 3_2, 4_2, 5_2 (section 3.2).

    Without `weights_dir` its weights are random, for a caller that loads some itself.
    """

    label = "VGG19"
    level_channels = (128, 256, 512, 512)
    blocks = ((3, 64, 2), (64, 128, 2), (128, 256, 4), (256, 512, 4), (512, 512, 4))  # in, out, convolutions

    def __init__(self, weights_dir: str | Path | None = None):
        super().__init__()
        for block, (inputs, outputs, count) in enumerate(self.blocks, start=1):
            for index in range(1, count + 1):
                channels = inputs if index == 1 else outputs
                self.add_module(f"conv{block}_{index}", nn.Conv2d(channels, outputs, 3, padding=1))
        if weights_dir is not None:
            fill(self, *_read(VGG19_FEATURES, weights_dir), HINT)

    def preprocessed(self, rgb: Tensor) -> Tensor:
        """What the first convolution sees: BGR less the mean of the training images, times 255."""
        mean_bgr = rgb.new_tensor([0.40760392, 0.45795686, 0.48501961])[:, None, None]
        return (rgb.flip(1) - mean_bgr) * 255

    def second_relus(self, rgb: Tensor) -> list[Tensor]:
        """relu1_2 to relu5_2; what lies behind the last one is not computed."""
        x = self.preprocessed(rgb)
        levels = []
        for block, (_, _, count) in enumerate(self.blocks, start=1):
            if levels:
                x = F.max_pool2d(x, 2)
            for index in range(1, (count if block < len(self.blocks) else 2) + 1):
                x = F.relu(getattr(self, f"conv{block}_{index}")(x), inplace=True)
                if index == 2:
                    levels.append(x)
        return levels

    def levels(self, rgb: Tensor) -> list[Tensor]:
        return self.second_relus(rgb)[1:]

    def pooled(self, rgb: Tensor) -> Tensor:
        return self.levels(rgb)[-1].mean(dim=(2, 3))


class VGG19Classifier(Backbone):
    """torchvision's VGG19, the classifier of Table 1 (section 5.2: VGG19 pre-trained on colour images)."""

    label = "VGG19"

    def __init__(self, weights_dir: str | Path):
        super().__init__()
        from torchvision.models import vgg19

        self.net = vgg19(weights=None)
        fill(self.net, *_read(VGG19_CLASSIFIER, weights_dir), HINT)

    def logits(self, rgb: Tensor) -> Tensor:
        mean, std = (rgb.new_tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        return self.net((rgb - mean) / std)


class Inception(Backbone):
    """pytorch-fid's Inception (2015-12-05 TensorFlow weights): the 2048 pool3 features of the Frechet distance.

    It makes pictures 299 x 299 itself: bilinear between pixel centres, no antialiasing.
    """

    label = "Inception (pytorch-fid)"

    def __init__(self, weights_dir: str | Path):
        super().__init__()
        from unittest.mock import patch

        from pytorch_fid import inception

        state, path = _read(INCEPTION_FID, weights_dir)
        check_sound(state, path, HINT)
        # pytorch-fid can only download; give its loader the file that lies here.
        with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
            try:
                self.net = inception.InceptionV3([inception.InceptionV3.BLOCK_INDEX_BY_DIM[2048]])
            except RuntimeError as error:  # it names the tensors
                raise MisfitWeights(f"{path}: {error}; {HINT}") from error

    def pooled(self, rgb: Tensor) -> Tensor:
        return self.net(rgb)[0].flatten(1)


class InceptionClean(Inception):
    """The same network behind clean-fid's resizing (Parmar et al. 2022): Pillow's antialiased bicubic in float32."""

    label = "Inception (clean-fid)"
    side = 299

    def pooled(self, rgb: Tensor) -> Tensor:
        return super().pooled(torch.stack([self.resized(picture) for picture in rgb]))

    def resized(self, rgb: Tensor) -> Tensor:
        """(3, H, W) in 0..1, of 8 bits, to (3, 299, 299), cut to 0..255 and not rounded.

        Divided by 256, not 255: the network takes 2x - 1 of it, and clean-fid gives its network (v - 128) / 128.
        """
        channels = [Image.fromarray(channel) for channel in (255 * rgb).round().cpu().numpy()]
        made = [np.asarray(channel.resize((self.side, self.side), Image.Resampling.BICUBIC)) for channel in channels]
        return torch.from_numpy(np.stack(made).clip(0, 255) / np.float32(256)).to(rgb.device)


BACKBONES = {
    "efficientnet_lite0": EfficientNetLite0,
    "vgg19": VGG19,
    "vgg19_classifier": VGG19Classifier,
    "inception": Inception,
    "inception_clean": InceptionClean,
}


def load_backbone(name: str, weights_dir: str | Path) -> Backbone:
    """The named network with its weights, frozen, in eval mode.

    Raises ValueError for the name, MissingWeights, MisfitWeights.
    """
    if name not in BACKBONES:
        raise ValueError(f"unknown backbone {name!r}; expected one of {', '.join(BACKBONES)}")
    return BACKBONES[name](weights_dir).eval().requires_grad_(False)


def _read(file: WeightFile, weights_dir: str | Path) -> tuple[dict[str, Tensor], Path]:
    path = locate(file, weights_dir)
    return read_state(path), path


def grey_rgb(luminance: Tensor) -> Tensor:
    """What a network sees of a grey frame: L (B, 1, H, W) in 0..100 as L/100 in three channels."""
    return (luminance / 100).clamp(0, 1).expand(-1, 3, -1, -1)


def rgb_tensor(rgb: np.ndarray) -> Tensor:
    """8-bit RGB (H, W, 3) as a float tensor (3, H, W) in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1))).float() / 255


def classifier_crop(rgb: np.ndarray, resize: str = EfficientNetLite0.resize) -> Tensor:
    """The usual ImageNet test view: shorter side 256 (antialiased), centre 224; (3, 224, 224) in 0..1.

    resize: that of the network, bilinear or bicubic.
    """
    image = rgb_tensor(rgb)
    shorter = min(image.shape[1:])
    size = [256 if side == shorter else int(256 * side / shorter) for side in image.shape[1:]]
    # As torchvision's transforms do it; importing them costs seconds.
    image = F.interpolate(image[None], size=size, mode=resize, align_corners=False, antialias=True)[0]
    top, left = (round((side - 224) / 2) for side in size)
    return image[:, top : top + 224, left : left + 224].clamp(0, 1)
