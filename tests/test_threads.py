"""Work spread over threads comes back in order, and fails as a loop would."""

import pytest

from sightline.threads import spread


@pytest.mark.parametrize("n", [0, 1, 2, 3, 100])
def test_results_come_in_the_order_of_the_items(n: int) -> None:
    assert spread(lambda x: x * x, range(n)) == [x * x for x in range(n)]


def test_the_first_item_that_fails_is_the_one_that_is_told() -> None:
    def work(x: int) -> int:
        if x in (7, 8, 90):
            raise ValueError(f"item {x}")
        return x

    for _ in range(20):
        with pytest.raises(ValueError, match="item 7"):
            spread(work, range(100))


def test_what_interrupts_a_thread_interrupts_all() -> None:
    def work(x: int) -> int:
        if x == 3:
            raise KeyboardInterrupt
        return x

    with pytest.raises(KeyboardInterrupt):
        spread(work, range(10))
