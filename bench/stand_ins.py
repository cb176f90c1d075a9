"""What stands in for the paper's choice, in words: for the notes under everything whose numbers depend on it.

A run writes its choices once, from the configuration (results/choices.json); tables, figures and the report read them.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from media.document import Note

# Names of vision.backbones, whose import would cost a table job several seconds (a test compares the two).
NETWORKS = {
    "efficientnet_lite0": "EfficientNet-Lite0",
    "vgg19": "VGG19",
    "vgg19_classifier": "VGG19",
    "inception": "Inception (pytorch-fid)",
    "inception_clean": "Inception (clean-fid)",
}
FLOWS = {
    "dis": "DIS",
    "farneback": "Farneback",
    "raft": "RAFT",
    "raft_small": "RAFT-small",
    "ptlflow:flownet2": "FlowNet2",
}


class Choices(BaseModel):
    """The networks and estimators of a run, as the configuration names them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: str  # on whose features rows match and learn
    classifier: str  # of Top-1 and Top-5
    fid_features: str  # of the Frechet distance
    flow: str  # that rows are given
    scoring_flow: str  # with which flicker is measured
    trial: dict[str, int] | None = None  # at most so many items, frames and steps; None: no trial
    counts: dict[str, dict[str, int]] = {}  # <kind>/<set> -> dataset -> items that are wanted of it
    own_backbones: dict[str, str] = {}  # of the rows whose checkpoint works on the features of another network


def read_choices(path: Path) -> Choices:
    """The choices of a run. Raises ValueError, naming the file and what is wrong in it."""
    try:
        return Choices.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path}: expected the choices of a run; delete it and run again: {error}") from None


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


def note_on_rows(choices: Choices, rows: Collection[str] | None = None) -> Note:
    """What the rows that match, learn or propagate are built on; before that, whether the run is only a trial.

    rows: those that are shown; none: all.
    """
    features, given = network_name(choices.backbone), flow_name(choices.flow)
    own: dict[str, list[str]] = {}
    for row, network in choices.own_backbones.items():
        if rows is None or row in rows:
            own.setdefault(network_name(network), []).append(row)
    others = "".join(f" ({', '.join(names)}: of {name})" for name, names in own.items())
    text = f"Rows match and learn on the features of {features}{others}, and are given the flow of {given}."
    return Note(kind="choices", text=f"{trial_of(choices)} {text}".lstrip())


def notes_on_trial(path: Path | None) -> Iterator[Note]:
    """The note that a run is only a trial, from its choices, for what says nothing else of them; None: not known."""
    if path and (said := trial_of(read_choices(path))):
        yield Note(kind="trial", text=said)


def trial_of(choices: Choices) -> str:
    """A sentence that a run is a trial, and on how little; empty where it is none."""
    if not (trial := choices.trial):
        return ""
    parts = [f"at most {trial['items']} files of a dataset in a set"]
    parts += [f"{trial['frames']} frames of a clip"] if "frames" in trial else []
    parts += [f"{trial['steps']} steps of a training"] if "steps" in trial else []
    return f"A TRIAL, of {', '.join(parts)} (`trial` in the configuration): no number here says how good a row is."


def stand_ins(choices: Choices) -> list[str]:
    """In words, what of the run stands in for the paper's choice; empty where nothing does."""
    chosen = {
        "features for matching, references and losses": network_name(choices.backbone),
        "Top-1 and Top-5": network_name(choices.classifier),
        "flow that rows are given": flow_name(choices.flow),
        "flow that flicker is measured with": flow_name(choices.scoring_flow),
    }
    chosen |= {f"features of {row}": network_name(name) for row, name in choices.own_backbones.items()}
    notes = [trial_of(choices)] if choices.trial else []
    notes += [f"{what}: {name}" for what, name in chosen.items() if "stand-in" in name]
    if not choices.fid_features.startswith("inception"):
        network = network_name(choices.fid_features).split(",")[0]
        notes.append(f"Fréchet distance: {network}, a stand-in for Inception")
    return notes
