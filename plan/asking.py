"""What a job asks of the machine it will run on, by its rule: memory in megabytes and GPUs."""

# Megabytes of a job, where other than MEGABYTES.
MEMORY = {
    "sources": 2000, "clips": 2000, "gather": 2000, "renderings": 2000, "flow": 2000, "gallery": 3000,
    "references": 4000, "train": 5000, "colorize": 3000, "recolor": 3000, "colorize_shown": 3000, "truth": 3000,
    "score": 3000, "figure4": 3000, "report": 3000,
}  # fmt: skip
MEGABYTES = 1000


def asked(rule: str) -> dict:
    """The resources of a rule's jobs, as its `resources` in the workflow."""
    return {"mem_mb": MEMORY.get(rule, MEGABYTES), "gpu": 0}
