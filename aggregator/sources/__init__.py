"""What does a publisher say now, and when do we ask again?"""
