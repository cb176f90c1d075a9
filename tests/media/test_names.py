"""Names that people give and names that are made of others' files."""

import pytest

from media.names import LONGEST_ITEM, address, in_backticks, in_utf8, is_name, item_name, suggested


@pytest.mark.parametrize("word", ["ours", "ours+lai2018", "v1.5-b", "_x", "0", "a" * 80])
def test_what_is_fit_for_files_is_a_name(word):
    assert is_name(word)


@pytest.mark.parametrize(
    ("word", "instead"),
    [
        ("my row", "my_row"),
        ("a/b", "a_b"),
        ("../x", "_x"),
        ("-x", "x"),
        ("été", "t"),
        ("a" * 81, "a" * 80),
        ("<script>", "script"),
        ("x\n", "x"),
        ("", "a_name"),
        ("狼", "a_name"),
    ],
)
def test_another_word_gets_the_nearest_name(word, instead):
    assert not is_name(word)
    assert suggested(word) == instead and is_name(instead)


def test_an_item_keeps_its_name_where_it_is_fit_for_a_folder():
    assert item_name("été 2024 – 狼 (copy 1)", "d/x") == "été 2024 – 狼 (copy 1)"
    long, other = item_name("狼" * 80, "d/x"), item_name("狼" * 80, "d/y")
    assert long != other and long.startswith("狼狼") and len(long.encode()) <= LONGEST_ITEM
    assert item_name("a\nb", "d/x").startswith("a_b_")


def test_bytes_that_are_no_text_can_be_told():
    assert in_utf8(b"caf\xe9.mp4".decode("utf-8", "surrogateescape")) == "caf\\xe9.mp4"


def test_a_path_in_a_page_leads_to_its_file_whatever_its_name():
    assert address("clips/a#b?c%41 'd' \"e\" +f.mp4") == "clips/a%23b%3Fc%2541%20%27d%27%20%22e%22%20%2Bf.mp4"
    assert address("javascript:x") == "javascript%3Ax"


def test_a_name_in_markdown_is_code_and_ends_where_it_should():
    assert in_backticks("a_b*") == "`a_b*`"
    assert in_backticks("a`b``c") == "``` a`b``c ```"
