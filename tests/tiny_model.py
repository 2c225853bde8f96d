"""Language models of random weights, small enough to be made and run in a test."""

from __future__ import annotations

from pathlib import Path

TEXTS = [
    "Description: A detective hunts a killer who copies famous paintings.\nTag: twist ending\n",
    "Two rival chefs inherit the same restaurant, and nobody expects the ending. Tag: dark comedy, true or false",
    '{"name": "value", "list": ["one", "two"], "number": 12.5, "empty": null}',
    "Review: the book was 1 2 3 4 5 stars. Score: 4\nReply: Thank you, see you soon!\n",
]
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_tokenizer():
    """A byte-level BPE tokenizer of 400 entries, trained here."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    fast.add_special_tokens({"additional_special_tokens": special[1:]})
    fast.chat_template = CHAT
    return fast


def tiny_model(kind: str = "Llama", **changes):
    """A causal model with two layers and random weights; always the same ones."""
    import torch
    import transformers

    settings = {
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.5,
        "pad_token_id": 0,
        "bos_token_id": 0,
        "eos_token_id": 0,
        **changes,
    }
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**settings)
    return transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


def save_tiny_model(folder: Path, kind: str = "Llama", **changes) -> Path:
    model, tokenizer = tiny_model(kind, **changes), tiny_tokenizer()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
