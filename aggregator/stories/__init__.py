"""Which event, which topic, how important?"""
