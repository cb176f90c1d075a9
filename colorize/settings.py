"""The keys of one training, with the paper's values as defaults (section 4); `training:` in the config sets them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Protocol = Literal["paper", "release"]
Matching = Literal["subnet", "context"]
History = Literal["previous", "aligned"]
Output = Literal["direct", "gated"]
Count = Annotated[int, Field(ge=1)]
Size = tuple[Count, Count]  # height, width
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]

# The keys that say where and how fast a training runs; docs/training.md says how far its numbers are the same.
EXECUTION = ("threads", "workers", "accelerator", "processes", "nodes", "micro_batch", "save_every_minutes")


class LossWeights(BaseModel):
    """The lambdas of Eq. 15; 0 leaves a loss out."""

    model_config = ConfigDict(extra="forbid")

    perceptual: float = Field(0.001, ge=0, description="weight of Eq. 8")
    contextual: float = Field(0.2, ge=0, description="weight of Eq. 10")
    smoothness: float = Field(5.0, ge=0, description="weight of Eq. 11")
    adversarial: float = Field(0.2, ge=0, description="weight of Eq. 12")
    temporal: float = Field(0.02, ge=0, description="weight of Eq. 13")
    l1: float = Field(2.0, ge=0, description="weight of Eq. 14")


class ModelSettings(BaseModel):
    """What a model is, apart from its backbone: enough to build it again (colorize.model.ExemplarModel)."""

    model_config = ConfigDict(extra="forbid")

    width: float = Field(1.0, gt=0, description="channels as a share of the paper's")
    protocol: Protocol = Field("paper", description="layout of the networks")
    matching: Matching = Field("subnet", description="context: an extension, no subnet")
    history: History = Field("previous", description="aligned: an extension of Eq. 7")
    output: Output = Field("direct", description="gated: an extension")


class TrainSettings(ModelSettings):
    """Everything that a training depends on, apart from its data, the backbone and the seed."""

    frame: Size = Field(
        (216, 384), description="height and width of the frames in which correspondences are sought, multiples of 8"
    )
    crop: Size = Field(
        (216, 384), description="height and width of what is cut out of them and coloured, multiples of 8"
    )
    sequence: int = Field(2, ge=2, description="adjacent frames of a clip that are coloured one after the other")
    unroll: int = Field(2, ge=2, description="frames through which a step's gradient flows")
    given_first: float = Field(
        0.0, ge=0, le=1, description="share of clip samples whose first frame is given in colour and is the reference"
    )
    steps: int = Field(22110, gt=0, description="optimiser steps; 22110 = 10 epochs of 88,432 pairs in batches of 40")
    batch: int = Field(40, gt=0, description="pairs of adjacent frames in a step, over all devices")
    learning_rate: float = Field(2e-4, gt=0, description="of the generator and the discriminator")
    decay: Literal["none", "cosine"] = Field("none", description="course of the learning rate; the paper's is constant")
    correspondence_rate: float = Field(
        1.0, ge=0, description="share of the learning rate for the correspondence; 0 freezes it; published script: 0.05"
    )
    betas: tuple[Share, Share] = Field((0.5, 0.999), description="of Adam")
    losses: LossWeights = Field(LossWeights(), description="the lambdas of Eq. 15; 0 leaves a loss out")
    context_weights: list[Amount] = Field(
        [0, 2, 4, 8], min_length=4, max_length=4, description="w_L of Eq. 10, shallow level to deep"
    )
    adversarial_from: int = Field(
        4422, ge=0, description="step from which the adversarial loss counts; 4422 = 2 epochs"
    )
    photo_share: float = Field(
        0.79, ge=0, le=1, description="share of pseudo-video; the paper's 70,000 of 88,432 pairs"
    )
    own_reference: float = Field(0.3, ge=0, le=1, description="share of pairs whose reference is their own true frame")
    distortion: float = Field(4.0, ge=0, description="largest strength of the pseudo-video's distortion")
    luminance_shift: float = Field(5.0, ge=0, description="spread of the brightness change between two frames, L units")
    luminance_noise: float = Field(2.0, ge=0, description="spread of the noise on each pixel's L that the networks see")
    reference_noise: float = Field(
        2.0, ge=0, description="spread of the noise on an own reference, Lab units; unpublished"
    )
    feature_noise: float = Field(
        0.02, ge=0, description="noise on an own reference's features, as a share; unpublished"
    )
    noise: Literal["both", "either"] = Field(
        "both",
        description='whether an own reference has both of these, or one of them, each as likely; the paper: "Gaussian '
        'noise, or feature noise"',
    )
    keep: Literal["best", "last"] = Field(
        "best",
        description="the weights that a training leaves: those with the lowest validation error, step 0 excluded, or "
        "those after the last step, as the paper's 10 epochs",
    )
    validate_every: int = Field(1000, gt=0, description="steps between two looks at the validation set")
    validation_pairs: int = Field(64, gt=0, description="pairs, or clips where there are validation clips")
    threads: int = Field(
        2, gt=0, description="CPU threads of torch in each process; another number may round differently"
    )
    workers: int = Field(0, ge=0, description="more processes for each, which load pairs; does not change any number")
    accelerator: Literal["auto", "cpu", "gpu", "cuda"] = Field(
        "auto", description="where the training runs; `auto`: on a GPU where there is one"
    )
    precision: Literal["32-true", "bf16-mixed"] = Field("32-true", description="of the networks' arithmetic")
    processes: int = Field(1, gt=0, description="processes on each node that share a batch equally, one for each GPU")
    nodes: int = Field(1, gt=0, description="machines with so many processes each; `docs/training.md`")
    micro_batch: int | None = Field(
        None, gt=0, description="pairs that a process holds at once: fewer need less memory; null: its whole share"
    )
    save_every_minutes: float = Field(10, gt=0, description="minutes between two saved states, besides validations")

    @model_validator(mode="after")
    def _fits_together(self) -> "TrainSettings":
        if any(size % 8 for size in (*self.frame, *self.crop)):
            raise ValueError(f"frame {self.frame} and crop {self.crop}: expected multiples of 8")
        if any(c > f for c, f in zip(self.crop, self.frame, strict=True)):
            raise ValueError(f"crop {self.crop} is larger than the frame {self.frame} that it is cut out of")
        if self.sequence > 2 and self.photo_share > 0:
            raise ValueError(f"sequence {self.sequence}: a photograph gives two frames; set photo_share to 0")
        if (self.sequence - 1) % (self.unroll - 1):
            raise ValueError(
                f"sequence {self.sequence} cannot be cut into steps of unroll {self.unroll}: each continues at the "
                "last frame of the one before, so sequence - 1 must be a multiple of unroll - 1"
            )
        if self.steps % self.steps_a_batch:
            raise ValueError(
                f"steps {self.steps}: a batch makes {self.steps_a_batch} steps; expected a multiple of that"
            )
        if self.batch % (self.processes * self.nodes):
            raise ValueError(
                f"batch {self.batch} cannot be shared equally among {self.processes * self.nodes} processes "
                "(processes * nodes)"
            )
        return self

    @property
    def steps_a_batch(self) -> int:
        """Optimiser steps on each batch of sequences."""
        return (self.sequence - 1) // (self.unroll - 1)

    @property
    def model(self) -> dict:
        """The arguments of ExemplarModel."""
        return self.model_dump(include=set(ModelSettings.model_fields))


# Keys about the paper's model and its losses: a row with a network of its own has no use for them.
OF_THE_PAPERS_MODEL = frozenset(ModelSettings.model_fields) - {"width"} | {
    "losses", "context_weights", "adversarial_from", "correspondence_rate", "luminance_noise", "feature_noise", "noise",
    "micro_batch",
}  # fmt: skip


def cost_of(training: dict) -> int:
    """What an entry under `training:` costs, roughly: the samples that it learns from."""
    steps, batch = (training.get(key, TrainSettings.model_fields[key].default) for key in ("steps", "batch"))
    return steps * batch
