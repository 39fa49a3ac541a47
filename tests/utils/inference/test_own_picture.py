import pytest

from utils.files import write_json
from utils.inference import own_picture
from utils.paths import Run


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A project whose run `sample` has rendered faces, `mine` photographs, with a shipped model."""
    monkeypatch.setattr("utils.paths.ROOT", tmp_path)
    monkeypatch.setattr(own_picture, "ROOT", tmp_path)
    write_json(Run("sample").metrics("01_preprocessing"), {"rendered": True})
    write_json(Run("mine").metrics("01_preprocessing"), {"rendered": False})
    write_json(tmp_path / "models" / "shipped" / "EmotionDetector_2" / "model.json", {})
    return tmp_path


@pytest.mark.parametrize(
    ("run", "own", "asked"),
    [
        ("sample", False, "sample"),
        ("sample", True, "shipped"),
        ("mine", True, "mine"),
        ("noted-nothing", True, "noted-nothing"),
        ("shipped", False, "shipped"),
    ],
)
def test_a_photograph_goes_to_a_model_that_knows_photographs(root, run, own, asked):
    folder, why = own_picture.choose_model(Run(run), own)
    assert folder == root / "models" / asked / "EmotionDetector_2"
    assert ("shipped model answers" in why) == (asked == "shipped")


def test_it_is_said_where_no_model_knows_photographs(root):
    (root / "models" / "shipped" / "EmotionDetector_2" / "model.json").unlink()
    folder, why = own_picture.choose_model(Run("sample"), own=True)
    assert folder == root / "models" / "sample" / "EmotionDetector_2"
    assert "knows nothing" in why


def test_a_picture_is_read_from_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "face.png").write_bytes(b"face")
    assert own_picture.read_own("~/face.png") == b"face"
    assert own_picture.read_own("") == b""
