"""By what words something is taken back: it was said, and never was so."""

from __future__ import annotations

from personaopt.evals.personabench.stand_in.cues import any_of

SAID_OLD = any_of(
    r"\b(?:misled you|lied(?: to you)?|wrong|mistaken|fibbed|lie|untrue|bit|thing|part|stuff|business|story|"
    r"remark|line|"
    r"sentence|note|entry|claim|talk) (?:about|of|on|with|regarding) #@|\bset foot in #@|\b(?:replace|swap|"
    r"exchange|change) "
    r"#@ (?:by|with|for|to|into)\b|"
    r"\b(?:(?<!have )(?<!to )said|told|tell you|wrote|claimed|mentioned|call(?:ed|ing) myself|stated|gave you|"
    r"typed|spoke of|forget|ignore|disregard|scratch|strike|delete|joked|joking|kidding|lied|lying|made up|believe|"
    r"pretended|let slip|noted|put down|wrongly|mistakenly|by mistake|false(?:ly)?|erase|take back|cancel) ~~#@|"
    r"@,? (?:\w+ )?~?(?:was|is|were) ~(?:an? |my )?(?:mistake|wrong|slip|joke|lie|typo|nonsense|error|false|untrue|"
    r"rubbish|made up|invented|mix-up|not (?:true|right|so|correct)|never true)\b|@,? (?:by mistake|as i (?:said|"
    r"wrote|told|claimed)|in jest)\b|% ~~@|@ ~?i (?:mentioned|said|told|wrote|claimed|named)"
)
SAID_NEW = any_of(
    r"\b(?:meant|really|actually|in truth|truth is|in fact|in reality|correct(?: is|ly)?|right|still|always|"
    r"all along|should (?:be|read|have (?:been|said|read))|make (?:it|that)|it is|it's|i am|i'm|is|instead|rather|"
    r"but|properly|read|has been|have been) ~?#@|@ ~(?:is (?:right|correct|true|it|the truth)|all along|instead|"
    r"actually|in fact|really)\b|@,? not\b"
)
FALSE = any_of(
    r"\b(?:scratch|strike|erase) \w+[,.;:!]|"
    r"\bmistak(?:e|es|en|enly)\b(?! to\b)|\b(?:confess|admit) [^.!?]{0,30}(?:\bnot|n't|\bnever)\b|"
    r"\bgot in there\b|\bput (?:\w+ )?right\b|\bwrong(?:ly)?\b|\bnot (?:true|right|correct|so|the case|quite true|"
    r"accurate)\b|"
    r"\b(?:is|was)n't (?:true|right|correct|so)\b|\buntrue\b|\bincorrect(?:ly)?\b|\bfalse(?:ly|"
    r"hood)?\b(?! alarm)|\bjok(?:e|"
    r"es|ing|ed)\b|\bkidding\b|\blied?\b|\bfib(?:bed|bing)?\b|\bmade (?:it |that |this |him |her )?up\b|"
    r"\bmis-?(?:spoke|spoken|typed|stated|led|informed|remembered)\b|\btypo\b|\bslip(?:ped)?\b|"
    r"\bmix(?:ed)?[ -](?:\w+ ){0,2}up\b|\bconfus(?:ed|ion)\b|\bnonsense\b|\brubbish\b|\berr(?:or|ed|oneous\w*)\b|"
    r"\b(?:forget|ignore|disregard|strike|scratch|delete|erase|cancel) (?:what|that|this|it|the|my|about|all|"
    r"everything)\b|\btak(?:e|ing) (?:\w+ ){0,5}back\b|\btake back\b|\btook (?:\w+ ){0,2}back\b|\bcorrect(?:ion|"
    r" myself| that| it| me| what| something)\b|\bmuddled\b|\binaccurate\b|\bnever (?:been|was|were|lived|worked|"
    r"ate|had|did|said)\b|\b(?:did not|didn't) mean\b|\bfib\b|\binvent(?:ed|ion)\b|\bonly (?:said|wrote) (?:so|that|"
    r"it)\b|\bjust (?:said|wrote) (?:so|that|it) (?:to|because)\b|\bapolog\w+\b|\bmisled you\b|"
    r"\bmy last message\b|\bpure (?:fiction|fantasy)\b|\b(?:was|it's) (?:only |just )?a "
    r"test\b|\b(?:wasn't|not) (?:\w+ )?awake\b|\bwalked over\b|\bdid i get ~@? ?from\b|\bmust have (?:typed|written|"
    r"said|slipped|misread|misheard)\b|\bcan(?:no|')t believe i\b|\b(?:was i|i "
    r"was) thinking\b|\bwhatever i (?:said|wrote|told)\b|\bno,? wait\b|\bnever set foot\b|\b(?:strike|erase|delete|"
    r"scratch|remove|cross|forget|ignore|disregard|drop) [^.!?]{0,40}(?:from|off|out)\b|\b(?:used|has|had) my "
    r"account\b|\bwas i drunk\b|\bmeant to (?:say|write|type)\b|\bi (?:was not|"
    r"wasn't) (?:being )?(?:honest|serious)\b|\bpretend\w*\b|\bpull(?:ing|ed) your leg\b|\bin jest\b|"
    r"\bought to have said\b|\bshould have (?:said|written|been|read)\b|\bset (?:the record|that|this|"
    r"it) straight\b|\bno such thing\b|\b(?:withdraw|retract)\w*\b|\bauto-?correct\w*\b|\bi meant\b|\bmy bad\b|"
    r"\b(?:should|must|need) ?n(?:o|')t believe\b|\bmade you (?:believe|think)\b|\bled you to\b|\bhoax\b|"
    r"\bshow(?:ing|ed) off\b|\bbluff\w*\b|"
    r"\bexaggerat\w+\b|\b(?:was not|wasn't|not) (?:being )?(?:straight|truthful|candid|frank|upfront|in earnest)\b|"
    r"\bnot the truth\b|\bn't the truth\b|\bcame out (?:wrong|that way)\b|\b(?:no idea|don't know|not sure) (?:why|"
    r"how|what made|where) (?:i|that|this|it|me)\b|\bbrain (?:fog|fart|freeze)\b|\bwrong way round\b|\bat the "
    r"keyboard\b|\b(?:got hold of|had|"
    r"took|borrowed|grabbed) my (?:phone|laptop|computer|tablet|keyboard)\b|\bhaving you on\b|\bhad you (?:on|"
    r"going)\b|\bnot me who\b|\bown up\b|\bcome clean\b|\bwishful thinking\b|\btest(?:ing)? (?:you|whether|if)\b|"
    r"\bautofill\w*\b|\bcopy-?paste\w*\b|\bfingers?\b|\bmy fault\b|\bthinking of (?:my|someone|somebody)\b|"
    r"\bfool(?:ed|"
    r"ing)\b|\b(?:was|were|am|is) never (?:an?|the)?\b|\bprank\b|"
    r"\bteas(?:ed|ing)\b|\bcontrary to what i\b|\b(?:strike|erase|delete|scratch|remove|"
    r"cross) \w+ (?:\w+ )?(?:from|off|out)\b|\bmisunderstanding\b|\bgarbled\b"
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
    r"(?:but |well,? |actually,? |in fact,? |no,? |only |except |and |sorry,? )*(?:i(?:'m| am| was|'ve| have| do| "
    r"did)|"
    r"that(?:'s| is| was)?|it(?:'s| is| was)?)(?:n't| not| never| no such)(?: \w+){0,3}[.!]*$|(?:not|none of it|"
    r"no|nothing of the sort|far from it|nonsense)(?: \w+){0,2}[.!]*$"
)
"""A short sentence that says no to the last one."""
OWN_WORDS = any_of(
    r"\b(?:true|so|correct|right) that i\b|\bi(?:'ve|'d| have| had)?(?: \w+){0,3} (?:said|told|wrote|written|"
    r"mentioned|claimed|stated|gave|given|called|described|put|typed|noted|entered|let|lied|joking|kidding|joked|"
    r"misspoke|misspoken|mistyped|mixed|confused|meant|slipped|erred|take|took|pretended|confess|misled|admit|"
    r"pulling|fibbed|teasing|misstated)\b|\bwhat i\b|\bmy (?:\w+ )?(?:mistake|error|slip|bad|fault|words|statement|"
    r"joke|message|correction|claim|remark|answer|typo|fingers?)\b|\b(?:forget|ignore|disregard|scratch|strike|"
    r"erase|delete|cancel)\b|\bcorrection\b|\bi (?:was|am|made) ~(?:wrong|mistaken|joking|kidding|mistake|slip|"
    r"up)\b|\bi'm ~(?:mistaken|wrong)\b|\bi(?: have|'ve|'d)? never\b|\bi (?:must|have to|need to|should|want to|"
    r"would like to|'d like to|ought to) (?:\w+ )?(?:correct|take|set|confess|admit)\b|\blet me (?:correct|set|"
    r"take|put)\b|\bnever (?:did|have)\b|\bconfession\b|\b(?:earlier|last time|the other day|last session|"
    r"the last time)\b|\bi should have\b|\bi ought to\b|\bi(?: am|'m) not\b|\bthat was (?:an? |just an? |"
    r"only an? )?(?:\w+ )?(?:joke|slip|lie|mistake|typo|nonsense|error|mix-up|not true|wrong|untrue|false|prank)\b|"
    r"\b(?:was|were|is) (?:me|my)\b|\bi (?:have|want|need|ought|had|'ve got) to (?:\w+ )?(?:own|come|confess|"
    r"admit|set|correct|put)\b|\bmy (?:\w+ )?(?:keyboard|phone|laptop|computer|tablet|fault|thumbs?|brain|head)\b|"
    r"\b(?:no idea|don't know) why\b|\bcame out\b|\bwas (?:an? )?(?:\w+ )?(?:fib|bluff)\b|\bin your notes\b|"
    r"\bwhen i \W?said\b|\bi (?:got|had|mis\w+|exaggerat\w+|bluff\w+|fooled|invented)\b|\bi(?: am| was|'m|'d been| "
    r"had "
    r"been)(?:n't| not)? (?:being )?(?:straight|truthful|candid|frank|upfront|bluffing|showing|exaggerating|testing|"
    r"confused|thinking|fooling|having)\b|"
    r"\bi take back\b|\b(?:withdraw|retract|believe what i|made you|led you|autocorrect)\b|\bi (?:was not|wasn't|"
    r"was) (?:being )?(?:honest|serious|in earnest)\b|\bwas (?:only |just )?(?:an? |my )?(?:\w+ )?(?:joke|slip|lie|"
    r"mistake|typo|mix-up|error|prank|misunderstanding)\b|\b(?:strike|erase|delete|scratch|remove|take back)\b"
)
SAID = any_of(
    r"\bi(?:'ve| have)? been (?:telling|saying|claiming|calling)\b|\bi (?:only |just )said\b|"
    r"\btold you\b|\blet you (?:believe|think)\b|\b(?:made|led|had|left) you (?:to )?(?:believe|think|believing|"
    r"thinking)\b|\bin your (?:notes|records|files)\b|"
    r"\bi(?:'ve|'d| have| had)?(?: \w+){0,2} (?:said|told you|wrote|mentioned|claimed|stated|called myself|"
    r"gave you|named|told)\b|\bas i (?:said|told|wrote)\b|\bwhat i (?:said|told|wrote)\b"
)
NOT_THAT = any_of(r"\b(?:i'm|i am|it's|it is|that's|that is) not\b|n't\b|\bshould (?:be|read|say|have)\b")
"""Words that turn against what was just said."""
TRULY = any_of(
    r"\b(?:actually|really|in fact|in truth|the truth|truth is|in reality|properly|never)\b|\bbut (?:it's|it is|"
    r"that's|that is) not\b"
)
