"""personaopt as a whole: fields from what the user says, free lines from corrected replies, in one persona.

The one place to tune it. Every figure here was chosen on benches of the seeds 7000 to 7009, which nothing is reported
on.
"""

from __future__ import annotations

import dspy

from personaopt.agent import PersonaAgent
from personaopt.evals.personabench.fields import BenchFields
from personaopt.evals.personabench.methods.dictionary import Dictionary
from personaopt.evals.personabench.methods.method import MOST_ITEMS, NOTHING_LEARNT, Learnt, Setting
from personaopt.lm.local import is_small_local
from personaopt.memory import User
from personaopt.optimizers.aligner import PersonaAligner
from personaopt.optimizers.beside_fields import BesideFields, without_repeated
from personaopt.optimizers.critics import ContrastiveCritic, LMCritic
from personaopt.optimizers.dictionary import DictionaryOptimizer
from personaopt.optimizers.editors import Editor, EvidenceEditor, LMEditor
from personaopt.optimizers.session_surprise import OnSessionSurprise, OnUnexpected
from personaopt.optimizers.starts import EmptyStart
from personaopt.optimizers.triggers import EverySessions, Trigger

K, READINGS = 3, 2
"""The fields are read after every K sessions and on surprise, in two readings."""
CORRECTED = 5
"""The lines are aligned when replies had to be corrected in so many sessions."""
LATEST, HELD_OUT, EPOCHS = 4, 2, 1
"""n, h and E of an alignment of the lines: an alignment makes at most 2 (n + h) + n + 1 calls."""


class PersonaOpt(Dictionary):
    """A `DictionaryOptimizer` for the fields and a `PersonaAligner` for free lines, on one persona.

    Both are triggered on surprise. The fields are brought up to date after a session that was not as expected
    (`OnUnexpected`), in which the user spoke of a change or which was worse than sessions used to be
    (`OnSessionSurprise`), and after every third one, from what the user said in the last three. The lines are aligned
    when replies had to be corrected in several sessions. Lines leave the fields alone, and none repeats a value that a
    field has or had (`BesideFields`).

    On the tuning benches a second reading makes good what an LM passes over in the first (with 10 % of facts missed in
    each, results are those of an LM that misses none). That it is asked about sentences which nothing rests on yet adds
    .015 to the field F1 of users whose words an LM does not always read, at no more calls. Leaving out the sessions in
    which all was as expected saves a quarter of the updates for nothing lost. The lines change nothing there: every
    topic of the bench is a field's, and the user says the field.

    Args:
        user: Whose persona is learnt.
        setting: Of the run.
        with_fields: Whether fields are learnt.
        with_lines: Whether free lines are.
    """

    def __init__(self, user: User, setting: Setting, *, with_fields: bool = True, with_lines: bool = True) -> None:
        fields = DictionaryOptimizer(
            fields=BenchFields,
            stated=tuple(BenchFields.model_fields),
            most_items=MOST_ITEMS,
            readings=READINGS,
            triggers=[EverySessions(K, count_open=True, truth=False), OnUnexpected(), OnSessionSurprise()],
            lm=setting.editor,
            checkpoint=False,
            threads=setting.threads,
            seed=setting.seed,
        )
        super().__init__(user, setting, fields)
        self.with_fields, self.with_lines = with_fields, with_lines
        self.lines = aligner_of(setting)
        self.surprise: Trigger = OnUnexpected(CORRECTED, remarks=False)
        self._aligned: float | None = None

    def learn(self) -> Learnt:
        """The fields first, so that the lines are judged beside them."""
        learnt = super().learn() if self.with_fields else NOTHING_LEARNT
        if not self.with_lines:
            return learnt
        self._drop_repeated()
        if not (surprised := self.surprise.due(self.user, self._aligned)):
            return learnt
        latest = self.user.latest(1)
        more = self._updated(surprised, self.lines.compile)
        self._aligned = latest[0].time if latest else None
        reason = "; ".join(each for each in (learnt.reason, surprised) if each)
        return Learnt(True, reason, max(learnt.version, more.version), (*learnt.notes, *more.notes))

    def _drop_repeated(self) -> None:
        """Take lines out that a field says by now."""
        persona = without_repeated(self._persona, BenchFields)
        if persona != self._persona:
            agent = PersonaAgent(self.setting.task, user=self.user, retrieve=0, persona=persona, calibration=None)
            agent.save_persona(author=PersonaAligner.author, reason="A field says what these lines said.")
            self._persona = persona


def aligner_of(setting: Setting) -> PersonaAligner:
    """The aligner of the lines.

    Args:
        setting: Of the run.
    """
    small = is_small_local(setting.editor or dspy.settings.lm)
    editor: Editor = EvidenceEditor() if small else LMEditor(setting.editor)
    return PersonaAligner(
        latest=LATEST,
        held_out=HELD_OUT,
        epochs=EPOCHS,
        candidates=1,
        critic=ContrastiveCritic() if small else LMCritic(setting.editor),
        editor=BesideFields(editor, BenchFields),
        start=EmptyStart(),
        checkpoint=False,
        threads=setting.threads,
        seed=setting.seed,
    )
