"""ImageNet's classes: their names and their synsets."""

import pytest

from prep.datasets.imagenet import class_name, class_of_synset


def test_the_first_of_a_classs_names():
    assert (class_name(0), class_name(281), class_name(999)) == ("0 tench", "281 tabby", "999 toilet tissue")
    with pytest.raises(ValueError, match=r"1000 .* 0 to 999"):
        class_name(1000)


def test_a_synset_is_its_class():
    classes = class_of_synset()
    assert len(classes) == 1000 and (classes["n01440764"], classes["n15075141"]) == (0, 999)
