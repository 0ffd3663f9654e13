"""What does a subscriber get?"""
