"""How much memory a job takes at its peak, in megabytes: what a process takes alone, its networks, and its rows."""

from bench.methods.contract.rows import method_of
from colorize.settings import TrainSettings
from plan.cost import PIXELS
from plan.estimate import Estimate
from plan.pipeline import Plan

# The most resident memory of the jobs of the default configuration (`max_rss` of their benchmark files), rounded up.
IDLE = 230  # a process without networks
TORCH = 550  # one that has imported torch
PEAKS = {
    "clips": 600, "images": 600, "renderings": 400, "figure4": 1500, "report": 800, "table1": 1000, "table5": 600,
    "propagation": 600,
}  # fmt: skip
FIGURE = 450
ROW = 0.0015  # of an item in a table that is in memory as a whole
SCORED = 0.015  # the same with its scores and features

# What networks add: weights, where files are read twice of them, and what is computed on the way at PIXELS.
NETWORKS = {
    "efficientnet_lite0": 350, "vgg19": 300, "vgg19_classifier": 1300, "inception": 400, "inception_clean": 400,
}  # fmt: skip
LPIPS = 300
FLOWS = {"dis": 0, "farneback": 0, "raft_small": 300, "raft": 350, "ptlflow:flownet2": 3600}
ANY_FLOW = 3600  # of ptlflow's others
# What methods add at a width of 0.25 and at 1 (benchmarks/methods.py). Unlisted: ANY_METHOD, they may be anybody's.
METHODS = {
    "bonneel2015": (120, 120), "fusion": (320, 320), "he2018": (500, 920), "iizuka2016": (320, 500),
    "lai2018": (360, 520), "larsson2016": (470, 2520), "nn_match": (310, 310), "ours": (330, 680),
    "stn2018": (360, 450), "vpn2017": (580, 640), "zhang2016": (320, 490), "zhang2017": (360, 600),
}  # fmt: skip
PLAIN = ("copy_first", "flow_propagation", "grey", "ground_truth", "levin2004", "welsh2002")  # without torch
ANY_METHOD = 3000
# Of a training on the CPU: that of a pair of 216x384 at width 1, with VGG19's features; on a GPU, what stays here.
TRAINING, PAIR = 1500, 3650
BESIDE_GPU = 6000
LOADER = 700  # of each process that loads pairs


class Memory:
    """Of the jobs of a plan."""

    def __init__(self, plan: Plan, estimate: Estimate):
        self.plan, self.config, self.estimate = plan, plan.config, estimate

    def of(self, rule: str, wildcards, on_gpu: bool = False) -> float:
        """Megabytes of a job.

        rule: a job of a shard (`<rule>_shard`) is one of the rule.
        wildcards: the job's, by name, with `get`.
        on_gpu: its networks are in the memory of a GPU.
        """
        rule = rule.removesuffix("_shard")
        if rule == "train":
            return self._of_training(self.plan.trainings[wildcards.get("training")], on_gpu)
        if rule == "flow":
            added = FLOWS.get(wildcards.get("estimator"), ANY_FLOW)
            return TORCH + added * self._scale if added else IDLE
        if rule in ("gallery", "references"):
            return self._of_search(wildcards)
        if rule in ("colorize", "recolor", "colorize_shown"):
            return self._of_row(wildcards.get("row"))
        if rule in ("truth", "score"):
            return self._of_scores()
        if rule == "sources" or rule.startswith("gather"):
            return IDLE + self._of_tables(wildcards)
        return PEAKS.get(rule, FIGURE)

    def _of_tables(self, wildcards) -> float:
        if split := wildcards.get("split"):
            return ROW * self.estimate.items(wildcards.get("kind", "clips"), split)
        return SCORED * self.estimate.items("images", "test")

    @property
    def _scale(self) -> float:
        """The pixels of a prepared frame as a part of PIXELS; weights stay the same in smaller ones."""
        height, width = self.config["clips"]["size"]
        return max(1.0, height * width / PIXELS)

    def _network(self, key: str) -> float:
        return NETWORKS.get(self.config[key], 0) * self._scale

    def _of_search(self, wildcards) -> float:
        gallery = wildcards.get("gallery") or self.plan.sets.gallery_of(wildcards.get("split"))
        rows = ROW * self.estimate.items("images", gallery)
        return TORCH + self._network("backbone") + self._network("classifier") + rows

    def _of_row(self, row: str) -> float:
        options = self.plan.rows[row]
        method = method_of(row, options)
        if "precomputed" in options or (method in PLAIN and "command" not in options):
            return IDLE
        if "command" in options or method not in METHODS:
            return ANY_METHOD
        narrow, full = METHODS[method]
        added = narrow + (full - narrow) * min(1.0, self.plan.width_of(row))
        return TORCH + added * self._scale + self._network("backbone")

    def _of_scores(self) -> float:
        rows = SCORED * self.estimate.items("images", "test")
        networks = self._network("fid_features") + self._network("classifier")
        return TORCH + LPIPS + networks + rows

    def _of_training(self, own: dict, on_gpu: bool) -> float:
        settings = TrainSettings.model_construct(**own)
        processes, nodes = own.get("processes", 1), own.get("nodes", 1)  # of each node
        loaders = processes * settings.workers * LOADER
        if on_gpu:
            return processes * BESIDE_GPU + loaders
        height, width = settings.crop
        share = -(-settings.batch // (processes * nodes))
        pairs = min(share, own.get("micro_batch") or share) * (settings.unroll - 1) * height * width / PIXELS
        return processes * (TRAINING + PAIR * settings.width * pairs) + loaders
