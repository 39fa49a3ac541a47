import pytest

from utils.files import read_json, replaced_folder, write_json, write_text


def test_write_text_replaces_and_leaves_nothing_beside(tmp_path):
    target = tmp_path / "new" / "a.txt"
    write_text(target, "un")
    write_text(target, "été")
    assert target.read_text(encoding="utf-8") == "été"
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]


def test_json_refuses_what_json_has_no_number_for(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert read_json(tmp_path / "a.json") == {"a": 1}


def test_replaced_folder_appears_whole(tmp_path):
    target = tmp_path / "data"
    for content in ("first", "second"):
        with replaced_folder(target) as beside:
            (beside / "a.txt").write_text(content)
            assert content == "first" or (target / "a.txt").read_text() == "first"
        assert (target / "a.txt").read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_replaced_folder_leaves_the_old_one_where_the_block_fails(tmp_path):
    target = tmp_path / "data"
    with replaced_folder(target) as beside:
        (beside / "a.txt").write_text("old")
    with pytest.raises(OSError, match="full"), replaced_folder(target) as beside:
        (beside / "a.txt").write_text("ne")
        raise OSError("full")
    assert (target / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_replaced_folder_sweeps_what_a_killed_process_left(tmp_path):
    (tmp_path / ".data.partial-1").mkdir()
    (tmp_path / ".data.old-1").mkdir()
    with replaced_folder(tmp_path / "data"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
