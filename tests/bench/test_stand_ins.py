"""The names in the notes are those of the networks."""

import pytest

from bench.stand_ins import NETWORKS, Choices, flow_name, network_name, note_on_rows, read_choices, stand_ins
from vision.backbones import BACKBONES

FLOWNET2 = "ptlflow:flownet2"
PAPERS = Choices(
    backbone="vgg19", classifier="vgg19_classifier", fid_features="inception", flow=FLOWNET2, scoring_flow=FLOWNET2
)


def test_networks_are_called_what_they_call_themselves():
    assert {name: backbone.label for name, backbone in BACKBONES.items()} == NETWORKS


def test_a_stand_in_is_called_one_and_the_papers_choice_is_not():
    assert "stand-in" in network_name("efficientnet_lite0") and "stand-in" in flow_name("ptlflow:raft_small")
    assert "stand-in" not in note_on_rows(PAPERS).text


def test_only_what_is_not_the_papers_choice_is_a_stand_in():
    assert stand_ins(PAPERS) == []
    chosen = {"classifier": "efficientnet_lite0", "fid_features": "efficientnet_lite0", "flow": "dis"}
    found = stand_ins(PAPERS.model_copy(update=chosen))
    assert [words.split(":")[0] for words in found] == [
        "Top-1 and Top-5",
        "flow that rows are given",
        "Fréchet distance",
    ]
    assert all("stand-in" in words for words in found)


def test_a_file_without_a_choice_is_named_with_what_it_lacks(choices):
    assert read_choices(choices(flow="raft")).flow == "raft"
    path = choices()
    path.write_text('{"backbone": "vgg19", "clasifier": "vgg19"}')
    with pytest.raises(ValueError, match=r"(?s)choices\.json: .*classifier.*clasifier"):
        read_choices(path)
