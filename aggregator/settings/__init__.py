"""What did ops ask for?"""
