import random

import torch

from personaopt.lm.prefix_cache import PrefixCache, shared_length

LAYERS = 2


def states_of(tokens, start=0):
    """States that say which token they belong to and what stands before it, as real ones would."""
    rows = [[float(tokens[n]), float(hash(tuple(tokens[: n + 1])) % 9973)] for n in range(start, len(tokens))]
    table = torch.tensor(rows).reshape(1, 1, len(tokens) - start, 2)
    return [(table + layer, -table - layer) for layer in range(LAYERS)]


def joined(pieces):
    return [
        (torch.cat([keys for keys, _ in layer], 2), torch.cat([values for _, values in layer], 2))
        for layer in zip(*pieces, strict=True)
    ]


def check(cache, tokens):
    length, pieces = cache.match(tokens)
    if length:
        for found, right in zip(joined(pieces), states_of(tokens[:length]), strict=True):
            assert torch.equal(found[0], right[0])
            assert torch.equal(found[1], right[1])
    else:
        assert pieces == []
    return length


def kept_tokens(node):
    return len(node.tokens) + sum(kept_tokens(child) for child in node.children.values())


def test_what_is_found_is_always_what_would_be_computed():
    rng = random.Random(0)
    for capacity in (5, 30, 200):
        cache = PrefixCache(capacity)
        for _ in range(400):
            tokens = [rng.randrange(3) for _ in range(rng.randrange(1, 20))]
            start = check(cache, tokens)
            if rng.random() < 0.8:
                cache.insert(tokens, start, states_of(tokens, start))
                assert cache.size <= capacity
                assert cache.size == kept_tokens(cache._root)
                assert check(cache, tokens) == (len(tokens) if len(tokens) <= capacity else start)


def test_a_text_is_split_where_another_leaves_it_and_shared_tokens_are_kept_once():
    cache = PrefixCache(100)
    cache.insert([1, 2, 3, 4], 0, states_of([1, 2, 3, 4]))
    cache.insert([1, 2, 7], 0, states_of([1, 2, 7]))
    assert cache.size == 5
    assert check(cache, [1, 2, 3, 4, 9]) == 4
    assert check(cache, [1, 2, 7]) == 3
    assert check(cache, [1, 2, 8]) == 2
    assert check(cache, [2]) == 0


def test_the_least_recently_used_goes_first():
    cache = PrefixCache(6)
    for first in (1, 2, 3):
        cache.insert([first, 9], 0, states_of([first, 9]))
    assert check(cache, [1, 9]) == 2  # used again, so 2 is the oldest
    cache.insert([4, 9], 0, states_of([4, 9]))
    assert [check(cache, [first, 9]) for first in (1, 2, 3, 4)] == [2, 0, 2, 2]


def test_states_behind_a_beginning_that_is_gone_are_not_kept():
    cache = PrefixCache(100)
    cache.insert([1, 2, 3], 2, states_of([1, 2, 3], 2))
    assert cache.size == 0
    cache.insert([1, 2], 0, states_of([1, 2]))
    cache.insert([1, 2, 3], 2, states_of([1, 2, 3], 2))
    assert check(cache, [1, 2, 3]) == 3


def test_kept_states_do_not_keep_the_tensor_they_came_from():
    cache = PrefixCache(100)
    states = states_of(list(range(50)))
    cache.insert([0, 1], 0, states)
    (kept,) = cache.match([0, 1])[1]
    assert kept[0][0].untyped_storage().nbytes() < states[0][0].untyped_storage().nbytes()
    assert kept[0][0].data_ptr() != states[0][0].data_ptr()


def test_clear_forgets_everything():
    cache = PrefixCache(10)
    cache.insert([1, 2], 0, states_of([1, 2]))
    cache.clear()
    assert (cache.size, cache.match([1, 2])) == (0, (0, []))


def test_shared_length():
    assert shared_length([1, 2, 3], [1, 2, 4]) == 2
    assert shared_length([], [1]) == 0
    assert shared_length((1, 2), (1, 2, 3)) == 2
