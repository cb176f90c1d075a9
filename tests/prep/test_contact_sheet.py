"""The names of classes on contact sheets."""

import pytest

from prep.contact_sheet import class_name


def test_the_first_of_a_classs_names():
    assert (class_name(0), class_name(281), class_name(999)) == ("0 tench", "281 tabby", "999 toilet tissue")
    with pytest.raises(ValueError, match="1000 is no ImageNet class index; expected 0 to 999"):
        class_name(1000)
