"""Prompts and answers as tokens, so that an answer's tokens are the ones it would have behind the prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class PromptTokens:
    """A tokenizer's fast form, used the way prompts need it.

    Special tokens that stand in a text (`<|im_end|>` in what a user wrote) are read as plain text: no turn ends there.

    Args:
        tokenizer: A fast tokenizer of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def prompt(self, text: str) -> list[int]:
        """A prompt, with the token at its beginning that some models need."""
        tokens = list(self.tokenizer(text, split_special_tokens=True, verbose=False).input_ids)
        while tokens and tokens[-1] == self.tokenizer.eos_token_id:
            tokens.pop()  # some tokenizers end every text; a prompt goes on
        return tokens

    def answers(self, prompt: str, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of texts that follow a prompt.

        Read together with the prompt's last line and cut where that ends, because some tokenizers put a space in front
        of a text that stands alone. Where a token would reach across the border, the text's own tokens are taken.
        """
        line = prompt[prompt.rfind("\n") + 1 :]
        before, *whole = self._plain([line, *(line + text for text in texts)])
        alone: list[list[int]] = []
        results = []
        for place, tokens in enumerate(whole):
            if tokens[: len(before)] != before:
                alone = alone or self._plain(texts)
                results.append(alone[place])
            else:
                results.append(tokens[len(before) :])
        return results

    def chat(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """A conversation in the model's chat template, up to where its answer begins."""
        special = sorted({str(token) for token in self.tokenizer.added_tokens_decoder.values()}, key=len, reverse=True)
        harmless = []
        for message in messages:
            content = message["content"]
            for token in special:
                content = content.replace(token, f"{token[:1]} {token[1:]}")
            harmless.append({**message, "content": content})
        text = self.tokenizer.apply_chat_template(harmless, tokenize=False, add_generation_prompt=True)
        return list(self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids)

    def _plain(self, texts: Sequence[str]) -> list[list[int]]:
        read = self.tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)
        return [list(tokens) for tokens in read.input_ids]
