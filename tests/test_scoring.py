import random

import pytest
import torch
from tiny_model import tiny_model

from personaopt.errors import ModelError
from personaopt.lm.prefix_cache import PrefixCache
from personaopt.lm.scoring import PromptTooLong, SequenceScorer
from personaopt.lm.token_tree import TokenTree


@pytest.fixture(scope="module")
def model():
    return tiny_model()


def plain(model, prompt, text):
    """One text at a time through the whole model: what the scorer has to agree with."""
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[*prompt, *text]])).logits[0].log_softmax(-1)
    return sum(logits[len(prompt) - 1 + place, token].item() for place, token in enumerate(text))


def tokens(rng, least, most):
    return [rng.randrange(3, 400) for _ in range(rng.randrange(least, most + 1))]


def assert_right(model, prompts, texts, scores):
    for prompt, ours, found in zip(prompts, texts, scores, strict=True):
        assert found == pytest.approx([plain(model, prompt, text) for text in ours], abs=1e-4)


@pytest.mark.parametrize("cache", [None, 20, 10_000], ids=["no cache", "full cache", "cache"])
@pytest.mark.parametrize("most_nodes", [8, 1536], ids=["short passes", "long passes"])
def test_the_tree_gives_the_scores_of_a_plain_loop(model, cache, most_nodes):
    rng = random.Random(1)
    scorer = SequenceScorer(model, PrefixCache(cache) if cache else None, most_nodes=most_nodes)
    shared = tokens(rng, 90, 90)
    labels = [[5, 6, 7], [5, 6, 8], [5, 9], [10], [11, 12, 13, 14]]
    for _ in range(3):
        prompts, texts = [], []
        for _ in range(6):
            prompts.append(shared[: rng.choice([0, 30, 90])] + tokens(rng, 1, 30))
            texts.append([*rng.sample(labels, rng.randrange(1, 6)), tokens(rng, 1, 9)])
        prompts.append(list(prompts[0]))  # the same prompt twice, with other answers
        texts.append(labels)
        prompts.append(prompts[0][:1])  # a prompt that is the beginning of another
        texts.append([prompts[0][1:4] or [3], [4]])
        assert_right(model, prompts, texts, scorer.score(prompts, texts))


def test_what_is_shared_is_computed_once(model):
    rng = random.Random(2)
    shared = tokens(rng, 200, 200)
    prompts = [shared + tokens(rng, 20, 20) for _ in range(4)]
    labels = [[5, 6, 7], [5, 6, 8], [9, 7]]
    scorer = SequenceScorer(model, PrefixCache())
    first = scorer.score(prompts, [labels] * 4)
    inner = 3  # [5], [5, 6] and [9]: the last token of a label is read from what stands before it
    assert scorer.computed_tokens == 200 + 4 * (20 + inner)
    assert scorer.score(prompts, [labels] * 4) == [pytest.approx(values, abs=1e-4) for values in first]
    assert scorer.computed_tokens == 200 + 4 * (20 + inner) + 4 * (20 + inner)


def test_a_prompt_that_was_seen_costs_its_answers_only(model):
    prompt = tokens(random.Random(3), 100, 100)
    scorer = SequenceScorer(model, PrefixCache())
    scorer.score([prompt], [[[5], [6]]])
    before = scorer.computed_tokens
    scorer.score([prompt], [[[5, 6], [7, 8]]])
    assert scorer.computed_tokens - before == 1 + 2  # the prompt's last token, and the first of each answer


def test_results_come_in_the_order_of_the_prompts(model):
    prompts = [[9, 9], [3], [9, 9, 4], [3, 4, 5]]
    texts = [[[5], [6, 7]], [[7]], [[8], [9]], [[10, 11]]]
    assert_right(model, prompts, texts, SequenceScorer(model).score(prompts, texts))
    assert SequenceScorer(model).score([], []) == []
    assert SequenceScorer(model).score([[3, 4]], [[]]) == [[]]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("Mistral", {"sliding_window": 8}),
        (
            "Qwen2",
            {
                "sliding_window": 8,
                "use_sliding_window": True,
                "layer_types": ["full_attention", "sliding_attention"],
                "max_window_layers": 1,
            },
        ),
        ("GPT2", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512}),
    ],
    ids=["window", "window in one layer", "learned positions"],
)
def test_models_that_look_back_differently(kind, changes):
    model = tiny_model(kind, **changes)
    rng = random.Random(4)
    shared = tokens(rng, 100, 100)
    prompts = [shared + tokens(rng, 5, 20) for _ in range(3)] + [tokens(rng, 3, 3)]
    texts = [[tokens(rng, 1, 12) for _ in range(3)] for _ in prompts]
    for most_nodes in (16, 1536):
        scorer = SequenceScorer(model, PrefixCache(), most_nodes=most_nodes)
        assert_right(model, prompts, texts, scorer.score(prompts, texts))
        assert_right(model, prompts, texts, scorer.score(prompts, texts))


def test_a_model_without_attention_is_refused():
    from transformers import MambaConfig, MambaForCausalLM

    from personaopt.lm.local import _check_scores

    model = MambaForCausalLM(MambaConfig(vocab_size=400, hidden_size=16, num_hidden_layers=1, state_size=4)).eval()
    with pytest.raises((ModelError, TypeError)):
        _check_scores(SequenceScorer(model))


@pytest.mark.parametrize(("prompt", "texts"), [([], [[3]]), ([3], [[]]), ([3], [[4], []])])
def test_empty_texts(model, prompt, texts):
    with pytest.raises(ModelError, match="empty"):
        SequenceScorer(model).score([prompt], [texts])


def test_prompts_and_texts_that_do_not_pair_up(model):
    with pytest.raises(ModelError, match="1 prompts"):
        SequenceScorer(model).score([[3]], [])


def test_a_text_that_passes_the_context(model):
    scorer = SequenceScorer(model)
    assert len(scorer.score([[3] * 509], [[[4] * 3]])[0]) == 1
    with pytest.raises(PromptTooLong, match="513 tokens passes the model's context of 512"):
        scorer.score([[3] * 509], [[[4] * 4]])
    with pytest.raises(PromptTooLong):
        next(scorer.stepper([3] * 512))


@pytest.mark.parametrize("cache", [None, 1000])
def test_stepping_gives_the_logits_of_the_whole_text(model, cache):
    scorer = SequenceScorer(model, PrefixCache(cache) if cache else None, most_nodes=16)
    for _ in range(2):
        text = tokens(random.Random(5), 40, 40)
        step = scorer.stepper(text[:30])
        found = next(step)
        for place in range(30, 40):
            with torch.inference_mode():
                right = model(input_ids=torch.tensor([text[:place]])).logits[0, -1].numpy()
            assert found == pytest.approx(right, abs=1e-3)
            found = step.send(text[place])


def test_a_tree_merges_what_begins_alike():
    tree = TokenTree()
    assert tree.add([1, 2, 3]) == [0, 1, 2]
    assert tree.add([1, 2, 4]) == [0, 1, 3]
    assert tree.add([5], below=1) == [4]
    assert tree.add([9]) == [5]
    assert tree.depths == [0, 1, 2, 2, 2, 0]
    assert tree.visible().astype(int).tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 0, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]
    assert not tree.is_chain
    assert TokenTree([7, 8]).add([7, 8]) == [0, 1]
