"""How do news come to us without our asking? (WebSub: the hands; the rules are in sources.)"""
