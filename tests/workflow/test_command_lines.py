"""No command of a job grows with the data: Linux takes 128 kB for one argument, and a shell's command is one."""

import re

import pytest
import yaml
from tiny_world import ROOT, snakemake

MANY = 1_000_000


def longest_commands(output: str) -> dict[str, int]:
    """Characters of the longest command of each rule, from a dry run that prints them."""
    longest: dict[str, int] = {}
    for rule, text in re.findall(r"^(?:local)?rule (\w+):\n((?:(?!^\[|^Job stats).*\n)+)", output, flags=re.MULTILINE):
        _, _, command = text.partition("Shell command: ")
        longest[rule] = max(longest.get(rule, 0), len(command))
    return longest


@pytest.fixture
def dry_run(tmp_path):
    """The longest commands where every set has a million files, of which a job takes `size`."""
    (tmp_path / "datasets.tsv").write_text(
        f"name\tkind\troot\tcount\nfilms\tvideos\t{tmp_path / 'films'}\t{MANY}\n"
        f"pictures\timages\t{tmp_path / 'pictures'}\t{MANY}\n"
    )
    films, pictures = ({"from": [{"dataset": name, "files": "*"}]} for name in ("films", "pictures"))
    clips = {split: films for split in ("test", "legacy", "long")} | {"train": films | {"rendered": None}}
    images = dict.fromkeys(("test", "train", "validation", "gallery"), pictures)

    def run(size: int) -> dict[str, int]:
        change = {"datasets": str(tmp_path / "datasets.tsv"), "clips": {"sets": clips}, "images": {"sets": images}}
        shards = yaml.safe_load((ROOT / "config/config.yaml").read_text())["shards"]
        change |= {"shards": dict.fromkeys(shards, size), "references": {"sheets": False}}
        (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(change))
        done = snakemake("-n", "--printshellcmds", directory=tmp_path, config=tmp_path / "overlay.yaml")
        assert done.returncode == 0, done.stdout
        assert " --no-sheets " in done.stdout and " --sheets " not in done.stdout
        return longest_commands(done.stdout)

    return run


def test_no_command_grows_with_the_data(dry_run):
    """Of 32 shards it is as long as of one or two, but for the digits of two numbers and a folder's name."""
    one, two, many = dry_run(MANY), dry_run(MANY // 2), dry_run(MANY // 32)
    assert len(one) > 20 and max(one.values()) < 10_000
    assert one.keys() - many.keys() == {"colorize", "score"} and "gather_scores" in two  # of shards
    few = two | one
    grown = {rule: (few[rule], length) for rule, length in many.items() if length > few[rule] + 80}
    assert not grown
    assert max(many.values()) < 10_000
