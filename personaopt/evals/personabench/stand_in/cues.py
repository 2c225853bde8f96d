"""Who a sentence speaks of, and whether it tells, asks, wishes or supposes: general English.

In all patterns of this room `@` is the value that is looked at, `&` another value of the same field, and `thing` one of
another field; `~` stands for a few words without a turn of the sentence, `#` for small words, `%` for a negation.
"""

from __future__ import annotations

import re

_FEW = r"(?:(?!but\b|instead\b|now\b|because\b|so\b|then\b)[\w'-]+ ){0,5}"
_SMALL = (
    r"(?:(?:an?|the|my|our|being|doing|having|eating|going|as|in|at|with|on|of|just|only|working|living|life|about|"
    r"for|plain|pure|simply|to be|be|to|good old|old|all|this|that|your|those|job|work|post|flat|house|home|days|time|"
    r"place|(?:one|someone|somebody|an? \w+|the \w+) (?:who|that)) )*"
)
_NOT = r"(?:\b(?:not|never|neither|nor|no|cannot|hardly)|n't)"


def any_of(pattern: str) -> re.Pattern[str]:
    """A pattern with the signs of this room, upper case or lower."""
    return re.compile(pattern.replace("~", _FEW).replace("#", _SMALL).replace("%", _NOT), re.IGNORECASE)


_KIN = (
    r"(?:brother|sister|mother|mum|mom|father|dad|parents|wife|husband|partner|son|daughter|child|children|kids?|"
    r"friends?|boss|colleagues?|neighbou?rs?|aunt|uncle|cousins?|grand\w+|niece|nephew|room-?mates?|flat-?mates?|"
    r"girlfriend|boyfriend|clients?|customers?|teacher|doctor|dentist|ex|family|in-laws|\w+-in-law|landlord|landlady|"
    r"mentor|cat|dog|parrot|horse|team|company|guests?|visitors?|students?|pupils?|patients?|tenants?|staff|"
    r"employees?|manager|therapist|lawyer|trainer|coach|godchild|schoolmate|intern|twin)"
)
OTHERS = re.compile(
    rf"\b(?:my|our|his|her|their|the|an?|your|some)(?: (?!i\b|is\b|am\b)\w+){{0,2}}? {_KIN}\b"
    r"(?! tongue| language| earth)(?:'s(?: \w+)?)?|\b(?:he|she|they|grandpa|grandma|granny|grandad|dad|daddy|mum|"
    r"mummy|mom|everyone|"
    r"everybody|somebody|someone|anybody|anyone|people(?!'s)|nobody|others|"
    r"(?:the|that|an?) (?:\w+ )?(?:man|woman) (?=next door|in|at|on|from|behind|who|over|with)|who(?= lives|"
    r" works| is| eats| speaks)|(?:the|that|our) (?:baker|barista|waiter|waitress|plumber|nurse|chef|"
    r"cook|farmer|vet|electrician|gardener|postman|shopkeeper|butcher|hairdresser|lady|guy|girl|boy|couple|stranger|"
    r"author|singer|hero|heroine|journalist|architect|carpenter|florist|photographer|pharmacist|librarian|translator|"
    r"engineer|children))\b"
)
"""Who else a sentence may be about."""
NO_SUBJECT = re.compile(
    r"(?:\b(?:with|for|to|of|from|by|at|about|near|like|than|beside|besides|without|among|and|visit(?:ed|ing)?|told|"
    r"tell|asked?|know|meet|met|unlike|see|saw|behind|after|because of|thanks to|join(?:ed)?|follow(?:ed|ing)?|not|"
    r"against|on|in|into|per|past|am|be|being|as|i'm|before|me|me,|become|became|becoming|turned|been|still|remain|"
    r"i'm now|am now)|/) ?$"
)
"""Behind these words somebody else is spoken of, but the sentence is not about them."""
OWN_SUBJECT = re.compile(
    r"\byou(?:\'re| are) (?:talk|chatt|deal|speak|writ)ing (?:to|with)\b|\b(?:i|i'm|i've|i'd|i'll|we|we're|we've|"
    r"myself|me|(?<!of )mine)\b|\b(?:my|our) (?!own\b)"
)
FIRST_PERSON = re.compile(
    r"\b(?:i|i'm|i've|i'd|i'll|me|my|mine|myself|we|we're|we've|us|our|ours|yours truly)\b|"
    r"\byou(?:'re| are) (?:talk|chatt|deal|speak|writ)ing (?:to|with)\b",
    re.IGNORECASE,
)
OWN_CASE = re.compile(
    r"\b(?:i|i'm|i've|i'd|i'll|we|we're|we've|my|our|mine|yours truly)\b|\b(?:for|to|with|suits?|pleases?|makes?|"
    r"keeps?|has|got|gets?|helps?|give|lets?|drives?|pays?|beats?) me\b|\bthat(?:'s| is) (?:me|(?:how|what|who) i)\b|"
    r"\byou(?:'re| are) (?:talk|chatt|deal|speak|writ)ing (?:to|with)\b"
)
"""Words that put the user into a sentence as more than its hearer."""
IMPERATIVE = re.compile(
    r"^(?:(?:and|so|but|now|well|then|ok|okay|again|sorry|oh|instead|next time|in future|from now on|no|hm|yes|right|"
    r"hey|also)[,!.]? |(?:could|can|would|will) you )*(?:please|pls|kindly|call|forget|ignore|delete|remove|strike|"
    r"scratch|erase|disregard|correct|replace|change|update|switch|drop|stop|scrap|give|use|keep|put|set|show|answer|"
    r"write|make|note|remember|sign|send|look|search|mind|do|do not|don't|try|stick|stay|go|start|begin|let|think|"
    r"bear|take|choose|address|count|explain|tell|be|ask|reply|check|translate|consider|assume|know|present|lay|"
    r"format)\b",
    re.IGNORECASE,
)
REQUEST = re.compile(r"^(?:\w+[,!.] |and |so |but |then |now )*(?:(?:could|can|would|will|may) (?:you|i)|might i)\b")
"""A question that asks for an answer in some form is a wish."""
QUESTION = re.compile(
    r"^(?:and |so |but |or |then |well |hello |hi |tell me |say )*(?:who|whom|whose|what|when|where|why|how|which|is|"
    r"are|am|was|were|do|does|did|have|has|had|can|could|will|would|shall|should|may|might|must|isn't|aren't|don't|"
    r"doesn't|didn't|won't)\b"
)
RHETORICAL = re.compile(
    r"^(?:\w+[,!.] |and |so |but |by the way,? )*(?:(?:did|have) i (?:\w+ )?(?:mention|mentioned|tell|told|say|said)|"
    r"(?:do|did|don't|didn't) you (?:know|remember|see|recall|realise)|have you (?:already )?forgotten|"
    r"how (?:often|many times)|(?:you )?remember)(?: \w+){0,3} (?:i|i'm|i've|my)\b"
)
"""A question that tells."""
GIVEN = re.compile(
    r"\b(?:given that|now that|since|seeing that|considering that|considering|because|knowing that|as) i(?:'m|'ve| )|"
    r"\bwhen (?:i live|i work|i eat|i feel|i'm|i am|my \w+ is)\b|\bas an? $"
)
AROUND = re.compile(
    r"^(?:(?:it|that|this|there|now|and|but|so|these days|today|nowadays|currently|yes|no|nope|well|actually|"
    r"by the way|fyi|just|still|again|back|since|from|as|instead|rather|sorry|also|oh|not|once|make|in truth|in fact|"
    r"truth|right|correct|before|after|until|formerly|previously|always|never|the (?:right|correct|truth)|then|lately|"
    r"meanwhile|only|mostly|being|born|living|working|thing|out|in|over|gone|goodbye|bye|hello|farewell|mine|"
    r"nothing but|strictly|normally|usually)\b|@|(?:an? |only |strictly |plain )?\w*,? ?@)",
    re.IGNORECASE,
)
"""How a sentence begins that has no subject and still speaks of the user."""
SUPPOSED = any_of(
    r"(?:\bwould|'d) (?:love|like|rather like) to (?:see|visit|go|be|become|try)\b|\b(?:(?:wants?|told|tells?|asks?|"
    r"asked|urges?|begs?|begged) me to (?:be|become|live|move|try|work)|(?:i|we) (?:\w+ )?(?:might|may|could)|"
    r"(?:it|that|this|which) (?:might|may|could) be|maybe|perhaps|possibly|wish(?:es)?|"
    r"dream(?:ing|t|s|ed)? (?:that |of|about|i )|considering|thinking (?:of|about)|think (?:of|about) \w+ing|"
    r"thought (?:of|about)|toying with|plan(?:ning)? (?:to|on)|hop(?:e|ing) to|want to (?:be|become|live|move|try)|"
    r"would (?:love|like) to (?:be|become|live|move|try|work)|would (?:have|be|live|work|eat|move)|suppose|let us say|"
    r"let\'s say|imagine (?:i|that|being)|pretend (?:that )?i|one day|some ?day|as if|as though|"
    r"going to (?:be|become|move|live)|will (?:move|become|live)|tempted|almost|nearly|next (?:year|month)|about to|"
    r"what if|whether|unless|should i|am not sure|no idea|not decided|undecided|afraid of|flirting with|wonder\w*|"
    r"i (?:should|ought to)|in another life|(?:i|we)(?:'d| would) (?:never|not|hate to|rather not|sooner die)|"
    r"i(?:'d| would) be|when i was (?:an? )?(?:child|little|young|small|kid)|as a (?:child|kid|student))\b"
)
"""What is wished, planned, supposed or long ago."""
IF = re.compile(
    r"\bif (?:i|my|we|our|it|that|only)\b|\bsuppose\b|\bimagine\b|\bwhat if\b|\bif you (?:lived|were|had|worked|"
    r"ate)\b|\bassuming\b|\blet(?:'s| us) (?:say|assume)\b"
)
NO_CONDITION = any_of(
    r"\bif i (?:won|had|were rich|could|didn't have to)\b(?=.*\b(?:nothing but|all day|only|still)\b)|"
    r"\bif (?:it|they|that|the price|something)(?:'s)?(?: \w+){0,2} (?:more|over|above|dearer|beyond|exceeds?|"
    r"pricier)\b|\bif (?:it|that|they|there)(?: is| are|'s|'re)?(?:n't| not| no)\b|\bif (?:i|you) (?:don't|"
    r"do not) have\b|\bif i (?:gave|give) up\b|\bif you (?:must|want to|need to|have to|really want to|"
    r"would like to) know\b|\bi(?: would|'d) (?:say|call|describe)\b|\bif i(?: am|'m) (?:honest|not mistaken)\b|"
    r"\bif it (?:helps|matters)\b|\bif i (?:had to|must|may) (?:name|choose|say|pick|put|sum|decide)\b|"
    r"\bi could (?:talk|spend|watch|listen|read|go on|do)\b|\bif that (?:helps|matters)\b|\bas if you\b"
)
ALSO = any_of(r"\b(?:also|as well|too|besides|in addition|on top|both|another|added|additionally|apart from)\b")
