import numpy as np

from utils.models.batches import make_batches


def epoch(batches):
    return [np.concatenate(parts) for parts in zip(*batches.as_numpy_iterator(), strict=True)]


def test_without_a_seed_they_keep_the_order(stripes):
    batches = make_batches(stripes, 12)
    assert [len(targets) for _, targets in batches] == [12, 12, 8]
    images, targets = epoch(batches)
    assert np.array_equal(images, stripes.images)
    assert np.array_equal(targets, stripes.targets)


def test_each_epoch_has_every_picture_once_in_an_order_that_the_seed_repeats(stripes):
    batches = make_batches(stripes, 12, seed=1)
    first, second = epoch(batches), epoch(batches)
    for images, targets in (first, second):
        assert sorted(picture.tobytes() for picture in images) == sorted(
            picture.tobytes() for picture in stripes.images
        )
        assert targets.sum() == stripes.targets.sum()
    assert not np.array_equal(first[0], second[0])
    assert np.array_equal(first[0], epoch(make_batches(stripes, 12, seed=1))[0])
    assert not np.array_equal(first[0], epoch(make_batches(stripes, 12, seed=2))[0])


def test_other_targets_stay_with_their_pictures(stripes):
    wanted = stripes.targets + np.arange(32, dtype=np.float32)[:, np.newaxis]
    images, targets = epoch(make_batches(stripes, 12, seed=1, targets=wanted))
    assert (targets.dtype, targets.shape) == (np.float32, (32, 2))
    positions = {picture.tobytes(): position for position, picture in enumerate(stripes.images)}
    assert np.array_equal(targets, wanted[[positions[picture.tobytes()] for picture in images]])
