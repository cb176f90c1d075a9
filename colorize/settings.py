"""The keys of one training, with the paper's values as defaults (section 4); `training:` in the config sets them."""

from pydantic import BaseModel, ConfigDict, Field


class LossWeights(BaseModel):
    """The lambdas of Eq. 15; 0 leaves a loss out."""

    model_config = ConfigDict(extra="forbid")

    perceptual: float = 0.001
    contextual: float = 0.2
    smoothness: float = 5.0
    adversarial: float = 0.2
    temporal: float = 0.02
    l1: float = 2.0


class TrainSettings(BaseModel):
    """Everything that a training depends on, apart from its data, the backbone and the seed."""

    model_config = ConfigDict(extra="forbid")

    width: float = Field(1.0, gt=0, description="channels as a share of the paper's")
    crop: tuple[int, int] = Field((216, 384), description="height and width of the training frames, multiples of 8")
    steps: int = Field(22110, gt=0, description="optimiser steps; 22110 = 10 epochs of 88,432 pairs in batches of 40")
    batch: int = Field(40, gt=0, description="pairs of adjacent frames in a step")
    learning_rate: float = Field(2e-4, gt=0, description="of the generator and the discriminator, without decay")
    betas: tuple[float, float] = (0.5, 0.999)
    losses: LossWeights = LossWeights()
    context_weights: list[float] = Field([0, 2, 4, 8], description="w_L of Eq. 10, shallow level to deep")
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
    validate_every: int = Field(1000, gt=0, description="steps between two looks at the validation pairs")
    validation_pairs: int = Field(64, gt=0)
    threads: int = Field(2, gt=0, description="CPU threads of torch; another number may round differently")
    workers: int = Field(0, ge=0, description="processes that load pairs; does not change any number")
