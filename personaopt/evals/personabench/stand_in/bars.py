"""By what words a value is known to belong to something else than the user, and what outweighs them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from personaopt.evals.personabench.stand_in.cues import any_of
from personaopt.evals.personabench.stand_in.field_cues import INTRODUCED

BARS: Mapping[str, re.Pattern[str]] = {
    "demographics.name": any_of(
        r"\bi(?:'ve| have)? (?:\w+ )?(?:told|called|rang|phoned|met|asked|wrote|texted|visited|saw|gave|lent|thanked|"
        r"invited|married|know|knew|like|love|miss) (?:to )?@|\b(?:with|and|from|about|for|by|of|to|at) @|@'s\b|"
        r"@ (?:and|has|had|is|was|came|comes|said|says|told|asked|wants?|will(?! do)|would)\b|"
        r"\b(?:cat|dog|horse|parrot|brother|sister|friend|son|daughter|husband|wife|neighbou?r|colleague|boss|doctor|"
        r"uncle|aunt|cousin)\b|\b(?:i|we)(?:'ve|'m|'re| have| am| are)? (?:\w+ ){0,2}?(?:saw|see|meet|met|visit\w*|"
        r"call(?:ing)?|ask(?:ing)?|tell(?:ing)?|help\w*|invit\w*|marr\w+|dat(?:e|ing)|meeting|seeing|watch\w*|read\w*|"
        r"heard|hear|need|want|trust|miss\w*|love|admire|follow\w*) (?:to )?@|\bour @|\bmy @|\bdear @|"
        r"\b(?:saint|san|mr|mrs|ms) @|\bis called\b"
    ),
    "demographics.gender": any_of(
        r"@ (?:next|from|with|who|in|of|at|on|behind|over) |(?<!as )(?<!am )(?<!'m )\bthe @(?!\w)|"
        r"\b(?:that|every|some|old|young) @(?!\w)|\ban? @ (?:came|said|asked|told|called)"
    ),
    "demographics.languages": any_of(
        r"\b(?:learn(?:ing|t|ed)?|study(?:ing)?|courses?|lessons?|class|translat\w+ (?:from|out)|film|book|menu|food|"
        r"restaurant|wine|visa|passport says)\b|% ~(?:speak|know|understand)? ?~@|\bnationality\b|\bcitizen\w*\b"
    ),
    "demographics.nationality": any_of(
        r"@ (?:food|restaurant|film|class|course|lesson|friend|wine|language|grammar|cooking|speakers?|\w+ish)\b|"
        r"\b(?:speaker of|languages?|tongue|fluent|fluency|accent|native)\b|\b(?:flew|flying|back|trip|parcel|letter|"
        r"travel\w*|translat\w+) ~(?:from|out of) @|\b(?:learn(?:ing|t|ed)?|study(?:ing)?) @|\bin @(?!\w)"
    ),
    "demographics.career": any_of(
        r"\b(?:see|saw|call(?:ed)?(?! myself)|visit\w*|need|ask(?:ed)?|met|meet|hire[ds]?|at|to|by|with|from|for|find|"
        r"found|want|trust|gave|give|told|tell|thank\w*|paid|pay|help(?:ing|ed)?|about|know|fetch|behind|friend|"
        r"beside|took|bought|heard) (?:an?|the|my|our|any|some|that|this|another) (?:\w+ )?@(?! job)|@'s\b|"
        r"\b(?:my|our|the|every|that|some) @(?!\w)|^an? @ (?!by|again|now|is what)\w+|@ (?:who|said|told|came|sent|"
        r"called|gave|asked|took|sold)\b|@ (?:appointment|visit|bill|chair|school|shop|course|strike|costume|jokes?)\b"
    ),
    "life.home": any_of(
        r"\b(?:visit\w*|trip|travel\w*|holidays?|vacation|fly|flying|flight|flew|conference|tickets?|train to|"
        r"on business|weekend in|born in|grew up|tour|stopover|layover|match|airport|passed|passing|parcel|train|bus|"
        r"letter|off to|tomorrow|for (?:two|three|a few|some|\d+) days)\b|\babout @|\ban? (?:\w+ )?\w+ from @|"
        r"\b(?:met|know|knew|saw|married|called|read|heard|watched|wrote|dream\w*) ~~(?:from|in|about|of) @|"
        r"\b(?:friends?|cousins?|relatives|colleagues?|aunt|office|branch|customers?|clients?) in @|"
        r"\b(?:went|been|going|go|gone) to @|\bto @ (?:next|on|for|in) |\b(?:film|novel|book|documentary|news|"
        r"story)\b|@ (?:airport|station|festival|university|museum|zoo|derby)\b|\b(?:drove|drive|driving|walk\w*|ride|"
        r"rode|past|through|via|towards?|across|around) @|\b(?:that|whether|if|how|see|seeing|visit\w*|love|like|hate|"
        r"miss|enjoy|recommend) @|\bknow @"
    ),
    "life.diet": any_of(
        r"@ (?:restaurants?|place|caf\w+|cook ?books?|friends?|shops?|bakery|recipes?|burgers?|sausages?|options?|"
        r"section|colleagues?|guests?|cousin|neighbou?rs?|menu|course|cheese|leather)\b"
    ),
    "life.budget": any_of(
        r"@ years|\b(?:costs?|cost me|paid|sold|bought it|fined?|owe[sd]?|salary|years old|year-old|win|won(?!')|earn|"
        r"found|lost|lent|rent)\b|\b(?:shops?|they|he|she|sellers?|it|stores?|dealers?) (?:wants?|asks?|charges?|"
        r"takes?)\b"
    ),
    "demographics.age": any_of(
        r"@ ?(?:€|%|euros?|percent|minutes?|hours?|km|kilo\w*|miles?|met\w+|days?|weeks?|months?|"
        r"years (?:(?<!born @ years )ago|in|at|as|of work|now)|dollars?|guests?|people|pages?|degrees?)|€ ?@|"
        r"\bfor @ years\b(?! of age)|\b(?:number|line|bus|room|tram) @"
    ),
    "preference.formats": any_of(
        r"\b(?:book(?:ed|ing)?|reserv\w+|buy|bought|sit\w*|set the|at|kitchen|dinner|build|built) (?:\w+ )?@|"
        r"@ (?:for (?:two|three|four|five|six|eight|ten|twelve|\d+)|by the window|at the)|"
        r"\b(?:on|at|under|around|from|off|set) @"
    ),
    "personality.interests": any_of(
        r"\b(?:heard|traffic|late because of)\b|@ (?:singers?|houses?|players?|stars?|matches|match|championships?|"
        r"stadium|tickets?|season)\b|\b(?:book|film|lecture|documentary|talk|article|podcast) (?:about|on) @|"
        r"\b(?:dull|boring)\b|\b(?:hate|dislike|loathe|can(?:no|')t stand|bored by|no interest in|not interested in|"
        r"never liked) ~#@|@ (?:bores?|is nothing for) me\b"
    ),
    "personality.values": any_of(
        r"\b(?:comes? on|took the|take the|to the|sat in|in nature|walk|visit\w*|insurance|photo|holiday|weather|"
        r"doctor|check-?up)\b"
    ),
    "pattern.usage": any_of(
        r"\b(?:eat|sleep|run|alarm|rings?|news|watched|train|flight|meeting|appointment|woke|wake|shift|walk|doctor|"
        r"concert|film|party)\b"
    ),
    "pattern.emotion": any_of(
        r"\b(?:stay|keep|sea|water|weather|place|evening|looks?|looked|sounds?|sounded) @|"
        r"@ (?:sea|weather|evening|place|dog|waters?)\b|\b(?:an?|the|this|that|some|very|"
        r"such) (?:(?!bit|little|touch|tad)\w+ )?@ (?!(?:since|and|but|or|these|right|lately|now|today|at|about|with|"
        r"all|most|by|for|soul|person|sort|type|character|nature|disposition|mood|side|one|state|fellow|heart|phase|"
        r"spell|man|woman|time|times|week|weeks|period|wreck|mess|life)\b)\w+|\btake it @|\btold me to\b"
    ),
}
"""By what it is known to be about something else."""
STRONG: Mapping[str, re.Pattern[str]] = {
    "personality.values": any_of(
        r"\bmatters?\b|\bcounts?\b|\bimportant\b|\bdear\b|\bsacred\b|\blive for\b|\bcompromise\b|\babove\b|\bvalue\b"
    ),
    "demographics.gender": any_of(r"\bmirror\b|\bi(?:'m| am) an? @"),
    "pattern.usage": any_of(
        r"\b(?:to|with|from|at|reach|ask|asking|use|using|need|message|see|open|consult) you\b|\byou(?:'re| are) my\b|"
        r"\bhear from me\b|\bthis chat\b"
    ),
    "demographics.name": any_of(INTRODUCED + r"|@,? (?:in other words|that is|which is|meaning)[, ]|[\"']dear @"),
    "demographics.age": any_of(r"\b(?:around|alive|earth|planet|old|being @)\b"),
    "demographics.nationality": any_of(r"\b(?:passport|citizen\w*|nationality|born|(?:am|i'm) @ and)\b"),
    "life.home": any_of(
        r"\b(?:i (?:now |still |actually |really )?(?:live|reside|dwell)|my (?:home|flat|house|address|apartment)|"
        r"where i live|resident|i(?: have|'ve)? (?:\w+ )?moved|homes?|i(?: am|'m) based|settled)\b|"
        r"\bcome (?:back|home) to @|\bwhere my \w+ (?:is|are|stands?)\b"
    ),
    "demographics.languages": any_of(r"\b(?:mother tongue|native|first language|at home|i speak|fluent)\b"),
    "life.diet": any_of(
        r"\b(?:always|only) (?:mine|for me)\b|\bi (?:only|always|never|don't|do not|cannot|can't) (?:\w+ )?(?:eat|"
        r"order|choose|take|pick|have|cook)\b|\bi eat\b"
    ),
    "life.budget": any_of(
        r"\b(?:budget|limit|at (?:the )?(?:very )?most|maximum|afford|spend|no more than|ceiling|within|tops|up to)\b|"
        r"(?:n't|\bnot|\bnever|\bno|\bnothing)(?: \w+){0,6} (?:more|over|above|beyond|exceed)\b|\bmore than @,? i\b"
    ),
    "demographics.career": any_of(
        r"\b(?:i (?:now |still )?work as|my job|by trade|by profession|what i am|what i do|i(?:'m| am) one|became|"
        r"become|you(?:'re| are) \w+ing (?:to|with)|as an? @|back to|(?:i|we)(?: am|'m|'ve been| have been| are| were|"
        r" was)(?: now| all| still| really| not| no longer)* (?:an? )?(?:\w+ )?@|being an? @|"
        r"(?:job|life|days|years|work) (?:as|of) (?:an? )?@)\b|@ (?:trade|business|profession|job|line of work)\b"
    ),
}
"""What outweighs the bars."""
