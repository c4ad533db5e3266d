"""Alive today: does a wheel start, serve and show on today's Pythons, and equal its own era?"""
