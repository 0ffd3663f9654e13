"""Have we got this already?"""
