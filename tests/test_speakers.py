"""Of whom a sentence speaks."""

import pytest

from personaopt.optimizers.speakers import speaks_of_user


@pytest.mark.parametrize(
    ("quote", "sentence"),
    [
        ("live in porto", "i live in porto"),
        ("moved to porto", "my sister and i moved to porto"),
        ("eating vegan", "to my mother's horror i am eating vegan"),
        ("a baker", "ask my boss, i am a baker now"),
        ("porto is my home", "as my friends know porto is my home"),
        ("moved to porto with my wife", "moved to porto with my wife"),
        ("my wife and i live in porto", "my wife and i live in porto"),
    ],
)
def test_words_about_the_user(quote, sentence):
    assert speaks_of_user(quote, sentence)


@pytest.mark.parametrize(
    ("quote", "sentence"),
    [
        ("is a nurse", "my sister is a nurse"),
        ("moved to porto", "i hear she moved to porto"),
        ("moved to porto", "i heard that my sister moved to porto"),
        ("vegan", "my friends are all vegan"),
        ("works as a nurse", "my sister, who lives with me, works as a nurse"),
        ("move to rome", "i told my brother he should move to rome"),
        ("a nurse", "a nurse is what my sister is"),
        ("words not found", "my sister is a nurse"),
    ],
)
def test_words_about_somebody_else(quote, sentence):
    assert not speaks_of_user(quote, sentence)
