"""Which function answers which output: by the group of the entry, then by the output's name."""

from bench.parity.outcome import NoRule, Rule, answer
from bench.parity.peers import frames, motion, set_metrics
from bench.parity.peers.manifest import Case

GROUPS: dict[str, dict[str, Rule]] = {
    "colorfulness": frames.COLORFULNESS,
    "colour": frames.COLOR,
    "psnr": frames.PSNR,
    "ssim": frames.SSIM,
    "cdc": motion.CDC,
    "occlusion": motion.OCCLUSION,
    "warp_error": motion.WARP_ERROR,
    "flicker": motion.FLICKER,
    "fid": set_metrics.FID,
    "kid": set_metrics.KID,
    "accuracy": set_metrics.ACCURACY,
    "bootstrap": set_metrics.BOOTSTRAP,
    "user_study": set_metrics.USER_STUDY,
}


def metric(case: Case, output: str) -> object:
    """The value of an output. Raises NoRule where the group or the name is not known."""
    group = case.entry.group
    if group not in GROUPS:
        raise NoRule(f"no rule here for group {group}; there are {', '.join(GROUPS)}")
    return answer(GROUPS[group], case, output, f"group {group}")
