"""What a reader is told of the judge of a run."""

from __future__ import annotations

from personaopt.evals.personabench.measuring.judge_checks import CLOSE, PASSES, JudgeReport
from personaopt.evals.table import Table, number


def judge_table(judge: JudgeReport) -> Table:
    """What came of a judge's examination, and what its reader has to know."""
    rows = (
        ("replies judged again and again", str(judge.replies), ""),
        (f"of their scores, agree within {CLOSE:g} point", number(judge.agreement), "1"),
        ("points between the highest and the lowest of them", number(judge.spread), "0"),
        ("sessions with a right and a deliberately wrong reply", str(judge.made), ""),
        (f"of the right ones, passed with {PASSES:g} or more", number(judge.right_passed), "1"),
        ("of the deliberately wrong ones, passed", number(judge.wrong_passed), "0"),
        ("points from wrong to right replies", number(judge.gap), ""),
        ("pairs of replies judged under either persona", str(judge.pairs), ""),
        ("of them, preferred as each persona would", number(judge.swap_right), "1"),
        ("of them, the same reply preferred under both", number(judge.swap_biased), "0"),
        ("of them, level", number(judge.swap_tied), "0"),
        ("pairs of people whose profiles were compared", str(judge.twins), ""),
        ("similarity of a profile with itself", number(judge.same_similarity), "10"),
        ("similarity with somebody else's", number(judge.other_similarity), "low"),
        ("verdicts, and those that could not be read", f"{judge.verdicts}, {judge.unread}", ""),
    )
    notes = judge.warnings or ("Nothing was found that a reader has to be warned of.",)
    if judge.judge == "rules":
        notes = ("This judge is no model but rules, which see what they were written for and nothing else.", *notes)
    return Table(f"The judge, examined: {judge.judge}", ("", "found", "best"), rows, notes)
