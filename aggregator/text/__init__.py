"""What can be said of a string?"""
