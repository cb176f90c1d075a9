"""What rules have among their params of the code that they run."""

import pytest

from media import versions
from plan.rule_versions import version_of


def test_a_version_names_its_module():
    assert version_of("prep/clips.py") == f"prep.clips {versions.version_of('prep.clips')}"


def test_a_path_without_a_module_is_refused():
    with pytest.raises(ValueError, match=r"prep\.clip: there is no such module"):
        version_of("prep/clip.py")
