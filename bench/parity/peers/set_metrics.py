"""Rules for what is computed of a set: FID, KID, Top-k, confidence intervals, user studies."""

import numpy as np

from bench.metrics.accuracy import topk
from bench.metrics.frechet import frechet_distance
from bench.metrics.kid import Kid, kid, squared_mmd
from bench.parity import study
from bench.parity.peers.manifest import Case
from bench.parity.peers.others import frechet_from_moments
from bench.scoring import statistics


def frechet(case: Case) -> float:
    """Of two sets of features, or of their moments."""
    if case.has("feats1"):
        return frechet_distance(case.array("feats1"), case.array("feats2"))
    return frechet_from_moments(*(case.array(name) for name in ("mu1", "sigma1", "mu2", "sigma2")))


def frechet_to_itself(case: Case) -> float:
    """Of the first set and itself."""
    if case.has("feats1"):
        return frechet_distance(case.array("feats1"), case.array("feats1"))
    return frechet_from_moments(*2 * (case.array("mu1"), case.array("sigma1")))


def frechet_by_clip(case: Case) -> list[float]:
    """Of each part of the sets on its own, as ColorMNet's script takes clips."""
    return [frechet_distance(*both) for both in zip(case.parts("feats1"), case.parts("feats2"), strict=True)]


def full_kid(case: Case) -> float:
    """KID with the whole sets as the one subset."""
    return squared_mmd(case.array("feats1"), case.array("feats2"))


def subset_kid(case: Case) -> Kid:
    """KID over random subsets; unless the entry says otherwise 20 of half the set, from seed 2020."""
    first, second = case.array("feats1"), case.array("feats2")
    whole, _, divisor = str(case.setting("subset_size", "n//2")).partition("//")
    size = (min(len(first), len(second)) if whole == "n" else int(whole)) // int(divisor or 1)
    subsets, seed = int(case.setting("subsets", 20)), int(case.setting("rng_seed", 2020))
    return kid(first, second, subsets, size, seed)


def top_percent(case: Case, k: str) -> float:
    """Top-k."""
    return topk(case.array("logits"), case.array("labels"), int(k)).mean()


def compared(case: Case, name: str) -> np.ndarray:
    """The values of one method; `diff` is b less a."""
    return case.array("b") - case.array("a") if name == "diff" else case.array(name)


def interval(case: Case, percent: str, name: str) -> np.ndarray:
    """Percentile bootstrap of the mean with the resampling indices that are given: (2,)."""
    means = compared(case, name)[case.array("index")].mean(axis=1)
    return statistics.interval(means, float(percent) / 100)


def strengths(case: Case, model: str, solver: str, alpha: str | None) -> np.ndarray:
    """Plackett-Luce from rankings or Bradley-Terry from wins; alpha reads 1e_6 for 1e-6 and 0p5 for 0.5."""
    own_name = {"ilsr": "spectral", "opt": "likelihood"}[solver]
    penalty = float((alpha or "0").replace("_", "-").replace("p", "."))
    if model == "plackett_luce":
        return study.plackett_luce(case.array("rankings"), penalty, own_name)
    return study.bradley_terry(case.array("wins"), penalty, own_name)


FID = {
    "pytorch_fid|clean_fid|torch_fidelity|value|exact_nuclear_norm_definition|pooled": frechet,
    "same": frechet_to_itself,
    "per_clip": frechet_by_clip,
    "mean_of_clips": lambda case: np.mean(frechet_by_clip(case)),
}
KID = {
    "torch_fidelity|clean_fid": full_kid,
    "(mean|std|subset_size)": lambda case, name: getattr(subset_kid(case), name),
}
ACCURACY = {r"top(\d+)_percent": top_percent}
BOOTSTRAP = {
    "mean_(.+)": lambda case, name: compared(case, name).mean(),
    r"ci(\d+)_(.+)": interval,
}
USER_STUDY = {
    "(plackett_luce|bradley_terry)_(ilsr|opt)(?:_alpha_?(.+))?": strengths,
    "mean_rank": lambda case: study.mean_rank(case.array("rankings")),
    "rank_variance_population": lambda case: study.rank_variance(case.array("rankings")),
    "top_k_share": lambda case: study.top_k_share(case.array("rankings")),
    "share_rank_k": lambda case: study.share_rank_k(case.array("rankings")),
}
