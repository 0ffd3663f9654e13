"""What runs when?"""
