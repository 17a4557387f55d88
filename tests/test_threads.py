"""Work spread over threads comes back in order, and fails as a loop would."""

import multiprocessing
import pickle

import pytest

from sightline.threads import Crew, spread


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


def test_a_crew_goes_on_from_call_to_call_and_to_other_processes() -> None:
    crew = Crew()
    for _ in range(3):
        assert crew.spread(str, range(9)) == [str(n) for n in range(9)]
    assert pickle.loads(pickle.dumps(crew)).spread(str, range(5)) == list("01234")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=lambda: answers.put(crew.spread(str, range(9))))
    child.start()
    assert answers.get(timeout=20) == [str(n) for n in range(9)]
    child.join()


def test_a_job_may_spread_jobs_of_its_own() -> None:
    inner = spread(lambda n: sum(spread(lambda m: n * m, range(6))), range(6))
    assert inner == [15 * n for n in range(6)]
