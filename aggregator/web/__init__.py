"""Who asks us?"""
