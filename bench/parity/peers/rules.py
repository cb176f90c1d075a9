"""Which function answers which output: by the group of the entry, then by the output's name.

A rule is called with the case and what its pattern captured, so `cdc_t3` and `ci90_a` need no rules of their own.
"""

import re
from collections.abc import Callable

from bench.parity.peers import frames, motion, sets
from bench.parity.peers.manifest import Case

Rule = Callable[..., object]

GROUPS: dict[str, dict[str, Rule]] = {
    "colorfulness": frames.COLORFULNESS,
    "colour": frames.COLOR,
    "psnr": frames.PSNR,
    "ssim": frames.SSIM,
    "cdc": motion.CDC,
    "occlusion": motion.OCCLUSION,
    "warp_error": motion.WARP_ERROR,
    "flicker": motion.FLICKER,
    "fid": sets.FID,
    "kid": sets.KID,
    "accuracy": sets.ACCURACY,
    "bootstrap": sets.BOOTSTRAP,
    "user_study": sets.USER_STUDY,
}


class NoRule(LookupError):
    """Nothing here computes that output."""


def answer(case: Case, output: str) -> object:
    """The value of an output. Raises NoRule where the group or the name is not known."""
    group = case.entry.group
    if group not in GROUPS:
        raise NoRule(f"no rule here for group {group}; there are {', '.join(GROUPS)}")
    for pattern, rule in GROUPS[group].items():
        if found := re.fullmatch(pattern, output):
            return rule(case, *found.groups())
    raise NoRule(f"no rule here for this output of group {group}")
