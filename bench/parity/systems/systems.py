"""The compared systems: which function answers which output of their vectors.

A key is `<system>[.gain<g>][.case<i>].<name>`; a gain means that the network has the weights of `recipe`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.methods import bonneel2015, levin2004
from bench.methods.networks import larsson2016_network, vpn2017_network, zhang2016_network
from bench.methods.networks.he2018_network import ExampleColorNet
from bench.methods.networks.lai2018_network import TransformNet
from bench.methods.networks.zhang2016_network import Zhang2016Network
from bench.methods.networks.zhang2017_network import Zhang2017Network
from bench.parity.group import Group, Outputs
from bench.parity.outcome import NoRule, Rule, answer
from bench.parity.recipe import filled
from media.flow_files import warp
from vision import occlusion


@dataclass
class SystemCase(Group):
    """The arrays of one case of one system, and the gain of its weights; None where the keys name none.

    outputs: of the one run that a network needs for all of them, once it was asked for the first.
    """

    gain: float | None = None
    outputs: Outputs | None = None

    def double(self, name: str) -> Tensor:
        """An input as a float64 tensor."""
        return torch.from_numpy(np.asarray(self.array(name), np.float64))


@lru_cache(maxsize=1)
def network(make: Callable[[], nn.Module], gain: float | None, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The network with the recipe's weights.

    In double precision what is left is the rounding of the program that made the vectors, whatever the processor.
    """
    if gain is None:
        raise KeyError("the key has no `.gain<g>`, which the weights depend on")
    return filled(make(), gain).to(dtype)


def flownet2_network() -> nn.Module:
    """FlowNet2 as NVIDIA's program computes it."""
    from vision.flow_estimators import import_ptlflow
    from vision.flownet2 import as_nvidia

    return as_nvidia(import_ptlflow().get_model("flownet2"))


def from_run(run: Callable[[SystemCase], Outputs]) -> dict[str, Rule]:
    """Rules for a network: all outputs of a case come from one run."""

    def output(case: SystemCase, name: str) -> Tensor | np.ndarray:
        if case.outputs is None:
            case.outputs = run(case)
        if name not in case.outputs:
            raise NoRule(f"no function here computes {name}; there are {', '.join(case.outputs)}")
        return case.outputs[name]

    return {"(.+)": output}


# Outputs of blocks that go by another name than the block.
BLOCKS = {"ab_quarter_norm": "model_out", "class_logits": "model_class"}


@contextmanager
def watched(network: nn.Module, case: SystemCase) -> Iterator[Outputs]:
    """The statistics of blocks that the case asks for, which get there while the network runs."""
    seen: Outputs = {}
    blocks = dict(network.named_children())
    asked = {key: BLOCKS.get(match[1], match[1]) for key, match in case.asked(r"stat\.(\w+)").items()}
    hooks = [
        blocks[name].register_forward_hook(lambda _block, _inputs, x, key=key: seen.update({key: moments(x)}))
        for key, name in asked.items()
        if name in blocks
    ]
    try:
        yield seen
    finally:  # the network is used again
        for hook in hooks:
            hook.remove()


def moments(x: Tensor) -> np.ndarray:
    """Mean, standard deviation, largest magnitude, and the element a third of the way through."""
    values = x.double().flatten()
    return torch.stack([values.mean(), values.std(), values.abs().max(), values[len(values) // 3]]).numpy()


def eccv16(case: SystemCase) -> Outputs:
    """Zhang 2016: the network."""
    net = network(Zhang2016Network, case.gain)
    with watched(net, case) as outputs:
        outputs["out_ab"] = net(case.double("in_L"))
    return outputs


def siggraph17(case: SystemCase) -> Outputs:
    """Zhang 2017: with the hint and without it; the statistics are those with it."""
    net, lightness = network(Zhang2017Network, case.gain), case.double("in_L")
    outputs: Outputs = {"out_ab_nohint": net(lightness)}
    hints = [case.double(name) for name in ("in_hint_ab", "in_mask") if name in case.inputs]
    with watched(net, case) as statistics_with_hint:
        outputs["out_ab"] = net.with_classes(lightness, *hints)[0]
    return outputs | statistics_with_hint


def lai_transformnet(case: SystemCase) -> Outputs:
    """Lai 2018: frame after frame, from no state."""
    net, state, outputs = network(TransformNet, case.gain), None, {}
    for step in sorted(int(name[1:-3]) for name in case.inputs if re.fullmatch(r"t\d+\.in", name)):
        outputs[f"t{step}.out"], state = net(case.double(f"t{step}.in"), state)
    if state is not None:
        outputs["final_h"], outputs["final_c"] = state
    return outputs


def he2018(case: SystemCase) -> Outputs:
    """He 2018: the network."""
    return {"out_ab": network(ExampleColorNet, case.gain)(case.double("in"))}


def flownet2(case: SystemCase) -> Outputs:
    """FlowNet2 from the first image to the second; of its size, single precision has to do."""
    bgr = torch.stack([case.tensor(f"in_img{index}_rgb").flip(0) for index in (0, 1)])[None]
    return {"out_flow": network(flownet2_network, case.gain, torch.float32)({"images": bgr})["flows"][0, 0]}


def annealed_mean(logits: Tensor, temperature: float = zhang2016_network.TEMPERATURE) -> Tensor:
    """Logits (..., 313) of Zhang 2016 to ab (..., 2): the mean of the distribution to the 1 / temperature (Eq. 5)."""
    return F.softmax(logits / temperature, dim=-1) @ zhang2016_network.bins().to(logits)


def mode(logits: Tensor) -> Tensor:
    """Logits (..., 313) of Zhang 2016 to ab (..., 2): the likeliest bin's centre."""
    return zhang2016_network.bins().to(logits)[logits.argmax(-1)]


def histogram(case: SystemCase, name: str) -> Tensor:
    """Histograms (H, W, 32) as (1, 32, H, W)."""
    return case.double(name).movedim(-1, 0)[None]


def larsson_rgb(case: SystemCase, how: str, matched: str | None) -> Tensor:
    """The colours (H, W, 3) that the histograms are decoded to: as released, or by <hue>_<chroma>."""
    chosen = () if how == "default" else how.split("_")
    grey = case.double("grey")[None]
    rgb = larsson2016_network.decode(histogram(case, "hist_hue"), histogram(case, "hist_chroma"), grey, *chosen)
    return (larsson2016_network.lightness_matched(rgb, grey) if matched else rgb)[0].movedim(0, -1)


def vpn_connection(case: SystemCase) -> vpn2017_network.Connection:
    """The lattice between the points that have colours and those that get them."""
    return vpn2017_network.connect(case.double("feat_in_scaled"), case.double("feat_out_scaled"))


def vpn_stage1(case: SystemCase, gain: str) -> Tensor:
    """VPN's learned stage."""
    net = network(vpn2017_network.ColorStage, float(gain))
    points, grid = case.double("feat_in_scaled"), case.double("feat_out_scaled")
    return net(points, case.double("color_in"), grid, tuple(case.array("HW").tolist()))


def levin_solution(case: SystemCase) -> np.ndarray:
    """The chroma that the scribbles spread to."""
    return levin2004.solve(case.array("Y"), case.array("IQ_scribble"), case.array("mask").astype(bool))


def bonneel_weight(case: SystemCase) -> np.ndarray:
    """How far each pixel is held to the last result."""
    return bonneel2015.weights(case.array("V_cur"), case.array("V_prev"), case.array("flow_cur_to_prev"))


def bonneel_result(case: SystemCase) -> np.ndarray:
    """The frame made consistent with the last result."""
    carried = warp(case.array("O_prev"), case.array("flow_cur_to_prev"))
    return bonneel2015.solve(case.array("P_cur"), carried, bonneel_weight(case))


def of_flows(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Rule:
    """A rule: the function of the flow and its way back."""
    return lambda case: function(case.array("flow_fw"), case.array("flow_bw"))


SYSTEMS: dict[str, dict[str, Rule]] = {
    "eccv16": from_run(eccv16),
    "siggraph17": from_run(siggraph17),
    "lai_transformnet": from_run(lai_transformnet),
    "he2018_examplecolornet": from_run(he2018),
    "flownet2": from_run(flownet2),
    "ruder2016": {"presmooth": of_flows(occlusion.reliability), "reliable_u8": of_flows(occlusion.ruder_map)},
    "larsson2016.decode": {r"rgb_(default|[a-z]+_(?:median|expectation|mode))(_lightness_matched)?": larsson_rgb},
    "zhang2016.bins": {
        "pts313": lambda case: zhang2016_network.bins(),
        r"soft_nn(\d+)_sigma([\d.]+)": lambda case, nearest, sigma: zhang2016_network.soft_encoding(
            case.double("ab"), int(nearest), float(sigma)
        ),
        r"(?:mean|annealed)_T([\d.]+)": lambda case, temperature: annealed_mean(
            case.double("logits"), float(temperature)
        ),
        r"scaled_logits_([\d.]+)": lambda case, scale: annealed_mean(case.double("logits") * float(scale), 1),
        "mode": lambda case: mode(case.double("logits")),
    },
    "vpn2017": {
        "lattice_keys_in": lambda case: vpn2017_network.lattice(case.double("feat_in_scaled"))[0],
        "lattice_bary_in": lambda case: vpn2017_network.lattice(case.double("feat_in_scaled"))[1],
        "bnn_identity_out": lambda case: vpn_connection(case).averaged(case.double("color_in")),
        "bnn_identity_norm": lambda case: vpn_connection(case).reached(torch.float64)[:, 0],
        r"stage1_out_gain([\d.]+)": vpn_stage1,
    },
    "levin2004": {"IQ_solution": levin_solution},
    "bonneel2015": {"weight": bonneel_weight, "O_cur": bonneel_result},
}
KEY = re.compile(
    rf"(?P<system>{'|'.join(map(re.escape, SYSTEMS))})(?:\.gain(?P<gain>\d+(?:\.\d+)?))?(?:\.case\w+)?\.(?P<name>.+)"
)


def output_of(system: str, case: SystemCase, name: str) -> np.ndarray:
    """The value of an output. Raises NoRule where nothing here computes it."""
    with torch.no_grad():
        return np.asarray(answer(SYSTEMS[system], case, name, system))
