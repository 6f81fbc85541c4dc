# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that `clean.py` works with: read off the collections, most frequent first."""
from __future__ import annotations

# Crude, and meant to be: a turn with one of these is not used.
UNSAFE = [
    r"f+u+c+k\w*", r"s+h+i+t\w*", r"bull?shit", r"bitch\w*", r"cunt\w*", r"nigg\w*", r"fag\w*",
    r"dick(?:s|head)?", r"pussy", r"cock(?:s|sucker)?", r"whore\w*", r"slut\w*", r"asshole\w*",
    r"(?:bad|dumb|jack|kick|smart|hard)?-?ass(?:es)?", r"bastard\w*", r"rap(?:e|ed|ist|ing)", r"porn\w*", r"sex(?:y|ual|ually)?", r"nude",
    r"nudity", r"naked", r"penis", r"vagina", r"boob\w*", r"tits", r"nazis?", r"hitler",
    r"suicid\w*", r"retard\w*", r"kill(?:ing)? (?:my|your)self", r"molest\w*", r"masturbat\w*",
    r"horny", r"negro\w*", r"terroris\w*", r"cocaine", r"heroin", r"meth", r"jihad\w*",
    r"jew(?:s|ish)?", r"muslims?", r"damn\w*", r"crap\w*", r"wtf", r"stfu", r"genocide",
    r"slave(?:s|ry)?", r"abortion\w*", r"piss\w*", r"holocaust", r"overdose\w*", r"hookers?",
    r"prostitut\w*", r"pedophil\w*", r"racis[tm]\w*", r"lynch\w*", r"murder(?:ed|er|ers|ing)",
    r"behead\w*", r"tortur\w*", r"thugs?",
]

# Misspellings and missing apostrophes. What is a word of its own (its, were, well, ill, id) is not
# here.
SPELLING = {
    "thats": "that's", "didnt": "didn't", "dont": "don't", "alot": "a lot", "hes": "he's",
    "havent": "haven't", "im": "I'm", "doesnt": "doesn't", "whats": "what's", "theres": "there's",
    "wasnt": "wasn't", "wouldnt": "wouldn't", "isnt": "isn't", "arent": "aren't", "shes": "she's",
    "couldnt": "couldn't", "ive": "I've", "theyre": "they're", "hasnt": "hasn't",
    "youre": "you're", "theyll": "they'll", "werent": "weren't", "shouldnt": "shouldn't",
    "itll": "it'll", "theyve": "they've", "youve": "you've", "youll": "you'll", "weve": "we've",
    "cant": "can't", "wouldve": "would've", "couldve": "could've", "shouldve": "should've",
    "whos": "who's", "hows": "how's", "wheres": "where's", "aint": "ain't", "lets see": "let's see",
    "eachother": "each other", "atleast": "at least", "afterall": "after all",
    "highschool": "high school", "infact": "in fact", "aswell": "as well", "noone": "no one",
    "superheros": "superheroes", "heros": "heroes", "womens": "women's", "todays": "today's",
    "villian": "villain", "villians": "villains", "wierd": "weird", "weirdo's": "weirdos",
    "definately": "definitely", "definetely": "definitely", "definetly": "definitely",
    "definatly": "definitely", "defintely": "definitely", "remeber": "remember",
    "rember": "remember", "remmeber": "remember", "thier": "their", "quaterback": "quarterback",
    "quaterbacks": "quarterbacks", "hillarious": "hilarious", "hilarous": "hilarious",
    "favirote": "favorite", "favorit": "favorite", "favortie": "favorite", "favourit": "favorite",
    "fave": "favorite", "fav": "favorite", "faves": "favorites", "teh": "the", "hte": "the",
    "suprising": "surprising", "suprised": "surprised", "suprise": "surprise",
    "suprisingly": "surprisingly", "reccomend": "recommend", "recomend": "recommend",
    "reccommend": "recommend", "orginal": "original", "origional": "original",
    "orignal": "original", "sequal": "sequel", "sequals": "sequels", "liek": "like",
    "realy": "really", "reallly": "really", "beleive": "believe", "belive": "believe",
    "embarassing": "embarrassing", "embarassed": "embarrassed", "rediculous": "ridiculous",
    "rythem": "rhythm", "rythm": "rhythm", "recieve": "receive", "recievers": "receivers",
    "reciever": "receiver", "recieved": "received", "woudl": "would", "wich": "which",
    "carreer": "career", "experiance": "experience", "probly": "probably", "prolly": "probably",
    "probaly": "probably", "becuase": "because", "becasue": "because", "beacuse": "because",
    "cuz": "because", "adn": "and", "nad": "and", "thnk": "think", "freind": "friend",
    "freinds": "friends", "intresting": "interesting", "intrested": "interested",
    "interested in know": "interested to know", "seperate": "separate", "tommorow": "tomorrow",
    "tomorow": "tomorrow", "untill": "until", "wouldn't of": "wouldn't have", "peice": "piece",
    "charachter": "character", "charachters": "characters", "charecter": "character",
    "charecters": "characters", "caracter": "character", "disapointed": "disappointed",
    "dissapointed": "disappointed", "dissappointed": "disappointed", "dissapointing":
    "disappointing", "excelent": "excellent", "excellant": "excellent", "finaly": "finally",
    "usualy": "usually", "actualy": "actually", "acually": "actually", "actaully": "actually",
    "awsome": "awesome", "amzing": "amazing", "amazin": "amazing", "beautful": "beautiful",
    "beutiful": "beautiful", "buisness": "business", "calender": "calendar", "comming": "coming",
    "enviroment": "environment", "existance": "existence", "famliy": "family",
    "favoite": "favorite", "foward": "forward", "goverment": "government", "gaurd": "guard",
    "happend": "happened", "immediatly": "immediately", "knowlege": "knowledge", "libary": "library",
    "maintainance": "maintenance", "neccessary": "necessary", "necesary": "necessary",
    "nothign": "nothing", "occured": "occurred", "oppurtunity": "opportunity",
    "oppertunity": "opportunity", "performace": "performance", "posible": "possible",
    "prefered": "preferred", "resturant": "restaurant", "restaraunt": "restaurant",
    "restraunt": "restaurant", "shoudl": "should", "somthing": "something", "soemthing":
    "something", "sometiems": "sometimes", "succesful": "successful", "sucessful": "successful",
    "successfull": "successful", "talanted": "talented", "throught": "thought", "togehter":
    "together", "truely": "truly", "tyring": "trying", "watchign": "watching", "waht": "what",
    "whta": "what", "wiht": "with", "writting": "writing", "yeras": "years", "yuo": "you",
    "jsut": "just", "konw": "know", "knwo": "know", "moive": "movie", "moives": "movies",
    "moveis": "movies", "tho": "though", "thru": "through", "plz": "please", "pls": "please", "ppl": "people", "btw": "by the way", "bc": "because",
    "idk": "I don't know", "imo": "in my opinion", "tbh": "to be honest", "gonna": "going to",
    "wanna": "want to", "gotta": "have to", "dunno": "don't know", "til": "until",
    "superbowl": "Super Bowl", "exited to": "excited to", "so exited": "so excited",
}

# Names that people type small. Only what is hardly ever another word.
NAMES = {
    name.lower(): name for name in (
        "Disney", "Beatles", "Batman", "Superman", "Gaga", "NFL", "NBA", "MLB", "NHL", "ESPN",
        "Netflix", "YouTube", "Google", "Hollywood", "Facebook", "Amazon", "Spotify", "Pokemon",
        "Hulu", "Reddit", "Chicago", "Dallas", "Iowa", "Vegas", "Oklahoma", "Texas", "California",
        "Florida", "Boston", "America", "American", "Americans", "Canada", "Canadian", "England",
        "English", "French", "France", "German", "Germany", "Italy", "Italian", "Japan",
        "Japanese", "Chinese", "Mexico", "Mexican", "Spain", "Europe", "European", "Africa",
        "African", "Australia", "Asian", "Russia", "Russian", "London", "Paris", "Monday",
        "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "January", "February",
        "April", "June", "July", "August", "September", "October", "November", "December",
        "Christmas", "Thanksgiving", "Halloween", "Marvel", "Pixar", "Shakespeare", "Yoda",
        "Vader", "Skywalker", "Hulk", "Avengers", "Deadpool", "Wolverine", "Eminem", "Beyonce",
        "Rihanna", "Metallica", "Nirvana", "Elvis", "Lennon", "McCartney", "Mozart", "Beethoven",
        "Steelers", "Packers", "Broncos", "Seahawks", "Redskins", "Celtics", "Lakers", "Yankees",
        "Brady", "LeBron", "CGI", "DVD", "DVDs", "TV", "USA", "UK", "Nintendo",
        "PlayStation", "Xbox", "iPhone", "Kanye", "Tupac", "Olympics", "Oscars", "Grammy")
}
