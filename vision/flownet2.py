"""NVIDIA's FlowNet2, the flow that the paper uses, out of ptlflow's.

ptlflow's `flownet2` has NVIDIA's layers and reads NVIDIA's weights, but is another function of them. It differs in four
places, which are mended here; docs/flow.md says how much each of them does.
"""

from torch import Tensor, nn

from media.flow_files import warp_tensor


def as_nvidia(network: nn.Module) -> nn.Module:
    """Make ptlflow's FlowNet2 compute, in place, what NVIDIA/flownet2-pytorch does (Ilg et al. 2017). Returns it.

    Raises AttributeError where ptlflow's class no longer has the parts that are exchanged.
    """
    # 1. The second FlowNetS and FlowNetSD were trained with repeated pixels; ptlflow interpolates.
    for branch in (network.flownets_2, network.flownets_d):
        _exchange(branch, "upsample1", nn.Upsample(scale_factor=4, mode="nearest"))

    # 2. NVIDIA divides FlowNetSD's flow by `div_flow` once; ptlflow inside the branch, and by its square outside.
    def undo_divisions(_branch: nn.Module, _inputs: tuple, outputs: dict) -> dict:
        return outputs | {"flows": outputs["flows"] * network.div_flow**2}

    network.flownets_d.register_forward_hook(undo_divisions)

    # 3. What is subtracted is each channel's mean over both frames; ptlflow subtracts each frame's own.
    preprocess = network.preprocess_images

    def less_common_mean(images: Tensor, bgr_add: Tensor, **options):  # images (B, 2, 3, H, W)
        return preprocess(images, bgr_add=-images.mean((1, 3, 4), keepdim=True), **options)

    _exchange(network, "preprocess_images", less_common_mean)

    # 4. Beyond the frame its edge goes on; ptlflow samples zeros there.
    _exchange(network, "warp", lambda image, flow: warp_tensor(image, flow, outside="replicate"))
    return network


def _exchange(network: nn.Module, name: str, part) -> None:
    getattr(network, name)
    setattr(network, name, part)
