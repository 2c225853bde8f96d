"""How values may be called in English: inflections, other parts of speech, and words that mean the same."""

from __future__ import annotations

from collections.abc import Mapping

CALLED: Mapping[tuple[str, str], str] = {
    ("demographics.gender", "woman"): r"wom[ae]n|female|lady|girl|she/her|(?:mother|mum|mom|grandmother) of (?:one|"
    r"two|three|four|five)",
    ("demographics.gender", "man"): r"man|male|guy|gentleman|bloke|chap|he/him|(?:father|dad|grandfather) of (?:one|"
    r"two|three|four|five)",
    ("demographics.gender", "non-binary person"): r"non-?binary(?: person)?|enby|they/them|genderqueer",
    ("demographics.career", "nurse"): r"nurses?",
    ("demographics.career", "carpenter"): r"carpenter|joiner",
    ("demographics.career", "primary school teacher"): r"(?:primary|elementary)[ -]school teacher|teach(?:ing|"
    r"es)? (?:at|in) (?:a |the |our )?(?:\w+ )?primary school|teach(?:ing)? primary(?:[ -]school)?",
    ("demographics.career", "software developer"): r"(?:software|web) (?:developer|engineer)|programmer|coder|"
    r"develop(?:ing)? software|(?:writ(?:e|ing) )(?:code|software|programs)",
    ("demographics.career", "florist"): r"florist|run a flower shop|(?:arrang(?:e|ing)|tie|tying) (?:flowers|bouquets)",
    ("demographics.career", "tax adviser"): r"tax (?:advis[eo]r|consultant|accountant)|advis(?:e|"
    r"ing) (?:\w+ ){1,3}(?:taxes|tax)",
    ("demographics.career", "train driver"): r"(?:train|engine) driver|driv(?:e|ing) (?:the |a )?trains?",
    ("demographics.career", "architect"): r"architect|design(?:ing)? (?:buildings|houses)",
    ("demographics.career", "baker"): r"baker|bak(?:e|ing) (?:\w+ ){0,3}(?:for a living|for money|professionally)",
    ("demographics.career", "journalist"): r"journalist|(?:news )?reporter|writ(?:e|ing) for (?:a|"
    r"the) (?:\w+ )?(?:newspaper|paper|daily)",
    ("demographics.career", "veterinarian"): r"veterinarian|vet|veterinary surgeon|treat(?:ing)? (?:sick )?animals",
    ("demographics.career", "librarian"): r"librarian|work(?:ing)? (?:in|at) (?:a|the|our) (?:\w+ )?library",
    ("demographics.career", "pharmacist"): r"pharmacist|(?:run|own|work(?:ing)? (?:in|at)) (?:a|the|"
    r"our) (?:\w+ )?pharmacy",
    ("demographics.career", "photographer"): r"photographer|(?:take|taking) (?:photos|photographs|"
    r"pictures) for (?:a living|money)",
    ("demographics.career", "lawyer"): r"lawyer|solicitor|attorney|barrister|practi[sc](?:e|ing) law",
    ("demographics.career", "chef"): r"chef|(?:professional|head) cook|cook(?:ing)? (?:for a living|professionally)",
    ("demographics.career", "dentist"): r"dentist|(?:drill|fill|pull|fix|repair)(?:ing)? (?:\w+'?s? )?teeth",
    ("demographics.career", "actor"): r"actor|actress",
    ("demographics.career", "farmer"): r"farmer|run a farm|work(?:ing)? (?:on a farm|the land)",
    ("personality.interests", "rock climbing"): r"(?:rock[ -]?)?climb(?:ing|er)?(?: rocks)?|bouldering",
    ("personality.interests", "birdwatching"): r"bird[ -]?watch(?:ing|er)?|bird(?:ing|er)|watch(?:ing)? birds|"
    r"ornithology",
    ("personality.interests", "board games"): r"board[ -]?gam(?:es?|ing|er)",
    ("personality.interests", "chess"): r"chess(?: player)?",
    ("personality.interests", "cycling"): r"cycling|cycle|biking|cyclist",
    ("personality.interests", "sailing"): r"sailing|sail|sailor",
    ("personality.interests", "baking"): r"baking|bake",
    ("personality.interests", "swimming"): r"swimming|swim|swimmer",
    ("personality.interests", "astronomy"): r"astronom(?:y|er)|star[ -]?gaz(?:ing|er)",
    ("personality.interests", "calligraphy"): r"calligraph(?:y|er)",
    ("personality.interests", "beekeeping"): r"(?:amateur |hobby )?bee[ -]?keep(?:ing|er)|keep(?:ing)? bees|apiculture",
    ("personality.interests", "mushroom picking"): r"mushroom[ -]?(?:picking|hunting|picker|hunter|foraging)|"
    r"(?:pick|hunt|forage)(?:ing)? (?:for )?mushrooms",
    ("personality.interests", "salsa dancing"): r"salsa(?:[ -]danc(?:ing|e|er))?|danc(?:e|ing) salsa",
    ("personality.interests", "football"): r"football|soccer",
    ("personality.interests", "pottery"): r"pottery|ceramics|potter",
    ("personality.interests", "old maps"): r"(?:old|antique|historical?) maps",
    ("personality.interests", "opera"): r"operas?",
    ("personality.interests", "film noir"): r"films? noirs?|noir films?|noir",
    ("personality.interests", "street art"): r"street[ -]art|graffiti",
    ("life.diet", "vegan"): r"vegans?|veganism|plant-based|(?:no|without) animal products|"
    r"nothing (?:\w+ ){0,2}from (?:an )?animals?",
    ("life.diet", "vegetarian"): r"vegetarian(?:ism|s)?|veggie|meat[ -]free",
    ("life.diet", "pescatarian"): r"pesc[ae]tarian(?:ism|s)?",
    ("life.diet", "meat with every dinner"): r"meat (?:\w+ ){0,3}(?:with|at|for|every|in|on|"
    r"each)[^,.;:]{0,16}?(?:dinners?|evening meals?|supper)|(?:dinners?|suppers?|"
    r"evening meals?) (?:\w+ ){0,2}without meat (?:is|are|would be|feels)(?:n't| no| not| hardly)|"
    r"no (?:dinner|supper) (?:\w+ ){0,3}without meat",
    ("personality.values", "independence"): r"independence|my own master",
    ("personality.values", "nature"): r"nature",
    ("pattern.usage", "early in the morning"): r"(?:very |quite |so )?early in the mornings?|"
    r"in the (?:very )?early (?:morning|hours)|(?:first thing|early) (?:in the|every|each|of a) mornings?|"
    r"early mornings?",
    ("pattern.usage", "at lunch time"): r"(?:at|around|during|over|in) (?:my |the )?lunch(?:[ -]?(?:time|break|"
    r"hour))?s?|lunch[ -]?(?:time|break|hour)s?",
    ("pattern.usage", "in the evening"): r"in the evenings?|of an evening|every evening|evenings only",
    ("pattern.usage", "late at night"): r"(?:very |quite |so )?late (?:at|in the) night|around midnight|"
    r"in the (?:small|wee) hours|late nights?",
    ("pattern.emotion", "worn out"): r"(?:worn|burn[te]d?|wiped)[ -]out|exhausted|drained",
    ("pattern.emotion", "anxious"): r"anxious(?:ly|ness)?",
    ("pattern.emotion", "lonely"): r"lonely|lonesome",
    ("pattern.emotion", "cheerful"): r"cheerful(?:ly|ness)?|in good spirits|cheery",
    ("pattern.emotion", "calm"): r"calm(?:ly|ness)?|at peace|serene",
    ("pattern.emotion", "angry"): r"angr(?:y|ily)|furious|cross with everyone",
    ("pattern.purchase", "compares prices everywhere"): r"compar(?:es?|ing|ed) (?:all |any |every |each )?(?:the |"
    r"of the )?prices?(?: everywhere)?|pric(?:es|ing) compar(?:ed|ison)s?|prices? (?:are |is |get |must be )?compared|"
    r"shop(?:ping)? around",
    ("pattern.purchase", "takes what is second-hand"): r"(?:takes? what is |buy(?:s|ing)? (?:things )?|"
    r"tak(?:e|ing) things |only )?second[ -]?hand(?: (?:things|stuff|goods))?|pre-?(?:owned|loved)|"
    r"used (?:things|stuff|goods)|thrift shops?|flea markets?",
    ("pattern.purchase", "takes the best there is"): r"(?:tak(?:es?|ing)|buy(?:s|ing)?|want|get(?:ting)?|"
    r"go(?:ing)? for|choos(?:e|ing))? ?(?:only |always |nothing but )*the (?:very |absolute )?best (?:there is|one|"
    r"quality|money can|of the best|(?:that )?i can)|(?:only|nothing but|just) the (?:very )?best|the best there is|"
    r"nothing less than the best",
    ("pattern.purchase", "buys the first that will do"): r"(?:(?:buy|grab|get|choose|pick)(?:s|ing)?|tak(?:es?|"
    r"ing)) (?:just )?the first (?:one |thing |item |best )?(?:that |which |i )?(?:will|would|does|fits|works|is good|"
    r"see|find)(?: do)?|the first (?:one |thing |item )?(?:that|which)(?: will|'ll| would)? (?:do|does|fits|works|"
    r"is good enough)",
    ("pattern.purchase", "buys from small local shops"): r"(?:(?:buy|get)(?:s|ing)?|"
    r"shop(?:ping)?)[^,.;:]{0,20}? (?:small,? |little )?local (?:shops?|stores?|businesses)|"
    r"(?:small|little)(?: |, ?)?(?:local|neighbou?rhood|corner) (?:shops?|stores?|businesses)|"
    r"local (?:shops|businesses)|shops? (?:round|around) the corner",
    ("pattern.engagement", "wants a decision made for them"): r"wants? (?:a |the )?decisions? (?:to be )?(?:made|"
    r"taken) for (?:them|me)|(?:decide|choose|pick|settle)(?: it| things| everything| that)? for me|"
    r"mak(?:e|ing) (?:the|that|a|my|up my) (?:decisions?|choices?|calls?|mind)(?: for me)?|"
    r"(?:decision|choice|call)s? (?:\w+ ){0,2}?(?:made|taken|decided)(?: for me)?|(?:decide|decided) on my behalf",
    ("pattern.engagement", "wants to be shown all choices"): r"wants? to (?:be shown|see) (?:all|"
    r"every)[^,.;:]{0,12}? (?:choices?|options?)|show(?:n|s|ed|ing)? (?:me )?(?:all|every)[^,.;:]{0,12}? (?:choices?|"
    r"options?)|(?:see|seeing|know|given?|have|having|lay out|list|tell me|hear|look at|weigh) (?:me )?(?:all|"
    r"every)[^,.;:]{0,20}? (?:choices?|options?|alternatives?|possibilit(?:y|ies))|(?:all|every)(?: the| of the|"
    r" single| possible)* (?:choices?|options?|alternatives|possibilities)",
    ("pattern.engagement", "wants to be asked back"): r"wants? to be asked back|ask(?:ed|ing|s)? (?:me )?(?:back|"
    r"questions|follow-up questions|counter-questions)(?! first)|check back with me",
    ("pattern.engagement", "wants sources"): r"wants? (?:the |your )?sources|(?:name|give me|with|cite|list|add|show|"
    r"quote) (?:me )?(?:the |your |its |all )?sources|sources|references",
    ("preference.styles", "brief and to the point"): r"brief(?:ly)?(?: and to the point)?|short and to the point|"
    r"(?:straight )?to the point|short answers?|(?:keep|make) (?:it|things|everything) (?:nice and )?(?:short|crisp)|"
    r"concise(?:ly|ness)?|brevity|in a few words|cut to the chase",
    ("preference.styles", "thorough, with all details"): r"thorough(?:ly|ness)?(?:(?:,|"
    r" and) with all(?: the)? details)?|(?:with |in )?(?:all|every|full|any)(?: the| of the)?(?: single| last| little|"
    r" tiny)* details?|in depth|(?:in )?great detail|comprehensive(?:ly)?|exhaustive(?:ly)?|"
    r"detailed (?:answers?|repl(?:y|ies)|explanations?)",
    ("preference.styles", "with a simple example"): r"(?:with |by |through )?(?:an? |one )?(?:simple|easy|"
    r"plain) examples?",
    ("preference.styles", "as a question back first"): r"(?:as |with )?a question back(?: first)?|ask(?:ing|"
    r"ed)? (?:me )?(?:(?:a question )?back|a question) first|question back first|counter-question",
    ("preference.formats", "a bullet list"): r"(?:an? |the )?bullet(?:ed|s)?[ -](?:list|point|form)(?:ed)?s?|bullets",
    ("preference.formats", "numbered steps"): r"numbered (?:steps?|lists?|points|instructions)|steps (?:with|"
    r"that have) numbers|number(?:ing)? (?:the|your|each|all|every) steps?|steps,? (?:all |each |nicely )?numbered",
    ("preference.formats", "a table"): r"a (?:\w+ )?table|tables|tabular(?: form)?|table form(?:at)?|rows and columns",
    ("preference.formats", "one short paragraph"): r"(?:(?:one|a|a single|just one|the) )?(?:short|brief|"
    r"small) paragraphs?|(?:a )?single (?:short )?paragraph",
    ("preference.workflows", "a plan first"): r"(?:a |with a |the )?plan(?:ning)? (?:first|everything|ahead|"
    r"things out|before)|first (?:a|make a|the) plan|(?:never|"
    r"nothing) (?:\w+ ){0,3}without a (?:\w+ )?plan(?: first)?|(?:start|begin)(?:ning|ing|s)? (?:\w+ )?(?:with|"
    r"by) (?:a|making a) plan",
    ("preference.workflows", "a rough draft first"): r"(?:a |the )?rough (?:first )?drafts?(?: first)?|"
    r"(?:a )?first (?:rough )?draft|draft(?:ing)? (?:\w+ ){0,2}(?:roughly )?first",
    ("preference.workflows", "a checklist"): r"(?:a )?check-?lists?|tick(?:ing)? (?:\w+ ){0,3}(?:off|boxes)",
    ("preference.workflows", "trying things out"): r"(?:just )?try(?:ing)? (?:things|stuff|it all|it|everything|"
    r"all of it|something) out|tr(?:y|ying|ied) out(?: things)?|trial and error|learning by doing|experimenting",
    ("preference.workflows", "one small step a day"): r"(?:one |a )?(?:small|little|tiny|baby) steps? (?:a|each|every|"
    r"per) day|(?:small|little|tiny|baby) steps,? (?:one (?:a|per|each|every) day|day by day|daily)|"
    r"a (?:small|little) daily step|one step a day|every day one (?:small )?step",
}  # fmt: skip
"""What stands for a value wherever it stands."""

HINTED: Mapping[tuple[str, str], str] = {
    ("preference.formats", "a table"): r"(?:the|that|your|this) tables?",
    ("demographics.nationality", "Swedish"): r"swede",
    ("demographics.nationality", "Polish"): r"pole",
    ("demographics.nationality", "Turkish"): r"turk",
    ("demographics.nationality", "Finnish"): r"finn",
    ("demographics.nationality", "Croatian"): r"croat",
    ("demographics.nationality", "Dutch"): r"dutch(?:wo)?man|netherlander",
    ("demographics.nationality", "Argentinian"): r"argentine",
    ("demographics.career", "nurse"): r"nursing|hospital ward",
    ("demographics.career", "carpenter"): r"carpentry|joinery",
    ("demographics.career", "primary school teacher"): r"teaching (?:\w+ ){0,2}(?:kids|children)|primary school",
    ("demographics.career", "software developer"): r"coding|programming|software(?: development)?",
    ("demographics.career", "florist"): r"flower shop|floristry|bouquets",
    ("demographics.career", "tax adviser"): r"tax (?:returns|advice)|other people's tax(?:es)?(?: returns)?",
    ("demographics.career", "architect"): r"architecture",
    ("demographics.career", "baker"): r"bakery|bak(?:e|ing) (?:bread|rolls)",
    ("demographics.career", "journalist"): r"journalism|newspaper",
    ("demographics.career", "veterinarian"): r"veterinary \w+",
    ("demographics.career", "electrician"): r"wiring(?: \w+)?|electrical (?:work|trade)",
    ("demographics.career", "librarian"): r"library",
    ("demographics.career", "pharmacist"): r"pharmacy",
    ("demographics.career", "photographer"): r"photography|taking (?:photos|photographs|pictures)",
    ("demographics.career", "gardener"): r"gardening|other people's gardens",
    ("demographics.career", "lawyer"): r"law|law firm",
    ("demographics.career", "social worker"): r"social work",
    ("demographics.career", "chef"): r"restaurant kitchen|cooking",
    ("demographics.career", "civil engineer"): r"civil engineering|build(?:ing)? bridges",
    ("demographics.career", "dentist"): r"dentistry|(?:other )?people's teeth",
    ("demographics.career", "translator"): r"translat(?:e|ing|ions?)",
    ("demographics.career", "actor"): r"acting|the (?:stage|theatre)",
    ("demographics.career", "farmer"): r"farming|milk(?:ing)? cows",
    ("personality.values", "independence"): r"independent",
    ("personality.values", "fairness"): r"fair",
    ("personality.values", "tradition"): r"traditional",
    ("personality.values", "health"): r"healthy",
    ("personality.values", "beauty"): r"beautiful",
    ("pattern.usage", "early in the morning"): r"(?:at )?(?:dawn|sunrise)|before (?:sunrise|breakfast)|mornings|"
    r"at the crack of dawn|my first coffee",
    ("pattern.usage", "at lunch time"): r"(?:at )?(?:midday|noon)|lunch|my sandwich",
    ("pattern.usage", "in the evening"): r"evenings?|after (?:dinner|supper|work)|at dusk",
    ("pattern.usage", "late at night"): r"midnight|after midnight|when (?:everyone|everybody|the (?:city|house|town)|"
    r"the kids|the others|all) (?:is |are |else is )?(?:asleep|sleeps?)",
    ("pattern.emotion", "anxious"): r"anxiety|nervous",
    ("pattern.emotion", "lonely"): r"loneliness",
    ("pattern.emotion", "angry"): r"anger",
    ("pattern.emotion", "worn out"): r"exhaustion",
}  # fmt: skip
"""What stands for a value only where words of its field stand with it."""
