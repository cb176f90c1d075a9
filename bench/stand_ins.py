"""What stands in for the paper's choice, in words: for the notes under every table whose numbers depend on it."""

# Names of vision.backbones, whose import would cost a table job several seconds (a test compares the two).
NETWORKS = {
    "efficientnet_lite0": "EfficientNet-Lite0",
    "vgg19": "VGG19",
    "vgg19_classifier": "VGG19",
    "inception": "Inception (pytorch-fid)",
}
FLOWS = {
    "dis": "DIS",
    "farneback": "Farneback",
    "raft": "RAFT",
    "raft_small": "RAFT-small",
    "ptlflow:flownet2": "FlowNet2",
}


def network_name(name: str) -> str:
    """How a table calls a network, and whether it is the paper's VGG19."""
    label = NETWORKS.get(name, name)
    return f"{label}, the paper's own choice" if label == "VGG19" else f"{label}, a stand-in for the paper's VGG19"


def flow_name(name: str) -> str:
    """How a table calls a flow estimator, and whether it is the paper's FlowNet2."""
    label = FLOWS.get(name, name)
    return (
        f"{label}, the paper's own choice" if label == "FlowNet2" else f"{label}, a stand-in for the paper's FlowNet2"
    )


def note_on_rows(backbone: str, flow: str) -> str:
    """What the rows that match, learn or propagate are built on."""
    features, given = network_name(backbone), flow_name(flow)
    return f"Rows match and learn on the features of {features}, and are given the flow of {given}."
