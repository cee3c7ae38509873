import math

from learners.training.stopping import EarlyStop


def test_stops_after_so_many_rounds_without_a_gain():
    """The count starts anew at each new best, and equal losses are no gain."""
    stop = EarlyStop(patience=2)
    told = [(stop.is_best(loss), stop.due) for loss in (3.0, 2.0, 2.0, 1.0, 1.5, math.nan)]
    assert told == [
        (True, False), (True, False), (False, False), (True, False), (False, False), (False, True),
    ]  # fmt: skip
    assert (stop.best, stop.best_round) == (1.0, 3)


def test_no_patience_never_stops():
    """Patience 0 trains to the end."""
    stop = EarlyStop(patience=0)
    assert not any(stop.is_best(math.inf) or stop.due for _ in range(50))


def test_nothing_but_nan_stops():
    """A loss that was never a number ends training as one that does not fall."""
    stop = EarlyStop(patience=3)
    for _ in range(4):
        assert not stop.is_best(math.nan)
    assert stop.due


def test_a_checkpoint_continues():
    """A restored rule goes on where the saved one stood, also before the first best."""
    for losses in ([2.0, 3.0], [math.nan]):
        stop, again = EarlyStop(2), EarlyStop(2)
        for loss in losses:
            stop.is_best(loss)
        again.restore(stop.state())
        assert again == stop
