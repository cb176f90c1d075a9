"""The names in the notes are those of the networks."""

from bench.stand_ins import NETWORKS, flow_name, network_name, note_on_rows
from vision.backbones import BACKBONES


def test_networks_are_called_what_they_call_themselves():
    assert {name: backbone.label for name, backbone in BACKBONES.items()} == NETWORKS


def test_a_stand_in_is_called_one_and_the_papers_choice_is_not():
    assert "stand-in" in network_name("efficientnet_lite0") and "stand-in" in flow_name("ptlflow:raft_small")
    assert "stand-in" not in note_on_rows("vgg19", "ptlflow:flownet2")
