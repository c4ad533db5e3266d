"""Test wheels on today's Pythons: do they start, serve and show as in their own era?"""
