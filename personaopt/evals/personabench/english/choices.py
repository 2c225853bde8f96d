"""English situations in which one of several options suits the user."""

from __future__ import annotations

from personaopt.evals.personabench.vocabulary import Topic

DINNER = Topic(
    "dinner", "life.diet", "choose",
    ("The kitchen offers {options}.", "In the fridge there is enough for {options}.",
    "The menu of the day lists {options}.",
     "The host can make {options}.", "The delivery service still has {options}."),
    ("which dish should it be", "what should I eat", "which of these do I take", "what goes on my plate",
    "which dish do I order"),
    "Names {right}, which goes with what the user eats.",
    ("I do not eat that: my diet is {value}.", "That is not for me, I go for {value} when it comes to food."),
    {
        "vegan": ("the chickpea curry", "the lentil stew", "the tofu noodles", "the bean chilli",
            "the roasted cauliflower", "the peanut rice"),
        "vegetarian": ("the cheese omelette", "the spinach quiche", "the four-cheese pizza", "the egg fried rice",
            "the mozzarella bake", "the cream risotto"),
        "pescatarian": ("the grilled salmon", "the cod fillet", "the prawn pasta", "the tuna salad",
            "the trout with herbs", "the fish soup"),
        "meat with every dinner": ("the beef stew", "the pork roast", "the lamb skewers", "the chicken schnitzel",
            "the veal goulash", "the duck breast"),
    },
    {"vegetarian": ("vegan",), "pescatarian": ("vegan", "vegetarian")},
)  # fmt: skip

OFFER = Topic(
    "offer", "pattern.purchase", "choose",
    ("The shop suggests {options}.", "Somebody has written down as ways to go about it {options}.",
    "The choice is between {options}.",
     "The adviser names {options}."),
    ("how should I go about buying it", "which way of buying fits", "how do I get hold of it best",
    "which of these ways do I take"),
    "Names {right}, the way the user buys.",
    ("That is not how I buy: I am one who {value}.", "You should know that I am a buyer who {value}."),
    {
        "compares prices everywhere": ("a price comparison of ten shops", "an alert for the lowest price",
            "a table of all offers", "a search over five portals"),
        "takes what is second-hand": ("a refurbished one", "a used one from a neighbour", "one from the flea market",
            "one from a classified ad"),
        "takes the best there is": ("the test winner", "the top model", "the professional series",
            "the handmade flagship"),
        "buys the first that will do": ("the one nearest to the till", "the first hit of the search",
            "the one on the front page", "whatever is in stock right now"),
        "buys from small local shops": ("the one from the corner shop", "the one from the craftsman down the road",
            "the one from the village dealer", "the one from the family store"),
    },
)  # fmt: skip

EVENING = Topic(
    "evening", "personality.interests", "choose",
    ("The town's programme has {options}.", "Tickets are left for {options}.",
    "The community centre offers {options}.",
     "On the notice board hang {options}."),
    ("where should I go", "which of these is for me", "what would I enjoy", "what do I sign up for",
    "how do I spend the free hours"),
    "Names {right}, which the user is interested in.",
    ("That is not my thing: I am into {value}.", "I would rather do something with {value}."),
    {
        "chess": ("a simultaneous display by a grandmaster", "a blitz tournament with pawns and clocks"),
        "rock climbing": ("a bouldering night", "a rope course on the quarry wall"),
        "birdwatching": ("a dawn walk with binoculars to the heron colony", "a count of migrating cranes"),
        "jazz": ("a trumpet quartet in the cellar club", "a swing and bebop session"),
        "pottery": ("an open kiln day", "a wheel-throwing class with clay"),
        "astronomy": ("a telescope night for the moons of Jupiter", "a planetarium talk on comets"),
        "sailing": ("a regatta for dinghies", "a knot and rigging course at the harbour"),
        "opera": ("a staging of Tosca", "an aria recital with orchestra"),
        "board games": ("a meeting to play Catan", "a night of dice and cooperative boxes"),
        "cycling": ("a gravel tour of eighty kilometres", "a workshop on gears and derailleurs"),
        "baking": ("a sourdough class", "a contest for the best layer cake"),
        "old maps": ("an exhibition of nautical charts from 1600", "an auction of antique atlases"),
        "salsa dancing": ("a Cuban rueda night", "a beginners' class in mambo steps"),
        "film noir": ("a screening of The Third Man", "a double feature with Humphrey Bogart"),
        "beekeeping": ("a visit to a honey hive", "a lecture on swarms and queens"),
        "calligraphy": ("a class with broad nibs and ink", "a workshop on copperplate letters"),
        "football": ("a derby in the stadium", "a five-a-side tournament"),
        "mushroom picking": ("a guided forage for chanterelles", "an evening on spores and boletes"),
        "street art": ("a tour of spray-painted murals", "a stencil session under the bridge"),
        "swimming": ("a night of lanes in the outdoor pool", "a crossing of the lake with buoys"),
    },
    common=False,
)  # fmt: skip

COMPANY = Topic(
    "company", "personality.extraversion", "choose",
    ("One can have {options}.", "The organisers let everybody choose between {options}.", "Left over are {options}."),
    ("what suits my nature better", "which of these do I take", "where will I feel right", "what is better for me"),
    "Names {right}, which suits a person who is {value} between E and I.",
    ("That is not me: a test put me down as {value} between E and I.",
    "In the E or I question I am {value}; think of that."),
    {
        "E": ("a table for twelve", "the street party", "the group of thirty", "the big welcome round"),
        "I": ("a table for one by the window", "the reading room", "the walk alone", "the quiet corner"),
    },
)  # fmt: skip

LECTURE = Topic(
    "lecture", "personality.sensing", "choose",
    ("The versions on offer are {options}.", "The lecturer gives {options}.", "One may pick {options}."),
    ("which version should I take", "which one will speak to me", "what do I book",
    "which of them fits the way I think"),
    "Names {right}, which suits a person who is {value} between S and N.",
    ("That does not speak to me: a test put me down as {value} between S and N.",
    "In the S or N question I am {value}."),
    {
        "S": ("the demonstration with real parts", "the walk through measured cases", "the hands-on bench session",
            "the facts and figures tour"),
        "N": ("the talk about the big idea", "the vision of the year 2100", "the lecture on hidden patterns",
            "the essay on possibilities"),
    },
)  # fmt: skip

VERDICT = Topic(
    "verdict", "personality.thinking", "choose",
    ("To settle it there are {options}.", "A mediator proposes {options}.",
    "Roads to a decision are {options}."),
    ("how should I decide", "which road to a decision is mine", "what helps me to make up my mind",
    "which of these do I rely on"),
    "Names {right}, which suits a person who is {value} between T and F.",
    ("I do not decide like that: a test put me down as {value} between T and F.",
    "In the T or F question I am {value}."),
    {
        "T": ("a weighted list of pros and cons", "a calculation of the outcomes", "a test by strict criteria",
            "a cost-benefit sheet"),
        "F": ("a talk about how everybody feels", "a vote of the heart", "a round on what it means to each",
            "the gut feeling of those concerned"),
    },
)  # fmt: skip

OUTING = Topic(
    "outing", "personality.judging", "choose",
    ("The trip comes as {options}.", "One can travel with {options}.", "The agency sells {options}."),
    ("how should I travel", "which of these is my kind of trip", "what do I book", "which form do I choose"),
    "Names {right}, which suits a person who is {value} between J and P.",
    ("That is no trip for me: a test put me down as {value} between J and P.",
    "In the J or P question I am {value}."),
    {
        "J": ("a timetable by the hour", "a fixed route with booked rooms", "a schedule for every day",
            "a package with set times"),
        "P": ("an open ticket", "a van and no plan", "a rail pass for any day", "a tent and the weather forecast"),
    },
)  # fmt: skip

DONATION = Topic(
    "donation", "personality.values", "choose",
    ("Money is collected for {options}.", "The prize can go to {options}.", "Helpers are wanted for {options}."),
    ("whom should I support", "where does my contribution go", "which of these do I help", "what is worth my time"),
    "Names {right}, which goes with what the user holds dear.",
    ("What counts for me is {value}; choose by that.", "I would choose by what I hold dear, which is {value}."),
    {
        "nature": ("the peat bog restoration", "the otter sanctuary", "the planting of hedges"),
        "family": ("the parents' house at the clinic", "the playground for siblings",
            "the grandparents' visiting service"),
        "fairness": ("the legal aid office", "the equal pay campaign", "the tenants' union"),
        "learning": ("the evening school", "the mobile science lab", "the scholarship fund"),
        "tradition": ("the costume society", "the rebuilding of the old chapel", "the dialect archive"),
        "independence": ("the start-up loan circle", "the self-defence course", "the free radio"),
        "health": ("the vaccination bus", "the back pain clinic", "the running track"),
        "beauty": ("the rose garden", "the string orchestra", "the fresco in the hall"),
    },
)  # fmt: skip

METHOD = Topic(
    "method", "preference.workflows", "choose",
    ("It can begin with {options}.", "Colleagues advise {options}.", "The coach has ready {options}."),
    ("how should I begin", "which way do I tackle it", "what is my first step", "how do I go about it"),
    "Names {right}, which is how the user works.",
    ("I work best with {value}, not like that.", "That is not my way of working; mine is {value}."),
    {
        "a plan first": ("an outline of all stages", "a timeline with milestones", "a map of the whole undertaking"),
        "a rough draft first": ("a quick ugly version", "a sketch from top to bottom", "a first go without polish"),
        "a checklist": ("boxes to tick", "a list of twenty items to cross off", "a pre-flight form"),
        "trying things out": ("five experiments", "a playful trial run", "a tinkering session"),
        "one small step a day": ("ten minutes each morning", "a tiny portion daily", "a calendar of mini tasks"),
    },
)  # fmt: skip

MUSIC = Topic(
    "music", "pattern.emotion", "choose",
    ("The player has ready {options}.", "On the shelf stand {options}.", "A friend has sent {options}."),
    ("what should I put on", "which of these do I need now", "what will do me good", "which one do I play"),
    "Names {right}, which goes with how the user feels at the time.",
    ("That does not fit: I feel {value} these days.", "Not now; at the moment I feel {value}."),
    {
        "calm": ("the playlist to keep the peace", "the record of still waters", "the hour of even breathing"),
        "worn out": ("the playlist to recover", "the record for a nap", "the hour of gentle rest"),
        "anxious": ("the playlist against worry", "the record that steadies the nerves", "the hour of reassurance"),
        "cheerful": ("the playlist for dancing", "the record full of laughter", "the hour of sunshine tunes"),
        "lonely": ("the playlist of friendly voices", "the record like an old companion",
            "the hour of letters from listeners"),
        "angry": ("the playlist to let off steam", "the record of loud drums", "the hour of shouting along"),
    },
)  # fmt: skip

HANDLING = Topic(
    "handling", "pattern.engagement", "choose",
    ("As an assistant one could offer {options}.", "The help desk can proceed with {options}.",
    "Possible next moves are {options}."),
    ("how do we proceed", "what do you do next for me", "which next move do I want from you",
    "how will you handle it"),
    "Names {right}, which is how the user likes to be helped.",
    ("I am one who {value}; please proceed like that.", "You do not know me yet: I am somebody who {value}."),
    {
        "wants a decision made for them": ("a single verdict", "one clear pick by the assistant",
            "a ready-made choice"),
        "wants to be shown all choices": ("the full list of alternatives", "an overview of every variant",
            "the complete catalogue"),
        "wants to be asked back": ("two questions in return", "a short interview", "a query about the details"),
        "wants sources": ("links to the studies", "the references in full", "quotations with page numbers"),
    },
)  # fmt: skip

SALUTATION = Topic(
    "salutation", "demographics.gender", "choose",
    ("The booking form has the boxes {options}.", "The badge can say {options}.",
    "For the letterhead one must tick {options}."),
    ("which box do I tick", "what should stand there for me", "which entry is mine", "what do I fill in"),
    "Names {right}.",
    ("Wrong box: I am a {value}.", "Please keep in mind that I am a {value}."),
    {
        "woman": ("Ms", "Madam", "Mrs"), "man": ("Mr", "Sir", "Mister"),
        "non-binary person": ("Mx", "the box without a title", "the neutral form"),
    },
)  # fmt: skip

CHOICES = (
    DINNER, OFFER, EVENING, COMPANY, LECTURE, VERDICT, OUTING, DONATION, METHOD, MUSIC, HANDLING, SALUTATION,
)  # fmt: skip
