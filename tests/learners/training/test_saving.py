import json

import numpy as np
import pytest

from grouping.errors import InputError
from learners.training.saving import DOCUMENT, check_folder, load, save

ARRAYS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3), "ids": np.array([3, 1], np.int64)}
ARRAYS["one"] = np.array(0.5)


def test_what_is_saved_is_loaded(tmp_path):
    """A model comes back as it was, dtypes and shapes included."""
    save(tmp_path / "m", "dmtl", {"size": 3, "names": ["é"]}, ARRAYS)
    saved = load(tmp_path / "m", "dmtl")
    assert saved.document == {"size": 3, "names": ["é"]}
    for name, array in ARRAYS.items():
        assert saved.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(saved.arrays[name], array)


def test_saving_again_replaces(tmp_path):
    """The second model takes the place of the first, and no file of the first is left."""
    save(tmp_path / "m", "dmtl", {}, ARRAYS)
    save(tmp_path / "m", "dmtl", {"second": True}, {"w": np.zeros(2)})
    assert load(tmp_path / "m", "dmtl").document == {"second": True}
    assert len(list((tmp_path / "m").iterdir())) == 2


def test_arrays_that_are_transposed_views_keep_their_values(tmp_path):
    """The layout in memory does not change what is saved."""
    array = np.arange(6.0).reshape(2, 3).T
    save(tmp_path / "m", "dmtl", {}, {"w": array})
    np.testing.assert_array_equal(load(tmp_path / "m", "dmtl").arrays["w"], array)


def test_damage_is_refused(tmp_path):
    """A changed or cut file of arrays is named as damaged, not read."""
    save(tmp_path / "m", "dmtl", {}, ARRAYS)
    arrays = next((tmp_path / "m").glob("*.safetensors"))
    arrays.write_bytes(arrays.read_bytes()[:-3])
    with pytest.raises(InputError, match="damaged"):
        load(tmp_path / "m", "dmtl")


def test_no_model_and_other_models_are_refused(tmp_path):
    """A missing model, another kind of model and a document that is none are told apart."""
    with pytest.raises(InputError, match="holds no saved model"):
        load(tmp_path / "none", "dmtl")
    save(tmp_path / "m", "mtal", {}, ARRAYS)
    with pytest.raises(InputError, match="kind 'mtal', not 'dmtl'"):
        load(tmp_path / "m", "dmtl")
    (tmp_path / "m" / DOCUMENT).write_text("[]")
    with pytest.raises(InputError, match="is no saved model"):
        load(tmp_path / "m", "mtal")


def test_a_document_cannot_point_out_of_its_folder(tmp_path):
    """A model from somebody else reads no file outside of its folder."""
    save(tmp_path / "m", "dmtl", {}, ARRAYS)
    path = tmp_path / "m" / DOCUMENT
    path.write_text(json.dumps(json.loads(path.read_text()) | {"arrays": "../secret"}))
    with pytest.raises(InputError, match="is no saved model"):
        load(tmp_path / "m", "dmtl")


def test_a_document_is_read_only_as_it_was_saved(tmp_path):
    """A changed document is damaged, one laid out otherwise is not, an older one is said to be."""
    save(tmp_path / "m", "dmtl", {"size": 3, "part": (1.5, None)}, ARRAYS)
    path = tmp_path / "m" / DOCUMENT
    written = json.loads(path.read_text())
    path.write_text(json.dumps(dict(reversed(written.items()))))
    assert load(tmp_path / "m", "dmtl").document == {"size": 3, "part": [1.5, None]}
    for document in ({"size": 4, "part": [1.5, None]}, {"size": float("nan")}):
        path.write_text(json.dumps(written | {"document": document}))
        with pytest.raises(InputError, match=r"model\.json: is damaged"):
            load(tmp_path / "m", "dmtl")
    before = {name: written[name] for name in ("kind", "arrays", "sha256", "document")}
    path.write_text(json.dumps(before))
    with pytest.raises(InputError, match="saved in format 1, and this version reads 2"):
        load(tmp_path / "m", "dmtl")


def test_a_model_of_another_kind_is_not_replaced(tmp_path):
    """Neither a checkpoint by a model, nor a document of another program of the same name."""
    save(tmp_path / "m", "mtal", {}, ARRAYS)
    with pytest.raises(InputError, match=r"no dmtl \(its model\.json says kind 'mtal'\)"):
        save(tmp_path / "m", "dmtl", {}, ARRAYS)
    assert load(tmp_path / "m", "mtal").document == {}
    for text in ('{"layers": []}', "no JSON", "[]"):
        (tmp_path / "m" / DOCUMENT).write_text(text)
        with pytest.raises(InputError, match=r"no dmtl|is no saved model"):
            check_folder(tmp_path / "m", "dmtl")
        assert (tmp_path / "m" / DOCUMENT).read_text() == text


def test_folders_with_other_things_are_left_alone(tmp_path):
    """No model is written among files that are not a model's, or over a file."""
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="other files"):
        save(tmp_path, "dmtl", {}, ARRAYS)
    with pytest.raises(InputError, match="is a file"):
        save(tmp_path / "letter.txt", "dmtl", {}, ARRAYS)
    with pytest.raises(InputError, match="there is no folder"):
        save(tmp_path / "no" / "m", "dmtl", {}, ARRAYS)
