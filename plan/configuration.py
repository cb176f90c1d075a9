"""The configuration as a model: every key, what it may be and what it means.

`workflow/schemas/config.schema.yaml` and the table of keys in `config/README.md` are written from it by
`python -m plan schema`. There are no defaults here: `config/config.yaml` is the default.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from colorize.settings import Amount, Count, LossWeights, Size, TrainSettings
from media.names import NAME, NO_NAME, is_name, suggested

Flow = Annotated[str, Field(pattern=r"^(dis|farneback|raft|raft_small|ptlflow:.+)$")]


def optional(description: str | None = None, **constraints):
    """A key that may be left out, which is not the same as giving it null."""
    return Field(default=None, description=description, **constraints)


def _each_once(rows: list[str]) -> list[str]:
    if twice := sorted({row for row in rows if rows.count(row) > 1}):
        raise ValueError(f"{twice[0]!r} is there more than once")
    return rows


def _of_a_generator(seed: int) -> int:
    """numpy takes no seed below 0, Lightning none above 32 bits."""
    if not 0 <= seed < 2**32:
        raise ValueError(f"{seed} is no seed; expected 0 to {2**32 - 1}")
    return seed


RowNames = Annotated[
    list[str], Field(min_length=1, json_schema_extra={"uniqueItems": True}), AfterValidator(_each_once)
]


def _fit_for_files(name: str) -> str:
    if not is_name(name):
        raise PydanticCustomError("name", NO_NAME, {"name": repr(name), "suggested": suggested(name)})
    return name


Name = Annotated[str, AfterValidator(_fit_for_files)]
ONLY_NAMES = {"propertyNames": {"pattern": NAME}}
Entry = TypeVar("Entry")
Named = Annotated[dict[Name, Entry], Field(json_schema_extra=ONLY_NAMES)]


class KnownKeys(BaseModel):
    """A mapping of known keys."""

    model_config = ConfigDict(extra="forbid")


class Shards(KnownKeys):
    clips: Count
    images: Count
    gallery: Count
    references: Count
    rows: Count


class Filter(KnownKeys):
    min_mean_l: Amount = optional("mean Lab lightness; below: `too_dark`")
    min_mean_chroma: Amount = optional("mean Lab chroma; below: `low_chroma`")
    min_chroma_spread: Amount = optional("spread of a and b beside what lightness explains; below: `grayscale`")
    min_side: Count = optional("pixels of the source's shorter side; below: `too_small`")
    max_pixels: Count = optional(
        "pixels that a photograph, or a frame of a film, declares; above: `too_large`, before anything is decoded"
    )
    duplicates: Literal["off", "exact", "near"] = optional(
        "`duplicate` is an item with the pixels of one before it, or made of a file that a set scored or validated on "
        'has (`exact`); or also one that shows nearly the same (`near`); or nothing (`"off"`, in quotes). '
        "`docs/filters.md` has the measurements behind all thresholds"
    )


class Photographs(KnownKeys):
    dataset: str
    files: str
    count: Count = optional()
    reserve: Count = optional()


class Films(Photographs):
    stride: Count = optional()
    length: Annotated[int, Field(ge=2)] | Literal["whole", "source"] = optional()


class RenderedClips(KnownKeys):
    photos: str
    count: Count


class ClipSet(KnownKeys):
    """Filmed, or made of photographs where both are there."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["from"]},
                {"required": ["rendered"], "properties": {"rendered": {"type": "object"}}},
            ]
        }
    )

    films: list[Films] = optional(
        "a list of `{dataset, files, stride, length, count, reserve}`: `files` a glob over the names in the dataset "
        "(`**` any folders), `stride` the source frames from one clip frame to the next (1), `length` other than "
        "`clips.length`, or `whole` for whole shots, or `source` for whole sources as they are, as of a benchmark: not "
        "split at cuts, and by no filter rejected but for what cannot be read. `count`: so many clips are kept, the "
        "first of the dataset's draw that are fit, and of the rest so many files as `reserve` says stand in for those "
        "that are not (`docs/datasets.md`)",
        alias="from",
    )
    rendered: RenderedClips | None = optional(
        "`{photos, count}` instead of `from`: so many clips of layers cut out of the photographs of the image set "
        "`photos` (`prep/renderings.py`); wins over `from`, so write `rendered: null` on top of a set that has it"
    )
    per_source: Count = optional(
        "at most so many clips of one source at one stride, the first that are fit; without it one of each shot"
    )
    filter: Filter = optional("thresholds of this set, on top of those of all sets")

    @model_validator(mode="after")
    def _has_clips(self) -> "ClipSet":
        if self.films is None and self.rendered is None:
            raise ValueError("neither filmed nor rendered; expected the key 'from' or 'rendered'")
        return self


class ClipSets(KnownKeys):
    test: ClipSet = Field(description="what is scored")
    train: ClipSet = Field(description="what is trained on")
    validation: ClipSet = optional("if it is there, checkpoints are chosen on these clips instead of on photographs")
    legacy: ClipSet | None = optional(
        "clips that are only shown: legacy footage, whose colours, if it has any, are not looked at (Figure 15; "
        "thresholds of chroma and lightness belong off). They may be cut out of what is scored, and take nothing from "
        "it. References are searched in the gallery of `test`. `null`: without the set, and without its figure"
    )
    long: ClipSet | None = optional("the same with long clips, for the drift of colours (Figure 16; `length: whole`)")


class Clips(KnownKeys):
    size: Size = Field(description="height and width to which every clip is scaled and cover-cropped")
    length: Annotated[int, Field(ge=2)] = Field(description="frames a clip, taken from the start of a shot")
    sets: ClipSets


class ImageSet(KnownKeys):
    size: Size = Field(
        description="height and width; training photographs should be larger than the training crop, so that colour "
        "can flow in over its border"
    )
    photographs: list[Photographs] = Field(
        alias="from", description="a list of `{dataset, files, count, reserve}`, as for clips"
    )
    filter: Filter = optional("thresholds of this set, on top of those of all sets")


class ImageSets(BaseModel):
    """Galleries may have any name."""

    model_config = ConfigDict(extra="allow", json_schema_extra=ONLY_NAMES)
    __pydantic_extra__: dict[Name, ImageSet]

    test: ImageSet = Field(description="photographs that are scored")
    train: ImageSet = Field(description="photographs that are trained on")
    validation: ImageSet = Field(description="photographs on which checkpoints are chosen")


class Images(KnownKeys):
    sets: ImageSets = Field(
        description="photographs: `test`, `train`, `validation`, and galleries under any name, each with a `size` of "
        "its own"
    )


class Multimodal(KnownKeys):
    rows: RowNames
    clips: Annotated[list[Count], Field(min_length=4, max_length=4)]


class ShownRows(KnownKeys):
    rows: RowNames


class Figures(KnownKeys):
    images: Count = Field(description="so many test photographs are shown in each of Figures 4, 5 and 6")
    clips: Count = Field(
        description="so many test clips are shown in Figures 9 (those of `clips_of.figure7`) and 10 (of "
        "`clips_of.table1`), evenly over the set"
    )
    multimodal: Multimodal = Field(
        description="Figures 11 to 14: the places (from 1) of four `clips` among the kept test clips, one for each "
        "figure, coloured by `rows` with each of their five most similar references; a figure whose clip is not there "
        "says so"
    )
    legacy: ShownRows = Field(description="the `rows` that colour the legacy clips; each is given a reference")
    long: ShownRows = Field(description="the `rows` that colour the long clips, given a reference or the first frame")


class ClipsOf(KnownKeys):
    table1: list[str]
    figure7: list[str]


class Galleries(KnownKeys):
    test: str
    train: str


class References(KnownKeys):
    count: Count = Field(description="references kept for each item")
    within: Literal["everywhere", "class"] | Count = Field(
        description="where they are searched: `everywhere`, `class` (images of the class that the classifier sees in "
        "the item's grey frames), or a number of its likeliest classes (`docs/references.md`)"
    )
    gallery: Galleries = Field(description="which image set each split searches")
    sheets: bool = Field(
        description="whether a contact sheet of every clip is drawn: the clip and its references, to look at "
        "(`docs/references.md`)"
    )


class Training(TrainSettings):
    """The keys of colorize.settings, which are one training's own, and what the workflow adds to them."""

    method: str = Field(description="the file in `bench/methods` whose `fit` makes the model")
    recolored: list[str] = optional(
        "for a method that learns to correct others: rows whose results on the training clips it is given"
    )


class Ablation(KnownKeys):
    losses: LossWeights = Field(
        description="one row of Table 5: that training again with these weights of its losses (0 leaves one out), "
        "made in `results/train/<name>/`; it colours photographs alone and is in no other table"
    )


class Ablations(KnownKeys):
    of: str = Field(
        description="the row whose training Table 5 takes apart, as a name under `methods`; it stands in the table as "
        "the full model and is trained once, for Table 1 too"
    )
    rows: Named[Ablation | None] = Field(description="the rows of Table 5; `null` takes one of another file out")


Prefer = Literal["published"]


class PostProcessor(KnownKeys):
    method: str
    training: str = optional()
    checkpoint: str = optional()
    prefer: Prefer = optional()


class RowOptions(BaseModel):
    """Other keys, and `given`, are options of the method: arguments of its constructor, which refuses what it lacks."""

    model_config = ConfigDict(extra="allow")

    method: str = optional()
    training: str = optional()
    checkpoint: str = optional(
        "a model that is there already: a file of this project, or a folder with the published files of the paper's "
        "program; `release` is the folder `weights`, and where it lacks these files the row is left empty and says so"
    )
    prefer: Prefer = optional(
        "`published`: where a file of the method's authors is in the folder `weights`, the row is their network and "
        "needs no training; where none is, the row has its `training`. `python -m bench weights` lists the files; "
        "`python -m plan check` and the notes of Table 1 say which was taken"
    )
    precomputed: str = optional()
    command: str = optional()
    given: dict[str, list[str]] = optional()


class Trial(KnownKeys):
    items: Count = Field(
        description="of each dataset a set takes at most so many files, the first of its draw, and all of one that has "
        "fewer; batches of a training that `steps` shortens are no larger, but for a pair for each of its processes"
    )
    frames: Annotated[int, Field(ge=2)] = optional("frames of a clip, also of whole ones, at most")
    steps: Count = optional("steps of each training, at most; `adversarial_from` comes earlier by as much")


class Config(KnownKeys):
    """The whole configuration. Every key is explained in config/README.md."""

    datasets: str = Field(description="registry of datasets, a TSV; a relative path counts from the Snakefile")
    weights: str = Field(
        description="folder for other people's weight files; a missing file's error says its name, its place and its "
        "origin"
    )
    dask_scheduler: Annotated[str, Field(pattern=r"^(threads|[a-z]+://.+)$")] = Field(
        description="`threads` of this machine, or the address of a dask.distributed scheduler: the items of "
        "preparation, colouring and scoring are then sent to its workers, which need this project installed and the "
        "same files under the same paths"
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        description="where networks run outside training: `cpu`, `cuda`, or `auto` for a GPU where there is one; the "
        "jobs that can use a GPU then ask for one. Results differ in the last digits and are not made again"
    )
    shards: Shards = Field(
        description="how many sources one job prepares, for `clips`, `images` and `gallery`; of how many items it "
        "finds the `references`; and for `rows` how many items it colours or scores: on average between half of it "
        "and all; another value moves sources between jobs, and what is moved is prepared again, but nothing coloured "
        "or scored again"
    )
    trial: Trial | None = Field(
        description="`{items, frames, steps}`: everything is made, of so little that it takes minutes instead of days; "
        "every table and picture says that it is a trial. `null`: none"
    )
    seed: Annotated[int, AfterValidator(_of_a_generator)] = Field(
        description="everything random follows from it: the same seed gives the same table on the same machine"
    )
    clips: Clips
    images: Images
    filter: Filter = Field(
        description="thresholds below which an item is rejected; a set may override them with a `filter` of its own"
    )
    flow: Flow = Field(
        description="what rows and training are given: `dis`, `farneback`, `raft`, `raft_small`, `ptlflow:<model>` "
        "(`docs/flow.md`)"
    )
    scoring_flow: Flow = Field(
        description="the flow of the flicker metric; no row should use the same, or it grades itself"
    )
    backbone: Literal["efficientnet_lite0", "vgg19"] = Field(description="features for matching, retrieval and losses")
    classifier: Literal["efficientnet_lite0", "vgg19", "vgg19_classifier"] = Field(
        description="Top-1 and Top-5; `vgg19` and `vgg19_classifier` are the same network"
    )
    fid_features: Literal["efficientnet_lite0", "inception", "inception_clean"] = Field(
        description="Fréchet distance; `inception` as pytorch-fid resizes pictures, `inception_clean` as clean-fid"
    )
    figures: Figures
    clips_of: ClipsOf = Field(description="datasets whose test clips `table1` and `figure7` are about; none named: all")
    references: References
    training: Named[Training | None] = Field(
        description="one trained model for each name, made in `results/train/<name>/` where a row needs it; `null` "
        "takes one of another file out. A row with a network of its own "
        "takes the keys that are about samples and steps, and refuses those about the paper's model. `protocol`: "
        "`docs/paper-vs-release.md`; `matching`, `history`, `output`: `docs/extensions.md`"
    )
    ablations: Ablations
    flicker_plus: PostProcessor | None = Field(
        description="the post-processor after which Table 1 also gives every row's flicker, as the options of a row "
        "(`method`, `training`, `prefer`); `null`: none"
    )
    methods: Named[RowOptions | None] = Field(
        description="one row of the tables for each name, in this order; `<row>+<method>` is what a post-processor "
        "(`lai2018`, `bonneel2015`) makes of another row. `null` takes a row of another file out"
    )
