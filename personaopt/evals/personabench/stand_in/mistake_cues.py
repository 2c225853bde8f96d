"""By what words something is taken back: it was said, and never was so."""

from __future__ import annotations

from personaopt.evals.personabench.stand_in.cues import any_of

SAID_OLD = any_of(
    r"\b(?:misled you|lied(?: to you)?|wrong|mistaken|fibbed|lie|untrue|bit|thing|part|stuff|business|story|remark|"
    r"line|sentence|note|entry|claim|talk) (?:about|of|on|with|regarding) #@|\bset foot in #@|"
    r"\b(?:replace|swap|exchange|change) #@ (?:by|with|for|to|into)\b|\b(?:(?<!have )(?<!to )said|told|tell you|wrote|"
    r"claimed|mentioned|call(?:ed|ing) myself|stated|gave you|typed|spoke of|forget|ignore|disregard|scratch|strike|"
    r"delete|joked|joking|kidding|lied|lying|made up|believe|pretended|let slip|noted|put down|wrongly|mistakenly|"
    r"by mistake|false(?:ly)?|erase|take back|cancel) ~~#@|@,? (?:\w+ )?~?(?:was|is|were) ~(?:an? |my )?(?:mistake|"
    r"wrong|slip|joke|lie|typo|nonsense|error|false|untrue|rubbish|made up|invented|mix-up|"
    r"not (?:true|right|so|correct)|never true)\b|@,? (?:by mistake|as i (?:said|wrote|told|claimed)|in jest)\b|% ~~@|"
    r"@ ~?i (?:mentioned|said|told|wrote|claimed|named)"
)
SAID_NEW = any_of(
    r"\b(?:meant|really|actually|in truth|truth is|in fact|in reality|correct(?: is|ly)?|right|still|always|all along|"
    r"should (?:be|read|have (?:been|said|read))|make (?:it|that)|it is|it's|i am|i'm|is|instead|rather|but|properly|"
    r"read|has been|have been) ~?#@|@ ~(?:is (?:right|correct|true|it|the truth)|all along|instead|actually|in fact|"
    r"really)\b|@,? not\b"
)
FALSE = any_of(
    r"\b(?:scratch|strike|erase) \w+[,.;:!]|\bmistak(?:e|es|en|enly)\b(?! to\b)|\b(?:confess|"
    r"admit) [^.!?]{0,30}(?:\bnot|n't|\bnever)\b|\bgot in there\b|\bput (?:\w+ )?right\b|\bwrong(?:ly)?\b|"
    r"\bnot (?:true|right|correct|so|the case|quite true|accurate)\b|\b(?:is|was)n't (?:true|right|correct|so)\b|"
    r"\buntrue\b|\bincorrect(?:ly)?\b|\bfalse(?:ly|hood)?\b(?! alarm)|\bjok(?:e|es|ing|ed)\b|\bkidding\b|\blied?\b|"
    r"\bfib(?:bed|bing)?\b|\bmade (?:it |that |this |him |her )?up\b|\bmis-?(?:spoke|spoken|typed|stated|led|informed|"
    r"remembered)\b|\btypo\b|\bslip(?:ped)?\b|\bmix(?:ed)?[ -](?:\w+ ){0,2}up\b|\bconfus(?:ed|ion)\b|\bnonsense\b|"
    r"\brubbish\b|\berr(?:or|ed|oneous\w*)\b|\b(?:forget|ignore|disregard|strike|scratch|delete|erase|cancel) (?:what|"
    r"that|this|it|the|my|about|all|everything)\b|\btak(?:e|ing) (?:\w+ ){0,5}back\b|\btake back\b|"
    r"\btook (?:\w+ ){0,2}back\b|\bcorrect(?:ion| myself| that| it| me| what| something)\b|\bmuddled\b|\binaccurate\b|"
    r"\bnever (?:been|was|were|lived|worked|ate|had|did|said)\b|\b(?:did not|didn't) mean\b|\bfib\b|"
    r"\binvent(?:ed|ion)\b|\bonly (?:said|wrote) (?:so|that|it)\b|\bjust (?:said|wrote) (?:so|that|it) (?:to|"
    r"because)\b|\bapolog\w+\b|\bmisled you\b|\bmy last message\b|\bpure (?:fiction|fantasy)\b|"
    r"\b(?:was|it's) (?:only |just )?a test\b|\b(?:wasn't|not) (?:\w+ )?awake\b|\bwalked over\b|"
    r"\bdid i get ~@? ?from\b|\bmust have (?:typed|written|said|slipped|misread|misheard)\b|"
    r"\bcan(?:no|')t believe i\b|\b(?:was i|i was) thinking\b|\bwhatever i (?:said|wrote|told)\b|\bno,? wait\b|"
    r"\bnever set foot\b|\b(?:strike|erase|delete|scratch|remove|cross|forget|ignore|disregard|"
    r"drop) [^.!?]{0,40}(?:from|off|out)\b|\b(?:used|has|had) my account\b|\bwas i drunk\b|"
    r"\bmeant to (?:say|write|type)\b|\bi (?:was not|wasn't) (?:being )?(?:honest|serious)\b|\bpretend\w*\b|"
    r"\bpull(?:ing|ed) your leg\b|\bin jest\b|\bought to have said\b|\bshould have (?:said|written|been|read)\b|"
    r"\bset (?:the record|that|this|it) straight\b|\bno such thing\b|\b(?:withdraw|retract)\w*\b|\bauto-?correct\w*\b|"
    r"\bi meant\b|\bmy bad\b|\b(?:should|must|need) ?n(?:o|')t believe\b|\bmade you (?:believe|think)\b|"
    r"\bled you to\b|\bhoax\b|\bshow(?:ing|ed) off\b|\bbluff\w*\b|\bexaggerat\w+\b|\b(?:was not|wasn't|"
    r"not) (?:being )?(?:straight|truthful|candid|frank|upfront|in earnest)\b|\bnot the truth\b|\bn't the truth\b|"
    r"\bcame out (?:wrong|that way)\b|\b(?:no idea|don't know|not sure) (?:why|how|what made|where) (?:i|that|this|it|"
    r"me)\b|\bbrain (?:fog|fart|freeze)\b|\bwrong way round\b|\bat the keyboard\b|\b(?:got hold of|had|took|borrowed|"
    r"grabbed) my (?:phone|laptop|computer|tablet|keyboard)\b|\bhaving you on\b|\bhad you (?:on|going)\b|"
    r"\bnot me who\b|\bown up\b|\bcome clean\b|\bwishful thinking\b|\btest(?:ing)? (?:you|whether|if)\b|"
    r"\bautofill\w*\b|\bcopy-?paste\w*\b|\bfingers?\b|\bmy fault\b|\bthinking of (?:my|someone|somebody)\b|"
    r"\bfool(?:ed|ing)\b|\b(?:was|were|am|is) never (?:an?|the)?\b|\bprank\b|\bteas(?:ed|ing)\b|"
    r"\bcontrary to what i\b|\b(?:strike|erase|delete|scratch|remove|cross) \w+ (?:\w+ )?(?:from|off|out)\b|"
    r"\bmisunderstanding\b|\bgarbled\b"
)
MEANT_SO = any_of(
    r"\b(?:meant|should (?:be|read|say|have (?:been|said|read))|make (?:it|that)|correct(?:ly| is|ion)|it(?:'s| is)|"
    r"the truth|actually|really|in fact|in truth|rather|right (?:one|answer)|properly|instead|i mean)\b"
)
"""How a sentence that corrects the last one names what is so."""
CONTRAST = any_of(
    r"\bbut\b|\b(?:it|that)(?:'s| is)\b|\bi(?:'m| am)\b|\bwhat i (?:am|do|eat|want|meant)\b|\bnot\b|n't\b|\binstead\b|"
    r"\bin fact\b|\breally\b|\bactually\b|\btruth\b|\bonly because\b|\bso as to\b"
)
"""How what is so is set against what was said."""
DENIAL = any_of(
    r"(?:but |well,? |actually,? |in fact,? |no,? |only |except |and |sorry,? )*(?:i(?:'m| am| was|'ve| have| do|"
    r" did)|that(?:'s| is| was)?|it(?:'s| is| was)?)(?:n't| not| never| no such)(?: \w+){0,3}[.!]*$|"
    r"(?:not|none of it|no|nothing of the sort|far from it|nonsense)(?: \w+){0,2}[.!]*$"
)
"""A short sentence that says no to the last one."""
OWN_WORDS = any_of(
    r"\b(?:true|so|correct|right) that i\b|\bi(?:'ve|'d| have| had)?(?: \w+){0,3} (?:said|told|wrote|written|"
    r"mentioned|claimed|stated|gave|given|called|described|put|typed|noted|entered|let|lied|joking|kidding|joked|"
    r"misspoke|misspoken|mistyped|mixed|confused|meant|slipped|erred|take|took|pretended|confess|misled|admit|pulling|"
    r"fibbed|teasing|misstated)\b|\bwhat i\b|\bmy (?:\w+ )?(?:mistake|error|slip|bad|fault|words|statement|joke|"
    r"message|correction|claim|remark|answer|typo|fingers?)\b|\b(?:forget|ignore|disregard|scratch|strike|erase|"
    r"delete|cancel)\b|\bcorrection\b|\bi (?:was|am|made) ~(?:wrong|mistaken|joking|kidding|mistake|slip|up)\b|"
    r"\bi'm ~(?:mistaken|wrong)\b|\bi(?: have|'ve|'d)? never\b|\bi (?:must|have to|need to|should|want to|"
    r"would like to|'d like to|ought to) (?:\w+ )?(?:correct|take|set|confess|admit)\b|"
    r"\blet me (?:correct|set|take|put)\b|\bnever (?:did|have)\b|\bconfession\b|\b(?:earlier|last time|the other day|"
    r"last session|the last time)\b|\bi should have\b|\bi ought to\b|\bi(?: am|'m) not\b|"
    r"\bthat was (?:an? |just an? |only an? )?(?:\w+ )?(?:joke|slip|lie|mistake|typo|nonsense|error|mix-up|not true|"
    r"wrong|untrue|false|prank)\b|\b(?:was|were|is) (?:me|my)\b|\bi (?:have|want|need|ought|had|"
    r"'ve got) to (?:\w+ )?(?:own|come|confess|admit|set|correct|put)\b|\bmy (?:\w+ )?(?:keyboard|phone|laptop|"
    r"computer|tablet|fault|thumbs?|brain|head)\b|\b(?:no idea|don't know) why\b|\bcame out\b|"
    r"\bwas (?:an? )?(?:\w+ )?(?:fib|bluff)\b|\bin your notes\b|\bwhen i \W?said\b|\bi (?:got|had|mis\w+|exaggerat\w+|"
    r"bluff\w+|fooled|invented)\b|\bi(?: am| was|'m|'d been| had been)(?:n't| not)? (?:being )?(?:straight|truthful|"
    r"candid|frank|upfront|bluffing|showing|exaggerating|testing|confused|thinking|fooling|having)\b|\bi take back\b|"
    r"\b(?:withdraw|retract|believe what i|made you|led you|autocorrect)\b|\bi (?:was not|wasn't|"
    r"was) (?:being )?(?:honest|serious|in earnest)\b|\bwas (?:only |just )?(?:an? |my )?(?:\w+ )?(?:joke|slip|lie|"
    r"mistake|typo|mix-up|error|prank|misunderstanding)\b|\b(?:strike|erase|delete|scratch|remove|take back)\b"
)
SAID = any_of(
    r"\bi(?:'ve| have)? been (?:telling|saying|claiming|calling)\b|\bi (?:only |just )said\b|\btold you\b|"
    r"\blet you (?:believe|think)\b|\b(?:made|led|had|left) you (?:to )?(?:believe|think|believing|thinking)\b|"
    r"\bin your (?:notes|records|files)\b|\bi(?:'ve|'d| have| had)?(?: \w+){0,2} (?:said|told you|wrote|mentioned|"
    r"claimed|stated|called myself|gave you|named|told)\b|\bas i (?:said|told|wrote)\b|\bwhat i (?:said|told|wrote)\b"
)
NOT_THAT = any_of(r"\b(?:i'm|i am|it's|it is|that's|that is) not\b|n't\b|\bshould (?:be|read|say|have)\b")
"""Words that turn against what was just said."""
TRULY = any_of(
    r"\b(?:actually|really|in fact|in truth|the truth|truth is|in reality|properly|never)\b|"
    r"\bbut (?:it's|it is|that's|that is) not\b"
)
