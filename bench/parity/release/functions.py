"""The groups that need no model: losses, colour, sizes, smoother, distortion."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.parity.group import Group, Outputs
from bench.parity.release import sizes
from bench.parity.release.named_networks import HE_GAIN, named
from bench.parity.release.program import nonlocal_average, saved_rgb
from bench.parity.release.pseudo_video import forward_warp, still_seen
from colorize.inference import finish
from colorize.training import losses
from media.color import lab_from_rgb, rgb_tensor_from_lab
from media.flow_files import warp_tensor
from vision.backbones import grey_rgb


def contextual(group: Group) -> Outputs:
    """Eqs. 9 and 10 for each sample, and the gradient of their sum."""
    x, y = group.tensor("X").requires_grad_(), group.tensor("Y")
    forward = losses.contextual_each(x, y)
    return {
        "forward": forward,
        "forward_gradX": torch.autograd.grad(forward.sum(), x)[0],
        "backward": losses.contextual_each(x, y, direction="backward"),
        "forward_nocenter": losses.contextual_each(x, y, centering="none"),
    } | {
        name: losses.contextual_each(x, y, bandwidth=float(parts[1]))
        for name, parts in group.asked(r"forward_h(.+)").items()
    }


def smoothness(group: Group) -> Outputs:
    """Eq. 11 and the averages of its relatives that the published program has switched off."""
    truth, predicted = group.tensor("lab_gt"), group.tensor("lab_pred").requires_grad_()
    loss = 5 * losses.smoothness(predicted[:, 1:], group.uncentered("lab_gt"))
    features = F.normalize(group.tensor("feature"), dim=1)
    small, averaged = nonlocal_average(predicted[:, 1:], features)
    return {
        "weighted_ab": losses.weighted_average(predicted[:, 1:], group.uncentered("lab_gt"), alpha=10),
        "loss_x5": loss,
        "grad_pred": torch.autograd.grad(loss, predicted)[0],
        "weighted_ab_Lonly_alpha1": losses.weighted_average(truth[:, 1:], truth[:, :1], alpha=1),
        "nonlocal_ab": averaged,
        "nonlocal_loss": F.mse_loss(small, averaged),
    }


def flow(group: Group) -> Outputs:
    """Eq. 13 and its warp."""
    x, motion = group.tensor("x"), group.tensor("flow")
    loss = losses.temporal(group.tensor("target_ab"), x[:, 1:], motion, group.tensor("mask"))
    return {"warped": warp_tensor(x, motion), "loss_x0.02": 0.02 * loss}


def adversarial(group: Group) -> Outputs:
    """Eq. 12 for both sides."""
    fake, real = group.tensor("y_fake")[:, 0], group.tensor("y_real")[:, 0]
    return {
        "loss_D": losses.adversarial_discriminator(fake, real),
        "loss_G_x0.2": 0.2 * losses.adversarial_generator(fake, real),
    }


def l1(group: Group) -> Outputs:
    """Eq. 14 as published."""
    applies = group.tensor("self_ref_flag")[:, 0, 0, 0]
    return {"loss_x2": 2 * losses.l1(group.tensor("pred"), group.tensor("gt"), applies, protocol="release")}


def all_losses(group: Group) -> Outputs:
    """Eq. 15 without the adversarial loss, and its gradient with regard to the current frame's colours."""
    ab, last_ab = group.tensor("pred_current_ab").requires_grad_(), group.tensor("pred_last_ab")
    truth, reference = group.uncentered("current_lab"), group.uncentered("ref_lab")
    levels = named("VGG19_pytorch", HE_GAIN).levels
    result = levels(rgb_tensor_from_lab(torch.cat([truth[:, :1], ab], dim=1)))
    style, wanted = levels(rgb_tensor_from_lab(reference)), levels(rgb_tensor_from_lab(truth))[-1]
    parts = [losses.contextual(result, style, weights) for weights in ([0, 0, 0, 8], [0, 0, 4, 0], [0, 2, 0, 0])]
    applies = group.tensor("self_ref_flag")[:, 0, 0, 0]
    terms = {
        "l1": 2.0 * losses.l1(ab, truth[:, 1:], applies, protocol="release"),
        "perc": 0.001 * losses.perceptual(result[-1], wanted),
        "context": 0.2 * sum(parts),
        "smooth": 5.0 * losses.smoothness(ab, truth),
        "temporal": 0.02 * losses.temporal(last_ab, ab, group.tensor("flow_forward"), group.tensor("mask")),
    }
    total = sum(terms.values())
    return terms | {
        "context_parts_r52x8_r42x4_r32x2": torch.stack(parts),
        "total_without_gan": total,
        "grad_pred_current_ab": torch.autograd.grad(total, ab)[0],
    }


def color(group: Group) -> Outputs:
    """Lab and RGB in both directions, as tensors and as images."""
    lab = group.tensor("lab")  # here with L in 0..100
    height_last = lab[0].permute(1, 2, 0).numpy()
    return {
        "rgb": rgb_tensor_from_lab(lab),
        "rgb_u8_output": saved_rgb(height_last[..., 0], height_last[..., 1:]),
        "lab_from_rgb_u8": centered_lab(group.array("rgb_u8")),
        "rgb_gray_input": grey_rgb(group.uncentered("l_centered")),
    }


def centered_lab(rgb: np.ndarray) -> Tensor:
    """8-bit RGB (H, W, 3) to Lab (3, H, W) with L - 50."""
    lab = torch.from_numpy(lab_from_rgb(rgb)).permute(2, 0, 1)
    return torch.cat([lab[:1] - 50, lab[1:]])


def resized_images(group: Group) -> Outputs:
    """Both rules of bringing an image to a size; the name of an output says which image, rule and size."""
    rules = {"CenterPad": sizes.cover, "CenterPad_threshold": sizes.squeeze}
    return {
        name: rules[parts[2]](group.array(f"{parts[1]}_u8"), (int(parts[3]), int(parts[4])))
        for name, parts in group.asked(r"(.+)_(CenterPad(?:_threshold)?)_(\d+)x(\d+)").items()
    }


def smoother(group: Group) -> Outputs:
    """The fast global smoother on one channel."""
    return {"out": finish.smoothed(group.array("src")[..., None], group.array("guide_u8"))[..., 0]}


def distortion(group: Group) -> Outputs:
    """A photograph moved along a flow, and where it is still to be seen."""
    image, motion = group.array("image_u8"), np.stack([group.array("u"), group.array("v")], axis=-1)
    moved = forward_warp(image, motion)
    return {"warped_u8": moved, "mask": still_seen(image, moved, motion)}
