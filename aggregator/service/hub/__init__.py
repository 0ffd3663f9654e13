"""How do our news go out without being asked for? (WebSub: the hands; the rules are in outputs.)"""
