"""Lists of ids, as the map saves them."""

import pytest

from rubricator.errors import DataError
from rubricator.review.files import read_ids


def test_one_id_a_line_whatever_ends_it(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_bytes("\ufeffa 1\r\n\r\n  б,2 \nc".encode())
    assert read_ids(path) == ["a 1", "б,2", "c"]


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "There is no file"), (b"\n \n", "holds no id"), (b"\xff\xfe\x00", "cannot be read")],
)
def test_what_is_no_list_is_told(tmp_path, content, why):
    path = tmp_path / "ids.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=why):
        read_ids(path)
