"""In which order the jobs of the default start: what trainings wait for, trainings, their rows, everything else."""

import re
from itertools import pairwise

from tiny_world import snakemake


def jobs_in(output: str) -> dict[str, dict]:
    """The jobs of a dry run by each file that they make: their rule, inputs, threads and priority."""
    jobs = {}
    for rule, text in re.findall(r"^rule (\w+):\n((?: {4}.*\n)+)", output, flags=re.MULTILINE):
        fields = dict(re.findall(r"^ {4}(\w+): (.*)$", text, flags=re.MULTILINE))
        job = {"rule": rule, "inputs": fields.get("input", "").split(", ")}
        job |= {"threads": int(fields.get("threads", 1)), "priority": int(fields.get("priority", 0))}
        jobs |= dict.fromkeys(fields["output"].split(", "), job)
    return jobs


def all_before(made: str, jobs: dict[str, dict]) -> set[str]:
    """What has to be made before a file, at whatever remove."""
    direct = [path for path in jobs[made]["inputs"] if path in jobs]
    return {*direct, *(other for path in direct for other in all_before(path, jobs))}


def test_what_trainings_wait_for_comes_first_and_their_rows_follow(tmp_path):
    jobs = jobs_in(snakemake("-n", "results/table1.csv", directory=tmp_path).stdout)
    models = [f"results/train/{name}/model.safetensors" for name in ("ours", "ours_aligned")]
    waited_for = {path for model in models for path in all_before(model, jobs)}
    rows = {path for path, job in jobs.items() if job["rule"] in ("colorize", "score")}
    trained = {path for path in rows if all_before(path, jobs) & {*models}}
    assert len(waited_for) > 10 and len(trained) == 8 and len(rows) == 26
    classes = [models, waited_for, trained, rows - trained]
    priorities = [[jobs[path]["priority"] for path in paths] for paths in classes]
    assert all(min(higher) > max(lower) for higher, lower in pairwise(priorities))
    assert priorities[0] == sorted(priorities[0], reverse=True) != priorities[0][::-1]  # 480 samples, then 240
    # A job that takes both of two cores waits for a moment when both are free.
    assert all(job["threads"] == 1 for job in jobs.values())
