import pytest

from scale_zoo import files


def test_a_file_takes_the_place_of_another_once_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with files.whole_file(path) as unfinished:
        unfinished.write_text("after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_fails_leaves_nothing_and_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")

    def fail():
        with files.whole_file(path) as unfinished:
            unfinished.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
