"""The groups that run networks: each alone, frames in sequence, and the published program's whole clip function."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.parity.group import Group, Outputs, with_lightness_moved
from bench.parity.recipe import weight
from bench.parity.release import named_networks, sizes
from bench.parity.release.named_networks import GAIN, HE_GAIN, NETWORKS, SLOPE, filled_as_published, named
from bench.parity.release.program import saved_rgb
from colorize.checkpoint import RELEASE_TEMPERATURE
from colorize.inference import finish
from colorize.model import Last
from colorize.networks.correspondence import unit
from colorize.networks.layers import SelfAttention, SpectralNorm
from media.color import lab_from_rgb, rgb_tensor_from_lab
from vision.matching import match, unit_columns

LEVELS = ("r22", "r32", "r42", "r52")
# The order in which the vectors list the discriminator's spectral norms.
SIGMAS = (
    *("layer1.0", "layer2.0", "attention.query_conv", "attention.key_conv", "attention.value_conv"),
    *("layer3.0", "layer4.0", "layer5.0", "layer6.0", "last"),
)


def weights(group: Group) -> Outputs:
    """The recipe itself: the names asked for that exist here, their first values, the sum over each network."""
    states = {name: make().state_dict() for name, make in NETWORKS.items()}
    keys = [key for key in group.wanted["keys"] if key.partition(":")[2] in states.get(key.partition(":")[0], {})]
    names = [name for name in group.wanted["nets"] if name in states]
    pairs = [key.split(":") for key in keys]

    def drawn(key: str, shape: tuple[int, ...]) -> np.ndarray:
        return weight(key, shape, GAIN, SLOPE)

    return {
        "keys": np.array(keys),
        "nets": np.array(names),
        "first4": np.array([np.resize(drawn(key, states[name][key].shape), 4) for name, key in pairs]),
        "sum_of_all_values": np.array(
            [
                sum(drawn(key, value.shape).sum(dtype=np.float64) for key, value in states[name].items())
                for name in names
            ]
        ),
    }


def vgg19(group: Group, gain: float = GAIN) -> Outputs:
    """VGG19: parts of each map, and the statistics of the whole."""
    network, image = named("VGG19_pytorch", gain), group.tensor("image")
    outputs: Outputs = {"preprocessed": network.preprocessed(image)[:, :, ::4, ::4]}
    for block, level in enumerate(network.second_relus(image), start=1):
        whole = level.double()
        outputs[f"r{block}2"] = level[:, :: 2 ** (5 - block)]
        outputs[f"r{block}2_stats"] = torch.stack([whole.mean(), whole.std(correction=0), whole.abs().max()])
    return outputs


def vgg19_he(group: Group) -> Outputs:
    """The same with livelier weights."""
    return vgg19(group, HE_GAIN)


def correspondence(group: Group) -> Outputs:
    """The correspondence subnet from levels to warped Lab, at every temperature that a name asks for."""
    network = named("WarpNet")
    frame, reference = ([group.tensor(f"{side}_{level}") for level in LEVELS] for side in "AB")
    lab = group.tensor("B_lab")
    theta, phi = network.frame_features(frame), network.reference_features(reference)
    query, key = unit_columns(theta.flatten(2)), unit_columns(phi.flatten(2))
    colors = F.avg_pool2d(lab, 4).flatten(2)

    def full(columns: Tensor) -> Tensor:
        return F.interpolate(columns.unflatten(2, theta.shape[-2:]), scale_factor=4, mode="nearest")

    outputs: Outputs = {"theta_A": theta[:, ::16], "phi_B": phi[:, ::16]}
    outputs["similarity"] = full(match(query, key, colors, 0.01)[1])
    for name, parts in group.asked(r"warped_lab_T(.+)").items():
        outputs[name] = full(match(query, key, colors, float(parts[1]))[0])
    for name, parts in group.asked(r"([AB]_r\d2)_normalized").items():
        outputs[name] = unit(group.tensor(parts[1]))
    return outputs


def colorization(group: Group) -> Outputs:
    """The colorization subnet."""
    return {"ab": 128 * named("ColorVidNet")(group.tensor("input")).tanh()}


def discriminator(group: Group) -> Outputs:
    """The discriminator: two calls with the same input, and its spectral norm in between."""
    network, pair = filled_as_published(NETWORKS["Discriminator_x64"]()), group.tensor("input")
    features = network.features(pair)
    outputs: Outputs = {"feature4_call1": features[:, ::16], "out_call1": network.score(features)[:, None]}
    norms = {name: part for name, part in network.named_modules() if isinstance(part, SpectralNorm)}
    for name, norm in norms.items():
        outputs[f"{name.removesuffix('.0')}_u_after_call1"] = norm.module.weight_u.clone()
        outputs[f"{name.removesuffix('.0')}_v_after_call1"] = norm.module.weight_v.clone()
    outputs["sigma_after_call1"] = torch.stack(
        [norms[name].sigma(norms[name].module.weight_u, norms[name].module.weight_v) for name in SIGMAS]
    )
    outputs["out_call2"] = network(pair)[:, None]
    return outputs


def attention(group: Group) -> Outputs:
    """The self-attention of the discriminator alone."""
    x = group.tensor("input")
    return {"out": filled_as_published(SelfAttention(x.shape[1], SpectralNorm), prefix="attention.")(x)}


def sequence(group: Group) -> Outputs:
    """Frames coloured one after the other, and single frames under other conditions."""
    frames, reference = group.uncentered("frames_lab"), group.uncentered("ref_lab")
    colored, warped = colored_frames(frames, reference)
    outputs: Outputs = {f"ab_t{t}": ab for t, ab in enumerate(colored)}
    outputs |= {"ref_rgb": rgb_tensor_from_lab(reference), "warped_lab": torch.cat(warped)}
    for name, parts in group.asked(r"frame(\d+)_(ab|warped_lab)_T(.+)").items():
        one = frames[int(parts[1])][None]
        ab, lab = colored_frames(one, reference, float(parts[3]))
        outputs[name] = {"ab": ab, "warped_lab": lab}[parts[2]][0]
    for name, parts in group.asked(r"frame(\d+)_ab_lastIsRef").items():
        outputs[name] = colored_frames(frames[int(parts[1])][None], reference, last=reference)[0][0]
    return outputs


def colored_frames(
    frames: Tensor, reference: Tensor, temperature: float = RELEASE_TEMPERATURE, last: Tensor | None = None
) -> tuple[list[Tensor], list[Tensor]]:
    """ab (1, 2, H, W) and warped Lab (1, 3, H, W; L - 50) of each frame (T, 3, H, W), in sequence from `last` on."""
    model = named_networks.model()
    model.temperature = temperature
    encoded = model.encode_reference(reference)
    colored, warped = [], []
    for frame in frames[:, None]:
        aligned = model.align(model.features(frame[:, :1]), encoded)
        ab = model.color(frame[:, :1], aligned, None if last is None else Last(last))
        last = torch.cat([frame[:, :1], ab], dim=1)
        colored.append(ab)
        full = F.interpolate(aligned.warped, size=frame.shape[-2:], mode="nearest")
        warped.append(with_lightness_moved(full, -50))
    return colored, warped


def clip(group: Group) -> Outputs:
    """From 8-bit frames to 8-bit frames: cut to the size, coloured at half of it, boosted, smoothed, as saved."""
    reference_size = group.wanted.get("ref_resized_u8", group.array("frames_u8")[0]).shape[:2]
    size = group.wanted["out_u8"].shape[1:3] if "out_u8" in group.wanted else reference_size
    frames = [sizes.cover(frame, size) for frame in group.array("frames_u8")]
    reference = sizes.cover(group.array("ref_u8"), size)
    large = torch.cat([lab_tensor(frame) for frame in frames])
    colored = torch.cat(colored_frames(halved(large), halved(lab_tensor(reference)))[0])
    enlarged = F.interpolate(colored, scale_factor=2, mode="bilinear").permute(0, 2, 3, 1).numpy()
    saved = [
        saved_rgb(lightness, finish.finished(lightness, ab))
        for lightness, ab in zip(large[:, 0].numpy(), enlarged, strict=True)
    ]
    return {"ref_resized_u8": reference, "ab_half": colored, "out_u8": np.stack(saved)}


def lab_tensor(rgb: np.ndarray) -> Tensor:
    """8-bit RGB (H, W, 3) to Lab (1, 3, H, W)."""
    return torch.from_numpy(lab_from_rgb(rgb)).permute(2, 0, 1)[None]


def halved(lab: Tensor) -> Tensor:
    """Lab at the size at which the networks work."""
    return F.interpolate(lab, scale_factor=0.5, mode="bilinear")
