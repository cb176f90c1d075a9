"""What a configuration may not be, and what is said then: the key, the value, what was expected, the nearest key."""

import pytest

from plan.errors import ConfigError
from plan.reading import read_config
from plan.validation import validate


def said(plan, change: dict) -> str:
    with pytest.raises(ConfigError) as refused:
        plan(change)
    return str(refused.value)


@pytest.mark.parametrize(
    ("change", "place", "named", "nearest"),
    [
        ({"trainning": {}}, "top level", "trainning", "training"),
        ({"flow_for_scoring": "dis"}, "top level", "flow_for_scoring", "scoring_flow"),  # what it was called
        ({"clips": {"lenght": 9}}, "'clips'", "lenght", "length"),
        ({"shards": {"clip": 9}}, "'shards'", "clip", "clips"),
        ({"filter": {"duplicate": "off"}}, "'filter'", "duplicate", "duplicates"),
        ({"training": {"ours": {"stepps": 5}}}, "'training.ours'", "stepps", "steps"),
        ({"training": {"ours": {"losses": {"smoothnes": 1}}}}, "'training.ours.losses'", "smoothnes", "smoothness"),
        ({"training": {"ours": {"histori": "aligned"}}}, "'training.ours'", "histori", "history"),
        ({"clips": {"sets": {"train": {"rendered": {"photo": "train"}}}}}, "train.rendered'", "photo", "photos"),
        ({"clips": {"sets": {"legacy": {"per_sorce": 1}}}}, "'clips.sets.legacy'", "per_sorce", "per_source"),
        ({"clips": {"sets": {"tset": {}}}}, "'clips.sets'", "tset", "test"),
        ({"images": {"sets": {"gallery": {"sise": [1, 1]}}}}, "'images.sets.gallery'", "sise", "size"),
        ({"figures": {"long": {"row": []}}}, "'figures.long'", "row", "rows"),
        ({"ablations": {"rows": {"no_l1": {"losses": {"l2": 0}}}}}, "'ablations.rows.no_l1.losses'", "l2", "l1"),
    ],
)
def test_a_mistyped_key_is_named_with_its_place_and_the_nearest(plan, change, place, named, nearest):
    message = said(plan, change)
    assert f"{named!r} " in message and place in message and f"did you mean {nearest!r}?" in message


@pytest.mark.parametrize(
    ("change", "key", "value", "expected"),
    [
        ({"flow": "diss"}, "flow", "diss", "farneback"),
        ({"backbone": "vgg"}, "backbone", "vgg", "vgg19"),
        ({"seed": "1"}, "seed", '"1"', "integer"),
        ({"references": {"within": "clas"}}, "references.within", "clas", "'everywhere' or 'class'"),
        ({"references": {"within": 0}}, "references.within", "0", "greater than or equal to 1"),
        ({"filter": {"duplicates": False}}, "filter.duplicates", "false", "in quotes"),
        ({"filter": {"min_side": 0}}, "filter.min_side", "0", "greater than or equal to 1"),
        ({"dask_scheduler": "thread"}, "dask_scheduler", "thread", "threads"),
        ({"clips": {"size": [216]}}, "clips.size.1", "", "missing"),
        (
            {"clips": {"sets": {"long": {"from": [{"dataset": "a", "files": "b", "length": 1}]}}}},
            "length",
            "1",
            "whole",
        ),
        ({"figures": {"multimodal": {"clips": [1, 2]}}}, "figures.multimodal.clips", "[1, 2]", "4 items"),
        ({"figures": {"long": {"rows": []}}}, "figures.long.rows", "[]", "1 item"),
        ({"figures": {"long": {"rows": ["ours", "ours"]}}}, "figures.long.rows", "ours", "more than once"),
        ({"methods": {"grey": 3}}, "methods.grey", "3", "object"),
        ({"methods": {"ours": {"given": ["reference"]}}}, "methods.ours.given", "reference", "object"),
        ({"training": {"ours": {"crop": [100, 192]}}}, "training.ours", "100", "multiples of 8"),
        ({"training": {"new": {"steps": 10}}}, "training.new.method", "", "missing"),
        ({"images": {"sets": {"more": {"from": []}}}}, "images.sets.more.size", "", "missing"),
        ({"clips": {"sets": {"validation": {}}}}, "clips.sets.validation", "", "'from' or 'rendered'"),
        ({"clips": {"sets": {"validation": {"rendered": None}}}}, "clips.sets.validation", "", "'from' or 'rendered'"),
    ],
)
def test_a_wrong_value_is_named_with_what_may_be(plan, change, key, value, expected):
    message = said(plan, change)
    assert key in message and value in message and expected in message


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"methods": {"my row": {"method": "grey"}}}, "methods"),
        ({"methods": {"../grey": {"method": "grey"}}}, "methods"),
        ({"methods": {".grey": {"method": "grey"}}}, "methods"),
        ({"methods": {"--grey": {"method": "grey"}}}, "methods"),
        ({"methods": {"grey\n": {"method": "grey"}}}, "methods"),
        ({"training": {"ours/2": {"method": "ours"}}}, "training"),
        ({"ablations": {"rows": {"no l1": {"losses": {"l1": 0}}}}}, "ablations.rows"),
        ({"images": {"sets": {"größe": {"size": [8, 8], "from": []}}}}, "images.sets"),
    ],
)
def test_a_name_that_cannot_be_that_of_a_file_is_refused(plan, change, place):
    node = change
    for key in place.split("."):
        node = node[key]
    (name,) = node
    message = said(plan, change)
    assert message.startswith(f"config: {place}: the name {name!r} cannot be that of a file; expected letters")
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("name", ["ours_2", "2", "ours-1.5", "grey+bonneel2015"])
def test_names_of_files_are_fine(plan, name):
    plan({"methods": {name: {"method": "grey"}}})


@pytest.mark.parametrize(
    ("change", "key", "place"),
    [
        ({"methods": {1: {"method": "grey"}}}, "1", "'methods'"),
        ({"methods": {False: {}}}, "False", "'methods'"),
        ({"training": {"ours": {None: 1}}}, "None", "'training.ours'"),
        ({2: {}, "sed": 1}, "2", "at the top level"),
    ],
)
def test_a_key_that_is_no_text_is_refused_before_anything_else(plan, change, key, place):
    message = said(plan, change)
    assert f"the key {key} " in message and place in message and message.endswith("write the name in quotes")


def test_alternatives_of_one_key_are_one_sentence(plan):
    assert len(said(plan, {"references": {"within": "clas"}}).splitlines()) == 1


def test_everything_that_is_wrong_is_said_unknown_keys_first(plan):
    first, second = said(plan, {"flow": "diss", "sed": 1}).splitlines()
    assert "'sed'" in first and "diss" in second


def test_nothing_is_changed_by_the_check():
    config = read_config()
    validate(config)
    assert config == read_config()
