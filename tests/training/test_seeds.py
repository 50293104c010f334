"""Random streams depend on every one of their numbers, and on nothing else."""

import torch

from diffmp_core.compute.seeds import Purpose, stream, stream_seed


def test_streams_differ_by_seed_purpose_and_counters():
    seeds = {
        stream_seed(seed, purpose, *counters)
        for seed in range(3)
        for purpose in (Purpose.noise, Purpose.order)
        for counters in ((0, 0), (0, 1), (1, 0), (1, 1))
    }
    assert len(seeds) == 3 * 2 * 4
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_same_numbers_give_the_same_stream():
    first, second = (torch.rand(5, generator=stream(1, Purpose.noise, 2, 3)) for _ in range(2))
    assert torch.equal(first, second)
