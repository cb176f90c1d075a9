"""What is asked about sets: how they are made, in how many jobs, what they must not repeat."""

import errno

import pytest

from plan.errors import ConfigError
from plan.reading import ROOT


@pytest.fixture
def many(tmp_path):
    """A registry that adds 200 videos to the datasets, and the change that trains on them."""
    folder = tmp_path / "many films"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number} é.mp4").touch()
    registry = tmp_path / "datasets.tsv"
    registry.write_text((ROOT / "config/datasets.tsv").read_text() + f"many\tvideos\t{folder}\t\t\t\t\t\t\n")
    train = {"rendered": None, "from": [{"dataset": "many", "files": "*"}]}
    return {"datasets": str(registry), "clips": {"sets": {"train": train}}}


def test_sets_of_the_default_are_small_enough_for_one_job(plan):
    sets = plan().sets
    assert (sets.filmed, sets.rendered) == (["test", "legacy", "long"], ["train"])
    assert all(sets.shards_of("clips", split) == 1 for split in ("test", "train"))


def test_jobs_grow_with_shards_and_not_with_clips(plan, many):
    shards = {size: plan(many | {"shards": {"clips": size}}).sets for size in (100, 25)}
    assert {size: sets.shards_of("clips", "train") for size, sets in shards.items()} == {100: 2, 25: 8}
    assert shards[100].shard_tables("folder", "clips", "train", "npy") == ["folder/train/0.npy", "folder/train/1.npy"]


def test_a_gallery_is_searched_in_shards_of_its_own_size(plan):
    sets = plan({"shards": {"gallery": 4}}).sets
    assert sets.shards_of("gallery", "gallery") > sets.shards_of("images", "gallery") == 1


def test_rendered_clips_are_counted_not_listed(plan):
    sets = plan({"shards": {"clips": 4}}).sets
    assert sets.shards_of("clips", "train") == 4  # 16 renderings


def test_the_papers_sets_are_planned_without_their_data(plan):
    sets = plan(overlays=["paper"]).sets
    assert (sets.shards_of("clips", "train"), sets.shards_of("gallery", "gallery")) == (64, 128)


def test_a_dataset_that_is_not_there_is_named_when_it_is_asked_for(plan):
    train = {"rendered": None, "from": [{"dataset": "videvo", "files": "*"}]}
    sets = plan({"clips": {"sets": {"train": train}}}).sets
    assert sets.shards_of("clips", "test") == 1
    with pytest.raises(ConfigError, match=r"clips\.sets\.train: unknown dataset 'videvo'; did you mean 'videvo-t"):
        sets.shards_of("clips", "train")


@pytest.mark.parametrize("content", [None, b"name\n", "name\tkind\troot\nfilm\tvideos\té\n".encode("latin-1")])
def test_a_registry_that_cannot_be_read_is_named(plan, tmp_path, content):
    if content is not None:
        (tmp_path / "none.tsv").write_bytes(content)
    with pytest.raises(ConfigError, match=r"config: datasets: .*none\.tsv"):
        plan({"datasets": str(tmp_path / "none.tsv")})


def test_a_registry_that_is_a_folder_is_named(plan, tmp_path):
    with pytest.raises(ConfigError, match=f"config: datasets: {tmp_path} cannot be read: .* expected a registry"):
        plan({"datasets": str(tmp_path)})


def test_a_set_may_have_thresholds_of_its_own(plan):
    sets = plan({"clips": {"sets": {"test": {"filter": {"min_side": 7}}}}}).sets
    assert sets.filters_of("clips", "test") == sets.config["filter"] | {"min_side": 7}
    assert sets.filters_of("clips", "train") == sets.config["filter"]


def test_what_was_written_is_what_a_job_is_given(plan):
    """15 does not become 15.0: the parameters of a job would change, and it would be made again."""
    assert repr(plan().sets.filters_of("clips", "train")["min_mean_l"]) == "15"


def test_a_sets_jobs_know_the_lines_of_its_datasets(plan):
    sets = plan().sets
    lines = sets.registered(sets.config["images"]["sets"]["validation"])
    assert [line.split("\t")[0] for line in lines] == ["scikit-image", "scikit-learn"]


def test_a_dataset_is_known_by_its_name_wherever_that_stands_in_the_line(plan, tmp_path):
    def lines(licence):
        (tmp_path / "r.tsv").write_text(f"licence\troot\tkind\tname\n{licence}\tx\tvideos\tfilms\n")
        return plan({"datasets": str(tmp_path / "r.tsv")}).sets.registered({"from": [{"dataset": "films"}]})

    assert lines("own") == lines("own") != lines("bought")


def test_nothing_takes_from_what_is_scored(plan):
    def claimed(sets, kind):
        return {split: sets.claimed_by_others(kind, split)["claimed"] for split in sets.config[kind]["sets"]}

    test, validation = "<results>/images/test.parquet", "<results>/images/validation.parquet"
    expected = {"test": [], "train": [test, validation], "validation": [test], "gallery": []}
    assert claimed(plan().sets, "images") == expected
    clips = claimed(
        plan({"clips": {"sets": {"validation": {"rendered": {"photos": "train", "count": 1}}}}}).sets, "clips"
    )
    assert clips["train"] == clips["validation"] == ["<results>/clips/test.parquet"]  # the rendered one claims nothing
    assert clips["legacy"] == clips["long"] == []


def test_references_are_searched_in_the_gallery_of_the_split(plan):
    sets = plan().sets
    found = {split: sets.gallery_of(split) for split in ("train", "validation", "test", "legacy", "long")}
    assert found == {"train": "train", "validation": "train", "test": "gallery", "legacy": "gallery", "long": "gallery"}


def test_sets_that_are_null_are_not_there(plan):
    without = plan({"clips": {"sets": {"legacy": None, "long": None}}})
    assert without.sets.filmed == ["test"] and without.shown_figures == []
    with pytest.raises(ConfigError, match=r"no set of clips 'legacy'.*`legacy: \{from: "):
        without.sets.shown("legacy")
    assert plan().sets.shown("legacy") == "<results>/clips/legacy.parquet" and plan().shown_figures == ["15", "16"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"references": {"gallery": {"test": "galery"}}}, "references.gallery.test names 'galery'"),
        ({"clips": {"sets": {"train": {"rendered": {"photos": "galery"}}}}}, "rendered.photos names 'galery'"),
    ],
)
def test_a_set_of_photographs_that_is_not_there_is_named(plan, change, place):
    with pytest.raises(ConfigError, match=f"{place}, which is not under 'images.sets'; did you mean 'gallery'"):
        plan(change)


def test_a_changed_file_of_a_set_changes_what_its_job_is_given_and_of_no_other(plan, many, tmp_path):
    def states():
        sets = plan(many).sets
        return [sets.states(sets.config["clips"]["sets"][split]) for split in ("train", "test")]

    before = states()
    assert states() == before and all(before[0])
    (tmp_path / "many films/a new one.mp4").touch()
    after = states()
    assert after[0] != before[0] and after[1] == before[1]


def test_data_that_are_not_there_can_be_planned_with(plan):
    sets = plan(overlays=["paper"]).sets
    assert sets.shards_of("gallery", "gallery") == 128
    assert set(sets.states(sets.config["images"]["sets"]["gallery"])) == {""}


def test_data_that_are_not_there_and_that_nobody_counted_are_planned_with_as_one_shard(plan, tmp_path):
    (tmp_path / "datasets.tsv").write_text(
        (ROOT / "config/datasets.tsv").read_text() + f"mine\tvideos\t{tmp_path}/mine\t\t\t\t\t\t\n"
    )
    train = {"rendered": None, "from": [{"dataset": "mine", "files": "*"}]}
    sets = plan({"datasets": str(tmp_path / "datasets.tsv"), "clips": {"sets": {"train": train}}}).sets
    assert sets.shards_of("clips", "train") == 1


def test_a_fault_of_the_machine_is_no_change(plan, many, monkeypatch):
    def stale(path):
        raise OSError(errno.ESTALE, "Stale file handle", path)

    sets = plan(many).sets
    monkeypatch.setattr("prep.datasets.globs.os.scandir", stale)
    with pytest.raises(ConfigError, match=r"dataset 'many' cannot be looked at.*Stale"):
        sets.states(sets.config["clips"]["sets"]["train"])


def test_the_folder_of_a_set_is_listed_once(plan, many, monkeypatch):
    listed = []
    monkeypatch.setattr("plan.sets.select_all", lambda dataset, files: listed.append(files) or ([], {}))
    sets = plan(many).sets
    sets.shards_of("clips", "train")
    sets.states(sets.config["clips"]["sets"]["train"])
    assert listed == ["*"]


def draws(tmp_path, count):
    """A registry of a test and a training part of so many videos, and the sets of it; more keys of the test part."""
    (tmp_path / "films").mkdir(exist_ok=True)
    for number in range(count):
        (tmp_path / f"films/{number}.mp4").touch()
    lines = [f"{name}\tvideos\t{tmp_path}/films\t\t\t{split}:6:0\t\t\t\n" for name, split in DRAWS.items()]
    (tmp_path / "r.tsv").write_text((ROOT / "config/datasets.tsv").read_text() + "".join(lines))
    test = [{"dataset": "drawn", "files": "*", "count": 6, "reserve": 4}]
    train = {"rendered": None, "from": [{"dataset": "left", "files": "*"}]}
    return {"datasets": str(tmp_path / "r.tsv"), "clips": {"sets": {"test": {"from": test}, "train": train}}}


DRAWS = {"drawn": "draw", "left": "rest"}


def test_the_rest_of_a_draw_begins_behind_the_reserve_of_another_set(plan, tmp_path):
    sets = plan(draws(tmp_path, 20)).sets
    parts = [sets.config["clips"]["sets"][split]["from"][0] for split in ("test", "train")]
    listed = [
        {member.name for member, _ in sets.listed(sets.registry[one["dataset"]], "*", one["reserve"])[0]}
        for one in parts
    ]
    assert [len(names) for names in listed] == [10, 10] and not listed[0] & listed[1]
    assert sets.counts("clips", "test") == {"drawn": 6} and sets.all_counts == {"clips/test": {"drawn": 6}}


def test_the_papers_sets_are_counted(plan):
    paper = plan(overlays=["paper"])
    counts = {"clips/test": {"videvo-test": 116}, "images/train": {"imagenet-photos": 70000}}
    assert paper.choices["counts"] == counts and plan().choices["counts"] == {}
    behind = paper.config["clips"]["sets"]["train"]["from"]
    assert [one.get("reserve") for one in behind] == [50, None]


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ([{"dataset": "drawn", "files": "*", "reserve": 4}], r"has a 'reserve' for 'drawn'; expected a 'count' beside"),
        ([{"dataset": "left", "files": "*", "count": 3, "reserve": 4}], r"'left'; .* whose split is a draw"),
        ([{"dataset": "drawn", "files": "1*", "count": 3}, {"dataset": "drawn", "files": "2*"}], "more than once and"),
    ],
)
def test_counts_that_make_no_sense_are_named(plan, tmp_path, test, said):
    change = draws(tmp_path, 20)
    change["clips"]["sets"]["test"]["from"] = test
    with pytest.raises(ConfigError, match=rf"clips\.sets\.test\.from .*{said}"):
        plan(change)


def test_a_gallery_is_not_counted(plan):
    gallery = [{"dataset": "foolbox", "files": "*", "count": 3}]
    with pytest.raises(ConfigError, match=r"images\.sets\.gallery\.from has a 'count' .* searched in all of 'gallery'"):
        plan({"images": {"sets": {"gallery": {"from": gallery}}}})


def test_clips_that_are_only_shown_may_be_absent(plan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paper = plan(overlays=["paper"])
    assert paper.sets.absent == {"legacy": "put clips into data/legacy and run again"}
    assert "legacy" not in paper.sets.filmed and paper.shown_figures == ["15", "16"]
    assert paper.inputs_of_shown("legacy") == {} and "clips" in paper.inputs_of_shown("long")
    assert paper.sets.absence("legacy") == {"absent": paper.sets.absent["legacy"]} and paper.sets.absence("long") == {}
    (tmp_path / "data/legacy").mkdir(parents=True)
    (tmp_path / "data/legacy/.hidden").touch()
    assert plan(overlays=["paper"]).sets.absent == paper.sets.absent  # an empty folder is as none
    (tmp_path / "data/legacy/film.mp4").touch()
    there = plan(overlays=["paper"])
    assert there.sets.absent == {} and there.inputs_of_shown("legacy")["clips"] == "<results>/clips/legacy.parquet"
